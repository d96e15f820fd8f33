// The mean of paired differences with an interval that may be read at every look, and the paired test beside it.
import type { MeanInterval } from '../../statistics/mean-sequence.ts'
import { sequenceHalfWidth } from '../../statistics/mean-sequence.ts'
import { signedRank } from '../../statistics/signed-rank.ts'

/** Fewer differences have no interval: the normal approximation is not trusted before. */
export const FEWEST = 100

export type Paired = Pick<MeanInterval, 'estimate' | 'low' | 'high'>

/**
 * Mean of differences (candidate minus baseline) with its asymptotic confidence sequence at level `alpha` (two-sided).
 * `span`: greatest minus least possible difference; then one more, extreme, difference is reckoned in, so that values
 * that were all alike so far are not taken as certain. Null for fewer than 100.
 * Source: Waudby-Smith et al., arXiv:2103.06476, Theorem 2.2.
 */
export function pairedInterval(differences: readonly number[], alpha: number, span = 0): Paired | null {
  const n = differences.length
  if (n < FEWEST) return null
  const estimate = differences.reduce((sum, one) => sum + one, 0) / n
  const squares = differences.reduce((sum, one) => sum + (one - estimate) ** 2, 0)
  const variance = squares / (n - 1) + span ** 2 / 4 / n
  const half = sequenceHalfWidth(n, Math.sqrt(variance), alpha)
  return { estimate, low: estimate - half, high: estimate + half }
}

/** Two-sided p of Wilcoxon's signed-rank test, and the median difference; for one look at the end, not for peeking. */
export function pairedTest(differences: readonly number[]): { p: number; median: number } | null {
  if (differences.length === 0) return null
  const sorted = [...differences].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
  return { p: signedRank(differences).twoSided, median }
}
