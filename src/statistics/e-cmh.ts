// e-CMH: bad of all events in both arms, minute by minute, given how many were bad in that minute together. Valid at every look.
// The sequential product form of the exact stratified test: ratios of noncentral hypergeometric likelihoods (Fisher 1935).
import { requireAmount } from './log-space.ts'
import {
  type Curve,
  curveGrid,
  curveInterval,
  curveSafe,
  flatCurve,
  placeOnCurve,
  type RatioInterval,
} from './ratio-curve.ts'
import { type Capital, capitalEvidence, growCapital, startCapital } from './restarts.ts'

/** What was seen so far; plain JSON of less than a hundred numbers. `riskRatio` is the margin that `oddsSafe` tests. */
export type StratifiedOdds = {
  readonly riskRatio: number
  readonly harm: Capital
  readonly curve: Curve
  readonly over: number
  readonly under: number
}

/** `bad` of `n` events; not whole or more bad than there are events (two counters read a moment apart) is brought into range. */
export type ArmRate = { readonly n: number; readonly bad: number }
export type OddsBlock = { readonly baseline: ArmRate; readonly candidate: ArmRate; readonly hour: number }

/** The odds ratios that `oddsHarm` bets on, and where the curve has them. */
const places = [1.25, 1.5, 2, 3, 5].map(placeOnCurve)

/** Nothing seen. `riskRatio` > 1: up to so many times the baseline's rate is not worse. */
export function startStratifiedOdds(riskRatio: number): StratifiedOdds {
  if (!(riskRatio > 1 && riskRatio < Infinity)) throw new RangeError(`the ratio must be above 1, not ${riskRatio}`)
  return { riskRatio, harm: startCapital(places.length), curve: flatCurve(), over: 0, under: 0 }
}

function whole(arm: string, { n, bad }: ArmRate): ArmRate {
  requireAmount(`n of the ${arm}`, n)
  requireAmount(`bad of the ${arm}`, bad)
  return { n: Math.round(n), bad: Math.min(Math.round(bad), Math.round(n)) }
}

/** The state after one more block. Throws RangeError on a negative count or hour. */
export function stepStratifiedOdds(state: StratifiedOdds, block: OddsBlock): StratifiedOdds {
  requireAmount('hour', block.hour)
  const baseline = whole('baseline', block.baseline)
  const candidate = whole('candidate', block.candidate)
  const all = baseline.n + candidate.n
  const nothing = baseline.n === 0 || candidate.n === 0 || baseline.bad + candidate.bad === 0
  const factors = nothing ? flatCurve() : curveGrid.map((d) => oddsFactor(baseline, candidate, d))
  return {
    riskRatio: state.riskRatio,
    harm: growCapital(
      state.harm,
      places.map((place) => factors[place] ?? 0),
      block.hour,
    ),
    curve: state.curve.map((log, i) => log + (factors[i] ?? 0)),
    over: state.over + (all > 0 ? (candidate.bad * baseline.n) / all : 0),
    under: state.under + (all > 0 ? (baseline.bad * candidate.n) / all : 0),
  }
}

/**
 * ln of the likelihood ratio of one block, log odds ratio `d` against 0, given that F = y_a + y_b were bad together:
 *   y_b d - ln G(e^d) + ln G(1),   G(x) = sum over j of C(n_b, j) C(n_a, F - j) x^j.
 * Both sums are taken from their largest term outwards, relative to that term, and the walk from the one largest term to the
 * other is a product of neighbours' ratios: no factorial, no overflow, and work in proportion to the spread.
 */
export function oddsFactor(baseline: ArmRate, candidate: ArmRate, d: number): number {
  const bad = baseline.bad + candidate.bad
  const low = Math.max(0, bad - baseline.n)
  const high = Math.min(candidate.n, bad)
  if (low === high || d === 0) return 0
  const tilt = Math.exp(d)
  /** C(n_b, j+1) C(n_a, F-j-1) over C(n_b, j) C(n_a, F-j) */
  const ratio = (j: number) => ((candidate.n - j) / (j + 1)) * ((bad - j) / (baseline.n - bad + j + 1))
  const middle = Math.floor(((candidate.n + 1) * (bad + 1)) / (candidate.n + baseline.n + 2))
  const central = Math.min(high, Math.max(low, middle))
  let mode = central
  let [product, log] = [1, 0]
  const keep = (factor: number) => {
    product *= factor
    if (product > 1e200 || product < 1e-200) [product, log] = [1, log + Math.log(product)]
  }
  for (; mode < high && ratio(mode) * tilt > 1; mode++) keep(ratio(mode) * tilt)
  for (; mode > low && ratio(mode - 1) * tilt < 1; mode--) keep(1 / (ratio(mode - 1) * tilt))
  const walk = log + Math.log(product) + central * d
  const sums = aroundMode(low, high, mode, (j) => ratio(j) * tilt) / aroundMode(low, high, central, ratio)
  return candidate.bad * d - walk - Math.log(sums)
}

/** The sum of all terms from `low` to `high` over that at `mode`, where `ratio(j)` leads from term j to the next. */
function aroundMode(low: number, high: number, mode: number, ratio: (j: number) => number): number {
  let total = 1
  for (let j = mode, term = 1; j < high && term > 1e-20 * total; j++) total += term *= ratio(j)
  for (let j = mode, term = 1; j > low && term > 1e-20 * total; j--) total += term /= ratio(j - 1)
  return total
}

/** ln of the evidence against "the odds ratio is at most 1" (the same as for the risk ratio): harm is proven at ln(1 / alpha). */
export function oddsHarm(state: StratifiedOdds): number {
  return capitalEvidence(state.harm)
}

/**
 * ln of the evidence against "the odds ratio is `riskRatio` or more". An odds ratio lies further from 1 than its risk ratio,
 * so what is proven for the odds holds for the risks too.
 */
export function oddsSafe(state: StratifiedOdds): number {
  return curveSafe(state.curve, state.riskRatio)
}

/**
 * The odds ratio, which for rare events is the risk ratio, with an interval that covers it at all looks together with a chance of
 * 1 - alpha. The estimate is the risk ratio of Mantel and Haenszel brought into it, null while the baseline has no bad event.
 */
export function oddsInterval({ curve, over, under }: StratifiedOdds, alpha: number): RatioInterval {
  return curveInterval(curve, alpha, under > 0 ? over / under : null)
}
