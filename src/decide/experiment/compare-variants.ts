// One metric of one variant against the control: by the test of its kind at the horizon, by an interval that holds at every look before.
import type { Compared } from '../../schema/experiment-report.ts'
import type { UnitMoments } from '../../schema/experiment-summary.ts'
import { compareRates } from '../../statistics/chi-square.ts'
import { weightedHolm } from '../../statistics/holm.ts'
import { histogramQuantile, valueOf } from '../../statistics/log-histogram.ts'
import { mannWhitney, superiority, type Tied } from '../../statistics/mann-whitney.ts'
import { meanInterval, type Moments, startMeans, stepMeans } from '../../statistics/mean-sequence.ts'
import { rateDifference } from '../../statistics/newcombe.ts'
import { twoSampleShift } from '../../statistics/two-sample-shift.ts'
import { welch, welchInterval } from '../../statistics/welch.ts'
import type { Better, Kind } from './metric-kind.ts'

type Bounds = NonNullable<Compared['difference']>
export type Pair = { variant: UnitMoments; control: UnitMoments }
/** What is compared. `range`: least and greatest value of a unit, where it is known. */
export type Question = {
  metric: string
  variant: string
  kind: Kind
  better: Better
  range?: readonly [number, number] | undefined
}

export const NO_UNITS: UnitMoments = { n: 0, bad: 0, sum: 0, squares: 0 }

/** Both histograms as counted values in ascending order. */
export function tiedHistograms({ variant, control }: Pair): Tied[] {
  const [first, second] = [variant.histogram ?? {}, control.histogram ?? {}]
  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .map((bucket) => ({ value: valueOf(bucket), first: first[bucket] ?? 0, second: second[bucket] ?? 0 }))
    .sort((a, b) => a.value - b.value)
}

/** Natural logarithms of the values; null where one is not above 0. */
export function logarithms(values: readonly Tied[]): Tied[] | null {
  return values.every(({ value }) => value > 0) ? values.map((one) => ({ ...one, value: Math.log(one.value) })) : null
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
const bounded = ({ estimate, low, high }: { estimate: number; low: number; high: number }): Bounds => ({
  estimate,
  low: finite(low),
  high: finite(high),
})
const exponential = ({ estimate, low, high }: { estimate: number; low: number; high: number }) =>
  bounded({ estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) })

function valueIn(kind: Kind, { n, bad, sum, histogram }: UnitMoments): number | null {
  if (n === 0) return null
  if (kind === 'skewed') return histogramQuantile(histogram ?? {}, 0.5)
  return kind === 'rate' ? bad / n : sum / n
}

function blank(question: Question, pair: Pair, level: number): Compared {
  const { metric, variant, kind, better } = question
  return {
    metric,
    variant,
    kind,
    method: 'none',
    better,
    units: { control: pair.control.n, variant: pair.variant.n },
    value: { control: valueIn(kind, pair.control), variant: valueIn(kind, pair.variant) },
    level,
    difference: null,
    ratio: null,
    superiority: null,
    p: null,
    adjusted: null,
    finding: 'not measured',
  }
}

/** The test and the intervals at the horizon; `level` is the two-sided confidence. Without two units a side nothing is measured. */
export function compareOnce(question: Question, pair: Pair, level: number): Compared {
  const empty = blank(question, pair, level)
  if (pair.control.n < 2 || pair.variant.n < 2) return empty
  if (question.kind === 'rate') {
    const { method, p } = compareRates(pair.variant, pair.control)
    return { ...empty, method, p, difference: bounded(rateDifference(pair.variant, pair.control, level)) }
  }
  if (question.kind === 'skewed') return { ...empty, ...byRank(tiedHistograms(pair), level) }
  const test = welch(pair.variant, pair.control)
  if (test) {
    const difference = bounded({ estimate: test.difference, ...welchInterval(test, level) })
    return { ...empty, method: 'welch', p: test.twoSided, difference }
  }
  // No unit differs from another within its arm: two such values are equal, or no test can say how far apart they are.
  const difference = pair.variant.sum / pair.variant.n - pair.control.sum / pair.control.n
  return difference === 0
    ? { ...empty, method: 'welch', p: 1, difference: { estimate: 0, low: 0, high: 0 } }
    : { ...empty, difference: { estimate: difference, low: null, high: null } }
}

function byRank(values: readonly Tied[], level: number): Partial<Compared> {
  const { twoSided } = mannWhitney(values)
  const chance = superiority(values, level)
  const logs = logarithms(values)
  const shift = twoSampleShift(logs ?? values, level)
  return {
    method: 'mann-whitney',
    p: twoSided,
    superiority: chance && bounded(chance),
    ...(shift && (logs ? { ratio: exponential(shift) } : { difference: bounded(shift) })),
  }
}

/** Count, sum and sum of squares of counted values of one side. */
export function momentsOfSide(values: readonly Tied[], side: 'first' | 'second'): Moments {
  let [n, sum, squares] = [0, 0, 0]
  for (const one of values) {
    n += one[side]
    sum += one[side] * one.value
    squares += one[side] * one.value ** 2
  }
  return { n, sum, squares }
}

/**
 * The interval at level `alpha` that may be read every day: at all looks together it misses with a chance of about alpha. Skewed
 * values by the ratio of their geometric means. There is no p: whoever looks daily must not test daily.
 */
export function compareAlways(question: Question, pair: Pair, alpha: number): Compared {
  const empty = blank(question, pair, 1 - alpha)
  if (pair.control.n === 0 || pair.variant.n === 0) return empty
  const logs = question.kind === 'skewed' ? logarithms(tiedHistograms(pair)) : undefined
  const [candidate, baseline] =
    logs === undefined
      ? [pair.variant, pair.control]
      : [momentsOfSide(logs ?? [], 'first'), momentsOfSide(logs ?? [], 'second')]
  const range = question.kind === 'rate' ? ([0, 1] as const) : question.range
  const interval = alwaysInterval({ candidate, baseline }, alpha, range)
  if (interval === null) return { ...empty, finding: 'open' }
  const shown = logs === undefined ? { difference: bounded(interval) } : { ratio: exponential(interval) }
  return { ...empty, method: 'always-valid', ...shown, finding: findingOf(question.better, interval) }
}

/** One stratum from the first unit on: arms run side by side all the time, so that the total is what may be read at any time. */
export function alwaysInterval(
  { candidate, baseline }: { candidate: Moments; baseline: Moments },
  alpha: number,
  range?: readonly [number, number],
) {
  return meanInterval(stepMeans(startMeans(range), { stratum: 'all', baseline, candidate }), alpha)
}

function findingOf(better: Better, { low, high }: { low: number; high: number }): Compared['finding'] {
  if (low <= 0 && high >= 0) return 'open'
  return low > 0 === (better === 'higher') ? 'better' : 'worse'
}

/** Which way it went: by the difference, or by the chance of being greater. */
export function isBetter({ difference, superiority: chance, better }: Compared): boolean {
  const up = chance ? chance.estimate > 0.5 : (difference?.estimate ?? 0) > 0
  return up === (better === 'higher')
}

/** Adjusts the p of a family by Holm (error rate `alpha` for all together) and says what was found. */
export function settle(family: readonly Compared[], alpha: number): Compared[] {
  const tested = family.filter(({ p }) => p !== null)
  const adjusted = weightedHolm(
    tested.map(({ p }) => p ?? 1),
    tested.map(() => 1),
  )
  return family.map((one) => {
    const place = tested.indexOf(one)
    if (place === -1) return { ...one, finding: 'not measured' }
    const p = adjusted[place] ?? 1
    return { ...one, adjusted: p, finding: p > alpha ? 'open' : isBetter(one) ? 'better' : 'worse' }
  })
}
