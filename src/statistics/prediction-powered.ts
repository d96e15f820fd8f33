// A rate from many judgements and a few human labels of the same population. Sources: Angelopoulos, Bates, Fannjiang, Jordan
// & Zrnic, Science 382 (2023) 669-674 (PPI); Angelopoulos, Duchi & Zrnic, arXiv:2311.01453 (PPI++: how far to trust the judge).
import { requireBetween, sum } from './counts.ts'
import { normalQuantile } from './normal.ts'
import type { JudgeTable } from './rogan-gladen.ts'

/** Sums over the labelled set: human label `y`, judgement `f`. */
export type Labelled = {
  readonly n: number
  readonly y: number
  readonly f: number
  readonly yy: number
  readonly ff: number
  readonly yf: number
}
/** Sums over what only the judge saw. `n` may be an effective size, then the sums are scaled to it. */
export type Judgements = { readonly n: number; readonly f: number; readonly ff: number }

/** `lambda`: 0 the labels alone, 1 the judge corrected by them. Bounds are not cut to any range. */
export type PoweredMean = { estimate: number; standardError: number; low: number; high: number; lambda: number }

/** The sums of two lists of equal length. */
export function labelled(y: readonly number[], f: readonly number[]): Labelled {
  if (y.length !== f.length) throw new RangeError(`${y.length} labels and ${f.length} judgements do not pair`)
  const products = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * (b[i] ?? 0)))
  return { n: y.length, y: sum(y), f: sum(f), yy: products(y, y), ff: products(f, f), yf: products(y, f) }
}

/** The same for labels and judgements of pass (1) or fail (0). */
export function labelledTable({ truePass, falseFail, falsePass, trueFail }: JudgeTable): Labelled {
  const y = truePass + falseFail
  const f = truePass + falsePass
  return { n: y + falsePass + trueFail, y, f, yy: y, ff: f, yf: truePass }
}

/** The sums of a list of judgements. */
export const judgements = (f: readonly number[]): Judgements => ({
  n: f.length,
  f: sum(f),
  ff: sum(f.map((value) => value * value)),
})

/**
 * PPI++: mean of the labels, corrected by lambda x (judge on everything - judge on the labelled), lambda tuned for the
 * smallest variance and cut to [0, 1]; `lambda` fixes it (1: plain PPI). The labelled set must be a random sample of the
 * population that is judged. `level` is the TWO-SIDED confidence.
 * @throws RangeError on fewer than two labels or no judgement
 */
export function predictionPowered(labels: Labelled, judged: Judgements, level: number, lambda?: number): PoweredMean {
  requireBetween('level', level, 0, 1)
  const { n } = labels
  if (!(n >= 2) || !(judged.n > 1)) throw new RangeError('at least two labels and two judgements are needed')
  const [y, f, g] = [labels.y / n, labels.f / n, judged.f / judged.n]
  const covariance = (labels.yf - n * y * f) / (n - 1)
  const trust = lambda ?? tuned(labels, judged, covariance)
  const estimate = y + trust * (g - f)
  // Of y - trust x f over the labels, and of the judge over the rest.
  const ofLabels =
    (labels.yy - n * y * y - 2 * trust * (labels.yf - n * y * f) + trust ** 2 * (labels.ff - n * f * f)) / (n - 1)
  const ofJudge = (judged.ff - judged.n * g * g) / (judged.n - 1)
  const standardError = Math.sqrt(Math.max(0, ofLabels) / n + (trust ** 2 * Math.max(0, ofJudge)) / judged.n)
  const half = normalQuantile((1 + level) / 2) * standardError
  return { estimate, standardError, low: estimate - half, high: estimate + half, lambda: trust }
}

/** The variance of the judgements is that of all of them together. */
function tuned(labels: Labelled, judged: Judgements, covariance: number): number {
  const total = labels.n + judged.n
  const mean = (labels.f + judged.f) / total
  const variance = (labels.ff + judged.ff - total * mean * mean) / (total - 1)
  if (!(variance > 0)) return 0
  return Math.min(1, Math.max(0, covariance / ((1 + labels.n / judged.n) * variance)))
}
