// Split check: do new units reach the arms in the planned proportion? A check that may be read at every look.
// Source: Lindon & Malek, arXiv:2011.03567 (Dirichlet-multinomial against a fixed proportion).
import { logBeta, logSum, requireAmount } from './log-space.ts'

/** What was seen: closed evidence of each prior over the earlier shares, and the counts at the present share. Plain JSON. */
export type SplitCheck = {
  readonly closed: readonly number[]
  readonly share: number
  readonly candidate: number
  readonly baseline: number
}

/** New units of one block: `share` (0 to 1) was to go to the candidate. */
export type SplitBlock = { readonly share: number; readonly candidate: number; readonly baseline: number }

/** How many units each prior is worth: a narrow one finds a small lasting skew, a wide one a gross skew at once. */
const priors = [10, 100, 1000, 10_000]

/** Nothing seen. */
export function startSplit(): SplitCheck {
  return { closed: priors.map(() => 0), share: 0, candidate: 0, baseline: 0 }
}

/** The state after one more block. A share of 0 or 1 plans no split: such a block is ignored. Throws RangeError on impossible numbers. */
export function stepSplit(state: SplitCheck, { share, candidate, baseline }: SplitBlock): SplitCheck {
  requireAmount('candidate', candidate)
  requireAmount('baseline', baseline)
  if (!(share >= 0 && share <= 1)) throw new RangeError(`the share must lie between 0 and 1, not ${share}`)
  if (share === 0 || share === 1) return state
  if (share === state.share) {
    return { ...state, candidate: state.candidate + candidate, baseline: state.baseline + baseline }
  }
  return { closed: evidenceOfEach(state), share, candidate, baseline }
}

/** Closed evidence times that of the present share: [Beta(k pi + c, k (1 - pi) + b) / Beta(k pi, k (1 - pi))] / (pi^c (1 - pi)^b). */
function evidenceOfEach({ closed, share, candidate, baseline }: SplitCheck): number[] {
  if (candidate + baseline === 0) return [...closed]
  const planned = candidate * Math.log(share) + baseline * Math.log1p(-share)
  return priors.map((worth, i) => {
    const [a, b] = [worth * share, worth * (1 - share)]
    return (closed[i] ?? 0) + logBeta(a + candidate, b + baseline) - logBeta(a, b) - planned
  })
}

/** ln of the evidence against "each new unit goes to the candidate with the planned share". Distrust the comparison from ln 1000 on. */
export function splitEvidence(state: SplitCheck): number {
  return logSum(evidenceOfEach(state)) - Math.log(priors.length)
}
