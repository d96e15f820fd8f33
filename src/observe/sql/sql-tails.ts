// What is too much for a tail metric, minute by minute: a quantile of what the baseline did before, as SQL counts it.
import type { SourceRequest } from '../../ports.ts'
import { histogramQuantile } from '../../statistics/log-histogram.ts'
import { FEWEST_VALUES } from '../count-minute.ts'
import type { MetricReader } from '../metric-readers.ts'
import { bucketColumns, bucketName, numberOf, type Ask, type Row } from './sql-counts.ts'
import type { Dialect } from './sql-dialect.ts'
import { MINUTE, minuteSql, type Tails } from './sql-facts.ts'

type Histograms = Record<string, Record<string, number>>
export type Learnt = { histograms: Histograms; tails: Record<string, [number, number | null][]> }

/**
 * Goes on learning from the minutes between `from` (null: the start of `events`) and `closed`, in milliseconds since 1970.
 * A minute teaches only the minutes after it, and what was before the rollout teaches all.
 */
export async function learnTails(
  ask: Ask,
  request: SourceRequest,
  metrics: readonly MetricReader[],
  known: { histograms: Histograms; tails: Tails },
  { from, closed }: { from: number | null; closed: number },
  dialect: Dialect,
): Promise<Learnt> {
  const learnt: Learnt = { histograms: structuredClone(known.histograms), tails: {} }
  for (const [index, { name, tail }] of metrics.entries()) {
    if (tail === undefined || 'limit' in tail) continue
    const unsaid = request.past ? 'arm = 0' : `(ms < ${request.since} AND arm = 0)`
    const baseline = `(arm = 1 OR ${unsaid})`
    const minute = `CASE WHEN ms < ${request.since} THEN 0 ELSE ${minuteSql('ms', dialect)} END AS minute`
    const rows = await ask(
      `SELECT minute, sign, place, count(*) AS many FROM (SELECT ${minute}, ${bucketColumns(`v${index}`, dialect)} FROM events WHERE v${index} IS NOT NULL AND ${baseline} AND ms < ${closed}${from === null ? '' : ` AND ms >= ${from}`}) AS placed GROUP BY minute, sign, place`,
    )
    const histogram = (learnt.histograms[name] ??= {})
    const steps = (known.tails[name] ?? []).map(([at, limit]): [number, number | null] => [at, limit])
    const step = (at: number) => {
      const limit = quantileOf(histogram, tail.quantile)
      if (steps.length === 0 || steps.at(-1)?.[1] !== limit) steps.push([at, limit])
    }
    const minutes = byMinute(rows)
    addBuckets(histogram, minutes.get(0) ?? [])
    minutes.delete(0)
    if (from === null) step(0)
    for (const [start, buckets] of [...minutes].toSorted(([a], [b]) => a - b)) {
      addBuckets(histogram, buckets)
      step(start + MINUTE)
    }
    learnt.tails[name] = steps
  }
  return learnt
}

function quantileOf(histogram: Readonly<Record<string, number>>, quantile: number): number | null {
  const many = Object.values(histogram).reduce((sum, count) => sum + count, 0)
  return many >= FEWEST_VALUES ? histogramQuantile(histogram, quantile) : null
}

function byMinute(rows: readonly Row[]): Map<number, Row[]> {
  const minutes = new Map<number, Row[]>()
  for (const row of rows) {
    const start = numberOf(row.minute)
    const same = minutes.get(start)
    if (same) same.push(row)
    else minutes.set(start, [row])
  }
  return minutes
}

function addBuckets(histogram: Record<string, number>, rows: readonly Row[]): void {
  for (const row of rows) histogram[bucketName(row)] = (histogram[bucketName(row)] ?? 0) + numberOf(row.many)
}
