// Chi-square tests of counts: do they come in the planned proportion, and do two rates differ?
// Sources: Pearson (1900); Abramowitz & Stegun 26.4.4 and 26.4.5 (the tail for whole degrees of freedom).
import { fisherExact } from './fisher.ts'
import { requireAmount } from './log-space.ts'
import { normalCdf } from './normal.ts'

/** P(X >= x) for x >= 0 and whole `df` >= 1: a finite sum of positive terms, nothing is lost. Throws RangeError otherwise. */
export function chiSquareTail(x: number, df: number): number {
  requireAmount('x', x)
  if (!Number.isSafeInteger(df) || df < 1) throw new RangeError(`df must be a whole number from 1 on, not ${df}`)
  const odd = df % 2 === 1
  let total = odd ? 2 * normalCdf(-Math.sqrt(x)) : Math.exp(-x / 2)
  let term = odd ? Math.sqrt((2 * x) / Math.PI) * Math.exp(-x / 2) : Math.exp(-x / 2)
  if (odd && df > 1) total += term
  for (let k = odd ? 5 : 4; k <= df; k += 2) {
    term *= x / (k - 2)
    total += term
  }
  return Math.min(1, total)
}

/**
 * Pearson's test of `observed` counts against `weights` (> 0, in any unit). `p` null: nothing was counted. Throws RangeError on
 * fewer than two counts, a negative one, or a weight of 0.
 */
export function proportionTest(
  observed: readonly number[],
  weights: readonly number[],
): { statistic: number; df: number; p: number | null } {
  if (observed.length < 2 || observed.length !== weights.length) throw new RangeError('each count needs its weight')
  for (const count of observed) requireAmount('a count', count)
  if (!weights.every((weight) => weight > 0 && weight < Infinity)) throw new RangeError('every weight must be above 0')
  const all = observed.reduce((a, b) => a + b, 0)
  const weight = weights.reduce((a, b) => a + b, 0)
  const df = observed.length - 1
  if (all === 0) return { statistic: 0, df, p: null }
  const parts = observed.map((count, i) => {
    const expected = (all * (weights[i] ?? 0)) / weight
    return (count - expected) ** 2 / expected
  })
  const statistic = parts.reduce((a, b) => a + b, 0)
  return { statistic, df, p: chiSquareTail(statistic, df) }
}

/** `bad` of `n`, whole numbers. */
export type RateCount = { readonly n: number; readonly bad: number }

/** Below this expected count (Cochran 1954) chi-square is not trusted and Fisher's exact test is taken. */
const FEWEST_EXPECTED = 5

/**
 * Two-sided test of "both rates are alike": chi-square without correction (the square of the pooled z), or Fisher's exact test
 * where a cell is expected to hold fewer than five. Nothing or everything bad, or an empty side: p is 1.
 */
export function compareRates(first: RateCount, second: RateCount): { method: 'chi-square' | 'fisher'; p: number } {
  const n = first.n + second.n
  const bad = first.bad + second.bad
  const least = (Math.min(first.n, second.n) * Math.min(bad, n - bad)) / n
  if (!(least >= FEWEST_EXPECTED)) {
    const { twoSided } = fisherExact(first.bad, first.n - first.bad, second.bad, second.n - second.bad)
    return { method: 'fisher', p: twoSided }
  }
  const cross = first.bad * (second.n - second.bad) - second.bad * (first.n - first.bad)
  const statistic = ((cross / first.n) * (cross / second.n) * n) / (bad * (n - bad))
  return { method: 'chi-square', p: chiSquareTail(statistic, 1) }
}
