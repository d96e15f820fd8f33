// Knows ordinary completions by a quick look: a hundred thousand of them take the schema as long as all the rest of their reading.
import { isCount, isObject, isPlain, isText, type Look } from './quick-look.ts'
import type { Completion } from './run.ts'

const isFlag: Look = (value) => typeof value === 'boolean'
const isAmount: Look = (value) => typeof value === 'number' && value >= 0 && value < Infinity

const outcomes: ReadonlySet<unknown> = new Set<Completion['outcome']>([
  'answered',
  'refused',
  'truncated',
  'error',
  'timeout',
])

const needed = ['outcome', 'text', 'tool_calls', 'attempts'] as const
/** How the keys look that are plain; a key that is not here is for the schema to judge. */
const looks = new Map<string, Look>([
  ['outcome', (value) => outcomes.has(value)],
  ['text', isText],
  ['tool_calls', (value) => Array.isArray(value) && value.length === 0],
  ['latency_ms', isAmount],
  ['first_token_ms', isAmount],
  ['attempts', isCount],
  ['usage', isUsage],
  ['cost_usd', isAmount],
  ['finish_reason', isText],
  ['response_model', isText],
  ['fingerprint', isText],
  ['request_id', isText],
  ['replayed', isFlag],
  ['cached', isFlag],
])
const counts: ReadonlySet<string> = new Set([
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'reasoning_tokens',
])

function isUsage(value: unknown): boolean {
  if (!isObject(value) || !('input_tokens' in value) || !('output_tokens' in value)) return false
  for (const key of Object.keys(value)) if (!counts.has(key) || !isCount(value[key])) return false
  return true
}

/**
 * true: the schema `Completion` takes the value, which came from JSON, as it is. false says nothing: tool calls, conversations, errors and
 * whatever is wrong are for the schema.
 */
export const isPlainCompletion = (value: unknown): value is Completion => isPlain(value, needed, looks)
