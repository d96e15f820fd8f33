// What a run came to: calls, tokens, money, and everything that was not measured, by kind.
import type { Judging } from '../../schema/judge.ts'
import type { Observation } from '../../schema/run.ts'
import type { Totals } from '../../schema/verdict.ts'
import { byText } from '../words.ts'

/** Amounts of money, one a paid answer; null: of one the price is not known. */
type Costs = (number | null)[]
type User = NonNullable<NonNullable<Observation['completion']['conversation']>['user']>

export type RunTotals = {
  /** Confirming trials as well: they were paid for. */
  add(observation: Observation): void
  /** `gold`: what judges took for calibrated answers. */
  of(cases: number, gold?: Judging['cost']): Totals
  /** The model names that answered, in the order of the alphabet. */
  models(): string[]
}

/** Sums over observations, which are added one by one. */
export function runTotals(): RunTotals {
  const outcomes = { answered: 0, refused: 0, truncated: 0, error: 0, timeout: 0 }
  const forms = { valid: 0, of: 0 }
  const errors: string[] = []
  const costs: number[] = []
  const saved: number[] = []
  const users: User[] = []
  const models = new Set<string>()
  const judges = { calls: 0, cached: 0, costs: [] as Costs }
  const embeddings = { calls: 0, costs: [] as Costs }
  let [observations, calls, replayed, cached, input_tokens, output_tokens, unpriced] = [0, 0, 0, 0, 0, 0, 0]
  const add = (observation: Observation) => {
    const { completion, scores, output, grader_cost } = observation
    const { outcome, usage, cost_usd, conversation, response_model } = completion
    observations += 1
    outcomes[outcome] += 1
    input_tokens += usage?.input_tokens ?? 0
    output_tokens += usage?.output_tokens ?? 0
    if (completion.replayed) replayed += 1
    else {
      calls += completion.attempts
      if (conversation?.user) users.push(conversation.user)
    }
    if (completion.cached) {
      cached += 1
      if (cost_usd !== undefined) saved.push(cost_usd)
    } else if (cost_usd !== undefined) costs.push(cost_usd)
    else if (outcome !== 'error' && outcome !== 'timeout') unpriced += 1
    if (response_model !== undefined) models.add(response_model)
    const kind = errorKind(observation)
    if (kind !== null) errors.push(kind)
    if (output) {
      forms.of += 1
      if (output.valid) forms.valid += 1
    }
    for (const { judged, embedded } of scores) {
      if (judged) {
        judges.calls += judged.calls
        judges.cached += judged.cached ?? 0
        judges.costs.push(judged.cost_usd)
      }
      if (embedded) {
        embeddings.calls += embedded.calls
        embeddings.costs.push(embedded.cost_usd)
      }
    }
    if (grader_cost) {
      judges.calls += grader_cost.calls
      judges.costs.push(grader_cost.cost_usd)
    }
  }
  const of = (cases: number, gold?: Judging['cost']): Totals => ({
    cases,
    observations,
    calls,
    replayed,
    ...(cached > 0 && { cached, ...(saved.length > 0 && { saved_usd: sum(saved) }) }),
    answered: outcomes.answered,
    refused: outcomes.refused,
    truncated: outcomes.truncated,
    errors: byKind(errors),
    input_tokens,
    output_tokens,
    cost_usd: costs.length > 0 ? sum(costs) : cached > 0 && cached === observations ? 0 : null,
    unpriced,
    ...(forms.of > 0 && { forms: { ...forms } }),
    ...userTotals(users),
    ...judgeTotals(judges, gold),
    ...(embeddings.costs.length > 0 && {
      embedding_calls: embeddings.calls,
      embedding_cost_usd: known(embeddings.costs),
    }),
  })
  return { add, of, models: () => [...models].sort(byText) }
}

/** What simulated users took, apart from the answers: nothing where there are none. */
function userTotals(users: readonly User[]): Partial<Totals> {
  if (users.length === 0) return {}
  const calls = users.reduce((total, one) => total + one.calls, 0)
  return { user_calls: calls, user_cost_usd: known(users.map(({ cost_usd }) => cost_usd ?? null)) }
}

/** What judges took, apart from the answers: nothing where no judge was asked. */
function judgeTotals(
  { calls, cached, costs }: { calls: number; cached: number; costs: Costs },
  gold: Judging['cost'],
): Partial<Totals> {
  if (costs.length === 0 && !gold) return {}
  return {
    judge_calls: calls + (gold?.calls ?? 0),
    ...(cached > 0 && { judge_cached: cached }),
    judge_cost_usd: known(gold ? [...costs, gold.cost_usd] : costs),
  }
}

/** The smallest first, so that the last digit does not hang on the order in which answers came. */
const sum = (values: readonly number[]): number => new Float64Array(values).sort().reduce((a, b) => a + b, 0)

const isKnown = (cost: number | null) => cost !== null
const known = (costs: Costs): number | null => (costs.every(isKnown) ? sum(costs.filter(isKnown)) : null)

/** Why it was not measured: `timeout`, `grader_error`, or the kind of error of the completion; null: it was. */
function errorKind({ completion, grader_error, passed }: Observation): string | null {
  const { error, outcome } = completion
  if (error) return error.kind
  if (outcome === 'error' || outcome === 'timeout') return outcome
  return grader_error !== undefined || passed === null ? 'grader_error' : null
}

/** Kinds in the order of the alphabet. */
function byKind(kinds: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const kind of kinds.toSorted(byText)) found[kind] = (found[kind] ?? 0) + 1
  return found
}
