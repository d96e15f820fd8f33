// The cost gates: the mean cost of a case against a budget, and the sum over the cases against the baseline.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { hodgesLehmann } from '../../statistics/hodges-lehmann.ts'
import { meanDifference } from '../../statistics/mean-difference.ts'
import { signFlip } from '../../statistics/sign-flip.ts'
import { type GateHead, type Gates, interval, type Judged, result } from './gate.ts'
import { absoluteProof, increaseOutcome, settled } from './increase.ts'
import type { Look } from './look.ts'
import type { Pair } from './pairing.ts'
import { changeText, counted, dollars, intervalText, percent, pText } from '../words.ts'

type Input = { tallies: readonly CaseTally[]; pairs: readonly Pair[] | null; policy: GatePolicy; look: Look }

/** Rounding of sums must not break a limit that is met exactly. */
const ROUNDING = 1e-9
/** Differences are tested in steps of so many to the largest of them. */
const STEPS = 1000

/** The gates `cost` (mean of a case) and `cost/increase` (sum against the baseline); none when the policy asks for none. */
export function costGates({ tallies, pairs, policy, look }: Input): Gates {
  const { max, max_increase: increase } = policy.cost_per_case ?? {}
  const gates: Judged[] = []
  if (max === undefined && increase === undefined) return { gates, warnings: [] }
  const measured = tallies.filter(({ trials }) => trials > 0)
  const priced = measured.filter(({ costs_usd }) => costs_usd.length > 0)
  if (max !== undefined) gates.push(limitGate(priced, max, policy, look))
  if (increase !== undefined && pairs) gates.push(increaseGate(pairs, increase, policy, look))
  const unpriced = measured.length - priced.length
  const partly = priced.length > 0 && unpriced > 0
  const warnings = partly
    ? [`The cost of ${counted(unpriced, 'case')} is not known; the cost gates leave them out.`]
    : []
  return { gates, warnings }
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

const unknown = 'The cost is unknown: no answer has a price. Set `price` on the model, or take the cost gate out.'

function limitGate(priced: readonly CaseTally[], max: number, policy: GatePolicy, look: Look): Judged {
  const base = {
    id: 'cost',
    kind: 'cost' as const,
    limit: max,
    unit: 'usd' as const,
    n: priced.length,
    test: 't interval',
  }
  if (priced.length === 0) return { result: result({ ...base, outcome: 'invalid', sentence: unknown }), open: false }
  const means = priced.map(({ costs_usd }) => mean(costs_usd))
  const average = mean(means)
  const slack = max * (1 + ROUNDING)
  const { proof, bounds, level } = absoluteProof(look, (at) => meanDifference(means, at), {
    broken: ({ low }) => low > slack,
    kept: ({ high }) => high <= slack,
  })
  const range = interval(bounds, level, [0, Infinity])
  const { outcome, open, says } = settled(proof, average > slack, policy.burden)
  const seen = `Cost per case ${dollars(average)}${range ? ` (${intervalText(range, dollars)})` : ''}, limit ${dollars(max)}`
  return {
    result: result({
      ...base,
      outcome,
      estimate: average,
      interval: range,
      sentence: `${seen}. ${says}`,
      needed: proof === 'open' ? 'More cases: the costs differ too much between these.' : null,
    }),
    open,
  }
}

function increaseGate(all: readonly Pair[], increase: number, policy: GatePolicy, look: Look): Judged {
  const limit = 1 + increase
  const pairs = all.filter(({ candidate, baseline }) => candidate.costs_usd.length > 0 && baseline.costs_usd.length > 0)
  const test = policy.exact ? 'sign-flip' : 'sign-flip mid-p'
  const base = { id: 'cost/increase', kind: 'cost' as const, limit, unit: 'usd' as const, n: pairs.length, test }
  if (pairs.length === 0) return { result: notCompared(base, all), open: false }
  const costs = pairs.map(({ candidate, baseline }) => ({
    now: mean(candidate.costs_usd),
    before: mean(baseline.costs_usd),
  }))
  const { p, midp } = signFlip(quantised(costs.map(({ now, before }) => limit * before - now)))
  const [now, before] = [mean(costs.map((cost) => cost.now)), mean(costs.map((cost) => cost.before))]
  // Nothing from nothing is no change; something from nothing has no ratio that could be written down.
  const ratio = before > 0 ? now / before : now > 0 ? Number.MAX_VALUE : 1
  const positive = costs.every((cost) => cost.now > 0 && cost.before > 0)
  const logs = positive ? hodgesLehmann(costs.map((cost) => Math.log(cost.now / cost.before)), look.passLevel) : null // biome-ignore format: one line reads better
  const bounds = logs ? { low: Math.exp(logs.low), high: Math.exp(logs.high) } : { low: -Infinity, high: Infinity }
  const range = interval(bounds, look.passLevel)
  const value = policy.exact ? p : midp
  const high = bounds.high / (1 + ROUNDING)
  const { outcome, open, says } = increaseOutcome({ p: value, ratio, high, limit, policy, look })
  const text = (x: number) => `×${x.toFixed(2)}`
  const middle = range ? `; ratio within a case, ${intervalText(range, text)}` : ''
  const change = before > 0 ? changeText(ratio, 'higher', 'lower') : 'where the baseline cost nothing'
  return {
    result: result({
      ...base,
      outcome,
      estimate: now,
      baseline: before,
      difference: ratio,
      interval: range,
      p: value,
      sentence: `Cost per case ${dollars(now)} against ${dollars(before)}, ${change} (${pText(value)} for more than ${percent(increase)}${middle}). ${says}`,
      needed: outcome === 'inconclusive' ? 'More cases.' : null,
    }),
    open,
  }
}

function notCompared(base: GateHead, all: readonly Pair[]) {
  const here = all.some(({ candidate }) => candidate.costs_usd.length > 0)
  if (!here && all.length > 0) return result({ ...base, outcome: 'invalid', sentence: unknown })
  const sentence = 'Costs could not be compared: no case has a price on both sides.'
  return result({
    ...base,
    outcome: 'inconclusive',
    sentence,
    needed: 'A baseline with costs: `aigate baseline record`.',
  })
}

/** Whole numbers in steps of a thousandth of the largest difference; the sign-flip test stays exact on them. */
function quantised(differences: readonly number[]): number[] {
  const largest = Math.max(...differences.map(Math.abs))
  return differences.map((d) => (largest === 0 ? 0 : Math.sign(d) * Math.round((Math.abs(d) / largest) * STEPS)))
}
