// json_path: what a JSONPath (RFC 9535) finds in the answer.
import type { AssertionPlugin } from '../ports.ts'
import type { AssertionArgs } from '../schema/assertion.ts'
import type { Json } from '../schema/values.ts'
import { canonical } from './answer.ts'
import { equalJson, parseJsonAnswer } from './json-value.ts'
import { list, quote, show, shorten } from './reason.ts'

const holds = (found: Json, text: string) => typeof found === 'string' && canonical(found).includes(canonical(text))

/** The first condition that does not hold, in words; null when all hold. */
export function broken({ path, ...wanted }: AssertionArgs<'json_path'>, found: Json[]): string | null {
  const name = shorten(path)
  if (wanted.exists === false) return found.length === 0 ? null : `${name} is ${show(found[0])}, expected nothing`
  const { equals, contains } = wanted
  if (found.length === 0) {
    const expected =
      equals !== undefined ? show(equals) : contains !== undefined ? `text with ${quote(contains)}` : 'it'
    return `${name} finds nothing, expected ${expected}`
  }
  const values = list(found.map(show))
  if (equals !== undefined && !found.some((value) => equalJson(value, equals))) {
    return `${name} is ${values}, expected ${show(equals)}`
  }
  if (contains !== undefined && !found.some((value) => holds(value, contains))) {
    return `${name} is ${values}, expected text with ${quote(contains)}`
  }
  return null
}

export const jsonPath: AssertionPlugin<'json_path'> = {
  deterministic: true,
  async grade(args, { completion }) {
    const parsed = parseJsonAnswer(completion.text)
    if (!parsed.ok) return { score: 0, passed: false, reason: parsed.problem }
    const { query } = await import('jsonpath-rfc9535')
    const found: Json[] = query(parsed.value, args.path)
    const reason = broken(args, found)
    if (reason !== null) return { score: 0, passed: false, reason }
    const seen = found.length > 0 ? `is ${list(found.map(show))}` : 'finds nothing'
    return { score: 1, passed: true, reason: `${shorten(args.path)} ${seen}` }
  },
}
