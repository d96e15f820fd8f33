// Sums of numbers that are known by their logarithms only, so that evidence from millions of events neither overflows nor vanishes.

/** ln(sum of weights[i] x exp(logs[i])). Without weights every one is 1. An empty list gives -Infinity. */
export function logSum(logs: readonly number[], weights?: readonly number[]): number {
  const highest = Math.max(...logs)
  if (!Number.isFinite(highest)) return highest
  let total = 0
  // By index: pairs of index and value are garbage, and simulations come here a hundred million times.
  for (let i = 0; i < logs.length; i++) total += (weights?.[i] ?? 1) * Math.exp((logs[i] ?? -Infinity) - highest)
  return highest + Math.log(total)
}

/** ln(mean of exp(logs)). */
export function logMean(logs: readonly number[]): number {
  return logSum(logs) - Math.log(logs.length)
}

/** 1, 1, 2, 6, ... 10!: Stirling's series is not sharp below. */
const factorials = [1, 1, 2, 6, 24, 120, 720, 5040, 40_320, 362_880, 3_628_800]

/**
 * ln Gamma(x) for x > 0; error below 1e-13 of max(1, value). Stirling's series (Abramowitz &
 * Stegun 6.1.41) from 16 on, below by the recurrence.
 */
export function logGamma(x: number): number {
  if (!(x > 0)) throw new RangeError(`x must be above 0, not ${x}`)
  if (x < 12 && Number.isInteger(x)) return Math.log(factorials[x - 1] ?? 1)
  let product = 1
  let at = x
  for (; at < 16; at++) product *= at
  const square = 1 / (at * at)
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / at
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - Math.log(product)
}

/** ln Beta(a, b) for a, b > 0. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

/** Throws RangeError unless `value` is a finite number from 0 on. */
export function requireAmount(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`${name} must be a number from 0 on, not ${value}`)
}
