// What-if: the counts of a run with some cases or trials changed, and the smallest change that gives a gate another outcome.
import { ratePolicy } from '../gate/rate-policy.ts'
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { GateResult, Outcome } from '../../schema/verdict.ts'
import { judgeTallies, type TalliesInput } from '../gate/judge.ts'
import { pairCases } from '../gate/pairing.ts'
import { byText } from '../words.ts'

/** Changes of a run, one after the other: `at(k)` is the run after the first k of them; `at(0)` is the run as it was. */
export type Changes = { most: number; at(k: number): TalliesInput }

/** So many steps are tried one by one; beyond them a step is found by halving. */
const ONE_BY_ONE = 24

/**
 * The smallest k in 1 to `most` for which `holds`. Up to 24 it is found by trying each; beyond by doubling and halving,
 * which is the smallest where a further change never undoes what the ones before it did.
 * @returns null when it holds for none that was tried, `most` among them
 */
export function smallest(most: number, holds: (k: number) => boolean): number | null {
  for (let k = 1; k <= Math.min(most, ONE_BY_ONE); k++) if (holds(k)) return k
  if (most <= ONE_BY_ONE) return null
  let low = ONE_BY_ONE
  let high = Math.min(most, 2 * low)
  while (!holds(high)) {
    if (high === most) return null
    low = high
    high = Math.min(most, 2 * high)
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}

/** The outcome that the shipped decision gives one gate of the input; null when there is no such gate. */
export function outcomeAt(input: TalliesInput, id: string): Outcome | null {
  return judgeTallies(input).verdict.gates.find((gate) => gate.id === id)?.outcome ?? null
}

/** Without the gates that hang on no pass: they would only take time. */
export function onlyRates(input: TalliesInput): TalliesInput {
  return { ...input, policy: ratePolicy(input.policy) }
}

type Gate = Pick<GateResult, 'category'>
const rate = ({ passes, trials }: { passes: number; trials: number }) => passes / trials
const within = (gate: Gate) => (tally: { category?: string | undefined }) =>
  gate.category === undefined || tally.category === gate.category

/** `changed` instead of the tallies of the same ids. */
function replace(input: TalliesInput, changed: readonly CaseTally[]): TalliesInput {
  const now = new Map(changed.map((tally) => [tally.id, tally]))
  return { ...input, tallies: input.tallies.map((tally) => now.get(tally.id) ?? tally) }
}

function pairsOf(input: TalliesInput, gate: Gate) {
  if (input.baseline === null) return []
  const { pairs } = pairCases({ ...input, baseline: input.baseline })
  return pairs.filter(({ info }) => within(gate)(info))
}

/** Cases that lost pass as often as before (rounded up to whole trials), the largest drop first. */
export function fewerLost(input: TalliesInput, gate: Gate): Changes {
  const lost = pairsOf(input, gate)
    .map((pair) => ({ ...pair, drop: rate(pair.baseline) - rate(pair.candidate) }))
    .filter(({ drop }) => drop > 0)
    .sort((a, b) => b.drop - a.drop || byText(a.info.id, b.info.id))
    .map(({ candidate, baseline }) => ({
      ...candidate,
      passes: Math.ceil((candidate.trials * baseline.passes) / baseline.trials),
    }))
  return { most: lost.length, at: (k) => replace(input, lost.slice(0, k)) }
}

/** Cases that passed in every trial on both sides fail in every trial; then the others that still pass. */
export function moreLost(input: TalliesInput, gate: Gate): Changes {
  const solid = ({ candidate, baseline }: { candidate: CaseTally; baseline: CaseTally }) =>
    rate(candidate) + rate(baseline)
  const held = pairsOf(input, gate)
    .filter(({ candidate }) => candidate.passes > 0)
    .sort((a, b) => solid(b) - solid(a) || byText(a.info.id, b.info.id))
    .map(({ candidate }) => ({ ...candidate, passes: 0 }))
  return { most: held.length, at: (k) => replace(input, held.slice(0, k)) }
}

/** Failed trials pass (`by` 1) or passed trials fail (`by` -1), one a step: the cases first that are nearest to all alike. */
export function trialsMoved(input: TalliesInput, gate: Gate, by: 1 | -1): Changes {
  const left = ({ passes, trials }: CaseTally) => (by === 1 ? trials - passes : passes)
  const movable = input.tallies
    .filter((tally) => within(gate)(tally) && left(tally) > 0)
    .sort((a, b) => left(a) / a.trials - left(b) / b.trials || byText(a.id, b.id))
  const most = movable.reduce((sum, tally) => sum + left(tally), 0)
  const at = (k: number) => {
    let rest = k
    const changed = movable.map((tally) => {
      const moved = Math.min(rest, left(tally))
      rest -= moved
      return { ...tally, passes: tally.passes + by * moved }
    })
    return replace(input, changed)
  }
  return { most, at }
}

/** The input with another limit for one gate; null for gates that have no limit to move. */
export function withLimit(input: TalliesInput, gate: GateResult, limit: number): TalliesInput | null {
  const change = limitIn(input.policy, gate, limit)
  return change && { ...input, policy: { ...input.policy, ...change } }
}

function limitIn(policy: GatePolicy, { id, kind, category }: GateResult, limit: number): Partial<GatePolicy> | null {
  const categories = (own: Partial<NonNullable<GatePolicy['categories']>[string]>) => ({
    categories: { ...policy.categories, [category ?? '']: { ...policy.categories?.[category ?? ''], ...own } },
  })
  if (kind === 'regression') {
    return category === undefined ? { max_regression: limit } : categories({ max_regression: limit })
  }
  if (kind === 'floor') return category === undefined ? { min_pass_rate: limit } : categories({ min_pass_rate: limit })
  if (id === 'over_refusal') return { over_refusal: { ...policy.over_refusal, max: limit } }
  if (kind === 'pass_at_k' || kind === 'pass_hat_k') {
    const own = policy[kind]
    return own === undefined ? null : { [kind]: { ...own, min: limit } }
  }
  if (id === 'latency') return { latency_p95: { ...policy.latency_p95, max: limit } }
  if (id === 'latency/increase') return { latency_p95: { ...policy.latency_p95, max_increase: limit } }
  const first = policy.time_to_first_token_p95
  if (id === 'first_token') return { time_to_first_token_p95: { ...first, max: limit } }
  if (id === 'first_token/increase') return { time_to_first_token_p95: { ...first, max_increase: limit } }
  if (id === 'cost/increase') return { cost_per_case: { ...policy.cost_per_case, max_increase: limit } }
  return null
}
