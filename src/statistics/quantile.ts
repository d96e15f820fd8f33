// Quantiles of a sample, and bounds for the quantile of what it was drawn from.
// Sources: Hyndman & Fan, Am. Stat. 50 (1996) 361-365 (type 7); David & Nagaraja, Order Statistics (3rd ed. 2003) §7.1 (bounds).
import binomialCdf from '@stdlib/stats-base-dists-binomial-cdf'
import { quantileSorted } from 'simple-statistics'
import { requireBetween } from './counts.ts'

function requireSample(sorted: readonly number[]): void {
  if (sorted.length === 0) throw new RangeError('there is no value to take a quantile of')
}

/** The `q` quantile (0 to 1) of ascending values, linear between them. Throws RangeError on none. */
export function quantile(sorted: readonly number[], q: number): number {
  requireSample(sorted)
  if (!(q >= 0 && q <= 1)) throw new RangeError(`q must lie from 0 to 1, not ${q}`)
  return quantileSorted(sorted, q)
}

/**
 * The quantile with order statistics as bounds: whatever the distribution, each ONE-SIDED bound holds with at least
 * `level` (0.5 < level < 1; 0 < q < 1). A bound is infinite where the sample is too small: 0.95 for p95 needs 59 values
 * above. Throws RangeError on no values.
 */
export function quantileBounds(
  sorted: readonly number[],
  q: number,
  level: number,
): { estimate: number; low: number; high: number } {
  requireSample(sorted)
  requireBetween('q', q, 0, 1)
  requireBetween('level', level, 0.5, 1)
  const n = sorted.length
  /** P(fewer than `rank` values lie below the quantile) */
  const fewer = (rank: number) => binomialCdf(rank - 1, n, q)
  const upper = firstWhere(1, n, (rank) => fewer(rank) >= level)
  const lower = firstWhere(1, n, (rank) => fewer(rank) > 1 - level) - 1
  return {
    estimate: quantile(sorted, q),
    low: sorted[lower - 1] ?? -Infinity,
    high: sorted[upper - 1] ?? Infinity,
  }
}

/** The first whole number from `from` to `to` where `holds`, which stays true once true; `to` + 1 where it never does. */
function firstWhere(from: number, to: number, holds: (at: number) => boolean): number {
  let low = from
  let high = to + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
