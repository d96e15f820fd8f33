// is_json: the answer is one JSON value and nothing else, so that a program can read it as it stands.
import type { AssertionPlugin } from '../ports.ts'
import { parseJson } from './json-value.ts'

export const isJson: AssertionPlugin<'is_json'> = {
  deterministic: true,
  grade(_args, { completion }) {
    const parsed = parseJson(completion.text)
    return parsed.ok
      ? { score: 1, passed: true, reason: 'the answer is JSON' }
      : { score: 0, passed: false, reason: parsed.problem }
  },
}
