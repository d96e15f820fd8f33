// The events behind a failure: requests that were bad by the metrics of a plan, or were judged so later, with what was asked.
import type { RolloutPlan } from '../schema/rollout.ts'
import { eachEvent } from './each-event.ts'
import { eventReader, ROW } from './event-reader.ts'
import { fieldsOf, timeOf, type Field, type RawEvent } from './events.ts'
import type { World } from './world.ts'

/** `vars`: by variable, the text that was found for it; `metrics`: which found it bad. */
export type FailingEvent = {
  at: number
  trace: string | null
  response: string | null
  category: string | null
  vars: Record<string, string>
  metrics: string[]
}
export type FailingQuery = {
  plan: RolloutPlan
  /** Only these metrics; empty: all. */
  metrics: readonly string[]
  /** true: production as a whole; false: the candidate alone. */
  whole: boolean
  since: number
  until: number
  /** By variable: the field that holds it; null: where it usually is. */
  fields: Readonly<Record<string, string | null>>
}
/** `unasked`: failing events that do not hold what was asked. */
export type Failing = { events: FailingEvent[]; read: number; unasked: number }

const CANDIDATE = 2
/** So many answers that were judged bad are remembered. */
const MOST_ANSWERS = 100_000

/** Reads the log twice: a judgement may stand before or long after its answer. Throws the errors of `eachEvent`. */
export async function failingEvents(query: FailingQuery, world: World, signal: AbortSignal): Promise<Failing> {
  const { plan } = query
  const { source } = plan
  const mapping = 'mapping' in source ? source.mapping : 'aigate'
  const fields = fieldsOf(mapping)
  const reader = eventReader(plan, fields, {}, query.whole)
  const answer = fields('gen_ai.response.id')
  const time = fields('ts')
  const row = new Float64Array(ROW.values + reader.metrics.length)
  const bad = (event: RawEvent): { kind: string; metrics: string[]; candidate: boolean } => {
    const kind = reader.read(event, row, { high: 0, low: 0 })
    const at = timeOf(time(event))
    const inside = at >= query.since && at <= query.until
    const metrics = reader.metrics.flatMap((metric, index) => {
      const value = row[ROW.values + index] ?? Number.NaN
      const tail = metric.tail && 'limit' in metric.tail ? metric.tail.limit : Infinity
      const is = metric.kind === 'rate' ? value === 1 : metric.kind === 'tail' && value > tail
      return is && (query.metrics.length === 0 || query.metrics.includes(metric.name)) ? [metric.name] : []
    })
    const candidate = query.whole || ((row[ROW.marks] ?? 0) & 3) === CANDIDATE
    return { kind, metrics: inside && (kind === 'request' || kind === 'label') ? metrics : [], candidate }
  }
  const judged = new Map<string, string[]>()
  let read = 0
  for await (const event of eachEvent(source, world, signal)) {
    read += 1
    const found = bad(event)
    const id = text(answer(event))
    if (found.kind !== 'label' || found.metrics.length === 0 || id === null || judged.size >= MOST_ANSWERS) continue
    judged.set(id, [...(judged.get(id) ?? []), ...found.metrics])
  }
  const events: FailingEvent[] = []
  let unasked = 0
  const asked = askedReader(query.fields, fields)
  const [span, trace, category] = [fields('span_id'), fields('trace_id'), fields('category')]
  for await (const event of eachEvent(source, world, signal)) {
    const found = bad(event)
    if (found.kind !== 'request' || !found.candidate) continue
    const response = text(answer(event))
    const metrics = [...new Set([...found.metrics, ...((response !== null && judged.get(response)) || [])])]
    if (metrics.length === 0) continue
    const vars = asked(event)
    if (vars === null) {
      unasked += 1
      continue
    }
    const at = timeOf(time(event))
    events.push({
      at,
      trace: text(trace(event)) ?? text(span(event)),
      response,
      category: text(category(event)),
      vars,
      metrics,
    })
  }
  return { events, read, unasked }
}

const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null

/** Where a variable usually is: its own name, and for the only variable the input as a whole. */
function askedReader(
  wanted: FailingQuery['fields'],
  fields: (name: string) => Field,
): (event: RawEvent) => Record<string, string> | null {
  const only = Object.keys(wanted).length === 1
  const readers = Object.entries(wanted).map(([name, path]) => {
    const own = [`aigate.vars.${name}`, `vars.${name}`, `input.${name}`, name]
    const whole = only ? ['aigate.input', 'input', 'input.value', 'gen_ai.prompt'] : []
    return {
      name,
      usual: path === null,
      found: (path === null ? [...own, ...whole] : [path]).map((one) => fields(one)),
    }
  })
  return (event) => {
    const vars: Record<string, string> = {}
    for (const { name, usual, found } of readers) {
      const value = found.map((field) => text(field(event))).find((one) => one !== null)
      const said = value ?? (usual && only ? lastUserMessage(event) : null)
      if (said === null || said === undefined) return null
      vars[name] = said
    }
    return Object.keys(vars).length === 0 ? null : vars
  }
}

/** The last thing that a user said, of OpenTelemetry's `gen_ai.input.messages` (a list, or JSON text of one). */
function lastUserMessage(event: RawEvent): string | null {
  const written = event['gen_ai.input.messages'] ?? event['messages']
  let list: unknown = written
  if (typeof written === 'string') {
    try {
      list = JSON.parse(written)
    } catch {
      return null
    }
  }
  if (!Array.isArray(list)) return null
  const last = list.findLast((one) => isRecord(one) && one['role'] === 'user')
  if (!isRecord(last)) return null
  if (typeof last['content'] === 'string') return last['content']
  const parts = Array.isArray(last['parts']) ? last['parts'] : []
  const said = parts.flatMap((part) => (isRecord(part) && typeof part['content'] === 'string' ? [part['content']] : []))
  return said.length > 0 ? said.join('\n') : null
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
