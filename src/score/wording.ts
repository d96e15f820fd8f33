// equals, one_of, starts_with, ends_with: the wording of the whole answer, its beginning or its end.
import type { AssertionPlugin, Grade } from '../ports.ts'
import { answerOf, canonical, fold } from './answer.ts'
import { list, quote } from './reason.ts'

const verdict = (passed: boolean, reason: string): Grade => ({ score: passed ? 1 : 0, passed, reason })

export const equals: AssertionPlugin<'equals'> = {
  deterministic: true,
  grade(args, { completion }) {
    const { value, ignore_case } = typeof args === 'string' ? { value: args, ignore_case: false } : args
    const read = ignore_case ? fold : canonical
    const answer = answerOf(completion)
    const passed = read(answer) === read(value.trim())
    return verdict(
      passed,
      passed ? `the answer is ${quote(value)}` : `the answer is ${quote(answer)}, expected ${quote(value)}`,
    )
  },
}

export const oneOf: AssertionPlugin<'one_of'> = {
  deterministic: true,
  grade(texts, { completion }) {
    const answer = answerOf(completion)
    const passed = texts.some((text) => canonical(text).trim() === answer)
    return verdict(
      passed,
      passed
        ? `the answer is ${quote(answer)}`
        : `the answer is ${quote(answer)}, expected ${list(texts.map(quote), 'or')}`,
    )
  },
}

/** Both the trimmed and the whole answer count: the expected text may itself begin or end with white space. */
const readings = (text: string) => [canonical(text).trim(), canonical(text)]

export const startsWith: AssertionPlugin<'starts_with'> = {
  deterministic: true,
  grade(start, { completion }) {
    const passed = readings(completion.text).some((text) => text.startsWith(canonical(start)))
    const found = answerOf(completion).slice(0, start.length + 40)
    return verdict(
      passed,
      passed
        ? `the answer starts with ${quote(start)}`
        : `the answer starts with ${quote(found)}, expected ${quote(start)}`,
    )
  },
}

export const endsWith: AssertionPlugin<'ends_with'> = {
  deterministic: true,
  grade(end, { completion }) {
    const passed = readings(completion.text).some((text) => text.endsWith(canonical(end)))
    const found = answerOf(completion).slice(-(end.length + 40))
    return verdict(
      passed,
      passed ? `the answer ends with ${quote(end)}` : `the answer ends with ${quote(found)}, expected ${quote(end)}`,
    )
  },
}
