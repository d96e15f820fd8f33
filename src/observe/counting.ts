// From events to blocks: each event is put into its minute, and a minute that nothing can join any more is counted.
import type { SourceRequest } from '../ports.ts'
import type { Block, Reading } from '../schema/rollout-journal.ts'
import { bucketOf } from '../statistics/log-histogram.ts'
import { askedFields, missingFields, noFields, seeFields, type SeenFields } from './asked-fields.ts'
import { countMinute } from './count-minute.ts'
import { eventReader, OTHER_ROLLOUT, RIPE, ROW, type EventReader } from './event-reader.ts'
import { fieldsOf, type Mapping, type RawEvent } from './events.ts'
import { newRecent, recall, remember, type Recent } from './hash-table.ts'
import { lineEvents, type LineEvents } from './line-events.ts'
import { ABSURD } from './metric-readers.ts'
import { keepRow, MINUTE, newPending, readRow, takeUntil, type Pending } from './pending.ts'
import { keepBack } from './ripen.ts'
import { newUnits, type UnitTable } from './unit-table.ts'

/** Columns of an answer that labels may follow: halves of the unit's key, marks, and the time in two parts. */
export const ANSWER_COLUMNS = 5
const IDS = { most: 98_304, window: Number.POSITIVE_INFINITY }
const MOST_ANSWERS = 393_216
const MOST_MODELS = 100
const HOUR = 3_600_000

/** All that is known between two looks. `closed`, `newest`: milliseconds since 1970. */
export type Known = {
  closed: number | null
  newest: number | null
  /** Values of the baseline in closed minutes, and before the rollout: by metric and bucket. */
  histograms: Record<string, Record<string, number>>
  models: string[]
  fields: SeenFields
  units: UnitTable
  ids: Recent
  answers: Recent
  pending: Pending
}

/** `interval`: length of a block in milliseconds. */
export function nothingKnown(metrics: number, interval: number, mostUnits?: number, values = false): Known {
  return {
    closed: null,
    newest: null,
    histograms: {},
    models: [],
    fields: noFields(),
    units: newUnits(mostUnits, values),
    ids: newRecent(0),
    answers: newRecent(ANSWER_COLUMNS),
    pending: newPending(ROW.values + metrics, interval),
  }
}

/** Length of the blocks of a source of events, in milliseconds. */
export const intervalOf = ({ source }: SourceRequest['plan']): number =>
  'interval' in source ? (source.interval ?? MINUTE) : MINUTE

type Counts = Pick<Reading, 'events' | 'unreadable' | 'duplicates' | 'late' | 'without_arm'>
export type Counting = {
  request: SourceRequest
  reader: EventReader
  /** The same for lines that need no object; undefined where the plan asks for odd names. */
  lines: LineEvents | undefined
  known: Known
  blocks: Block[]
  counts: Counts
  /** Of the late ones of the rollout, those that say an arm. */
  late: { baseline: number; candidate: number }
  models: Reading['models']
  notes: Set<string>
  /** Time of the event that was added last; NaN before the first. */
  last: number
  row: Float64Array
  id: { high: number; low: number }
  /** How long an answer is remembered for its labels; 0: no metric has labels. */
  window: number
}

/** Begins to count for one look, on top of what is known. Throws AigateError `usage` for a condition that cannot be read. */
export function startCounting(request: SourceRequest, mapping: Mapping, known?: Known): Counting {
  const { plan } = request
  const reader = eventReader(plan, fieldsOf(mapping), request.limits, request.whole)
  const delays = Object.values(plan.metrics).map((metric) => metric.delay ?? 0)
  const labels = reader.metrics.some((metric) => metric.label)
  const values = reader.metrics.some((metric) => metric.byUnit)
  const mine = known ?? nothingKnown(reader.metrics.length, intervalOf(plan), undefined, values)
  return {
    request,
    reader,
    lines: lineEvents(request, mapping),
    known: mine,
    blocks: [],
    counts: { events: 0, unreadable: 0, duplicates: 0, late: 0, without_arm: 0 },
    late: { baseline: 0, candidate: 0 },
    models: [],
    notes: new Set(),
    last: Number.NaN,
    row: new Float64Array(ROW.values + reader.metrics.length),
    id: { high: 0, low: 0 },
    window: labels ? Math.max(HOUR, ...delays) + plan.source.lateness : 0,
  }
}

/** Takes in one event, as `reader` reads it. Its place in the order of calls does not matter, as long as its minute is open. */
export function addEvent(counting: Counting, event: RawEvent, reader = counting.reader): void {
  const { row, id, known, counts, request, late: lateOf } = counting
  const kind = reader.read(event, row, id)
  if (kind === 'unreadable') counts.unreadable += 1
  if (kind === 'unreadable' || kind === 'other') return
  const time = row[ROW.time] ?? 0
  counting.last = time
  counts.events += 1
  if ((id.high !== 0 || id.low !== 0) && !remember(known.ids, id.high, id.low, time, IDS)) {
    counts.duplicates += 1
    return
  }
  seeFields(known.fields, reader.watched, event, kind === 'request')
  noteAbsurd(counting)
  // A clock that runs ahead must not make the source look alive for ever.
  if (time <= request.until && time > (known.newest ?? Number.NEGATIVE_INFINITY)) known.newest = time
  if (kind === 'request') rememberAnswer(counting, time)
  if (known.closed !== null && time < known.closed) {
    counts.late += 1
    const arm = (row[ROW.marks] ?? 0) & 3
    if (time >= request.since && arm !== 0) lateOf[arm === 2 ? 'candidate' : 'baseline'] += 1
    return
  }
  if (time < request.since) {
    teachBaseline(counting, row)
    return
  }
  if (kind === 'request') noteModels(counting, reader, event)
  keepRow(known.pending, row)
}

/** A number that cannot be a value is passed over, and said. */
function noteAbsurd({ reader, row, counts, notes }: Counting): void {
  for (let at: number = ROW.values; at < row.length; at += 1) {
    if (row[at] !== ABSURD) continue
    row[at] = Number.NaN
    counts.unreadable += 1
    notes.add(
      `${reader.metrics[at - ROW.values]?.name}: numbers that are infinite, or outside of its range, were passed over.`,
    )
  }
}

/**
 * For a feed that is counted only at its end: its answers are then needed until there, however much time it spans, and only
 * their number bounds what is remembered.
 */
export function keepAnswers(counting: Counting): void {
  if (counting.window > 0) counting.window = Number.POSITIVE_INFINITY
}

/** Counts a line that is no event. */
export function addUnreadable(counting: Counting): void {
  counting.counts.unreadable += 1
}

/**
 * Nothing before `until` (milliseconds since 1970) will come any more: counts the minutes that end by then. What is
 * normal for the baseline is learnt only after its minute was counted, so that limits are always those of the past.
 */
export function closeUntil(counting: Counting, until: number): void {
  const { known } = counting
  const { length } = known.pending
  const end = Math.floor(until / length) * length
  if (end <= (known.closed ?? Number.NEGATIVE_INFINITY)) return
  if (counting.window > 0) keepBack(counting, end)
  const row = new Float64Array(known.pending.width)
  for (const { start, rows } of takeUntil(known.pending, end)) {
    counting.blocks.push(...countMinute(counting, start, rows))
    let last = 0
    for (let index = 0; index < rows.count; index += 1) {
      readRow(rows, index, row)
      teachBaseline(counting, row)
      // A label that was kept back is no news.
      if (((row[ROW.marks] ?? 0) & RIPE) === 0) last = row[ROW.time] ?? 0
    }
    if (last <= counting.request.until && last > (known.newest ?? 0)) known.newest = last
  }
  known.closed = end
}

/** Everything was read: closes what `until` minus lateness closes, and gives the reading but for its cursor. */
export function finishCounting(counting: Counting): Omit<Reading, 'cursor'> {
  const { request, known, counts } = counting
  closeUntil(counting, request.until - request.plan.source.lateness)
  for (const note of missingFields(known.fields, askedFields(request.plan.metrics))) counting.notes.add(note)
  const { halvings } = known.units
  if (halvings > 0)
    counting.notes.add(`There are too many units to follow all: 1 in ${2 ** halvings} is followed, chosen by hash.`)
  return {
    until: new Date(known.closed ?? request.until).toISOString(),
    newest: known.newest === null ? null : new Date(known.newest).toISOString(),
    blocks: counting.blocks,
    ...counts,
    ...(counts.late > 0 && { late_arms: counting.late }),
    models: counting.models.toSorted((a, b) => (modelKey(a) < modelKey(b) ? -1 : 1)),
    notes: [...counting.notes],
  }
}

function rememberAnswer({ known, row, window }: Counting, time: number): void {
  const [high = 0, low = 0] = [row[ROW.answerHigh], row[ROW.answerLow]]
  if (window === 0 || (high === 0 && low === 0)) return
  if (!remember(known.answers, high, low, time, { most: MOST_ANSWERS, window })) return
  const place = recall(known.answers, high, low)
  if (place === undefined) return
  const { data, at } = place
  data[at] = row[ROW.unitHigh] ?? 0
  data[at + 1] = row[ROW.unitLow] ?? 0
  data[at + 2] = row[ROW.marks] ?? 0
  data[at + 3] = Math.floor(time / 2 ** 32)
  data[at + 4] = time % 2 ** 32
}

/** Values of the baseline; before the rollout everybody was served it, whatever an event says or does not say. */
function teachBaseline({ reader, known, request }: Counting, row: Float64Array): void {
  const marks = row[ROW.marks] ?? 0
  const before = (row[ROW.time] ?? 0) < request.since || request.past === true
  if ((marks & 3) !== 1 && !(before && ((marks & 3) === 0 || (marks & OTHER_ROLLOUT) !== 0))) return
  for (let index = 0; index < reader.metrics.length; index += 1) {
    const metric = reader.metrics[index]
    const value = row[ROW.values + index] ?? Number.NaN
    if (metric?.tail === undefined || !Number.isFinite(value)) continue
    known.histograms[metric.name] ??= {}
    const histogram = known.histograms[metric.name] ?? {}
    const bucket = bucketOf(value)
    histogram[bucket] = (histogram[bucket] ?? 0) + 1
  }
}

const modelKey = ({ arm, requested, answered }: Reading['models'][number]) => `${arm} ${requested} ${answered}`

function noteModels({ known, models, row }: Counting, reader: EventReader, event: RawEvent): void {
  const arm = (row[ROW.marks] ?? 0) & 3
  if (arm === 0 || known.models.length >= MOST_MODELS) return
  const pair = reader.models(event)
  if (pair === undefined) return
  const found = { arm: arm === 2 ? ('candidate' as const) : ('baseline' as const), ...pair }
  const key = modelKey(found)
  if (known.models.includes(key)) return
  known.models.push(key)
  models.push(found)
}
