// The interval for a rate with guaranteed coverage. Source: Clopper & Pearson, Biometrika 26 (1934) 404-413, by beta quantiles.
import { betaQuantile } from './beta.ts'
import { requireBetween } from './counts.ts'
import { requireRate, type RateInterval } from './wilson.ts'

/**
 * Interval for the rate behind `x` of `n`; neither needs to be whole (an effective size). `level` is the TWO-SIDED
 * confidence. low is 0 at x = 0 and high is 1 at x = n.
 */
export function clopperPearson(x: number, n: number, level: number): RateInterval {
  requireRate(x, n)
  requireBetween('level', level, 0, 1)
  const tail = (1 - level) / 2
  return {
    low: x === 0 ? 0 : betaQuantile(tail, x, n - x + 1),
    high: x === n ? 1 : betaQuantile(1 - tail, x + 1, n - x),
  }
}
