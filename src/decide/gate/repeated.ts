// The gates on repeated tries: how often at least one of k succeeds (pass@k), and how often all k do (pass^k).
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { passAtK, passHatK } from '../../statistics/pass-at-k.ts'
import { meanShare } from '../../statistics/suite-rate.ts'
import { counted, intervalText, percent } from '../words.ts'
import { mean } from './cost.ts'
import { type Gates, interval, type Judged, result } from './gate.ts'
import { absoluteProof, settled } from './increase.ts'
import type { Look } from './look.ts'

type Kind = 'pass_at_k' | 'pass_hat_k'
type Input = { tallies: readonly CaseTally[]; policy: GatePolicy; look: Look; maxTrials: number }

const measures: { [K in Kind]: { name: (k: number) => string; of: typeof passAtK; means: (k: number) => string } } = {
  pass_at_k: { name: (k) => `pass@${k}`, of: passAtK, means: (k) => `at least one of ${k} tries passes` },
  pass_hat_k: { name: (k) => `pass^${k}`, of: passHatK, means: (k) => `all of ${k} tries pass` },
}
const SLACK = 1e-12

/** The gates that the policy asks for. Without `min` a measure is shown and decides nothing. */
export function repeatedGates(input: Input): Gates {
  const { policy } = input
  const gates = (['pass_at_k', 'pass_hat_k'] as const).flatMap((kind) => {
    const wanted = policy[kind]
    return wanted === undefined ? [] : [gateOf(kind, wanted, input)]
  })
  return { gates, warnings: [] }
}

/** Gates that could never be decided: they look at more tries than the suite asks for. */
export function outOfTries(policy: GatePolicy, maxTrials: number): { kind: Kind; k: number }[] {
  return (['pass_at_k', 'pass_hat_k'] as const).flatMap((kind) => {
    const k = policy[kind]?.k ?? 0
    return k > maxTrials ? [{ kind, k }] : []
  })
}

function gateOf(kind: Kind, { k, min }: { k: number; min?: number | undefined }, input: Input): Judged {
  const { tallies, policy, look, maxTrials } = input
  const { name, of, means } = measures[kind]
  const enough = tallies.filter(({ trials }) => trials >= k)
  const left = tallies.length - enough.length
  const decides = min !== undefined
  const head = {
    id: kind,
    kind,
    decides,
    limit: min ?? null,
    unit: 'share' as const,
    n: enough.length,
    test: 'unbiased estimator, Korn-Graubard interval over cases',
  }
  const short =
    left === 0
      ? ''
      : ` ${counted(left, 'case')} with fewer than ${k} measured trials ${left === 1 ? 'is' : 'are'} left out.`
  if (enough.length === 0) {
    const sentence = `${name(k)} is not known yet: no case has ${k} measured trials.`
    const needed = `${k} trials of a case; the suite asks for at most ${maxTrials}.`
    // Passes that are still to come bring them.
    return { result: result({ ...head, outcome: 'inconclusive', sentence, needed }), open: maxTrials > look.passes }
  }
  const values = enough.map(({ trials, passes }) => of(trials, passes, k))
  const average = mean(values)
  // So many tries at k of them that have no trial in common.
  const draws = enough.reduce((sum, { trials }) => sum + Math.floor(trials / k), 0)
  const boundsAt = (level: number) => meanShare(values, draws, level)
  const {
    proof,
    bounds: found,
    level,
  } = absoluteProof(look, boundsAt, {
    broken: ({ high }) => min !== undefined && high < min - SLACK,
    kept: ({ low }) => min === undefined || low >= min - SLACK,
  })
  const range = interval(found, level, [0, 1])
  const seen = `${name(k)} (${means(k)}): ${percent(average)}${range ? ` (${intervalText(range, percent)})` : ''}`
  if (min === undefined)
    return {
      result: result({ ...head, outcome: 'pass', estimate: average, interval: range, sentence: `${seen}.${short}` }),
      open: look.passes < k && maxTrials >= k,
    }
  const { outcome, open, says } = settled(proof, average < min - SLACK, policy.burden)
  return {
    result: result({
      ...head,
      outcome,
      estimate: average,
      interval: range,
      sentence: `${seen}, floor ${percent(min)}. ${says}${short}`,
      needed: proof === 'open' ? 'More cases, or more trials of each.' : null,
    }),
    open: open || (look.passes < k && maxTrials >= k),
  }
}
