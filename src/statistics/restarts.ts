// Capital of a bet on several alternatives, part of it started at once and the rest hour by hour, so that harm that begins late is found too.
// Source of the wealth process: Ville (1939); of restarts: Shin, Ramdas & Rinaldo, e-detectors, arXiv:2203.03532.
import { logSum } from './log-space.ts'

/**
 * `from[j]`: ln of the product of all factors of alternative j. `restarted[j]`: ln of the sum over the hours begun so far of
 * weight x product of the factors since; empty before the first restart. Plain JSON.
 */
export type Capital = { readonly hour: number; readonly from: number[]; readonly restarted: number[] }

/** Share of the capital that is at stake from the start; the rest waits for its hour. */
const atOnce = 0.5
/** Half of the restarts lie in so many hours: a rollout takes a day or two, but may take for ever. */
const halfLife = 24

/** The share of the restarts that has not begun after `hour` hours: it falls to 0, so the weights of all hours add up to 1. */
const waiting = (hour: number): number => halfLife / (halfLife + hour)

/** Nothing seen, with so many alternatives. */
export function startCapital(alternatives: number): Capital {
  return { hour: 0, from: Array.from({ length: alternatives }, () => 0), restarted: [] }
}

/**
 * The capital after one block. `factors[j]` is ln of the likelihood ratio of the block under alternative j; `hour` counts
 * from the start of the rollout (its fraction is ignored; an earlier hour than before starts nothing). Hours without a
 * block begin together with the next one: what waits holds its value, so nothing is gained or lost.
 */
export function growCapital(capital: Capital, factors: readonly number[], hour: number): Capital {
  const reached = Math.max(capital.hour, Math.floor(hour))
  const from = capital.from.map((log, j) => log + (factors[j] ?? 0))
  const begun = reached > capital.hour ? Math.log(waiting(capital.hour) - waiting(reached)) : -Infinity
  if (reached === 0) return { hour: reached, from, restarted: [] }
  const restarted = from.map((_, j) => {
    const running = capital.restarted[j]
    const start = running === undefined ? begun : logSum([running, begun])
    return start + (factors[j] ?? 0)
  })
  return { hour: reached, from, restarted }
}

/**
 * ln of the evidence: the whole capital, of which 1 was there at first. At least ln of what still waits. `weights` are the
 * alternatives' shares of it, together 1 and the same from start to end; alike unless given.
 */
export function capitalEvidence({ hour, from, restarted }: Capital, weights?: readonly number[]): number {
  const shares = weights ?? from.map(() => 1 / from.length)
  const later = 1 - atOnce
  const parts = [Math.log(atOnce) + logSum(from, shares), Math.log(later * waiting(hour))]
  if (restarted.length > 0) parts.push(Math.log(later) + logSum(restarted, shares))
  return logSum(parts)
}
