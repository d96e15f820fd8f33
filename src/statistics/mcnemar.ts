// Did answers to the same questions move in one direction? Source: McNemar, Psychometrika 12 (1947) 153-157, counted out
// by the binomial distribution instead of its chi-square approximation.
import { binomialTail } from './binomial-tail.ts'

/**
 * Two-sided exact p of the pairs that moved: `breaks` from yes to no, `fixes` from no to yes. 1 where nothing moved.
 * Throws RangeError unless both are whole numbers from 0 on.
 */
export function mcnemarExact(breaks: number, fixes: number): number {
  if (![breaks, fixes].every((count) => Number.isInteger(count) && count >= 0))
    throw new RangeError(`moves must be whole numbers from 0 on, not ${breaks} and ${fixes}`)
  if (breaks + fixes === 0) return 1
  return Math.min(1, 2 * binomialTail(Math.max(breaks, fixes), breaks + fixes, 0.5))
}
