// Has the pinned baseline drifted? Its own questions asked again, compared both ways with what it answered then.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { SuiteDrift } from '../../schema/drift.ts'
import type { CaseInfo, Observation, TargetSnapshot } from '../../schema/run.ts'
import { meanRate, type Stratum } from '../../statistics/counts.ts'
import { exactStratified } from '../../statistics/exact-stratified.ts'
import { weightedHolm } from '../../statistics/holm.ts'
import { suiteDifference } from '../../statistics/suite-difference.ts'
import { swapWarnings } from '../change/silent-swap.ts'
import { tally } from '../gate/tally.ts'
import { byText, counted, differenceText, intervalText, percent, points, pText } from '../words.ts'

/** Of all tests of one suite together: a weekly check of ten suites is wrong about once in ten weeks at 0.01 each. */
export const DRIFT_ALPHA = 0.01
/** Of each one-sided bound of the intervals that are shown, and by which "no drift" is proven. */
const LEVEL = 0.95
/** With less than this share of its cases measured, a suite says nothing of itself. */
const MEASURED_SHARE = 0.95

type Compared = SuiteDrift['rate']
type Row = { category: string | undefined; stratum: Stratum }

export type DriftInput = {
  baseline: Baseline
  /** Cases as they are asked now; the same id with another hash is another case and is not compared. */
  cases: readonly CaseInfo[]
  observations: readonly Observation[]
  /** What was asked. */
  target: TargetSnapshot
  quarantined?: readonly string[] | undefined
  /** The largest difference, either way, that still is none: the margin of the suite, 0 to 1. */
  margin: number
  alpha?: number
  /** Why not everything was asked. */
  stopped?: string | undefined
  record: string | null
}

/**
 * Compares the answers of today with the stored baseline, both ways. Half of alpha is spent on the suite, half on its
 * categories (weighted Holm). `pass`: the difference lies within the margin either way; `fail`: drift is proven, or another
 * model answers; `inconclusive`: neither; `invalid`: too little could be measured.
 */
export function suiteDrift(input: DriftInput): SuiteDrift {
  const { baseline, cases, observations, target, margin, alpha = DRIFT_ALPHA, stopped } = input
  const left = new Set(input.quarantined)
  const asked = cases.filter(({ id }) => !left.has(id))
  const now = tally([...observations], [...asked])
  const rows = pairs(baseline.cases, now)
  const compared = new Set(rows.map(({ now: tallied }) => tallied.id))
  const { rate, categories } = tests(
    rows.map(({ before, now: after }) => ({ category: after.category, stratum: stratumOf(before, after) })),
    alpha,
  )
  const said = swapWarnings(observations, baseline, target)
  // The system behind a model is renewed often and means little by itself; another model is a fact that ends the comparison.
  const swaps = said.filter((one) => !one.includes('the system '))
  const wanted = comparableCases(baseline.cases, asked)
  const missing = wanted - rows.length
  const problem =
    stopped ??
    (wanted === 0
      ? 'No case is the same as in the baseline.'
      : rows.length < MEASURED_SHARE * wanted
        ? `Only ${rows.length} of ${counted(wanted, 'case')} could be measured.`
        : undefined)
  const { outcome, reasons } = verdict({ swaps, problem, rate, categories, margin })
  const shown = asked.length - compared.size
  return {
    suite: baseline.suite,
    outcome,
    reasons,
    warnings: [
      ...said.filter((one) => !swaps.includes(one)),
      ...(missing > 0 && problem === undefined ? [`${counted(missing, 'case')} could not be measured.`] : []),
    ],
    swaps,
    target: baseline.target.label,
    baseline_at: baseline.accepted.at,
    rate,
    categories,
    cost_usd: shownOf(rows, ({ costs_usd }) => costs_usd, mean),
    latency_ms: shownOf(rows, ({ latencies_ms }) => latencies_ms, middle),
    trials: rows.reduce((total, { now: { trials } }) => total + trials, 0),
    not_compared: shown,
    record: input.record,
  }
}

type Pair = { before: CaseTally; now: CaseTally }

function pairs(before: readonly CaseTally[], now: readonly CaseTally[]): Pair[] {
  const shelf = new Map(before.map((one) => [one.id, one]))
  return [...now]
    .sort((a, b) => byText(a.id, b.id))
    .flatMap((after) => {
      const old = shelf.get(after.id)
      return old && old.hash === after.hash && old.trials > 0 && after.trials > 0 ? [{ before: old, now: after }] : []
    })
}

function comparableCases(before: readonly CaseTally[], asked: readonly CaseInfo[]): number {
  const shelf = new Map(before.map((one) => [one.id, one]))
  return asked.filter(({ id, hash }) => {
    const old = shelf.get(id)
    return old !== undefined && old.hash === hash && old.trials > 0
  }).length
}

const stratumOf = (before: CaseTally, now: CaseTally): Stratum => ({
  passes: now.passes,
  trials: now.trials,
  basePasses: before.passes,
  baseTrials: before.trials,
})

const nothing: Compared = {
  cases: 0,
  before: null,
  now: null,
  difference: null,
  interval: null,
  p: null,
  adjusted_p: null,
  drifted: false,
}

function tests(rows: readonly Row[], alpha: number): { rate: Compared; categories: Record<string, Compared> } {
  if (rows.length === 0) return { rate: nothing, categories: {} }
  const groups = [...new Set(rows.flatMap(({ category }) => category ?? []))].sort(byText)
  // One category that is the whole suite would be the same test twice.
  const own = groups.length === 1 && rows.every(({ category }) => category !== undefined) ? [] : groups
  const sets = [rows, ...own.map((group) => rows.filter(({ category }) => category === group))]
  const found = sets.map((set) => compare(set.map(({ stratum }) => stratum)))
  const weights = found.map((_, index) => (index === 0 ? Math.max(1, own.length) : 1))
  const adjusted = weightedHolm(
    found.map(({ p }) => p ?? 1),
    weights,
  )
  const [rate = nothing, ...rest] = found.map((one, index) => {
    const adjusted_p = adjusted[index] ?? 1
    return { ...one, adjusted_p, drifted: adjusted_p <= alpha }
  })
  return { rate, categories: Object.fromEntries(own.map((group, index) => [group, rest[index] ?? nothing])) }
}

function compare(strata: readonly Stratum[]): Compared {
  const { pRegress, pImprove } = exactStratified(strata)
  const { difference, low, high } = suiteDifference(strata, LEVEL)
  return {
    cases: strata.length,
    before: meanRate(strata.map(({ basePasses, baseTrials }) => ({ passes: basePasses, trials: baseTrials }))),
    now: meanRate(strata),
    difference,
    interval: { low, high, level: LEVEL },
    p: Math.min(1, 2 * Math.min(pRegress, pImprove)),
    adjusted_p: null,
    drifted: false,
  }
}

type Facts = {
  swaps: readonly string[]
  problem: string | undefined
  rate: Compared
  categories: Record<string, Compared>
  margin: number
}

function verdict({ swaps, problem, rate, categories, margin }: Facts): Pick<SuiteDrift, 'outcome' | 'reasons'> {
  const moved = [
    ...(rate.drifted ? [`The suite: ${changeIn(rate)}.`] : []),
    ...Object.entries(categories)
      .filter(([, one]) => one.drifted)
      .map(([name, one]) => `Category ${name}: ${changeIn(one)}.`),
  ]
  if (swaps.length > 0) return { outcome: 'fail', reasons: [...swaps, ...moved] }
  if (problem !== undefined) return { outcome: 'invalid', reasons: [`Not measured: ${problem}`] }
  if (moved.length > 0) return { outcome: 'fail', reasons: moved }
  const { interval } = rate
  if (interval && interval.low >= -margin && interval.high <= margin) {
    const said = `No drift: ${intervalText(interval, points)} points, within ${points(margin)} either way.`
    return { outcome: 'pass', reasons: [said] }
  }
  const said = interval ? changeIn(rate) : 'nothing was compared'
  const reason = `Open: ${said}; no drift is proven, and none within ${points(margin)} points is not proven either. More --trials or cases would tell.`
  return { outcome: 'inconclusive', reasons: [reason] }
}

function changeIn({ before, now, difference, interval, p }: Compared): string {
  const rates = `${percent(before ?? 0)} -> ${percent(now ?? 0)}`
  const range = interval ? `, ${intervalText(interval, points)} points` : ''
  return `${rates}, ${differenceText(difference ?? 0)}${range}, ${pText(p ?? 1)}`
}

function shownOf(
  rows: readonly Pair[],
  of: (tallied: CaseTally) => readonly number[],
  summary: (values: readonly number[]) => number | null,
): { before: number | null; now: number | null } {
  return {
    before: summary(rows.flatMap((row) => of(row.before))),
    now: summary(rows.flatMap((row) => of(row.now))),
  }
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.toSorted((a, b) => a - b).reduce((a, b) => a + b, 0) / values.length

function middle(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}
