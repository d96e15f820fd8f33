// The beta distribution, from @stdlib.
import quantile from '@stdlib/stats-base-dists-beta-quantile'

/** The x with P(X <= x) = p for X ~ Beta(a, b); 0 <= p <= 1, a > 0, b > 0, not necessarily whole. */
export function betaQuantile(p: number, a: number, b: number): number {
  return quantile(p, a, b)
}
