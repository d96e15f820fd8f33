// Arm-share test: of the bad events, how many come from the candidate? Valid at every look, whatever the base rate does over the day.
// Source: Lindon & Malek, arXiv:2011.03567, one-sided and with a share that may change from block to block.
import { requireAmount } from './log-space.ts'
import { type Curve, curveGrid, curveInterval, curveSafe, flatCurve, type RatioInterval } from './ratio-curve.ts'
import { type Capital, capitalEvidence, growCapital, startCapital } from './restarts.ts'

/**
 * What was seen so far; plain JSON of about a hundred numbers, whatever the traffic. `over` and `under` add up to the
 * Mantel-Haenszel estimate of the risk ratio over the blocks.
 */
export type ArmShare = {
  readonly harm: Capital
  readonly curve: Curve
  readonly over: number
  readonly under: number
}

/** First bad events of one block: whole counts >= 0, the candidate's share (0 to 1) of the units at risk, hours since the start. */
export type ArmShareBlock = {
  readonly share: number
  readonly candidate: number
  readonly baseline: number
  readonly hour: number
}

/** Sixteen log risk ratios from ln 1.1 to ln 8, evenly. */
const alternatives = Array.from({ length: 16 }, (_, j) => Math.log(1.1) + (j / 15) * Math.log(8 / 1.1))
/** Most of the capital is on a doubling, the size that hurts and is slow to find; five times worse shows at once anyway. */
const bells = alternatives.map((d) => Math.exp(-(((d - Math.LN2) / 0.7) ** 2) / 2))
const weights = bells.map((bell) => bell / bells.reduce((a, b) => a + b, 0))

/** Nothing seen. */
export function startArmShare(): ArmShare {
  return { harm: startCapital(alternatives.length), curve: flatCurve(), over: 0, under: 0 }
}

/**
 * The state after one more block. If the risk ratio is e^d, a bad event comes from the candidate with the chance
 * q = pi e^d / (pi e^d + 1 - pi); with c of n bad events there, the likelihood ratio against d = 0 is
 * exp(c d - n ln(1 + pi (e^d - 1))). A share of 0 or 1 compares nothing: such a block only moves the clock.
 * Throws RangeError on a share outside of 0 to 1 or a negative count.
 */
export function stepArmShare(state: ArmShare, { share, candidate, baseline, hour }: ArmShareBlock): ArmShare {
  requireAmount('candidate', candidate)
  requireAmount('baseline', baseline)
  requireAmount('hour', hour)
  if (!(share >= 0 && share <= 1)) throw new RangeError(`the share must lie between 0 and 1, not ${share}`)
  const compares = share > 0 && share < 1
  const factor = (d: number) =>
    compares ? candidate * d - (candidate + baseline) * Math.log1p(share * Math.expm1(d)) : 0
  return {
    harm: growCapital(state.harm, alternatives.map(factor), hour),
    curve: state.curve.map((log, i) => log + factor(curveGrid[i] ?? 0)),
    over: state.over + (compares ? candidate * (1 - share) : 0),
    under: state.under + (compares ? baseline * share : 0),
  }
}

/** ln of the evidence against "the risk ratio is at most 1": harm is proven at level alpha once it reaches ln(1 / alpha). */
export function harmEvidence(state: ArmShare): number {
  return capitalEvidence(state.harm, weights)
}

/** ln of the evidence against "the risk ratio is `riskRatio` or more" (> 1): not worse by that much is proven at ln(1 / alpha). */
export function safeEvidence(state: ArmShare, riskRatio: number): number {
  return curveSafe(state.curve, riskRatio)
}

/**
 * The risk ratio with an interval that covers it at all looks together with a chance of 1 - alpha. The estimate is that of
 * Mantel and Haenszel, null while one arm has none to compare with.
 */
export function ratioInterval({ curve, over, under }: ArmShare, alpha: number): RatioInterval {
  return curveInterval(curve, alpha, under > 0 ? over / under : null)
}
