// Which of many cases look suspicious: the false discovery rate. Source: Benjamini & Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300.
import { requirePs } from './holm.ts'

/** Adjusted p (q values) in the order of `p`. Listing all with q <= 0.1 makes a list with about a tenth false entries. */
export function benjaminiHochberg(p: readonly number[]): number[] {
  requirePs(p)
  const order = p.map((value, index) => ({ value, index })).sort((a, b) => b.value - a.value)
  const adjusted = p.map(() => 1)
  let lowest = 1
  for (const [step, { value, index }] of order.entries()) {
    lowest = Math.min(lowest, (value * p.length) / (p.length - step))
    adjusted[index] = lowest
  }
  return adjusted
}
