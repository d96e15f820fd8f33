// The looks of the ladder: how sure a decision must be after each pass, so that looking often does not err more often.
// Haybittle 1971 and Peto 1976 for failing, a Bonferroni split for passing.

/** One look at the data after a whole pass. Levels are those of one-sided statements. */
export type Look = {
  /** Whole passes that are finished. */
  passes: number
  /** No pass follows after this one. */
  final: boolean
  /** A gate fails when its p-value is not above this. */
  alpha: number
  /** Level of the bound that must clear the margin to pass. */
  passLevel: number
  /** Level of the bound that breaks the limit of an absolute gate (floors, means, quantiles). */
  breakLevel: number
}

/** What every look but the last may spend: so little that it costs the last one next to nothing. */
const INTERIM = 0.001
/** Absolute gates and the bound of the margin err at most so often, over all looks. */
const ONE_SIDED = 0.05

/** The level of each interim look and what is left for the last one; a tiny alpha is never spent by half. */
function spend(total: number, looks: number): { interim: number; last: number } {
  if (looks === 0) return { interim: total, last: total }
  const interim = Math.min(INTERIM, total / (2 * looks))
  return { interim, last: total - looks * interim }
}

/**
 * The look after `passes` whole passes. Interim looks are those after min, ..., max - 1 passes (J of them).
 * Failing: 0.001 at each interim look and alpha - 0.001 J at the last. Passing: 1 - 0.025 / J and 0.975 (0.95 when J = 0).
 * Absolute gates break their limit by the same small steps, of 5 % in all, and keep it at the levels of passing.
 */
export function lookAt(passes: number, trials: { min: number; max: number }, alpha: number): Look {
  const looks = trials.max - trials.min
  const final = passes >= trials.max
  const failing = spend(alpha, looks)
  const absolute = spend(ONE_SIDED, looks)
  const half = ONE_SIDED / 2
  return {
    passes,
    final,
    alpha: final ? failing.last : failing.interim,
    passLevel: 1 - (looks === 0 ? ONE_SIDED : final ? half : half / looks),
    breakLevel: 1 - (final ? absolute.last : absolute.interim),
  }
}
