// How large a drop a suite can see, and where its noise comes from.
// Sources: Connor, Biometrics 43 (1987) 207-211 and Miettinen, Biometrics 24 (1968) 339-352 (one trial a side), carried to repeats;
// within and between cases: analysis of variance of a one-way layout.
import { type Count, requireBetween, requireCounts, sum } from './counts.ts'
import { normalCdf, normalQuantile } from './normal.ts'

export type Design = {
  cases: number
  /** Of the candidate and of the baseline, per case. */
  trials: number
  baseTrials: number
  /** Of the baseline, 0 < passRate <= 1. */
  passRate: number
  /** Share of the variance that lies between the cases, 0 to 1: 1 means that each case always passes or always fails. */
  icc: number
  /** One-sided level of the test. */
  alpha: number
  /** diffuse: every call fails a little more often; concentrated: some cases break completely. */
  kind?: 'diffuse' | 'concentrated' | undefined
}

/**
 * Chance that the exact stratified test finds a true `drop` (in shares of 1, 0 < drop <= passRate), by normal
 * approximation: within 3 points for 200 cases and more, within 10 for 50 cases tried once. Throws RangeError on an
 * impossible design.
 */
export function regressionPower(design: Design, drop: number): number {
  requireDesign(design)
  if (!(drop > 0 && drop <= design.passRate)) {
    throw new RangeError(`the drop must lie above 0 and up to ${design.passRate}, not ${drop}`)
  }
  const { cases: n, trials: k, baseTrials: m, passRate: mu, icc } = design
  const f = drop / mu
  const e2 = mu * mu + icc * mu * (1 - mu)
  const baseWithin = mu - e2
  const diffuse = (design.kind ?? 'diffuse') === 'diffuse'
  const within = diffuse ? (1 - f) * mu - (1 - f) ** 2 * e2 : (1 - f) * baseWithin
  const cross = diffuse ? mu + (1 - f) * mu - 2 * (1 - f) * e2 : 2 * (1 - f) * baseWithin + f * mu
  const between = (diffuse ? f * f : f) * (e2 - mu * mu)
  const nullVariance = (k * (k - 1) * within + m * (m - 1) * baseWithin + k * m * cross) / (k * m * (k + m - 1) * n)
  const variance = (baseWithin / m + within / k + between) / n
  const excess = drop - normalQuantile(1 - design.alpha) * Math.sqrt(nullVariance)
  // Nothing varies when everything passed and part of it now always fails: the test finds it or it cannot.
  return variance > 0 ? normalCdf(excess / Math.sqrt(variance)) : Number(excess > 0)
}

/**
 * The smallest drop (in shares of 1) that is found with chance `power` (0 < power < 1): the minimum detectable drop.
 * null where even a total loss would not be. Throws RangeError on an impossible design.
 */
export function detectableDrop({ power, ...design }: Design & { power: number }): number | null {
  requireBetween('power', power, 0, 1)
  let low = 0
  let high = design.passRate
  if (regressionPower(design, high) < power) return null
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (regressionPower(design, middle) >= power) high = middle
    else low = middle
  }
  return high
}

/** What one run with repeats shows of its noise; variances of a single pass (0 or 1). */
export type VarianceComponents = {
  within: number
  between: number
  /** between / (between + within); null where nothing varies at all. */
  icc: number | null
}

/**
 * Splits the spread of the rates into the noise of repeats and true differences between the cases. null where it cannot be
 * told: fewer than two cases, or no case tried twice. Unequal repeats are allowed. Throws RangeError on impossible counts.
 */
export function varianceComponents(counts: readonly Count[]): VarianceComponents | null {
  requireCounts(counts)
  const repeated = counts.filter(({ trials }) => trials > 1)
  if (counts.length < 2 || repeated.length === 0) return null
  const within =
    sum(repeated.map(({ passes, trials }) => (passes * (trials - passes)) / (trials * (trials - 1)))) / repeated.length
  const rates = counts.map(({ passes, trials }) => passes / trials)
  const mean = sum(rates) / rates.length
  const spread = sum(rates.map((rate) => (rate - mean) ** 2)) / (rates.length - 1)
  const noise = (within * sum(counts.map(({ trials }) => 1 / trials))) / counts.length
  const between = Math.max(0, spread - noise)
  return { within, between, icc: between + within > 0 ? between / (between + within) : null }
}

function requireDesign({ cases, trials, baseTrials, passRate, icc, alpha }: Design): void {
  const sizes = [cases, trials, baseTrials]
  if (!sizes.every((size) => size >= 1 && size < Infinity)) {
    throw new RangeError('a design needs at least one case, one trial and one trial of the baseline')
  }
  if (!(passRate > 0 && passRate <= 1)) throw new RangeError(`passRate must lie above 0 and up to 1, not ${passRate}`)
  if (!(icc >= 0 && icc <= 1)) throw new RangeError(`icc must lie from 0 to 1, not ${icc}`)
  requireBetween('alpha', alpha, 0, 1)
}
