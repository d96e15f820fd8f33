// Is a rate above or below a fixed limit? Evidence that stays valid however often one looks.
// Source: Ville (1939); mixtures of likelihood ratios of Bernoulli trials over fixed alternatives, Robbins (1970).
import { logMean, requireAmount } from './log-space.ts'

/** `bad` of `n` events so far, against `limit` (a share). Plain JSON. */
export type RateLimit = { readonly limit: number; readonly n: number; readonly bad: number }

/** What the odds of the limit are multiplied by to get the alternatives. */
const higher = [1.1, 1.25, 1.5, 2, 3, 5, 10, 30]
const lower = [0.9, 0.8, 0.65, 0.5, 0.3, 0.1, 0]
/** A limit of 0 or 1 would make one event proof without end. */
const edge = 1e-12

/** Nothing seen. `limit` from 0 to 1; nearer than 1e-12 to an end is taken as 1e-12 away from it. */
export function startRateLimit(limit: number): RateLimit {
  if (!(limit >= 0 && limit <= 1)) throw new RangeError(`the limit must lie between 0 and 1, not ${limit}`)
  return { limit: Math.min(1 - edge, Math.max(edge, limit)), n: 0, bad: 0 }
}

/** The state after `n` more events, `bad` of them (at most `n`; more is taken as `n`). Throws RangeError on negative counts. */
export function stepRateLimit(state: RateLimit, { n, bad }: { n: number; bad: number }): RateLimit {
  requireAmount('n', n)
  requireAmount('bad', bad)
  return { limit: state.limit, n: state.n + n, bad: state.bad + Math.min(bad, n) }
}

/** ln of (p1 / p0)^bad ((1 - p1) / (1 - p0))^(n - bad), where the odds of p1 are `factor` times those of p0 = limit. */
function logRatio({ limit, n, bad }: RateLimit, factor: number): number {
  const shift = Math.log1p(limit * (factor - 1))
  return (bad === 0 ? 0 : bad * Math.log(factor)) - n * shift
}

/**
 * ln of the evidence against "the rate is at most the limit". The rate may differ from block to block: it counts whether
 * it was ever, and how far, above.
 */
export function aboveEvidence(state: RateLimit): number {
  return logMean(higher.map((factor) => logRatio(state, factor)))
}

/** ln of the evidence against "the rate is the limit or more". */
export function belowEvidence(state: RateLimit): number {
  return logMean(lower.map((factor) => logRatio(state, factor)))
}
