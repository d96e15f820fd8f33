// What the stored trials say about each case: success rates that are not surer than the counts behind them.
// Sources: beta-binomial by moments, Kleinman, J. Am. Stat. Assoc. 68 (1973) 46-54; effective size of a cluster sample,
// Kish, Survey Sampling (1965) §5.4; Jeffreys' half of a success and half of a failure for the mean.
import type { CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo } from '../../schema/run.ts'
import { meanRate, sum } from '../../statistics/counts.ts'
import { betaDraw } from '../../statistics/draws.ts'
import { varianceComponents } from '../../statistics/power.ts'
import { oneOf, type Random } from './random.ts'
import type { Trial } from './walk.ts'

/** Everything that was stored of one case. */
export type CaseHistory = {
  info: CaseInfo
  tally: CaseTally
  /** Every assertion of the case grades the same answer alike, so that one failure of a critical case is proof. */
  deterministic: boolean
}

export type World = {
  histories: readonly CaseHistory[]
  /** Mean success rate of the cases. */
  mean: number
  /** Independent trials that the mean is worth. */
  effectiveN: number
  /** Share of the variance between the cases, as used: 0.05 to 0.95, and 0.5 where the counts cannot tell. */
  icc: number
  /** As the counts show it. */
  variance: { within: number; between: number; icc: number | null } | null
  /** Share of the trials that could not be measured. */
  errorRate: number
}

/** Share of the variance that lies between the cases, where the data cannot tell. */
const USUAL_ICC = 0.5
/** At the ends one trial would tell everything, or nothing, about its case: no sample shows that. */
const ICC_RANGE = [0.05, 0.95] as const

/** A mean rate of exactly 0 or 1 would leave nothing to draw. */
const EDGE = 1e-9

/** The world behind the histories; null when not one case has a measured trial. */
export function worldOf(histories: readonly CaseHistory[]): World | null {
  const tallies = histories.map(({ tally }) => tally)
  const counts = tallies.filter(({ trials }) => trials > 0)
  if (counts.length === 0) return null
  const variance = varianceComponents(counts)
  const icc = Math.min(ICC_RANGE[1], Math.max(ICC_RANGE[0], variance?.icc ?? USUAL_ICC))
  const errors = sum(tallies.map((tally) => tally.errors))
  const trials = sum(counts.map((tally) => tally.trials))
  return {
    histories,
    mean: meanRate(counts),
    effectiveN: sum(counts.map((tally) => tally.trials / (1 + (tally.trials - 1) * icc))),
    icc,
    variance,
    errorRate: errors / (errors + trials),
  }
}

/**
 * One world that the counts allow: the mean from Beta(N mu + 1/2, N (1 - mu) + 1/2), N the effective size; then the rate of
 * each case from Beta(mu s + passes, (1 - mu) s + failures) with s = (1 - ICC) / ICC pseudo-trials of the other cases.
 * @returns success rates in [0, 1], in the order of the histories
 */
export function drawRates({ histories, mean, effectiveN, icc }: World, random: Random): number[] {
  const around = betaDraw(effectiveN * mean + 0.5, effectiveN * (1 - mean) + 0.5, random)
  const drawn = Math.min(1 - EDGE, Math.max(EDGE, around))
  const strength = (1 - icc) / icc
  return histories.map(({ tally: { passes, trials } }) =>
    betaDraw(drawn * strength + passes, (1 - drawn) * strength + trials - passes, random),
  )
}

/** Draws trials of the cases with the given rates; scores, latencies and costs are drawn from those that were stored. */
export function trialDrawer(world: World, random: Random): (i: number, rate: number) => Trial {
  const stored = world.histories.map(({ tally, deterministic }) => {
    // A tally keeps scores without saying which of them passed: the best ones did.
    const sorted = tally.scores.toSorted((a, b) => b - a)
    return { tally, deterministic, good: sorted.slice(0, tally.passes), bad: sorted.slice(tally.passes) }
  })
  const anyBad = stored.flatMap(({ bad }) => bad)
  return (i, rate) => {
    const one = stored[i]
    if (!one) throw new RangeError(`there is no case ${i}`)
    if (world.errorRate > 0 && random() < world.errorRate) return { passed: null }
    const passed = random() < rate
    const bad = one.bad.length > 0 ? one.bad : anyBad
    return {
      passed,
      score: oneOf(passed ? one.good : bad, random) ?? (passed ? 1 : 0),
      latency_ms: oneOf(one.tally.latencies_ms, random),
      cost_usd: oneOf(one.tally.costs_usd, random),
      proof: one.deterministic,
    }
  }
}
