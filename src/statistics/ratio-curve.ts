// The logarithm of a likelihood over a grid of ratios: from it come evidence against any ratio and an interval that holds at every look.
// Source of the inversion: Robbins (1970); Lindon & Malek, arXiv:2011.03567. What lies between two points of the grid is bounded, never
// guessed: ln L is concave in the log ratio, so it lies above its chords and below their prolongations.
import { logSum } from './log-space.ts'

/** Steps of 1.22 over a range that no rollout leaves, and the margins and alternatives that people write. */
const ratios = [
  ...Array.from({ length: 31 }, (_, i) => Math.exp((i - 15) / 5)),
  ...Array.from({ length: 20 }, (_, i) => 1 + (i + 1) / 20),
  0.5,
  0.7,
  2.5,
  3,
  5,
].sort((a, b) => a - b)

/** Natural logarithms of the ratios at which a curve is known. */
export const curveGrid: readonly number[] = ratios.map(Math.log)
/** Where the curve knows `ratio`, or -1. */
export const placeOnCurve = (ratio: number): number => ratios.findIndex((one) => Math.abs(one / ratio - 1) < 1e-12)

const first = curveGrid[0] ?? 0
const last = curveGrid.at(-1) ?? 0
/** Every point stands for the part of the line around it; together 1. */
const mass = curveGrid.map((x, i) => ((curveGrid[i + 1] ?? x) - (curveGrid[i - 1] ?? x)) / 2 / (last - first))

/** ln of the likelihood at each ratio of the grid, against that at ratio 1. */
export type Curve = readonly number[]

/** The curve before anything was seen. */
export const flatCurve = (): number[] => curveGrid.map(() => 0)

/** The prolongation of the chord between points i and j, at `x`; `otherwise` where there is no such chord. */
function chord(xs: readonly number[], ys: Curve, i: number, j: number, x: number, otherwise: number): number {
  const [x1, x2, y1, y2] = [xs[i], xs[j], ys[i], ys[j]]
  if (x1 === undefined || x2 === undefined || y1 === undefined || y2 === undefined) return otherwise
  return y1 + ((y2 - y1) / (x2 - x1)) * (x - x1)
}

/** Index of the last point of the grid at or below `x`; -1 below all. */
function before(x: number): number {
  const next = curveGrid.findIndex((point) => point > x + 1e-12)
  return next === -1 ? curveGrid.length - 1 : next - 1
}

/** A value that ln L at log ratio `x` does not exceed; exact on the grid. */
function atMost(curve: Curve, x: number): number {
  const i = before(x)
  if (Math.abs((curveGrid[i] ?? Infinity) - x) < 1e-12) return curve[i] ?? 0
  const fromLeft = chord(curveGrid, curve, i - 1, i, x, Infinity)
  return Math.min(fromLeft, chord(curveGrid, curve, i + 1, i + 2, x, Infinity))
}

/** A value that ln L at log ratio `x` within the grid does not fall below; exact on the grid. */
function atLeast(curve: Curve, x: number): number {
  const i = before(x)
  return chord(curveGrid, curve, i, i + 1, x, curve[i] ?? 0)
}

/**
 * ln of the evidence against "the ratio is `ratio` or more" (`ratio` > 1): the mean likelihood of no difference, of a third
 * of the allowed one and of something better, over that of `ratio`. Off the grid a little less than the exact value.
 */
export function curveSafe(curve: Curve, ratio: number): number {
  if (!(ratio > 1 && ratio < Infinity)) throw new RangeError(`the ratio must be above 1, not ${ratio}`)
  const alternatives = [0, Math.log(1 + (ratio - 1) / 3), Math.log(0.7)].map((x) => Math.min(x, last))
  const seen = alternatives.map((x) => atLeast(curve, x))
  return logSum(seen, [0.4, 0.4, 0.2]) - atMost(curve, Math.log(ratio))
}

/** The least log ratio whose likelihood may exceed `limit`; -Infinity where there is none. `xs` rises. */
function lowEnd(xs: readonly number[], ys: Curve, limit: number): number {
  const high = ys.findIndex((y) => y > limit)
  const edge = (i: number, j: number): number => {
    const slope = chord(xs, ys, i, j, 1, Number.NaN) - chord(xs, ys, i, j, 0, Number.NaN)
    return slope > 0 ? (xs[i] ?? 0) + (limit - (ys[i] ?? 0)) / slope : -Infinity
  }
  if (high <= 0) return edge(0, 1)
  return Math.max(xs[high - 1] ?? -Infinity, edge(high - 2, high - 1), edge(high, high + 1))
}

/** A ratio with its interval. `low` >= 0; null: there is no estimate, or no upper end. */
export type RatioInterval = { estimate: number | null; low: number; high: number | null }

/**
 * The ratios that the evidence has not excluded at level `alpha` (two-sided, 0 < alpha < 1): the true one is among them at
 * all looks together with a chance of at least 1 - alpha. `estimate` is brought into it.
 */
export function curveInterval(curve: Curve, alpha: number, estimate: number | null): RatioInterval {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha must lie between 0 and 1, not ${alpha}`)
  const limit = logSum(curve, mass) + Math.log(alpha)
  const low = Math.exp(lowEnd(curveGrid, curve, limit))
  const mirrored = curveGrid.map((x) => -x).reverse()
  const high = Math.exp(-lowEnd(mirrored, [...curve].reverse(), limit))
  const inside = estimate === null ? null : Math.min(high, Math.max(low, estimate))
  return { estimate: inside, low, high: Number.isFinite(high) ? high : null }
}
