// The change of a suite's expected pass rate with its interval. Source: Wald interval on within-case variances with a
// pseudo-count that generalises the "+2 pairs" of Bonett & Price, J. Educ. Behav. Stat. 37 (2012) 479-488; calibrated by simulation.
import { requireBetween, requireStrata, type Stratum, sum } from './counts.ts'
import { normalQuantile } from './normal.ts'

/** In shares of 1, candidate minus baseline. `low` and `high` are one-sided bounds; in small suites they may pass -1 and 1. */
export type Difference = { difference: number; standardError: number; low: number; high: number }

/** The bounds `z` standard errors away. Throws RangeError on no cases or impossible counts. */
export function suiteDifferenceAt(strata: readonly Stratum[], z: number): Difference {
  requireStrata(strata)
  if (strata.length === 0) throw new RangeError('there is no case to compare')
  const n = strata.length
  const difference = sum(strata.map((s) => s.passes / s.trials - s.basePasses / s.baseTrials)) / n
  const pseudo = sum(strata.map((s) => 1 / s.trials + 1 / s.baseTrials)) / n
  const standardError = Math.sqrt(sum(strata.map(variance)) + pseudo) / n
  return { difference, standardError, low: difference - z * standardError, high: difference + z * standardError }
}

/** As `suiteDifferenceAt`, with the confidence of each ONE-SIDED bound (0 < level < 1). */
export function suiteDifference(strata: readonly Stratum[], level: number): Difference {
  requireBetween('level', level, 0, 1)
  return suiteDifferenceAt(strata, normalQuantile(level))
}

/** Of one case, without the pseudo-count. Where a side was tried once its own cannot be seen: the squared difference stands in. */
export function variance({ passes, trials, basePasses, baseTrials }: Stratum): number {
  const x = passes / trials
  const y = basePasses / baseTrials
  if (trials < 2 || baseTrials < 2) return (x - y) ** 2
  return (x * (1 - x)) / (trials - 1) + (y * (1 - y)) / (baseTrials - 1)
}
