// final_state: what the tools, or the application, left at the end of the conversation.
import type { AssertionPlugin } from '../ports.ts'
import type { Json } from '../schema/values.ts'
import { broken } from './json-path.ts'
import { list, show, shorten } from './reason.ts'

export const finalState: AssertionPlugin<'final_state'> = {
  deterministic: true,
  async grade(args, { completion: { state } }) {
    if (state === undefined)
      throw new Error('nobody tells the state; give the case `state`, or the answer of the application')
    const { query } = await import('jsonpath-rfc9535')
    const found: Json[] = query(state, args.path)
    const problem = broken(args, found)
    const seen = found.length > 0 ? `is ${list(found.map(show))}` : 'finds nothing'
    return {
      score: problem === null ? 1 : 0,
      passed: problem === null,
      reason: problem ?? `${shorten(args.path)} ${seen}`,
    }
  },
}
