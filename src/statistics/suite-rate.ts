// The pass rate of a suite with its interval: of these very cases, or of all cases like these.
// Sources: Hoeffding, Ann. Math. Stat. 27 (1956) 713-721 (a sum of unequal coins spreads less than a binomial), with the
// within-case variance of repeats; Korn & Graubard, Survey Methodology 24 (1998) 193-201 (effective size of a cluster sample).
import { clopperPearson } from './clopper-pearson.ts'
import { type Count, meanAndError, meanRate, requireBetween, requireCounts, sum } from './counts.ts'
import { tQuantile } from './student-t.ts'
import { wilson } from './wilson.ts'

/** `low` and `high` are one-sided bounds of the asked level each; `effectiveN` is the size of the equivalent simple sample. */
export type Rate = { estimate: number; low: number; high: number; effectiveN: number }

/**
 * Variance of the mean rate given the cases: within-case variances, where a case was repeated, and a pseudo-count. A
 * case tried once shows no variance of its own; it gets the largest that the mean rate (of all, or of such cases) allows.
 */
function suiteVariance(counts: readonly Count[], estimate: number): number {
  const single = counts.filter(({ trials }) => trials === 1)
  const singleRate = single.length > 0 ? meanRate(single) : 0
  const borrowed = Math.max(estimate * (1 - estimate), singleRate * (1 - singleRate))
  const within = counts.map(({ passes, trials }) =>
    trials === 1 ? borrowed : ((passes / trials) * (1 - passes / trials)) / (trials - 1),
  )
  const pseudo = sum(counts.map(({ trials }) => 1 / trials)) / counts.length
  return (sum(within) + pseudo) / counts.length ** 2
}

/**
 * The expected pass rate of these cases: Wilson at the effective size. `level` is the confidence of each ONE-SIDED bound
 * (0.5 < level < 1). With one trial a case the size is the number of cases, with equal repeats at least cases x trials;
 * with unequal ones at least cases / mean(1 / trials). Throws RangeError on no cases or impossible counts.
 */
export const suiteRate = (counts: readonly Count[], level: number): Rate => suiteRates(counts)(level)

/** `suiteRate` of the same cases at several levels: they are counted once. Throws RangeError as `suiteRate` does. */
export function suiteRates(counts: readonly Count[]): (level: number) => Rate {
  requireCounts(counts)
  const estimate = meanRate(counts)
  const simple = () => counts.length ** 2 / sum(counts.map(({ trials }) => 1 / trials))
  const repeated = counts.some(({ trials }) => trials > 1)
  const effectiveN = repeated
    ? Math.max(simple(), (estimate * (1 - estimate)) / suiteVariance(counts, estimate))
    : counts.length
  return (level) => {
    requireBetween('level', level, 0.5, 1)
    return { estimate, ...wilson(passesOf(estimate, effectiveN), effectiveN, 2 * level - 1), effectiveN }
  }
}

/**
 * The pass rate of all cases like these, the cases being a sample themselves: the spread between the cases gives the
 * effective size (at most the number of trials; the number of cases where nothing varies). `method` wilson: near the
 * nominal coverage; korn-graubard: Clopper-Pearson with the degrees of freedom adjusted, on the safe side.
 * `level` is the confidence of each ONE-SIDED bound (0.5 < level < 1). Throws RangeError as `suiteRate` does.
 */
export function populationRate(
  counts: readonly Count[],
  level: number,
  method: 'wilson' | 'korn-graubard' = 'wilson',
): Rate {
  requireCounts(counts)
  requireBetween('level', level, 0.5, 1)
  const trials = sum(counts.map((count) => count.trials))
  const { mean: estimate, standardError } = meanAndError(counts.map((count) => count.passes / count.trials))
  const varies = standardError > 1e-12 && estimate > 0 && estimate < 1
  const size = varies ? Math.min(trials, (estimate * (1 - estimate)) / standardError ** 2) : counts.length
  if (method === 'wilson') {
    return { estimate, ...wilson(passesOf(estimate, size), size, 2 * level - 1), effectiveN: size }
  }
  return { estimate, ...beta(estimate, { size, draws: trials, cases: counts.length }, level) }
}

/**
 * The mean of shares in [0, 1], one a case, with bounds of Korn & Graubard, which stay honest near 0 and 1, where few cases
 * differ and a t interval is far too narrow. `draws`: how many independent tries are behind all of them, at least one a
 * case; the spread never counts for more. `level`: confidence of each ONE-SIDED bound (0.5 < level < 1). Throws RangeError
 * on no values and on values outside of [0, 1].
 */
export function meanShare(values: readonly number[], draws: number, level: number): { low: number; high: number } {
  requireBetween('level', level, 0.5, 1)
  if (values.length === 0 || values.some((value) => !(value >= 0 && value <= 1)))
    throw new RangeError('shares must lie between 0 and 1, and there must be one')
  const { mean, standardError } = meanAndError(values)
  const varies = standardError > 1e-12 && mean > 0 && mean < 1
  const size = varies ? Math.min(draws, (mean * (1 - mean)) / standardError ** 2) : values.length
  return beta(mean, { size, draws, cases: values.length }, level)
}

/** Clopper & Pearson at the effective size, with the degrees of freedom of so many cases. */
function beta(mean: number, { size, draws, cases }: { size: number; draws: number; cases: number }, level: number) {
  const adjusted = cases > 1 ? (tQuantile(level, draws - 1) / tQuantile(level, cases - 1)) ** 2 : 1
  const effectiveN = size * adjusted
  const passes = passesOf(mean, effectiveN)
  // Less than any sample can tell from none, or from all.
  const plain = passes < 1e-9 ? 0 : effectiveN - passes < 1e-9 ? effectiveN : passes
  return { ...clopperPearson(plain, effectiveN, 2 * level - 1), effectiveN }
}

/** A mean of rates may end a rounding above 1; passes must not exceed the size. */
function passesOf(estimate: number, size: number): number {
  return estimate >= 1 ? size : estimate * size
}
