// The interval for the difference of two independent rates. Source: Newcombe, Stat. Med. 17 (1998) 873-890, method 10.
import type { RateCount } from './chi-square.ts'
import { wilson } from './wilson.ts'

/**
 * Rate of `first` minus rate of `second`, with the square-and-add interval from the two Wilson intervals; `level` is the
 * TWO-SIDED confidence (0 to 1). Throws RangeError where a side is empty.
 */
export function rateDifference(
  first: RateCount,
  second: RateCount,
  level: number,
): { estimate: number; low: number; high: number } {
  const [p, q] = [first.bad / first.n, second.bad / second.n]
  const [a, b] = [wilson(first.bad, first.n, level), wilson(second.bad, second.n, level)]
  return {
    estimate: p - q,
    low: Math.max(-1, p - q - Math.hypot(p - a.low, b.high - q)),
    high: Math.min(1, p - q + Math.hypot(a.high - p, q - b.low)),
  }
}
