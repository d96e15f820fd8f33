// The score interval for a rate. Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
import { requireBetween } from './counts.ts'
import { normalQuantile } from './normal.ts'

export type RateInterval = { low: number; high: number }

/** Throws RangeError unless 0 <= x <= n and n > 0. */
export function requireRate(x: number, n: number): void {
  if (!(n > 0) || !(x >= 0 && x <= n)) throw new RangeError(`a rate needs 0 <= x <= n and n > 0, not ${x} of ${n}`)
}

/**
 * Interval for the rate behind `x` of `n`. `n` may be an effective size, so neither needs to be whole; `level` is the
 * TWO-SIDED confidence (0.9 gives two one-sided 95% bounds). low is 0 at x = 0 and high is 1 at x = n.
 */
export function wilson(x: number, n: number, level: number): RateInterval {
  requireRate(x, n)
  requireBetween('level', level, 0, 1)
  const z = normalQuantile((1 + level) / 2)
  const half = z * Math.sqrt((x * (n - x)) / n + (z * z) / 4)
  const high = (x + (z * z) / 2 + half) / (n + z * z)
  // The bounds are the roots of one quadratic: their product gives the lower one without taking a difference.
  const low = ((x / n) * x) / ((n + z * z) * high)
  return { low, high: x === n ? 1 : Math.min(high, 1) }
}
