// The centre of paired differences and its distribution-free interval, by Walsh averages.
// Sources: Hodges & Lehmann, Ann. Math. Stat. 34 (1963) 598-611; Tukey (interval from the signed-rank distribution).
import signrankCdf from '@stdlib/stats-base-dists-signrank-cdf'
import { requireBetween } from './counts.ts'
import { normalQuantile } from './normal.ts'
import { exactUpTo } from './signed-rank.ts'

/**
 * The median of the averages of all pairs (each value also with itself), and the values that the signed-rank test at
 * 1 - `level` on each side does not reject; `level` is the confidence of each ONE-SIDED bound (0.5 < level < 1). A bound
 * is infinite where so few differences cannot give it (0.95 needs 5). Throws RangeError on none or on a non-number.
 */
export function hodgesLehmann(
  differences: readonly number[],
  level: number,
): { estimate: number; low: number; high: number } {
  requireBetween('level', level, 0.5, 1)
  if (differences.length === 0) throw new RangeError('there is no difference to average')
  if (!differences.every(Number.isFinite)) throw new RangeError('every difference must be a finite number')
  const sorted = Float64Array.from(differences).sort()
  const count = (sorted.length * (sorted.length + 1)) / 2
  const middle = kthWalsh(sorted, Math.ceil(count / 2))
  const estimate = count % 2 === 1 ? middle : (middle + kthWalsh(sorted, count / 2 + 1)) / 2
  const outer = rankOfBound(sorted.length, 1 - level)
  if (outer < 1) return { estimate, low: -Infinity, high: Infinity }
  return { estimate, low: kthWalsh(sorted, outer), high: kthWalsh(sorted, count + 1 - outer) }
}

/** The smallest q with P(V <= q) >= tail for the signed-rank statistic V: the q-th Walsh average is the lower bound. */
function rankOfBound(n: number, tail: number): number {
  const mean = (n * (n + 1)) / 4
  if (n > exactUpTo) {
    const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24)
    return Math.max(0, Math.ceil(mean - 0.5 + normalQuantile(tail) * deviation))
  }
  let q = 0
  while (q < mean && signrankCdf(q, n) < tail) q++
  return q
}

/**
 * The k-th smallest Walsh average (k from 1) of ascending values: bisection on the value, counting in one sweep, until two
 * neighbouring numbers are left. No list of n(n + 1)/2 averages is made.
 */
function kthWalsh(sorted: Float64Array, k: number): number {
  let low = sorted[0] ?? 0
  let high = sorted.at(-1) ?? 0
  if (countUpTo(sorted, low) >= k) return low
  for (;;) {
    const middle = low / 2 + high / 2
    if (!(middle > low && middle < high)) return high
    if (countUpTo(sorted, middle) >= k) high = middle
    else low = middle
  }
}

/** How many Walsh averages are at most `limit`. */
function countUpTo(sorted: Float64Array, limit: number): number {
  let count = 0
  let right = sorted.length - 1
  for (let left = 0; left <= right; left++) {
    const value = sorted[left] ?? 0
    while (right >= left && value / 2 + (sorted[right] ?? 0) / 2 > limit) right--
    count += right - left + 1
  }
  return count
}
