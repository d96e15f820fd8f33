// regex: a JavaScript regular expression that matches somewhere in the answer.
import type { AssertionPlugin } from '../ports.ts'
import type { AssertionArgs } from '../schema/assertion.ts'
import { answerOf } from './answer.ts'
import { quote, shorten } from './reason.ts'

/** The expression as written in the suite. Throws SyntaxError when JavaScript does not accept it. */
export function compileRegex(args: AssertionArgs<'regex'>): RegExp {
  const { pattern, flags } = typeof args === 'string' ? { pattern: args, flags: '' } : args
  return new RegExp(pattern, flags)
}

export const regex: AssertionPlugin<'regex'> = {
  deterministic: true,
  grade(args, { completion }) {
    const expression = compileRegex(args)
    const answer = answerOf(completion)
    const match = expression.exec(answer)
    const shown = `/${shorten(expression.source)}/${expression.flags}`
    return match
      ? { score: 1, passed: true, reason: `${shown} matches ${quote(match[0])}` }
      : { score: 0, passed: false, reason: `${shown} does not match ${quote(answer)}` }
  },
}
