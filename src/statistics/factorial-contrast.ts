// Effects of changes made together: the contrasts of a 2^k design on pass rates, paired by case, with their intervals.
// Source of the contrasts: Box, Hunter & Hunter, Statistics for Experimenters (2005), ch. 5; the variance generalises
// `suite-difference.ts` (within-case binomial variances and a pseudo-count), to which one change alone comes down.
import { type Count, requireBetween, requireCounts, sum } from './counts.ts'
import type { Difference } from './suite-difference.ts'
import { normalQuantile } from './normal.ts'

/**
 * The effect of the changes in `members` (a bit mask over k changes) on the mean pass rate, in shares of 1.
 * `cases[i][g]` is the count of case i in cell g: bit j of g is set where change j is made, so that cell 0 has none of
 * them and cell 2^k - 1 all.
 *
 * One change: the mean over the settings of the others of (rate with it - rate without it). Two: how much larger the
 * effect of one is with the other than without it, again averaged over the rest; three: how much larger that is. With
 * s(g) = product over j in members of (+1 where bit j of g is set, else -1), for each case
 *   c = sum over g of s(g) x(g) / w,   w = 2^(k - |members|),   x = passes / trials,
 * the estimate is the mean of c, and its standard error sqrt(sum of V + mean over cases of (sum over g of 1 / n(g)) / w^2) / N
 * with V = sum over g of x(1 - x) / (n - 1) / w^2, and V = c^2 where a cell was tried once: there its own variance
 * cannot be seen, and c^2 is not smaller on average.
 * @param level confidence of each ONE-SIDED bound, 0 < level < 1
 * @throws RangeError on no cases, impossible counts, a case without 2^k cells, or members that are no changes of the design
 */
export function factorialContrast(cases: readonly (readonly Count[])[], members: number, level: number): Difference {
  requireBetween('level', level, 0, 1)
  const cells = cases[0]?.length ?? 0
  const k = Math.log2(cells)
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`a design has 2, 4, 8 ... cells, not ${cells}`)
  if (cases.some((one) => one.length !== cells)) throw new RangeError('every case needs a count in every cell')
  if (!Number.isInteger(members) || members < 1 || members >= cells) {
    throw new RangeError(`members must name at least one of ${k} changes, not ${members}`)
  }
  requireCounts(cases.flat())
  const n = cases.length
  const weight = cells / 2 ** bits(members)
  const contrasts = cases.map((one) => sum(one.map((count, g) => sign(g, members) * rate(count))) / weight)
  const variances = cases.map((one, i) =>
    one.some(({ trials }) => trials < 2) ? (contrasts[i] ?? 0) ** 2 : sum(one.map(ownVariance)) / weight ** 2,
  )
  const pseudo = sum(cases.flat().map(({ trials }) => 1 / trials)) / weight ** 2 / n
  const standardError = Math.sqrt(sum(variances) + pseudo) / n
  const difference = sum(contrasts) / n
  const z = normalQuantile(level)
  return { difference, standardError, low: difference - z * standardError, high: difference + z * standardError }
}

const rate = ({ passes, trials }: Count): number => passes / trials

function ownVariance(count: Count): number {
  const x = rate(count)
  return (x * (1 - x)) / (count.trials - 1)
}

/** +1 where an even number of the members is not made in cell `g`, else -1. */
const sign = (g: number, members: number): number => (bits(members & ~g) % 2 === 0 ? 1 : -1)

function bits(mask: number): number {
  let count = 0
  for (let left = mask; left > 0; left >>= 1) count += left & 1
  return count
}
