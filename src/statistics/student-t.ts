// Student's t distribution, from @stdlib.
import cdf from '@stdlib/stats-base-dists-t-cdf'
import quantile from '@stdlib/stats-base-dists-t-quantile'

/** P(T <= t) with `df` > 0 degrees of freedom, not necessarily whole. */
export function tCdf(t: number, df: number): number {
  return cdf(t, df)
}

/** The t with P(T <= t) = p; 0 < p < 1, df > 0. */
export function tQuantile(p: number, df: number): number {
  return quantile(p, df)
}
