// How many units an experiment needs before it starts, and what it can find with those that it gets.
// Sources: Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions (3rd ed. 2003) §4 (rates, unequal arms); the normal
// approximation of the Welch test (means); Noether, J. Am. Stat. Assoc. 82 (1987) 645-647 (ranks).
import { requireBetween } from './counts.ts'
import { normalCdf, normalQuantile } from './normal.ts'

/** `alpha`: TWO-SIDED level; `power`: chance to find the effect; `ratio`: units of the second arm for each of the first (1: alike). */
export type Wanted = { readonly alpha: number; readonly power: number; readonly ratio?: number }

function requireWanted({ alpha, power, ratio = 1 }: Wanted): { z: number; beta: number; ratio: number } {
  requireBetween('alpha', alpha, 0, 1)
  requireBetween('power', power, 0, 1)
  requireBetween('ratio', ratio, 0, Infinity)
  return { z: normalQuantile(1 - alpha / 2), beta: normalQuantile(power), ratio }
}

/** Units of the first arm (not rounded) to tell the rates `first` and `second` apart, both from 0 to 1. Infinite when alike. */
export function unitsForRates(first: number, second: number, wanted: Wanted): number {
  const { z, beta, ratio } = requireWanted(wanted)
  for (const rate of [first, second])
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`a rate lies from 0 to 1, not ${rate}`)
  if (first === second) return Infinity
  const mean = (first + ratio * second) / (1 + ratio)
  const pooled = Math.sqrt((1 + 1 / ratio) * mean * (1 - mean))
  const apart = Math.sqrt(first * (1 - first) + (second * (1 - second)) / ratio)
  return (Math.max(0, z * pooled + beta * apart) / (first - second)) ** 2
}

/** Units of the first arm (not rounded) to see a difference of means; deviations (>= 0) of single units, the second's like the first's. */
export function unitsForMeans(difference: number, deviation: number, wanted: Wanted, second = deviation): number {
  const { z, beta, ratio } = requireWanted(wanted)
  if (!(deviation >= 0 && second >= 0)) throw new RangeError('a deviation is a number from 0 on')
  if (difference === 0) return Infinity
  return (Math.max(0, z + beta) ** 2 * (deviation ** 2 + second ** 2 / ratio)) / difference ** 2
}

/** Units of the first arm (not rounded) to see that a unit of one arm exceeds one of the other with chance `superiority` (not 0.5). */
export function unitsForRanks(superiority: number, wanted: Wanted): number {
  const { z, beta, ratio } = requireWanted(wanted)
  requireBetween('superiority', superiority, 0, 1)
  if (superiority === 0.5) return Infinity
  return ((Math.max(0, z + beta) ** 2 / 12) * (1 + 1 / ratio)) / (superiority - 0.5) ** 2
}

/** The chance of being greater, for normal values of deviation `deviation` of which one sample is shifted by `shift`. */
export function superiorityOfShift(shift: number, deviation: number): number {
  return normalCdf(shift / (deviation * Math.SQRT2))
}

/**
 * The smallest effect from 0 to `most` that `units` find, where `needed` says how many units an effect needs (fewer for greater
 * ones). Null where not even `most` is found.
 */
export function smallestEffect(units: number, most: number, needed: (effect: number) => number): number | null {
  if (!(needed(most) <= units)) return null
  let [low, high] = [0, most]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (needed(middle) <= units) high = middle
    else low = middle
  }
  return high
}
