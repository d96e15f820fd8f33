// The score gates: the mean score of the cases against a floor, and each case against itself in the baseline.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { meanDifference } from '../../statistics/mean-difference.ts'
import { signFlip } from '../../statistics/sign-flip.ts'
import { mean } from './cost.ts'
import { type Gates, interval, type Judged, result } from './gate.ts'
import { absoluteProof, type Proof, settled } from './increase.ts'
import type { Look } from './look.ts'
import type { Pair } from './pairing.ts'
import { isDecided } from './tally.ts'
import { fixed, intervalText, pText } from '../words.ts'

type Input = { tallies: readonly CaseTally[]; pairs: readonly Pair[] | null; policy: GatePolicy; look: Look }

/** The gates `score` (mean against `min`) and `score/drop` (against the baseline); none when the policy asks for none. */
export function scoreGates({ tallies: all, pairs: paired, policy, look }: Input): Gates {
  const tallies = all.filter(isDecided)
  const pairs = paired && paired.filter(({ candidate }) => isDecided(candidate))
  const { min, max_drop: drop } = policy.mean_score ?? {}
  const gates: Judged[] = []
  if (min !== undefined) gates.push(floorGate(tallies, min, policy, look))
  if (drop !== undefined && pairs) gates.push(dropGate(pairs, drop, policy, look))
  return { gates, warnings: [] }
}

const text = (score: number) => fixed(score, 3)
const SLACK = 1e-12

function floorGate(tallies: readonly CaseTally[], min: number, policy: GatePolicy, look: Look): Judged {
  const scored = tallies.filter(({ scores }) => scores.length > 0)
  const base = {
    id: 'score',
    kind: 'score' as const,
    limit: min,
    unit: 'score' as const,
    n: scored.length,
    test: 't interval',
  }
  if (scored.length === 0) {
    const sentence = 'The mean score is unknown: no answer was graded.'
    return { result: result({ ...base, outcome: 'invalid', sentence }), open: false }
  }
  const means = scored.map(({ scores }) => mean(scores))
  const average = mean(means)
  const { proof, bounds, level } = absoluteProof(look, (at) => meanDifference(means, at), {
    broken: ({ high }) => high < min - SLACK,
    kept: ({ low }) => low >= min - SLACK,
  })
  const range = interval(bounds, level, [0, 1])
  const { outcome, open, says } = settled(proof, average < min - SLACK, policy.burden)
  const seen = `Mean score ${text(average)}${range ? ` (${intervalText(range, text)})` : ''}, floor ${text(min)}`
  return {
    result: result({
      ...base,
      outcome,
      estimate: average,
      interval: range,
      sentence: `${seen}. ${says}`,
      needed: proof === 'open' ? 'More cases: the scores differ too much between these.' : null,
    }),
    open,
  }
}

function dropGate(all: readonly Pair[], drop: number, policy: GatePolicy, look: Look): Judged {
  const pairs = all.filter(({ candidate, baseline }) => candidate.scores.length > 0 && baseline.scores.length > 0)
  const test = policy.exact ? 'sign-flip' : 'sign-flip mid-p'
  const base = { id: 'score/drop', kind: 'score' as const, limit: drop, unit: 'score' as const, n: pairs.length, test }
  if (pairs.length === 0) {
    const sentence = 'Scores could not be compared: no case was scored on both sides.'
    return {
      result: result({ ...base, outcome: 'inconclusive', sentence, needed: 'A baseline with scores.' }),
      open: false,
    }
  }
  const differences = pairs.map(({ candidate, baseline }) => mean(candidate.scores) - mean(baseline.scores))
  const { p, midp } = signFlip(differences.map((d) => Math.sign(d) * Math.round(1000 * Math.abs(d))))
  const value = policy.exact ? p : midp
  const found = meanDifference(differences, look.passLevel)
  const range = interval(found, look.passLevel, [-1, 1])
  const proof: Proof = found.low > -drop ? 'good' : value <= look.alpha ? 'bad' : 'open'
  const { outcome, open, says } = settled(proof, found.difference < -drop, policy.burden)
  const now = mean(pairs.map(({ candidate }) => mean(candidate.scores)))
  const before = mean(pairs.map(({ baseline }) => mean(baseline.scores)))
  const way = found.difference < 0 ? 'lower' : 'higher'
  const change = Math.abs(found.difference) < 0.0005 ? 'no difference' : `${text(Math.abs(found.difference))} ${way}`
  const seen = `Mean score ${text(now)} against ${text(before)}: ${change}${range ? ` (${intervalText(range, text)})` : ''}, ${pText(value)}`
  return {
    result: result({
      ...base,
      outcome,
      estimate: now,
      baseline: before,
      difference: found.difference,
      interval: range,
      p: value,
      sentence: `${seen}; a drop of ${text(drop)} is the limit. ${says}`,
      needed: proof === 'open' ? 'More trials or more cases.' : null,
    }),
    open,
  }
}
