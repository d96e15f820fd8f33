// Counts one closed minute: arms, units, bad events, values, split where a change of share falls into it.
import type { SourceRequest } from '../ports.ts'
import type { ArmCounts, Block, MetricCounts, UnitTally } from '../schema/rollout-journal.ts'
import { bucketOf, histogramQuantile } from '../statistics/log-histogram.ts'
import type { Counting } from './counting.ts'
import { FIRST_SEGMENT, NEITHER, OTHER_ROLLOUT, OUTSIDE, REQUEST, ROW } from './event-reader.ts'
import { newTable, putKey, recall, type HashTable } from './hash-table.ts'
import { BLANK, GOOD_BLANK, type MetricReader } from './metric-readers.ts'
import { readRow, type Rows } from './pending.ts'
import { armSeen, firstBad, MOST_METRICS, oneValue, seeUnit, wasBad } from './unit-table.ts'

/** Fewer values than this make no quantile of the baseline. */
export const FEWEST_VALUES = 20
const WHOLE = 1_000_000
/** Room for the units of a block is made for so many at once; it grows where there are more. */
const MOST_EXPECTED = 100_000

/** A row, with what its answer adds: a label often says neither who answered nor whom. */
type Fact = {
  row: Float64Array
  request: boolean
  arm: number
  high: number
  low: number
  marks: number
  quiet: boolean
}

/**
 * The blocks of the minute that begins at `start`: one, or more where the share was changed within it. A minute without
 * anything that counts has none. `rows` are in order; the tables of units move on.
 *
 * A label counts in the minute in which it was given, and only where its answer was given under the same share: under
 * another one, the chance that a bad label is the candidate's would be another one too.
 */
export function countMinute(counting: Counting, start: number, rows: Rows): Block[] {
  const { request, reader } = counting
  const end = start + counting.known.pending.length
  const edges = [start, request.since, ...request.changes.map((change) => change.at), end]
    .filter((at) => at >= Math.max(start, request.since) && at <= end)
    .toSorted((a, b) => a - b)
  const tails = reader.metrics.map((metric) => tailOf(counting, metric))
  const fact = emptyFact(counting.known.pending.width)
  const blocks: Block[] = []
  for (const [index, from] of edges.entries()) {
    const to = edges[index + 1] ?? from
    if (to === from) continue
    const alone = request.plan.assignment.unit === 'request'
    const block = emptyBlock(from, to, shareAt(request, from).generation, reader.metrics, !alone)
    const here = newTable(1, alone ? 0 : Math.min(rows.count, MOST_EXPECTED))
    for (let at = 0; at < rows.count; at += 1) {
      readRow(rows, at, fact.row)
      const time = fact.row[ROW.time] ?? 0
      if (time >= from && time < to && readFact(counting, fact)) countRow(counting, block, fact, tails, here)
    }
    const { baseline, candidate } = block.arms
    const some = [baseline, candidate].some(
      (arm) => arm.requests > 0 || Object.values(arm.metrics).some((m) => m.n > 0),
    )
    if ((some || block.armless) && (request.closed === null || from >= request.closed)) blocks.push(block)
  }
  return blocks
}

function emptyBlock(
  from: number,
  to: number,
  generation: number,
  metrics: readonly MetricReader[],
  follows: boolean,
): Block {
  const arm = (): ArmCounts => ({
    requests: 0,
    units: 0,
    metrics: Object.fromEntries(
      metrics.map((metric, index) => [metric.name, emptyCounts(metric, follows && index < MOST_METRICS)]),
    ),
  })
  return { start: from, length: to - from, generation, arms: { baseline: arm(), candidate: arm() }, both: 0 }
}

const noTally = (): UnitTally => ({ n: 0, bad: 0, sum: 0, squares: 0 })

/** Counts of a metric before the first event. `follows`: units are, and how many are at risk is counted. */
export function emptyCounts({ kind, limits, tail, byUnit }: MetricReader, follows: boolean): MetricCounts {
  return {
    n: 0,
    bad: 0,
    first: 0,
    sum: 0,
    squares: 0,
    over: limits.map(() => 0),
    ...(follows && kind !== 'mean' && { at_risk: 0 }),
    ...(tail && { histogram: {} }),
    ...(byUnit && { by_unit: { fresh: noTally(), back: noTally() } }),
  }
}

/** Which change was in force. `since`: when it was made, for the time of settling. */
function shareAt(request: SourceRequest, time: number): { generation: number; ppm: number; at: number } {
  let found = { generation: 0, ppm: 0, at: Number.NEGATIVE_INFINITY }
  for (const change of request.changes) if (change.at <= time && change.at >= found.at) found = change
  return found
}

const emptyFact = (width: number): Fact => ({
  row: new Float64Array(width),
  request: false,
  arm: 0,
  high: 0,
  low: 0,
  marks: 0,
  quiet: false,
})

/** Reads what the row of a fact says; false: it is nobody's of this rollout. */
function readFact({ known, request, counts }: Counting, fact: Fact): boolean {
  const { row } = fact
  const time = row[ROW.time] ?? 0
  let high = row[ROW.unitHigh] ?? 0
  let low = row[ROW.unitLow] ?? 0
  let marks = row[ROW.marks] ?? 0
  const isRequest = (marks & REQUEST) !== 0
  let given = time
  if (!isRequest) {
    const answer = recall(known.answers, row[ROW.answerHigh] ?? 0, row[ROW.answerLow] ?? 0)
    if (answer) {
      const { data, at } = answer
      given = (data[at + 3] ?? 0) * 2 ** 32 + (data[at + 4] ?? 0)
      if (high === 0 && low === 0) [high, low] = [data[at] ?? 0, data[at + 1] ?? 0]
      // The answer knows the segment, which a label seldom repeats.
      if (((data[at + 2] ?? 0) & 3) !== 0) marks = data[at + 2] ?? 0
    }
  }
  const share = shareAt(request, time)
  if ((marks & 3) === 0 && request.past) marks |= 1
  if ((marks & 3) === 0) {
    counts.without_arm += 1
    if ((marks & (NEITHER | OTHER_ROLLOUT)) !== 0) return false
    // Who has been served in this generation is still served alike.
    marks |= high === 0 && low === 0 ? 0 : armSeen(known.units, high, low, share.generation)
  }
  const { settle } = request.plan.control
  const lastShare = Math.round((request.plan.stages.at(-1)?.traffic ?? 1) * WHOLE)
  if ((marks & OUTSIDE) !== 0 || ((marks & FIRST_SEGMENT) === 0 && share.ppm < lastShare)) return false
  const quiet = time < share.at + settle || given < Math.max(request.since, share.at + settle)
  fact.request = isRequest
  fact.arm = marks & 3
  fact.high = high
  fact.low = low
  fact.marks = marks
  fact.quiet = quiet
  return true
}

/** `here`: the units of this block, with a bit for each metric of which they had an event. */
function countRow(counting: Counting, block: Block, fact: Fact, tails: readonly number[], here: HashTable): void {
  if (fact.arm === 0) return countArmless(counting, block, fact, tails)
  const { known, reader, request } = counting
  const { row, arm, high, low, quiet } = fact
  const counts = arm === 2 ? block.arms.candidate : block.arms.baseline
  const alone = request.plan.assignment.unit === 'request'
  const followed = !alone && (high !== 0 || low !== 0)
  const { generation } = block
  const seen = followed
    ? seeUnit(known.units, { high, low, arm, generation, counts: !quiet && fact.request })
    : undefined
  if (!quiet) {
    counts.requests += fact.request ? 1 : 0
    counts.units += seen?.fresh || (alone && fact.request) ? 1 : 0
    counts.fresh = (counts.fresh ?? 0) + (seen?.unseen || (alone && fact.request) ? 1 : 0)
    block.both += seen?.both ? 1 : 0
  }
  if (!followed && !alone) counting.notes.add('Some events name no unit: their bad events count for no unit.')
  const mark = seen && !quiet ? putKey(here, high, low) : -1
  for (let index = 0; index < reader.metrics.length; index += 1) {
    const value = row[ROW.values + index] ?? Number.NaN
    const metric = reader.metrics[index]
    if (metric === undefined || Number.isNaN(value)) continue
    const bad = isBad(metric, value, tails[index])
    const into = counts.metrics[metric.name]
    if (mark !== -1 && seen && into?.at_risk !== undefined && value !== BLANK && isNewHere(here, mark, index))
      into.at_risk += wasBad(known.units, seen.at, index) ? 0 : 1
    // A bad event while the share settles still was the unit's first: it can never be its first again.
    const first =
      bad && (alone || (seen !== undefined && index < MOST_METRICS && firstBad(known.units, seen.at, index)))
    if (quiet || !into) continue
    countValue(into, metric, value, { bad, first })
    const one = { metric: index, arm, generation }
    const kind =
      into.by_unit && seen && value !== BLANK && index < MOST_METRICS ? oneValue(known.units, seen.at, one) : null
    if (kind !== null && into.by_unit) countOne(into.by_unit[kind], metric, value, bad)
    if (bad && !alone && !followed) into.unitless = (into.unitless ?? 0) + 1
  }
}

const isBad = (metric: MetricReader, value: number, tail = 0): boolean =>
  metric.kind === 'rate' ? value === 1 : metric.kind === 'tail' && value > tail

/** Somebody's, but nobody knows whose: what was bad of it is missing in one of the arms. */
function countArmless({ reader }: Counting, block: Block, fact: Fact, tails: readonly number[]): void {
  if (fact.quiet) return
  const armless = (block.armless ??= { requests: 0, bad: {} })
  armless.requests += fact.request ? 1 : 0
  for (const [index, metric] of reader.metrics.entries())
    if (isBad(metric, fact.row[ROW.values + index] ?? Number.NaN, tails[index]))
      armless.bad[metric.name] = (armless.bad[metric.name] ?? 0) + 1
}

/** true: the unit had no event of the metric in this block yet. */
function isNewHere(here: HashTable, at: number, metric: number): boolean {
  const bits = here.data[at] ?? 0
  here.data[at] = bits | (1 << metric)
  return (bits & (1 << metric)) === 0
}

function countValue(
  into: MetricCounts,
  metric: MetricReader,
  value: number,
  is: { bad: boolean; first: boolean },
): void {
  if (value === BLANK || (metric.kind === 'rate' && value === GOOD_BLANK)) into.blank = (into.blank ?? 0) + 1
  if (value === BLANK) return
  into.n += 1
  into.bad += is.bad ? 1 : 0
  into.first += is.first ? 1 : 0
  if (metric.kind === 'rate') return
  into.sum += value
  into.squares += value * value
  for (let index = 0; index < metric.limits.length; index += 1)
    if (value > (metric.limits[index] ?? 0)) into.over[index] = (into.over[index] ?? 0) + 1
  if (into.histogram === undefined) return
  const bucket = bucketOf(value)
  into.histogram[bucket] = (into.histogram[bucket] ?? 0) + 1
}

function countOne(into: UnitTally, metric: MetricReader, value: number, bad: boolean): void {
  into.n += 1
  into.bad += bad ? 1 : 0
  if (metric.kind === 'rate') return
  into.sum += value
  into.squares += value * value
}

/** What is too much in this minute: known before it began. Without a past nothing is. */
function tailOf({ known, notes }: Counting, metric: MetricReader): number {
  if (metric.tail === undefined) return Number.POSITIVE_INFINITY
  if ('limit' in metric.tail) return metric.tail.limit
  const histogram = known.histograms[metric.name] ?? {}
  const many = Object.values(histogram).reduce((sum, count) => sum + count, 0) >= FEWEST_VALUES
  const limit = many ? histogramQuantile(histogram, metric.tail.quantile) : null
  const unknown = `${metric.name}: the baseline has too little past yet to say what is too much.`
  if (limit === null) notes.add(unknown)
  // A long look that began without a past has one in the end.
  else notes.delete(unknown)
  return limit ?? Number.POSITIVE_INFINITY
}
