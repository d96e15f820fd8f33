// The words for what zod expected and what it found.
import type * as z from 'zod'
import { assertionKeys } from '../schema/assertion.ts'
import { maskSecrets } from './faults.ts'
import type { Path } from './schema-walk.ts'

type Issue = z.core.$ZodIssue

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  array: 'a list',
  null: 'null',
}

/** `text or a list`: what the branches together would take. */
export function expectation(issues: readonly Issue[]): string {
  const words = issues.flatMap((issue): string[] => {
    if (issue.code === 'invalid_type') return [typeNames[issue.expected] ?? issue.expected]
    if (issue.code === 'invalid_value') return issue.values.map((one) => JSON.stringify(one))
    if (issue.code === 'invalid_union') return issue.errors.map((branch) => expectation(branch.slice(0, 1)))
    return []
  })
  const unique = [...new Set(words.filter((word) => word !== ''))]
  const last = unique.pop() ?? 'a value'
  return unique.length > 0 ? `${unique.join(', ')} or ${last}` : last
}

/** What stands there, short, and without what looks like a key. */
export function found(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') {
    const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
    return maskSecrets(shown)
  }
  return `the ${typeof value} ${JSON.stringify(value)}`
}

/** How to mend a value of the wrong type; `written` is the scalar as it stands in the file (`1.10`, not 1.1). */
export function mendType(expected: string, value: unknown, path: Path, written: string | undefined): string {
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `Write it in quotes: "${written ?? String(value)}"`
  if (path.at(-2) === 'assert' && typeof value === 'string')
    return assertionKeys.includes(value) ? `Write {${value}: …}.` : 'Write it as a map, for example {contains: refund}.'
  if (value === null) return 'Give it a value, or remove the key.'
  if (expected === 'array') return 'Write it as a list, for example [a, b].'
  if ((expected === 'number' || expected === 'int') && typeof value === 'string' && /^-?[\d.]+$/.test(value))
    return 'Remove the quotes.'
  return 'Change the value.'
}

/** How to mend `false` where only true may stand: `is_json: false` means `not_is_json: true`, not `is_json: true`. */
export function mendFalse(path: Path, value: unknown, known: readonly string[]): string | undefined {
  const key = path.at(-1)
  if (value !== false || known.join() !== 'true' || typeof key !== 'string') return undefined
  const opposite = key.startsWith('not_') ? key.slice('not_'.length) : `not_${key}`
  return path.at(-3) === 'assert' && assertionKeys.includes(opposite)
    ? `Write ${opposite}: true.`
    : 'Write true, or remove the key.'
}

/** The form that text must have. */
export function formatOf(issue: Extract<Issue, { code: 'invalid_format' }>): string {
  if (!issue.message.startsWith('Invalid')) return issue.message
  if (issue.format === 'url') return 'expected a URL such as https://api.example.com/v1'
  if (issue.pattern !== undefined) return `expected text that matches ${issue.pattern}`
  return `expected a ${issue.format}`
}

/** `85` where at most 1 may stand is a percentage. */
export const asShare = (
  issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
  value: unknown,
): string | undefined =>
  issue.code === 'too_big' && Number(issue.maximum) === 1 && typeof value === 'number' && value > 1 && value <= 100
    ? `Write ${value / 100}.`
    : undefined

/** The bound that a number, a text or a list broke. */
export function boundOf(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const [bound, word, strict] =
    issue.code === 'too_small' ? [issue.minimum, 'of at least', 'above'] : [issue.maximum, 'of at most', 'below']
  const amount = `${issue.inclusive === false ? strict : word} ${bound}`
  if (issue.origin === 'string') return Number(bound) === 1 ? 'expected text' : `expected text ${amount} characters`
  if (issue.origin === 'array') return `expected a list ${amount} ${Number(bound) === 1 ? 'entry' : 'entries'}`
  return `expected a number ${amount}`
}
