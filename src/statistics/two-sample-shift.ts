// By how much one sample is shifted against another: the median of all differences, of lists or of counted values.
// Sources: Hodges & Lehmann, Ann. Math. Stat. 34 (1963) 598-611; interval by inverting the Mann-Whitney test (Lehmann 1975 §2.3).
import { requireBetween } from './counts.ts'
import { chancesOfU, type Tied } from './mann-whitney.ts'
import { normalQuantile } from './normal.ts'

type Weighted = { values: Float64Array; counts: Float64Array; total: number }

function side(values: readonly Tied[], of: 'first' | 'second'): Weighted {
  const seen = values.filter((one) => one[of] > 0)
  const counts = Float64Array.from(seen, (one) => one[of])
  return { values: Float64Array.from(seen, ({ value }) => value), counts, total: counts.reduce((a, b) => a + b, 0) }
}

/**
 * The median of first minus second over all pairs, with an interval of TWO-SIDED confidence `level` (exact for small samples
 * without ties). `values` rise. A bound is infinite where so few values cannot give it; null where a side is empty.
 */
export function twoSampleShift(
  values: readonly Tied[],
  level: number,
): { estimate: number; low: number; high: number } | null {
  requireBetween('level', level, 0, 1)
  const [x, y] = [side(values, 'first'), side(values, 'second')]
  const pairs = x.total * y.total
  if (pairs === 0) return null
  const kth = (k: number) => kthDifference(x, y, k)
  const estimate = (kth(Math.floor((pairs + 1) / 2)) + kth(Math.ceil((pairs + 1) / 2))) / 2
  const rank = rankOfBound(values, x.total, y.total, (1 - level) / 2)
  if (rank < 1) return { estimate, low: -Infinity, high: Infinity }
  return { estimate, low: kth(rank), high: kth(pairs + 1 - rank) }
}

/** The lower bound is the difference of this rank; 0 where there is none. */
function rankOfBound(values: readonly Tied[], m: number, n: number, tail: number): number {
  const pairs = m * n
  const ties = values.reduce((sum, { first, second }) => sum + (first + second) ** 3 - (first + second), 0)
  if (ties === 0 && pairs <= 2500) {
    const chances = chancesOfU(m, n)
    let [q, below] = [0, chances[0] ?? 1]
    while (below < tail) below += chances[++q] ?? 1
    return q
  }
  const all = m + n
  const deviation = Math.sqrt((pairs / 12) * (all + 1 - (all > 1 ? ties / (all * (all - 1)) : 0)))
  return Math.max(0, Math.floor(pairs / 2 + normalQuantile(tail) * deviation))
}

/** The k-th smallest difference (k from 1), by bisection on its value with one sweep a step; no list of pairs is made. */
function kthDifference(x: Weighted, y: Weighted, k: number): number {
  let low = (x.values[0] ?? 0) - (y.values.at(-1) ?? 0)
  let high = (x.values.at(-1) ?? 0) - (y.values[0] ?? 0)
  if (countUpTo(x, y, low).count >= k) return low
  for (;;) {
    const middle = low / 2 + high / 2
    if (!(middle > low && middle < high)) return high
    const { count, greatest } = countUpTo(x, y, middle)
    // The greatest difference up to the middle is one that exists: few steps are left.
    if (count >= k) high = Math.min(middle, greatest)
    else low = middle
  }
}

/** How many differences are at most `limit`, and the greatest of them. As x rises, so does the least y that may go with it. */
function countUpTo(x: Weighted, y: Weighted, limit: number): { count: number; greatest: number } {
  let [count, greatest] = [0, -Infinity]
  let [at, left] = [0, y.total]
  for (let i = 0; i < x.values.length; i++) {
    const value = x.values[i] ?? 0
    while (at < y.values.length && value - (y.values[at] ?? 0) > limit) left -= y.counts[at++] ?? 0
    if (at < y.values.length) greatest = Math.max(greatest, value - (y.values[at] ?? 0))
    count += (x.counts[i] ?? 0) * left
  }
  return { count, greatest }
}
