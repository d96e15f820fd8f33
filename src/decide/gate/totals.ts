// What a run came to: calls, tokens, money, and everything that was not measured, by kind.
import type { Judging } from '../../schema/judge.ts'
import type { Completion, Observation } from '../../schema/run.ts'
import type { Totals } from '../../schema/verdict.ts'
import { byText } from '../words.ts'
import { formsOf } from './tally.ts'

/** Sums over all observations, confirming trials included: they were paid for as well. */
export function totals(observations: Observation[], gold?: Judging['cost']): Totals {
  const asked: Completion[] = []
  const cached: Completion[] = []
  const costs: number[] = []
  const cases = new Set<string>()
  const outcomes = { answered: 0, refused: 0, truncated: 0, error: 0, timeout: 0 }
  let [calls, input_tokens, output_tokens, unpriced] = [0, 0, 0, 0]
  // One loop: a run may have a hundred thousand of them.
  for (const { case: id, completion } of observations) {
    const { outcome, usage, cost_usd } = completion
    cases.add(id)
    outcomes[outcome] += 1
    input_tokens += usage?.input_tokens ?? 0
    output_tokens += usage?.output_tokens ?? 0
    if (!completion.replayed) {
      asked.push(completion)
      calls += completion.attempts
    }
    if (completion.cached) cached.push(completion)
    else if (cost_usd !== undefined) costs.push(cost_usd)
    else if (outcome !== 'error' && outcome !== 'timeout') unpriced += 1
  }
  const free = cached.length > 0 && cached.length === observations.length
  return {
    cases: cases.size,
    observations: observations.length,
    calls,
    replayed: observations.length - asked.length,
    ...(cached.length > 0 && { cached: cached.length, ...savedBy(cached) }),
    answered: outcomes.answered,
    refused: outcomes.refused,
    truncated: outcomes.truncated,
    errors: errorsByKind(observations),
    input_tokens,
    output_tokens,
    cost_usd: costs.length > 0 ? sum(costs.sort((a, b) => a - b)) : free ? 0 : null,
    unpriced,
    ...formsOf(observations),
    ...userTotals(asked),
    ...judgeTotals(observations, gold),
    ...embeddingTotals(observations),
  }
}

/** What answers from the cache cost when they were asked; nothing where no price is known. */
function savedBy(cached: readonly Completion[]): Pick<Totals, 'saved_usd'> {
  const costs = cached.flatMap(({ cost_usd }) => (cost_usd === undefined ? [] : [cost_usd]))
  return costs.length > 0 ? { saved_usd: sum(costs.sort((a, b) => a - b)) } : {}
}

/** What simulated users took, apart from the answers: nothing where there are none. */
function userTotals(asked: Observation['completion'][]): Partial<Totals> {
  const users = asked.some(({ conversation }) => conversation)
    ? asked.flatMap(({ conversation }) => conversation?.user ?? [])
    : []
  if (users.length === 0) return {}
  const known = users.every(({ cost_usd }) => cost_usd !== undefined)
  return {
    user_calls: sum(users.map(({ calls }) => calls)),
    user_cost_usd: known ? sum(users.map(({ cost_usd = 0 }) => cost_usd).sort((a, b) => a - b)) : null,
  }
}

/** What judges took, apart from the answers: nothing where no judge was asked. `gold`: for calibrated answers. */
function judgeTotals(observations: Observation[], gold: Judging['cost']): Partial<Totals> {
  const isJudged = ({ scores, grader_cost }: Observation) => grader_cost || scores.some(({ judged }) => judged)
  if (!gold && !observations.some(isJudged)) return {}
  const graded = observations.filter(({ scores }) => scores.some(({ judged }) => judged))
  const records = graded.flatMap(({ scores }) => scores.flatMap(({ judged }) => judged ?? []))
  const lost = observations.flatMap(({ grader_cost }) => grader_cost ?? [])
  if (records.length + lost.length === 0 && !gold) return {}
  const costs = [...[...records, ...lost].map(({ cost_usd }) => cost_usd), ...(gold ? [gold.cost_usd] : [])]
  const known = costs.every((cost) => cost !== null)
  const judge_calls = sum([...records, ...lost].map(({ calls }) => calls)) + (gold?.calls ?? 0)
  const cached = sum(records.map((one) => one.cached ?? 0))
  return {
    judge_calls,
    ...(cached > 0 && { judge_cached: cached }),
    judge_cost_usd: known ? sum(costs.map((cost) => cost ?? 0).sort((a, b) => a - b)) : null,
  }
}

/** What embeddings took, apart from the answers: nothing where no assertion compares any. */
function embeddingTotals(observations: Observation[]): Partial<Totals> {
  if (!observations.some(({ scores }) => scores.some(({ embedded }) => embedded))) return {}
  const records = observations.flatMap(({ scores }) => scores.flatMap(({ embedded }) => embedded ?? []))
  if (records.length === 0) return {}
  const costs = records.map(({ cost_usd }) => cost_usd)
  return {
    embedding_calls: sum(records.map(({ calls }) => calls)),
    embedding_cost_usd: costs.includes(null) ? null : sum(costs.map((cost) => cost ?? 0).sort((a, b) => a - b)),
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Kinds in the order of the alphabet: `timeout`, `grader_error`, and the error kinds of the completions. */
function errorsByKind(observations: readonly Observation[]): Record<string, number> {
  const kinds: string[] = []
  for (const { completion, grader_error, passed } of observations) {
    if (completion.error) kinds.push(completion.error.kind)
    else if (completion.outcome === 'error' || completion.outcome === 'timeout') kinds.push(completion.outcome)
    else if (grader_error !== undefined || passed === null) kinds.push('grader_error')
  }
  const found: Record<string, number> = {}
  for (const kind of kinds.sort(byText)) found[kind] = (found[kind] ?? 0) + 1
  return found
}
