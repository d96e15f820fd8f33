// Random numbers that a seed decides: the same draws on every machine, for resampling and for measuring error rates.
// Sources: mulberry32 (Tommy Ettinger, public domain); Marsaglia & Tsang, ACM Trans. Math. Softw. 26 (2000) 363-372 (gamma).
import { requireBetween } from './counts.ts'

/** Gives a number in [0, 1) at each call. */
export type Random = () => number

/** A stream of uniform numbers in [0, 1); `seed` is any number, of which the lowest 32 bits count. */
export function randomFrom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A standard normal draw (Box and Muller). */
export function normalDraw(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** The logarithm of a gamma draw of scale 1: small shapes give values too small for a number. */
function logGammaDraw(shape: number, random: Random): number {
  if (shape < 1) return logGammaDraw(shape + 1, random) + Math.log(1 - random()) / shape
  const d = shape - 1 / 3
  for (;;) {
    const normal = normalDraw(random)
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(1 - random()) < (normal * normal) / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
}

/** A draw from Beta(a, b), in [0, 1]. Throws RangeError unless both are above 0 and finite. */
export function betaDraw(a: number, b: number, random: Random): number {
  requireBetween('a', a, 0, Infinity)
  requireBetween('b', b, 0, Infinity)
  return 1 / (1 + Math.exp(logGammaDraw(b, random) - logGammaDraw(a, random)))
}

/** How many of `trials` independent trials of chance `rate` (0 to 1) pass. */
export function binomialDraw(trials: number, rate: number, random: Random): number {
  let passes = 0
  for (let trial = 0; trial < trials; trial++) if (random() < rate) passes++
  return passes
}
