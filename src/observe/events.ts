// The names of an event: where each of our fields is found under a mapping, and what kind of event it is.
import type { SourceConfig } from '../schema/rollout.ts'

/** One parsed JSON object; names with dots are flat keys, or nested objects. */
export type RawEvent = Readonly<Record<string, unknown>>
export type Field = (event: RawEvent) => unknown
/** The reader of a field by our name. Undefined where an event lacks it; never an object or a list. */
export type Fields = (name: string) => Field
export type Mapping = Extract<SourceConfig, { type: 'jsonl' }>['mapping']
export type EventKind = 'request' | 'label' | 'other'

export const NAMED_REQUESTS: ReadonlySet<unknown> = new Set([
  'gen_ai.client.inference.operation.details',
  'aigate.request',
])
export const EVALUATION = 'gen_ai.evaluation.result'
export const FEEDBACK = 'aigate.feedback'
/** Our short names of what an evaluation says: its name, and label or score. */
export const EVALUATED = /^eval\.(.+)\.(label|score)$/

const common: Readonly<Record<string, readonly string[]>> = {
  ts: ['ts', 'timestamp', 'time', '@timestamp'],
  feedback: ['feedback', 'aigate.feedback'],
  'feature_flag.result.variant': ['feature_flag.result.variant', 'feature_flag.variant'],
}
const conventions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  aigate: {},
  'otel-genai': {
    'gen_ai.provider.name': ['gen_ai.provider.name', 'gen_ai.system'],
    'gen_ai.usage.input_tokens': ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
    'gen_ai.usage.output_tokens': ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
    'user.id': ['user.id', 'enduser.id'],
  },
  openinference: {
    ts: ['ts', 'end_time', 'timestamp', 'start_time'],
    'gen_ai.operation.name': ['gen_ai.operation.name', 'openinference.span.kind'],
    'gen_ai.request.model': ['gen_ai.request.model', 'llm.model_name'],
    'gen_ai.provider.name': ['gen_ai.provider.name', 'llm.provider', 'llm.system'],
    'gen_ai.usage.input_tokens': ['gen_ai.usage.input_tokens', 'llm.token_count.prompt'],
    'gen_ai.usage.output_tokens': ['gen_ai.usage.output_tokens', 'llm.token_count.completion'],
    'gen_ai.conversation.id': ['gen_ai.conversation.id', 'session.id'],
    cost_usd: ['cost_usd', 'aigate.cost_usd', 'llm.cost.total'],
    'error.type': ['error.type', 'exception.type'],
    duration_ms: ['duration_ms', 'latency_ms'],
  },
}

/** Where our field is looked for under a mapping, in this order; each is a flat key, or steps into nested objects. */
export function fieldNames(mapping: Mapping): (name: string) => readonly string[] {
  const named = typeof mapping === 'string' ? (conventions[mapping] ?? {}) : {}
  const custom = typeof mapping === 'string' ? {} : mapping
  return (name) => {
    const theirs = own(custom, name)
    const names = own(named, name) ??
      own(common, name) ?? [name, ...(name.startsWith('aigate.') ? [] : [`aigate.${name}`])]
    return theirs === undefined ? names : [theirs]
  }
}

/**
 * Readers of fields under a mapping. Our short names are also found with `aigate.` before them; `eval.<name>.label` and
 * `.score` are those of a gen_ai.evaluation.result event of that name. A custom mapping names theirs for ours. `one`: the reader of a
 * single name, unless events are objects.
 */
export function fieldsOf(mapping: Mapping, one: Fields = fieldOf): Fields {
  const namesOf = fieldNames(mapping)
  const plain = (name: string): Field => firstOf(namesOf(name).map(one))
  return (name) => {
    const derived = EVALUATED.exec(name)
    if (!derived) return plain(name)
    const direct = plain(name)
    const event = plain('event.name')
    const evaluation = plain('gen_ai.evaluation.name')
    const value = plain(`gen_ai.evaluation.score.${derived[2] === 'label' ? 'label' : 'value'}`)
    return (one) =>
      direct(one) ?? (event(one) === EVALUATION && evaluation(one) === derived[1] ? value(one) : undefined)
  }
}

/** What a table says itself: a field may be called `constructor`. */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function firstOf([only, ...more]: readonly Field[]): Field {
  if (only === undefined) return () => undefined
  if (more.length === 0) return only
  return (event) => {
    const value = only(event)
    if (value !== undefined && value !== null) return value
    for (const field of more) {
      const other = field(event)
      if (other !== undefined && other !== null) return other
    }
    return value
  }
}

function fieldOf(name: string): Field {
  const [head = '', ...rest] = name.split('.')
  const nested = rest.length > 0
  return (event) => {
    const flat = event[name]
    if (flat !== undefined || !nested) return scalar(flat)
    const top = event[head]
    return top === undefined ? undefined : inside(top, rest)
  }
}

/** The value behind some steps into an object. */
export function inside(top: unknown, steps: readonly string[]): unknown {
  let at = top
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as RawEvent)[step]
  }
  return scalar(at)
}

/** Objects and lists, and what every object inherits, are no values of a field. */
export function scalar(value: unknown): unknown {
  return typeof value === 'function' || (typeof value === 'object' && value !== null) ? undefined : value
}

/** true: a label that may come long after its answer. */
export function isLabelPath(path: string): boolean {
  return /^(eval\.|gen_ai\.evaluation\.)/.test(path) || path === 'feedback' || path === 'aigate.feedback'
}

/** Requests are what has no event name, or that of an operation; labels are judgements and feedback. */
export function kindOf(fields: Fields): (event: RawEvent) => EventKind {
  const name = fields('event.name')
  return (event) => {
    const value = name(event)
    if (value === undefined || value === null || NAMED_REQUESTS.has(value)) return 'request'
    return value === EVALUATION || value === FEEDBACK ? 'label' : 'other'
  }
}

let minute = ''
let minuteAt = 0

/**
 * Milliseconds since 1970 of an ISO 8601 text (without a zone: UTC) or of a number of seconds, milliseconds,
 * microseconds or nanoseconds, told apart by size. NaN for anything else.
 */
export function timeOf(value: unknown): number {
  if (typeof value === 'number') return numberTime(value)
  if (typeof value !== 'string') return Number.NaN
  // Most events of a block share their minute: reading it once is five times as fast.
  if (value.length >= 20 && value.endsWith('Z') && value.charCodeAt(16) === 58) {
    if (!value.startsWith(minute) || minute === '') {
      const at = Date.parse(`${value.slice(0, 16)}:00Z`)
      if (Number.isNaN(at) || !isoStart(value)) return Number.NaN
      minute = value.slice(0, 16)
      minuteAt = at
    }
    if (value.length === 24 && value.charCodeAt(19) === 46) {
      const seconds = digits(value, 17, 19)
      const rest = digits(value, 20, 23)
      return seconds <= 60 && rest <= 999 ? minuteAt + seconds * 1000 + rest : Number.NaN
    }
    const seconds = Number(value.slice(17, -1))
    return seconds >= 0 && seconds < 61 ? minuteAt + Math.floor(Math.round(seconds * 1e6) / 1000) : Number.NaN
  }
  if (/^\d{10,19}(\.\d+)?$/.test(value)) return numberTime(Number(value))
  if (!isoStart(value)) return Number.NaN
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(value) ? value.replace(' ', 'T') : `${value.replace(' ', 'T')}Z`)
}

/** The number that the signs from `start` to `end` make; NaN where one is no digit. */
function digits(text: string, start: number, end: number): number {
  let value = 0
  for (let index = start; index < end; index += 1) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
const isoStart = (text: string) => /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)

function numberTime(value: number): number {
  const scale = value > 1e17 ? 1e-6 : value > 1e14 ? 1e-3 : value > 1e11 ? 1 : 1000
  return value > 0 ? Math.floor(value * scale) : Number.NaN
}
