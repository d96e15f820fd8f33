// The mean of paired differences with its t interval. Source: Student, Biometrika 6 (1908) 1-25.
import { meanAndError, requireBetween } from './counts.ts'
import { tQuantile } from './student-t.ts'
import type { Difference } from './suite-difference.ts'

/**
 * `differences`: one a case, any unit. `level` is the confidence of each ONE-SIDED bound (0 < level < 1). One value
 * alone shows no spread: its bounds are infinite and its error NaN. Throws RangeError on none.
 */
export function meanDifference(differences: readonly number[], level: number): Difference {
  requireBetween('level', level, 0, 1)
  if (differences.length === 0) throw new RangeError('there is no difference to average')
  const { mean, standardError } = meanAndError(differences)
  const half = differences.length === 1 ? Infinity : tQuantile(level, differences.length - 1) * standardError
  return { difference: mean, standardError, low: mean - half, high: mean + half }
}
