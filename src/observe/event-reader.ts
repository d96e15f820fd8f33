// What one event says, read once: time, arm, unit, the answer it belongs to, and the value of each metric.
import type { RolloutPlan } from '../schema/rollout.ts'
import { askedFields, watchFields, type FieldWatch } from './asked-fields.ts'
import { kindOf, timeOf, type EventKind, type Field, type Fields, type RawEvent } from './events.ts'
import { hashText, hashed } from './hash.ts'
import { metricReaders, type MetricReader } from './metric-readers.ts'

/** Bits of the marks of a row: two for the arm, then these. */
export const REQUEST = 4
export const OUTSIDE = 8
export const FIRST_SEGMENT = 16
export const OTHER_ROLLOUT = 32
/** It says a variant, but that of neither arm: rightly outside of the comparison. */
export const NEITHER = 64
/** A label that was kept back until its answer was old enough. */
export const RIPE = 128
/** Where the columns of a row are; the values of the metrics follow. Keys are halves of hashes; 0, 0 is none. */
export const ROW = { time: 0, unitHigh: 1, unitLow: 2, answerHigh: 3, answerLow: 4, marks: 5, values: 6 } as const

export type EventReader = {
  metrics: MetricReader[]
  /** The fields that metrics ask for. */
  watched: FieldWatch[]
  /** Fills `row`; gives the kind, or `unreadable` where there is no time. `id` is the hash of the event, 0, 0 is none. */
  read(event: RawEvent, row: Float64Array, id: { high: number; low: number }): EventKind | 'unreadable'
  models(event: RawEvent): { requested: string; answered: string } | undefined
}

/** Where the key of a unit is found. */
export const UNITS = {
  user: ['feature_flag.context.id', 'user.id', 'enduser.id'],
  session: ['session.id', 'gen_ai.conversation.id', 'feature_flag.context.id'],
  request: ['gen_ai.response.id', 'span_id', 'trace_id'],
} as const

/** The reader of the events of a plan. Throws AigateError `usage` for a condition of the plan that cannot be read. */
export function eventReader(
  plan: RolloutPlan,
  fields: Fields,
  limits: Readonly<Record<string, readonly number[]>>,
  whole = false,
): EventReader {
  const metrics = metricReaders(plan, fields, limits)
  const kind = kindOf(fields)
  const time = fields('ts')
  // One arm alone: everything is the baseline's, in its first segment.
  const marks = whole ? () => 1 | FIRST_SEGMENT : marksOf(plan, fields)
  const unit = firstText(UNITS[plan.assignment.unit].map(fields))
  const answer = firstText(['gen_ai.response.id'].map(fields))
  const own = firstText(['event.id', 'aigate.event.id', 'log.record.uid'].map(fields))
  const span = firstText([fields('span_id')])
  const said = firstText(['gen_ai.evaluation.name', 'feedback'].map(fields))
  const name = fields('event.name')
  const requested = firstText([fields('gen_ai.request.model')])
  const answered = firstText([fields('gen_ai.response.model')])

  return {
    metrics,
    watched: watchFields(askedFields(plan.metrics), fields),
    read(event, row, id) {
      const is = kind(event)
      row[ROW.time] = timeOf(time(event))
      if (Number.isNaN(row[ROW.time])) return 'unreadable'
      if (is === 'other') return is
      const response = answer(event)
      // Its own id first: an answer out of a cache has one id for everybody who got it.
      const key =
        own(event) ??
        (is === 'request' ? (response ?? span(event)) : response && `${response} ${said(event)} ${String(name(event))}`)
      if (key === undefined) id.high = id.low = 0
      else writeKey(is === 'request' ? key : `label ${key}`, id)
      putKeyOf(unit(event), row, ROW.unitHigh)
      putKeyOf(response, row, ROW.answerHigh)
      const request = is === 'request'
      row[ROW.marks] = marks(event) | (request ? REQUEST : 0)
      for (let index = 0; index < metrics.length; index += 1)
        row[ROW.values + index] = metrics[index]?.read(event, request) ?? Number.NaN
      return is
    },
    models(event) {
      const [asked, got] = [requested(event), answered(event)]
      return asked === undefined || got === undefined ? undefined : { requested: asked, answered: got }
    },
  }
}

/** Arm, rollout and segment of an event as bits. */
function marksOf(plan: RolloutPlan, fields: (name: string) => Field): (event: RawEvent) => number {
  const { arm } = plan.source
  const names = arm ? [arm.field] : ['aigate.arm', 'feature_flag.result.variant']
  const named = firstText(names.map(fields))
  const baseline = arm?.baseline ?? 'baseline'
  const candidate = arm?.candidate ?? 'candidate'
  const rollout = fields('aigate.rollout')
  const segment = fields('aigate.segment')
  const excluded = new Set<unknown>(plan.segments?.exclude)
  const first = plan.segments?.first && new Set<unknown>(plan.segments.first)
  return (event) => {
    const value = named(event)
    const other = rollout(event) ?? plan.rollout
    const bits = value === candidate ? 2 : value === baseline ? 1 : value === undefined ? 0 : NEITHER
    const where = plan.segments === undefined ? null : segment(event)
    return (
      (other === plan.rollout ? bits : OTHER_ROLLOUT) |
      (excluded.has(where) ? OUTSIDE : 0) |
      (first === undefined || first.has(where) ? FIRST_SEGMENT : 0)
    )
  }
}

function firstText(fields: readonly Field[]): (event: RawEvent) => string | undefined {
  return (event) => {
    for (const field of fields) {
      const value = field(event)
      if (typeof value === 'string' && value !== '') return value
      if (typeof value === 'number') return String(value)
    }
    return undefined
  }
}

function writeKey(text: string, id: { high: number; low: number }): void {
  hashText(text)
  id.high = hashed.high
  id.low = hashed.low
}

function putKeyOf(text: string | undefined, row: Float64Array, at: number): void {
  row[at] = row[at + 1] = 0
  if (text === undefined) return
  hashText(text)
  row[at] = hashed.high
  row[at + 1] = hashed.low
}
