// The exact sign-flip test on paired differences. Source: Fisher, The Design of Experiments (1935) §21; the count of subset
// sums by dynamic programming after Pagano & Tritchler, J. Am. Stat. Assoc. 78 (1983) 435-440.
import { requireStrata, type Stratum } from './counts.ts'
import { asP, smallestP } from './exact-stratified.ts'
import { subsetSumTail } from './subset-sum-tail.ts'

/**
 * P(sum of randomly signed |d| <= observed sum): small when the candidate is worse; `midp` counts the observed sum half.
 * For the other direction hand in the negated differences. `differences`: one a case, whole numbers (scale them first);
 * zeros say nothing, and without any other p is 1 and midp 0.5. Both ways of counting agree to 1e-10. Throws RangeError otherwise.
 */
export function signFlip(differences: readonly number[]): { p: number; midp: number } {
  if (!differences.every(Number.isSafeInteger)) throw new RangeError('differences must be whole numbers')
  const nonzero = differences.filter((d) => d !== 0)
  const unit = nonzero.reduce((a, b) => gcd(a, Math.abs(b)), 0)
  const sizes = nonzero.map((d) => Math.abs(d) / unit).sort((a, b) => a - b)
  const total = sizes.reduce((a, b) => a + b, 0)
  const positive = nonzero.reduce((a, d) => a + (d > 0 ? d / unit : 0), 0)
  // The sum is symmetric: the shorter tail of the positive part tells everything.
  const reach = Math.min(positive, total - positive)
  const { point, below } = sizes.length * reach > countedUpTo ? subsetSumTail(sizes, reach) : counted(sizes, reach)
  return positive === reach
    ? { p: asP(below + point), midp: asP(below + point / 2) }
    : { p: asP(1 - below), midp: asP(1 - below - point / 2) }
}

/** Up to so many additions every sum is counted; above that its transform is integrated. */
const countedUpTo = 2e8

function counted(sizes: readonly number[], reach: number): { point: number; below: number } {
  const pmf = subsetSums(sizes, reach)
  return { point: pmf[reach] ?? 0, below: pmf.subarray(0, reach).reduce((a, b) => a + b, 0) }
}

/** P(sum of a random subset = j) for j from 0 to `reach`; each size is in or out with probability one half. */
function subsetSums(sizes: readonly number[], reach: number): Float64Array {
  const pmf = new Float64Array(reach + 1)
  pmf[0] = 1
  let first = 0
  let last = 0
  for (const size of sizes) {
    const end = Math.min(last + size, reach)
    // Downwards, so that a value is read before it is overwritten.
    for (let j = end; j >= first + size; j--) pmf[j] = ((pmf[j] ?? 0) + (pmf[j - size] ?? 0)) / 2
    for (let j = Math.min(first + size - 1, end); j >= first; j--) pmf[j] = (pmf[j] ?? 0) / 2
    last = end
    // Mass below the smallest p is dropped: subnormal numbers are slow and decide nothing.
    while (first < last && (pmf[first] ?? 0) < smallestP) pmf[first++] = 0
  }
  return pmf
}

/**
 * The difference of the pass rates of each case as a whole number: both rates over one common denominator. Above 10,000
 * that is no longer worth its time, and the differences are rounded to 1/1000. Throws RangeError on impossible counts.
 */
export function integerDifferences(strata: readonly Stratum[]): number[] {
  requireStrata(strata)
  let common = 1
  for (const side of new Set(strata.flatMap(({ trials, baseTrials }) => [trials, baseTrials]))) {
    common = (common / gcd(common, side)) * side
    if (common > 10_000) break
  }
  return strata.map(({ passes, trials, basePasses, baseTrials }) =>
    common > 10_000
      ? Math.round(1000 * (passes / trials - basePasses / baseTrials))
      : passes * (common / trials) - basePasses * (common / baseTrials),
  )
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
