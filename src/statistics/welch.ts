// Two means whose variances may differ. Source: Welch, Biometrika 34 (1947) 28-35; degrees of freedom by Satterthwaite (1946).
import type { Moments } from './mean-sequence.ts'
import { requireBetween } from './counts.ts'
import { tCdf, tQuantile } from './student-t.ts'

/** Mean and variance (n - 1) of counted values; a variance is never below 0 by rounding. n = 0: NaN; n = 1: the variance is NaN. */
export function momentsOf({ n, sum, squares }: Moments): { mean: number; variance: number } {
  return { mean: sum / n, variance: n < 2 ? Number.NaN : Math.max(0, squares - (sum * sum) / n) / (n - 1) }
}

export type WelchTest = {
  /** Mean of the first minus `factor` times the mean of the second, and its standard error (> 0). */
  difference: number
  standardError: number
  t: number
  df: number
  /** Small when the difference is below 0. */
  less: number
  greater: number
  twoSided: number
}

/**
 * Tests mean(first) = factor x mean(second) (`factor` 1 unless given: a margin relative to the second). Null where it says
 * nothing: a side has fewer than two values, or no value differs from another.
 */
export function welch(first: Moments, second: Moments, factor = 1): WelchTest | null {
  if (first.n < 2 || second.n < 2) return null
  const [a, b] = [momentsOf(first), momentsOf(second)]
  const [u, v] = [a.variance / first.n, (factor * factor * b.variance) / second.n]
  if (!(u + v > 0)) return null
  const df = (u + v) ** 2 / (u ** 2 / (first.n - 1) + v ** 2 / (second.n - 1))
  const difference = a.mean - factor * b.mean
  const standardError = Math.sqrt(u + v)
  const t = difference / standardError
  return {
    difference,
    standardError,
    t,
    df,
    less: tCdf(t, df),
    greater: tCdf(-t, df),
    twoSided: Math.min(1, 2 * tCdf(-Math.abs(t), df)),
  }
}

/** The interval of the difference; `level` is the TWO-SIDED confidence (0 to 1). */
export function welchInterval(test: WelchTest, level: number): { low: number; high: number } {
  requireBetween('level', level, 0, 1)
  const half = tQuantile((1 + level) / 2, test.df) * test.standardError
  return { low: test.difference - half, high: test.difference + half }
}

/** Tails of the difference against `at` instead of 0: `less` is small when it is proven to be below, `greater` when above. */
export function tailsAt({ difference, standardError, df }: WelchTest, at: number): { less: number; greater: number } {
  const t = (difference - at) / standardError
  return { less: tCdf(t, df), greater: tCdf(-t, df) }
}
