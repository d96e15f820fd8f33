// How much must have been seen before "no harm seen" says anything: so much that a grossly bad candidate would have been found.
import { harmEvidence, startArmShare, stepArmShare } from '../../statistics/arm-share.ts'
import { oddsHarm, startStratifiedOdds, stepStratifiedOdds } from '../../statistics/e-cmh.ts'
import type { Judging } from './metrics.ts'
import type { MetricEvidence, RolloutState } from './state.ts'

/** A candidate that fails so often, where the baseline never does, must be found by the time that a stage is left. */
export const GROSS = 0.2
/** No share and no alpha asks for more bad events than this. */
const MOST = 10_000

const known = new WeakMap<Judging, Map<number, number>>()

/**
 * So many units (events, where each is judged by itself) of the candidate that its harm would be proven if one in five were
 * bad and none of the baseline. By the very tests that decide. `share`: the candidate's, 0 to 1, both excluded; means: 0,
 * for their test itself has no value before it has enough.
 */
export function leastEvents(judging: Judging, share: number): number {
  if (judging.method === 'means' || !(share > 0 && share < 1)) return 0
  const mine = known.get(judging) ?? new Map<number, number>()
  known.set(judging, mine)
  const least = mine.get(share) ?? Math.ceil(badNeeded(judging, share) / GROSS)
  mine.set(share, least)
  return least
}

/** The fewest bad events, all of the candidate, that prove harm. */
function badNeeded({ method, harm_bound, risk_ratio }: Judging, share: number): number {
  const proves = (bad: number): boolean => {
    if (method === 'arm-share')
      return harmEvidence(stepArmShare(startArmShare(), { share, candidate: bad, baseline: 0, hour: 0 })) >= harm_bound
    const n = Math.ceil(bad / GROSS)
    // At most as many of the baseline as it has: a sample that is judged is as large in both arms, or larger there.
    const baseline = { n: Math.max(n, Math.round((n * (1 - share)) / share)), bad: 0 }
    const block = { baseline, candidate: { n, bad }, hour: 0 }
    return oddsHarm(stepStratifiedOdds(startStratifiedOdds(risk_ratio), block)) >= harm_bound
  }
  let bad = 1
  while (bad < MOST && !proves(bad)) bad += 1
  return bad
}

/** How many of the candidate count for a metric: its events, and not more than there were units. */
export function countedOf(state: RolloutState, { method }: Judging, known: MetricEvidence | undefined): number {
  const n = known?.candidate.units ?? known?.candidate.n ?? 0
  return method === 'arm-share' ? Math.min(n, state.evidence.units.candidate) : n
}
