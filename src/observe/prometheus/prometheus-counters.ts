// Counters as what was added to them: differences of raw samples, each series by itself, with restarts found.
import type { SourceRequest } from '../../ports.ts'
import type { RawSeries } from './prometheus-query.ts'

/** After so long without a sample a series is stale (milliseconds): what was added meanwhile is nobody's block. */
export const STALE = 300_000

/** `added` between two samples at `from` and `to` (milliseconds since 1970). */
export type Increase = { from: number; to: number; added: number }
/** The last sample of each series. */
export type Last = Map<string, readonly [number, number]>

/**
 * What was added, sample by sample, going on behind `last`. A value below the one before is a restart: it counts from 0. A
 * series that appears or comes back after a long silence counts from its first sample: what it had before is not known.
 */
export function increasesOf(series: RawSeries, last: Last): Increase[] {
  const key = JSON.stringify(Object.entries(series.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const found: Increase[] = []
  let before = last.get(key)
  for (const [time, value] of series.samples) {
    if (before && time <= before[0]) continue
    if (before && time - before[0] <= STALE)
      found.push({ from: before[0], to: time, added: value < before[1] ? value : value - before[1] })
    before = [time, value]
  }
  if (before) last.set(key, before)
  return found
}

/** Where in time something counts: the block it belongs to, and which change of share was in force. */
export type Span = { start: number; length: number; generation: number }

/**
 * The block of an increase; undefined where it does not count: before the rollout, or while the share was settling at any
 * moment between its two samples, since nobody knows when in between it happened.
 */
export function spanOf(request: SourceRequest, { from, to }: Increase, step: number): Span | undefined {
  const { since, changes, plan } = request
  if (from < since) return undefined
  if (changes.some(({ at }) => to > at && from < at + plan.control.settle)) return undefined
  const sorted = changes.toSorted((a, b) => a.at - b.at)
  const moment = to - 1
  if (sorted.some(({ at }) => from < at && at < to)) return undefined
  const step0 = Math.floor(moment / step) * step
  const change = sorted.findLast(({ at }) => at <= moment)
  const start = Math.max(step0, since, change?.at ?? 0)
  const end = sorted.find(({ at }) => at > start && at < step0 + step)?.at ?? step0 + step
  return { start, length: end - start, generation: change?.generation ?? 0 }
}
