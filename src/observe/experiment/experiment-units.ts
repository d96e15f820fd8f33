// Folds events into one row a unit, and the rows into the summary of an experiment, in bounded memory however much traffic there is.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { ExperimentSummary, UnitMoments, VariantSummary } from '../../schema/experiment-summary.ts'
import { bucketOf } from '../../statistics/log-histogram.ts'
import { fieldsOf, kindOf, timeOf, type Field, type Mapping, type RawEvent } from '../events.ts'
import { unitMetrics, type UnitMetric } from './experiment-metrics.ts'
import { hashed, hashText } from '../hash.ts'
import {
  findKey,
  type HashTable,
  keepKeys,
  newRecent,
  newTable,
  putKey,
  type Recent,
  recall,
  remember,
} from '../hash-table.ts'

/** Milliseconds since 1970, `until` excluded. `everyone`: all events are of this variant, whatever they say. */
export type Span = { since: number; until: number; everyone?: string | undefined; most?: number | undefined }
export type UnitFold = {
  add(event: RawEvent): void
  addUnreadable(): void
  note: (text: string) => void
  /** Time of the last event; NaN before the first. */
  last(): number
  finish(): ExperimentSummary
}

const DAY = 86_400_000
const MOST_UNITS = 1_000_000
/** 256 MB of table at the most. */
const MOST_WORDS = 32_000_000
const MOST_IDS = 131_072
const MOST_ANSWERS = 393_216
const MOST_WAITING = 100_000
const MOST_SEGMENTS = 200
const UNIT_FIELDS = {
  user: ['feature_flag.context.id', 'user.id', 'enduser.id'],
  session: ['session.id', 'gen_ai.conversation.id', 'feature_flag.context.id'],
  request: ['gen_ai.response.id', 'span_id', 'trace_id'],
} as const
/** Columns of a row: variant + 1 and marks, time of the first event (two words), segment + 1; then n and sum of each metric. */
const ROW = { variant: 0, time: 1, segment: 3, metrics: 4 } as const
const VARIANT = 255
const BOTH = 256
const WORDS = 3

/** A number in two words of a table. */
const scratch = new Float64Array(1)
const words = new Uint32Array(scratch.buffer)
function readNumber(data: Uint32Array, at: number): number {
  words[0] = data[at] ?? 0
  words[1] = data[at + 1] ?? 0
  return scratch[0] ?? 0
}
function writeNumber(data: Uint32Array, at: number, value: number): void {
  scratch[0] = value
  data[at] = words[0] ?? 0
  data[at + 1] = words[1] ?? 0
}

type Key = { high: number; low: number }
type Waiting = { answer: Key; values: number[] }
type State = {
  table: HashTable
  halvings: number
  most: number
  metrics: UnitMetric[]
  segments: string[]
  counts: Pick<ExperimentSummary, 'events' | 'unreadable' | 'duplicates' | 'without_variant'>
  notes: Set<string>
}

/**
 * Starts to fold. A unit counts for the variant of its first event, with all its events (as it was assigned, not as it was
 * treated). A label without unit is given to the unit of its answer. Throws AigateError `usage` for a condition of the plan that
 * cannot be read.
 */
export function foldUnits(plan: ExperimentPlan, mapping: Mapping, span: Span): UnitFold {
  const fields = fieldsOf(mapping)
  const metrics = unitMetrics(plan.metrics, fields)
  const columns = ROW.metrics + WORDS * metrics.length
  const state: State = {
    table: newTable(columns),
    halvings: 0,
    most: Math.min(span.most ?? MOST_UNITS, Math.floor(MOST_WORDS / (columns + 2))),
    metrics,
    segments: [],
    counts: { events: 0, unreadable: 0, duplicates: 0, without_variant: 0 },
    notes: new Set(),
  }
  const read = eventFields(plan, fields, span.everyone)
  const ids = newRecent(0)
  const answers = newRecent(2)
  const waiting: Waiting[] = []
  let last = Number.NaN
  let newest = Number.NEGATIVE_INFINITY

  const add = (event: RawEvent): void => {
    const { counts } = state
    const kind = read.kind(event)
    const time = timeOf(read.time(event))
    if (Number.isNaN(time)) counts.unreadable += 1
    if (Number.isNaN(time) || kind === 'other') return
    last = time
    if (time < span.since || time >= span.until || read.elsewhere(event)) return
    counts.events += 1
    newest = Math.max(newest, time)
    const request = kind === 'request'
    const answer = read.answer(event)
    const id = read.id(event, request, answer)
    if (id !== undefined) {
      const { high, low } = keyOf(id)
      if (!remember(ids, high, low, time, { most: MOST_IDS, window: Infinity })) {
        counts.duplicates += 1
        return
      }
    }
    const variant = read.variant(event)
    const unit = read.unit(event)
    const values = metrics.map((metric) => metric.read(event, request))
    if (variant === -1 || unit === undefined) {
      if (!request && answer !== undefined && waiting.length < MOST_WAITING)
        waiting.push({ answer: keyOf(answer), values })
      else if (unit === undefined && variant !== -1) state.notes.add('Some events name no unit and do not count.')
      if (request || answer === undefined) counts.without_variant += 1
      return
    }
    const key = keyOf(unit)
    if (request && answer !== undefined) rememberAnswer(answers, keyOf(answer), key, time)
    putEvent(state, key, { variant, time, segment: read.segment(event), values })
  }
  const settle = () => {
    for (const { answer, values } of waiting.splice(0)) {
      const place = recall(answers, answer.high, answer.low)
      const at = place ? findKey(state.table, place.data[place.at] ?? 0, place.data[place.at + 1] ?? 0) : -1
      if (at === -1) state.counts.without_variant += state.halvings > 0 && place ? 0 : 1
      else addValues(state.table, at, values)
    }
  }
  return {
    add: (event) => {
      add(event)
      if (waiting.length >= MOST_WAITING) settle()
    },
    addUnreadable: () => void (state.counts.unreadable += 1),
    note: (text) => void state.notes.add(text),
    last: () => last,
    finish: () => {
      settle()
      return summaryOf(plan, span, state, Number.isFinite(newest) ? new Date(newest).toISOString() : null)
    },
  }
}

function keyOf(text: string): Key {
  hashText(text)
  return { high: hashed.high, low: hashed.low }
}

function rememberAnswer(answers: Recent, { high, low }: Key, unit: Key, time: number): void {
  if (!remember(answers, high, low, time, { most: MOST_ANSWERS, window: Infinity })) return
  const place = recall(answers, high, low)
  if (place === undefined) return
  place.data[place.at] = unit.high
  place.data[place.at + 1] = unit.low
}

function firstText(fields: readonly Field[]): (event: RawEvent) => string | undefined {
  return (event) => {
    for (const field of fields) {
      const value = field(event)
      if (typeof value === 'string' && value !== '') return value
      if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    }
    return undefined
  }
}

/** What is read of every event besides its metrics. */
function eventFields(plan: ExperimentPlan, fields: (name: string) => Field, everyone: string | undefined) {
  const names = Object.keys(plan.variants)
  const { field, unit } = plan.assignment
  const written = firstText(
    (field === undefined ? ['aigate.variant', 'feature_flag.result.variant', 'aigate.arm'] : [field]).map(fields),
  )
  const experiment = fields('aigate.experiment')
  const own = firstText(['event.id', 'aigate.event.id', 'log.record.uid'].map(fields))
  const span = firstText([fields('span_id')])
  const said = firstText(['gen_ai.evaluation.name', 'feedback'].map(fields))
  return {
    kind: kindOf(fields),
    time: fields('ts'),
    /** Of another experiment; while everybody is counted there is none yet. */
    elsewhere: (event: RawEvent) =>
      everyone === undefined && (experiment(event) ?? plan.experiment) !== plan.experiment,
    variant: (event: RawEvent) => names.indexOf(everyone ?? written(event) ?? ''),
    unit: firstText(UNIT_FIELDS[unit].map(fields)),
    answer: firstText([fields('gen_ai.response.id')]),
    segment: plan.segments ? firstText([fields(plan.segments.field)]) : () => undefined,
    id: (event: RawEvent, request: boolean, answer: string | undefined) => {
      const found = own(event) ?? (request ? (answer ?? span(event)) : answer && `${answer} ${said(event)}`)
      return found === undefined ? undefined : `${request} ${found}`
    },
  }
}

type Fact = { variant: number; time: number; segment: string | undefined; values: readonly number[] }

/** A full table drops the half of the units with the greater hashes: a hash knows neither variant nor outcome. */
function putEvent(state: State, { high, low }: Key, { variant, time, segment, values }: Fact): void {
  const { table } = state
  if (high >= 2 ** (32 - state.halvings)) return
  if (table.size >= state.most && findKey(table, high, low) === -1) {
    state.halvings += 1
    keepKeys(table, (one) => one < 2 ** (32 - state.halvings))
    return putEvent(state, { high, low }, { variant, time, segment, values })
  }
  const at = putKey(table, high, low)
  const { data } = table
  const marks = data[at + ROW.variant] ?? 0
  const known = (marks & VARIANT) - 1
  const both = known !== -1 && known !== variant ? BOTH : marks & BOTH
  const first = readNumber(data, at + ROW.time)
  // Two events of one moment: the variant that comes first in the plan, whatever the order of the lines.
  if (known === -1 || time < first || (time === first && variant < known)) {
    data[at + ROW.variant] = (variant + 1) | both
    writeNumber(data, at + ROW.time, time)
    if (segment !== undefined || known === -1) data[at + ROW.segment] = segmentNumber(state, segment)
  } else data[at + ROW.variant] = marks | both
  addValues(table, at, values)
}

/** 0: none. */
function segmentNumber(state: State, segment: string | undefined): number {
  if (segment === undefined) return 0
  const found = state.segments.indexOf(segment)
  if (found !== -1) return found + 1
  if (state.segments.length >= MOST_SEGMENTS) {
    state.notes.add(`There are more than ${MOST_SEGMENTS} segments: the later ones are not shown.`)
    return 0
  }
  return state.segments.push(segment)
}

function addValues({ data }: HashTable, at: number, values: readonly number[]): void {
  for (const [index, value] of values.entries()) {
    if (Number.isNaN(value)) continue
    const place = at + ROW.metrics + WORDS * index
    data[place] = (data[place] ?? 0) + 1
    writeNumber(data, place + 1, readNumber(data, place + 1) + value)
  }
}

function emptyVariants(plan: ExperimentPlan, metrics: readonly UnitMetric[]): Record<string, VariantSummary> {
  const moments = ({ histogram }: UnitMetric): UnitMoments => ({ n: 0, bad: 0, sum: 0, squares: 0, ...(histogram && { histogram: {} }) }) // biome-ignore format: one line
  return Object.fromEntries(
    Object.keys(plan.variants).map((name) => [
      name,
      { units: 0, metrics: Object.fromEntries(metrics.map((metric) => [metric.name, moments(metric)])) },
    ]),
  )
}

function summaryOf(plan: ExperimentPlan, span: Span, state: State, newest: string | null): ExperimentSummary {
  const { table, metrics, halvings, counts, notes } = state
  const names = Object.keys(plan.variants)
  const variants = emptyVariants(plan, metrics)
  const segments = state.segments.map((name) => [name, emptyVariants(plan, metrics)] as const)
  const length = Math.max(0, Math.ceil((span.until - span.since) / DAY))
  const days = Array.from({ length }, () => Object.fromEntries(names.map((name) => [name, 0])))
  let both = 0
  for (let row = 0; row < table.data.length; row += table.columns + 2) {
    const at = row + 2
    const marks = table.data[at + ROW.variant] ?? 0
    const name = names[(marks & VARIANT) - 1]
    if (name === undefined) continue
    both += (marks & BOTH) === 0 ? 0 : 1
    const day = days[Math.floor((readNumber(table.data, at + ROW.time) - span.since) / DAY)]
    if (day) day[name] = (day[name] ?? 0) + 1
    const segment = segments[(table.data[at + ROW.segment] ?? 0) - 1]?.[1]
    countUnit(variants[name], state, at)
    countUnit(segment?.[name], state, at)
  }
  return {
    since: new Date(span.since).toISOString(),
    until: new Date(span.until).toISOString(),
    newest,
    variants,
    ...(plan.segments && { segments: Object.fromEntries(segments) }),
    days,
    both,
    followed: 2 ** -halvings,
    ...counts,
    notes: [...notes],
  }
}

function countUnit(into: VariantSummary | undefined, { table: { data }, metrics }: State, at: number): void {
  if (into === undefined) return
  into.units += 1
  for (const [index, metric] of metrics.entries()) {
    const place = at + ROW.metrics + WORDS * index
    const n = data[place] ?? 0
    const moments = into.metrics[metric.name]
    if (n === 0 || moments === undefined) continue
    const value = metric.ofUnit(n, readNumber(data, place + 1))
    moments.n += 1
    moments.bad += metric.rate ? value : 0
    moments.sum += value
    moments.squares += value * value
    if (moments.histogram === undefined) continue
    const bucket = bucketOf(value)
    moments.histogram[bucket] = (moments.histogram[bucket] ?? 0) + 1
  }
}
