// The standard normal distribution, from @stdlib.
import cdf from '@stdlib/stats-base-dists-normal-cdf'
import quantile from '@stdlib/stats-base-dists-normal-quantile'

/** P(Z <= z). Relative error below 2e-13 from z = -38 on. */
export function normalCdf(z: number): number {
  return cdf(z, 0, 1)
}

/** Below this the library's quantile loses its digits (wrong in the third at 1e-16, -Infinity at 1e-20). */
const smallest = 1e-12

/**
 * The z with P(Z <= z) = p. `p` from 0 to 1, otherwise NaN; anything nearer to 0 or 1 than 1e-12 is taken as 1e-12
 * away from it, so that the answer is always finite: |z| <= 7.04.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN
  return quantile(Math.min(Math.max(p, smallest), 1 - smallest), 0, 1)
}
