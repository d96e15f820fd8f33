// Passes counted per case, the shapes that the tests of this folder read, and the checks of their ranges.

/** One case on one side: `passes` of `trials`, whole numbers, 0 <= passes <= trials, trials >= 1. */
export type Count = { readonly passes: number; readonly trials: number }

/** One case on both sides: the candidate's count and the baseline's. */
export type Stratum = Count & { readonly basePasses: number; readonly baseTrials: number }

function requireCount(passes: number, trials: number): void {
  if (!Number.isInteger(trials) || trials < 1) throw new RangeError(`trials must be a whole number >= 1, not ${trials}`)
  if (!Number.isInteger(passes) || passes < 0 || passes > trials) {
    throw new RangeError(`passes must be a whole number from 0 to ${trials}, not ${passes}`)
  }
}

/** Throws RangeError unless there is at least one case and every count is possible. */
export function requireCounts(counts: readonly Count[]): void {
  if (counts.length === 0) throw new RangeError('there is no case to count')
  for (const { passes, trials } of counts) requireCount(passes, trials)
}

/** Throws RangeError unless every count of every stratum is possible. No stratum at all is allowed. */
export function requireStrata(strata: readonly Stratum[]): void {
  for (const { passes, trials, basePasses, baseTrials } of strata) {
    requireCount(passes, trials)
    requireCount(basePasses, baseTrials)
  }
}

/** Throws RangeError unless `value` lies strictly between `low` and `high`. */
export function requireBetween(name: string, value: number, low: number, high: number): void {
  if (!(value > low && value < high)) throw new RangeError(`${name} must lie between ${low} and ${high}, not ${value}`)
}

/** Passes / trials, averaged over the cases: every case counts once, however often it was tried. */
export function meanRate(counts: readonly Count[]): number {
  return sum(counts.map(({ passes, trials }) => passes / trials)) / counts.length
}

/** Compensated sum (Neumaier 1974): the last digit does not hang on the order of a long list. */
export function sum(values: readonly number[]): number {
  let total = 0
  let lost = 0
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}

/** Mean and standard error of the mean (n - 1 in the variance). One value: the error is NaN. */
export function meanAndError(values: readonly number[]): { mean: number; standardError: number } {
  const mean = sum(values) / values.length
  const squares = sum(values.map((value) => (value - mean) ** 2))
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) }
}
