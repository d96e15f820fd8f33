// Knows ordinary cases of a baseline by a quick look: tens of thousands of them take the schema longer than their reading.
import type { CaseTally } from './baseline.ts'

type Look = (value: unknown) => boolean

const isText: Look = (value) => typeof value === 'string'
const isCount: Look = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isNumbers: Look = (value) => Array.isArray(value) && value.every(Number.isFinite)
const isHistory: Look = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' && /^\d{8}T\d{6,}Z:\d+\/\d+$/.test(one))

const needed = ['id', 'hash', 'passes', 'trials', 'errors', 'scores', 'latencies_ms', 'costs_usd'] as const
/** How the keys look that are plain; a key that is not here is for the schema to judge. */
const looks = new Map<string, Look>([
  ['id', isText],
  ['hash', isText],
  ['category', isText],
  ['passes', isCount],
  ['trials', isCount],
  ['errors', isCount],
  ['scores', isNumbers],
  ['latencies_ms', isNumbers],
  ['costs_usd', isNumbers],
  ['first_tokens_ms', isNumbers],
  ['history', isHistory],
  ['answer', isText],
])

/** true: the schema `CaseTally` takes the value, which came from JSON, as it is. false says nothing: the rest is for the schema. */
export function isPlainTally(value: unknown): value is CaseTally {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const tally = value as Record<string, unknown>
  for (const key of needed) if (!Object.hasOwn(tally, key)) return false
  for (const key of Object.keys(tally)) if (!looks.get(key)?.(tally[key])) return false
  return true
}
