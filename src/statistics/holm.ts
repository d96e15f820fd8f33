// Several tests at once, some of which matter more. Source: Holm, Scand. J. Stat. 6 (1979) 65-70, the weighted form of §5.

/** Throws RangeError unless every p lies from 0 to 1. */
export function requirePs(p: readonly number[]): void {
  for (const value of p) if (!(value >= 0 && value <= 1)) throw new RangeError(`a p must lie from 0 to 1, not ${value}`)
}

/**
 * Adjusted p, in the order of `p`: reject where adjusted <= alpha, and the chance of any false rejection is at most alpha
 * under any dependence. `weights` (> 0, one a p) need not sum to 1. Throws RangeError on anything else.
 */
export function weightedHolm(p: readonly number[], weights: readonly number[]): number[] {
  requirePs(p)
  if (weights.length !== p.length) throw new RangeError(`${p.length} p need as many weights, not ${weights.length}`)
  if (!weights.every((weight) => weight > 0 && weight < Infinity)) throw new RangeError('every weight must be above 0')
  const steps = p
    .map((value, index) => ({ p: value, weight: weights[index] ?? 1, index }))
    .sort((a, b) => a.p / a.weight - b.p / b.weight || a.index - b.index)
  // From the last step back, so that no small weight is lost in the difference of two sums.
  let left = 0
  const remaining = steps.map(() => 0)
  for (const [step, { weight }] of [...steps.entries()].reverse()) remaining[step] = left += weight
  const adjusted = p.map(() => 1)
  let highest = 0
  for (const [step, { p: value, weight, index }] of steps.entries()) {
    highest = Math.max(highest, Math.min(1, (value * (remaining[step] ?? 0)) / weight))
    adjusted[index] = highest
  }
  return adjusted
}
