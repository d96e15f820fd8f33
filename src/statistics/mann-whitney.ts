// Does one of two samples tend to be greater? Works on lists and on counted values (buckets in order), with ties.
// Sources: Mann & Whitney, Ann. Math. Stat. 18 (1947) 50-60; Lehmann, Nonparametrics (1975) §1.4 (ties); DeLong, DeLong &
// Clarke-Pearson, Biometrics 44 (1988) 837-845 (variance of the chance of being greater).
import { requireBetween } from './counts.ts'
import { requireAmount } from './log-space.ts'
import { normalCdf, normalQuantile } from './normal.ts'

/** How often one value was seen in each sample. */
export type Tied = { readonly value: number; readonly first: number; readonly second: number }

export type MannWhitney = {
  /** Pairs in which the first is greater, ties half. */
  u: number
  pairs: number
  exact: boolean
  /** Small when the first tends to be smaller. */
  less: number
  greater: number
  twoSided: number
}

/** Up to so many pairs without ties the distribution is counted out. */
const EXACT_PAIRS = 2500

/** Two lists as counted values in ascending order. Throws RangeError on a value that is not finite. */
export function tiedValues(first: readonly number[], second: readonly number[]): Tied[] {
  const counts = new Map<number, { value: number; first: number; second: number }>()
  for (const [side, list] of [['first', first] as const, ['second', second] as const]) {
    for (const given of list) {
      if (!Number.isFinite(given)) throw new RangeError('every value must be a finite number')
      const value = given + 0
      const entry = counts.get(value) ?? { value, first: 0, second: 0 }
      entry[side] += 1
      counts.set(value, entry)
    }
  }
  return [...counts.values()].sort((a, b) => a.value - b.value)
}

type Sums = { m: number; n: number; u: number; ties: number }

/** Sizes, U and the sum of t^3 - t over groups of t equal values. Throws RangeError unless values rise and counts are whole. */
function sumsOf(values: readonly Tied[]): Sums {
  const sums = { m: 0, n: 0, u: 0, ties: 0 }
  let before = -Infinity
  for (const { value, first, second } of values) {
    requireAmount('a count', first)
    requireAmount('a count', second)
    if (!(value > before)) throw new RangeError('the values must rise')
    before = value
    sums.u += first * (sums.n + second / 2)
    sums.m += first
    sums.n += second
    sums.ties += (first + second) ** 3 - (first + second)
  }
  return sums
}

/**
 * The test of "both samples come from the same distribution", by counting out where there are few values and no ties, else by
 * the normal approximation with ties and continuity corrected. An empty side, or all values alike: every p is 1.
 */
export function mannWhitney(values: readonly Tied[]): MannWhitney {
  const { m, n, u, ties } = sumsOf(values)
  const pairs = m * n
  if (pairs === 0) return { u, pairs, exact: true, less: 1, greater: 1, twoSided: 1 }
  if (ties === 0 && pairs <= EXACT_PAIRS) {
    const chances = chancesOfU(m, n)
    const less = Math.min(1, sumTo(chances, u))
    const greater = Math.min(1, sumTo(chances, pairs - u))
    return { u, pairs, exact: true, less, greater, twoSided: Math.min(1, 2 * Math.min(less, greater)) }
  }
  const all = m + n
  const variance = (pairs / 12) * (all + 1 - ties / (all * (all - 1)))
  if (!(variance > 0)) return { u, pairs, exact: false, less: 1, greater: 1, twoSided: 1 }
  const away = u - pairs / 2
  const tail = (distance: number) => normalCdf(distance / Math.sqrt(variance))
  return {
    u,
    pairs,
    exact: false,
    less: tail(away + 0.5),
    greater: tail(-(away - 0.5)),
    twoSided: Math.min(1, 2 * tail(-(Math.abs(away) - 0.5))),
  }
}

const sumTo = (chances: Float64Array, last: number) => {
  let total = 0
  for (let u = 0; u <= last; u++) total += chances[u] ?? 0
  return total
}

const distributions = new Map<string, Float64Array>()

/** P(U = u) for u = 0 … mn when all orders are equally likely: by which sample holds the greatest value, only positive terms. */
export function chancesOfU(m: number, n: number): Float64Array {
  const known = distributions.get(`${m} ${n}`)
  if (known) return known
  let rows = Array.from({ length: n + 1 }, () => Float64Array.of(1))
  for (let i = 1; i <= m; i++) {
    const next = [Float64Array.of(1)]
    for (let j = 1; j <= n; j++) {
      const made = new Float64Array(i * j + 1)
      const [without, beside] = [rows[j], next[j - 1]]
      for (let u = 0; u <= i * j; u++) made[u] = (i * (without?.[u - j] ?? 0) + j * (beside?.[u] ?? 0)) / (i + j)
      next.push(made)
    }
    rows = next
  }
  const made = rows[n] ?? Float64Array.of(1)
  if (distributions.size > 20) distributions.clear()
  distributions.set(`${m} ${n}`, made)
  return made
}

/**
 * The chance that a value of the first sample is greater than one of the second (ties half; 0.5 is no difference, and twice it
 * minus 1 is the rank-biserial correlation), with an interval that does not assume equal shapes; `level` is the TWO-SIDED
 * confidence. By the variance of the placements, on the logit scale. Null where a side has fewer than two values.
 */
export function superiority(
  values: readonly Tied[],
  level: number,
): { estimate: number; low: number; high: number } | null {
  requireBetween('level', level, 0, 1)
  const { m, n, u } = sumsOf(values)
  if (m < 2 || n < 2) return null
  const estimate = u / (m * n)
  let [below, above] = [0, 0]
  let [ofFirst, ofSecond] = [0, 0]
  for (const { first, second } of values) {
    ofFirst += first * ((below + second / 2) / n - estimate) ** 2
    ofSecond += second * ((m - above - first / 2) / m - estimate) ** 2
    below += second
    above += first
  }
  // A total separation shows no variance: half a pair then stands for what was not seen.
  const edge = 1 / (2 * m * n)
  const inside = Math.min(1 - edge, Math.max(edge, estimate))
  const least = (inside * (1 - inside)) / Math.max(m, n)
  const variance = ofFirst / (m - 1) / m + ofSecond / (n - 1) / n || least
  const half = (normalQuantile((1 + level) / 2) * Math.sqrt(variance)) / (inside * (1 - inside))
  const logit = Math.log(inside / (1 - inside))
  return {
    estimate,
    low: Math.min(estimate, 1 / (1 + Math.exp(half - logit))),
    high: Math.max(estimate, 1 / (1 + Math.exp(-half - logit))),
  }
}
