// Knows ordinary cases of a baseline by a quick look: tens of thousands of them take the schema longer than their reading.
import type { CaseTally } from './baseline.ts'
import { isCount, isPlain, isText, type Look } from './quick-look.ts'

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
export const isPlainTally = (value: unknown): value is CaseTally => isPlain(value, needed, looks)
