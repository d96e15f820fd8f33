// Whether paired differences lie around 0. Source: Wilcoxon, Biometrics Bull. 1 (1945) 80-83; ties and continuity as in R's wilcox.test.
import signrankCdf from '@stdlib/stats-base-dists-signrank-cdf'
import { asP } from './exact-stratified.ts'
import { normalCdf } from './normal.ts'

export type SignedRankTest = {
  /** Differences that are not 0; the others are dropped. */
  n: number
  /** Sum of the ranks of the positive differences. */
  statistic: number
  exact: boolean
  /** Small when the differences lie below 0, above 0, or on either side. All 1 when every difference is 0. */
  less: number
  greater: number
  twoSided: number
}

/** Up to this many differences the exact distribution is used. */
export const exactUpTo = 50

/**
 * To test against another centre than 0, subtract it first. Exact for up to 50 differences without ties, otherwise the
 * normal approximation with tie and continuity corrections. Throws RangeError on a difference that is no number.
 */
export function signedRank(differences: readonly number[]): SignedRankTest {
  if (!differences.every(Number.isFinite)) throw new RangeError('every difference must be a finite number')
  const nonzero = differences.filter((d) => d !== 0)
  const n = nonzero.length
  const { statistic, tieTerm } = rankSum(nonzero)
  const exact = n <= exactUpTo && tieTerm === 0
  if (n === 0) return { n, statistic, exact, less: 1, greater: 1, twoSided: 1 }
  const { less, greater, twoSided } = exact ? exactTails(statistic, n) : normalTails(statistic, n, tieTerm)
  return { n, statistic, exact, less: asP(less), greater: asP(greater), twoSided: asP(twoSided) }
}

/** Mid-ranks of the absolute values. `tieTerm` is the sum of t^3 - t over the groups of t equal ones. */
function rankSum(differences: readonly number[]): { statistic: number; tieTerm: number } {
  const sorted = [...differences].sort((a, b) => Math.abs(a) - Math.abs(b))
  let statistic = 0
  let tieTerm = 0
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    const size = Math.abs(sorted[start] ?? 0)
    while (end < sorted.length && Math.abs(sorted[end] ?? 0) === size) end++
    const tied = sorted.slice(start, end)
    statistic += tied.filter((d) => d > 0).length * ((start + end + 1) / 2)
    tieTerm += tied.length ** 3 - tied.length
  }
  return { statistic, tieTerm }
}

function exactTails(statistic: number, n: number) {
  const most = (n * (n + 1)) / 2
  const less = signrankCdf(statistic, n)
  // The distribution is symmetric: the upper tail is the lower one of the mirrored statistic.
  const greater = signrankCdf(most - statistic, n)
  return { less, greater, twoSided: 2 * Math.min(less, greater) }
}

function normalTails(statistic: number, n: number, tieTerm: number) {
  const centred = statistic - (n * (n + 1)) / 4
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24 - tieTerm / 48)
  const tail = (by: number) => normalCdf(by / deviation)
  return {
    less: tail(centred + 0.5),
    greater: tail(-(centred - 0.5)),
    twoSided: 2 * tail(-(Math.abs(centred) - (centred === 0 ? 0 : 0.5))),
  }
}
