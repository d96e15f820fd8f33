// What a run came to: calls, tokens, money, and everything that was not measured, by kind.
import type { Judging } from '../../schema/judge.ts'
import type { Completion, Observation } from '../../schema/run.ts'
import type { Totals } from '../../schema/verdict.ts'
import { byText } from '../words.ts'
import { formsOf } from './tally.ts'

/** Sums over all observations, confirming trials included: they were paid for as well. */
export function totals(observations: Observation[], gold?: Judging['cost']): Totals {
  const completions = observations.map(({ completion }) => completion)
  const asked = completions.filter(({ replayed }) => !replayed)
  const of = (wanted: string) => completions.filter(({ outcome }) => outcome === wanted).length
  const cached = completions.filter((one) => one.cached)
  const paid = completions.filter((one) => !one.cached)
  const answers = paid.filter(({ outcome }) => outcome !== 'error' && outcome !== 'timeout')
  const costs = paid.flatMap(({ cost_usd }) => (cost_usd === undefined ? [] : [cost_usd]))
  return {
    cases: new Set(observations.map((one) => one.case)).size,
    observations: observations.length,
    calls: sum(asked.map(({ attempts }) => attempts)),
    replayed: completions.length - asked.length,
    ...(cached.length > 0 && { cached: cached.length, ...savedBy(cached) }),
    answered: of('answered'),
    refused: of('refused'),
    truncated: of('truncated'),
    errors: errorsByKind(observations),
    input_tokens: sum(completions.map(({ usage }) => usage?.input_tokens ?? 0)),
    output_tokens: sum(completions.map(({ usage }) => usage?.output_tokens ?? 0)),
    cost_usd:
      costs.length > 0 ? sum([...costs].sort((a, b) => a - b)) : paid.length === 0 && cached.length > 0 ? 0 : null,
    unpriced: answers.filter(({ cost_usd }) => cost_usd === undefined).length,
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
  const users = asked.flatMap(({ conversation }) => conversation?.user ?? [])
  if (users.length === 0) return {}
  const known = users.every(({ cost_usd }) => cost_usd !== undefined)
  return {
    user_calls: sum(users.map(({ calls }) => calls)),
    user_cost_usd: known ? sum(users.map(({ cost_usd = 0 }) => cost_usd).sort((a, b) => a - b)) : null,
  }
}

/** What judges took, apart from the answers: nothing where no judge was asked. `gold`: for calibrated answers. */
function judgeTotals(observations: Observation[], gold: Judging['cost']): Partial<Totals> {
  const records = observations.flatMap(({ scores }) => scores.flatMap(({ judged }) => judged ?? []))
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
  const kinds = observations.flatMap(({ completion, grader_error, passed }): string[] => {
    if (completion.error) return [completion.error.kind]
    if (completion.outcome === 'error' || completion.outcome === 'timeout') return [completion.outcome]
    return grader_error !== undefined || passed === null ? ['grader_error'] : []
  })
  const found: Record<string, number> = {}
  for (const kind of kinds.sort(byText)) found[kind] = (found[kind] ?? 0) + 1
  return found
}
