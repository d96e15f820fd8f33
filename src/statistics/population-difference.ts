// The change of the pass rate on all cases like these, with its interval: Student's t after two pseudo-cases, +1 and -1.
// Source: the adjustment of Agresti & Min, Biostatistics 6 (2005) 1-10, carried to case means; calibrated by simulation.
import { sum } from './counts.ts'
import { meanDifference } from './mean-difference.ts'
import type { Difference } from './suite-difference.ts'

/**
 * `differences`: one a case, rate of the candidate minus rate of the baseline, from -1 to 1. `difference` is their plain
 * mean; the bounds (`level`: confidence of each ONE-SIDED one) stand around the mean with the pseudo-cases, which lies a
 * little nearer to 0. Never certain, even when nothing differs. Throws RangeError on no cases.
 */
export function populationDifference(differences: readonly number[], level: number): Difference {
  if (differences.length === 0) throw new RangeError('there is no case to compare')
  return {
    ...meanDifference([...differences, 1, -1], level),
    difference: sum(differences) / differences.length,
  }
}
