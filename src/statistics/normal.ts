// The standard normal distribution, from @stdlib.
import cdf from '@stdlib/stats-base-dists-normal-cdf'
import quantile from '@stdlib/stats-base-dists-normal-quantile'

/** P(Z <= z). Relative error below 2e-13 from z = -38 on. */
export function normalCdf(z: number): number {
  return cdf(z, 0, 1)
}

/** Below this the library's quantile is too far off to start from (in the third digit at 1e-16, -Infinity at 1e-20). 1e-12, as the upper end can hold it. */
const smallest = 1 - 0.999999999999

/**
 * The z with P(Z <= z) = p. `p` from 0 to 1, otherwise NaN; anything nearer to 0 or 1 than 1e-12 is taken as 1e-12
 * away from it, so that the answer is always finite: |z| <= 7.04. Relative error below 1e-10.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  const tail = Math.max(p, smallest)
  const z = quantile(tail, 0, 1)
  // The library loses digits in the tail (4e-7 at 1e-12), its cdf does not: one Newton step brings them back.
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  return z - (normalCdf(z) - tail) / density
}
