// What a run would ask, use, cost and last, and whether that fits the budget. From counts, earlier answers and list prices.
import type { Budget } from '../../schema/config.ts'
import type { PlannedGrader, PlannedSuite, RunPlan, Spending } from '../../schema/run-plan.ts'
import { counted, dollars } from '../words.ts'

type Tokens = { input: number; output: number }

/** What a judge, or an embedding model, would be asked: requests in the least and the most passes, tokens and US dollars of each. */
export type GraderFacts = {
  what: 'judge' | 'embeddings'
  provider: string
  model: string
  least: number
  most: number
  tokens: Tokens
  /** null: no price is known. */
  cost: number | null
}

/** What is known of one suite before it is asked. */
export type SuiteFacts = Pick<PlannedSuite, 'suite' | 'suite_version' | 'target' | 'provider' | 'model' | 'trials'> & {
  /** Suites of one group are asked one after the other, groups side by side. */
  group: string
  /** Of each case: answers still to be asked for, in the least and in the most passes, and estimated tokens where there are any. */
  cases: { id: string; least: number; most: number; estimate: Tokens | null }[]
  /** Mean tokens of earlier answers, by case. */
  measured: ReadonlyMap<string, Tokens>
  /** Mean milliseconds of an answer. */
  latency: { ms: number; from: 'runs' | 'baseline' } | null
  /** US dollars of a call with so many tokens; null: no list price. */
  price: (tokens: Tokens) => number | null
  /** Mean US dollars of earlier answers; null: none told. */
  paid: number | null
  /** Answers that nobody is asked for and that are not recorded either, in the least passes. */
  missing: number
  /** Who grades besides. */
  graders?: readonly GraderFacts[] | undefined
  limits: { concurrency: number; rpm?: number | undefined; tpm?: number | undefined }
}

const NOTHING: Spending = { calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0, duration_ms: 0 }

/** The plan of a run. `fail`: what is asked in any case would exceed a limit of the budget. */
export function planRun(
  facts: readonly SuiteFacts[],
  { budget, toolVersion }: { budget: Budget; toolVersion: string },
): RunPlan {
  const suites = facts.map(planSuite)
  const total = { least: totalOf(facts, suites, 'least'), most: totalOf(facts, suites, 'most') }
  const exceeded = exceededBy(total.least, budget).map(
    (said) => `${said}: the run would be stopped (exit 4) before it has a verdict.`,
  )
  const later = exceededBy(total.most, budget).filter((said) => !exceeded.some((other) => sameLimit(said, other)))
  const warnings = [
    ...later.map((said) => `${said} when every pass is asked.`),
    ...unknownIn(suites, budget),
    ...facts.flatMap(notRecorded),
  ]
  const outcome = exceeded.length > 0 ? 'fail' : 'pass'
  const models = modelsOf(suites)
  return {
    aigate: 'plan',
    version: 1,
    tool_version: toolVersion,
    outcome,
    suites,
    models,
    total,
    budget,
    exceeded,
    warnings,
  }
}

const notRecorded = ({ suite, missing }: SuiteFacts): string[] =>
  missing === 0
    ? []
    : [
        `Of ${suite} ${counted(missing, 'answer')} would be missing: not recorded. \`aigate eval ${suite} --record\` asks for them.`,
      ]

const sameLimit = (one: string, other: string): boolean => one.split(' ')[0] === other.split(' ')[0]

function planSuite(facts: SuiteFacts): PlannedSuite {
  const { suite, suite_version, target, provider, model, trials, cases, measured, latency } = facts
  const asked = cases.filter(({ most }) => most > 0)
  const known = (passes: number, open: 'least' | 'most') => cases.reduce((sum, one) => sum + passes - one[open], 0)
  const told = asked.filter(({ id }) => measured.has(id)).length
  const priced = asked.length > 0 && spendingOf(facts, 'most').cost_usd !== null
  const listed = facts.price({ input: 1, output: 1 }) !== null
  return {
    suite,
    suite_version,
    target,
    provider,
    model,
    cases: cases.length,
    trials,
    least: spendingOf(facts, 'least'),
    most: spendingOf(facts, 'most'),
    ...((facts.graders?.length ?? 0) > 0 && { graders: facts.graders?.map(plannedGrader) }),
    known: { least: known(trials.min, 'least'), most: known(trials.max, 'most') },
    evidence: {
      measured: told,
      estimated: asked.filter(({ id, estimate }) => !measured.has(id) && estimate !== null).length,
      latency: latency?.from ?? null,
      price: listed ? 'list' : priced ? 'runs' : null,
    },
  }
}

function spendingOf({ cases, measured, latency, price, paid, limits }: SuiteFacts, passes: 'least' | 'most'): Spending {
  let [calls, input, output] = [0, 0, 0]
  let cost: number | null = 0
  let counted = true
  for (const { id, estimate, [passes]: open } of cases) {
    if (open === 0) continue
    const tokens = measured.get(id) ?? estimate
    calls += open
    if (tokens) {
      input += open * tokens.input
      output += open * tokens.output
    } else counted = false
    const one: number | null = (tokens && price(tokens)) ?? paid
    cost = cost === null || one === null ? null : cost + open * one
  }
  if (calls === 0) return NOTHING
  const needs = [
    ...(latency ? [Math.max(latency.ms, (calls * latency.ms) / limits.concurrency)] : []),
    ...(limits.rpm === undefined ? [] : [((calls - 1) / limits.rpm) * 60_000]),
    // The first minute may be used up at once.
    ...(limits.tpm === undefined || !counted ? [] : [Math.max(0, (input + output) / limits.tpm - 1) * 60_000]),
  ]
  return {
    calls,
    input_tokens: counted ? Math.round(input) : null,
    output_tokens: counted ? Math.round(output) : null,
    cost_usd: cost,
    duration_ms: latency ? Math.max(...needs) : null,
  }
}

/** They grade beside the answers that come: no time of their own is counted. */
function plannedGrader({ what, provider, model, least, most, tokens, cost }: GraderFacts): PlannedGrader {
  const of = (calls: number): Spending => ({
    calls,
    input_tokens: Math.round(calls * tokens.input),
    output_tokens: Math.round(calls * tokens.output),
    cost_usd: calls === 0 ? 0 : cost === null ? null : calls * cost,
    duration_ms: 0,
  })
  return { what, provider, model, least: of(least), most: of(most) }
}

const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b)

const add = (a: Spending, b: Spending): Spending => ({
  calls: a.calls + b.calls,
  input_tokens: plus(a.input_tokens, b.input_tokens),
  output_tokens: plus(a.output_tokens, b.output_tokens),
  cost_usd: plus(a.cost_usd, b.cost_usd),
  duration_ms: plus(a.duration_ms, b.duration_ms),
})

/** Everything adds up but the time of groups that are asked side by side: there the longest counts. */
function totalOf(facts: readonly SuiteFacts[], suites: readonly PlannedSuite[], passes: 'least' | 'most'): Spending {
  const groups = new Map<string, Spending>()
  for (const [i, { group }] of facts.entries())
    groups.set(group, add(groups.get(group) ?? NOTHING, suites[i]?.[passes] ?? NOTHING))
  const graders = suites.flatMap((suite) => suite.graders ?? []).map((one) => one[passes])
  const durations = [...groups.values()].map(({ duration_ms }) => duration_ms)
  const longest = durations.reduce<number | null>((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0)
  return { ...[...groups.values(), ...graders].reduce(add, NOTHING), duration_ms: longest }
}

function modelsOf(suites: readonly PlannedSuite[]): RunPlan['models'] {
  const models = new Map<string, RunPlan['models'][number]>()
  const graders = suites.flatMap((suite) => suite.graders ?? [])
  for (const { provider, model, least, most } of [...suites, ...graders]) {
    const key = `${provider}\0${model ?? ''}`
    const known = models.get(key) ?? { provider, model, least: NOTHING, most: NOTHING }
    models.set(key, { ...known, least: add(known.least, least), most: add(known.most, most) })
  }
  return [...models.values()]
}

/** A sentence for each limit that is exceeded, beginning with its name. */
function exceededBy({ calls, input_tokens, output_tokens, cost_usd, duration_ms }: Spending, budget: Budget): string[] {
  const { max_calls = Infinity, max_cost_usd = Infinity, max_tokens = Infinity, max_duration = Infinity } = budget
  const tokens = plus(input_tokens, output_tokens) ?? 0
  return [
    ...(calls > max_calls ? [`max_calls is ${max_calls}, and ${calls} calls would be made`] : []),
    ...((cost_usd ?? 0) > max_cost_usd
      ? [`max_cost_usd is ${dollars(max_cost_usd)}, and about ${dollars(cost_usd ?? 0)} would be spent`]
      : []),
    ...(tokens > max_tokens ? [`max_tokens is ${max_tokens}, and about ${tokens} tokens would be used`] : []),
    ...((duration_ms ?? 0) > max_duration
      ? [`max_duration is ${max_duration / 1000} s, and it would take about ${Math.round((duration_ms ?? 0) / 1000)} s`]
      : []),
  ]
}

/** Limits that cannot be held against the plan, because something is not known. */
function unknownIn(suites: readonly PlannedSuite[], budget: Budget): string[] {
  const named = (has: (suite: PlannedSuite) => boolean) =>
    suites.filter((suite) => suite.most.calls > 0 && has(suite)).map(({ suite }) => suite)
  const sentence = (limit: keyof Budget, what: string, names: string[]) =>
    budget[limit] === undefined || names.length === 0
      ? []
      : [`${what} of ${names.join(', ')} is not known: ${limit} cannot be held against this plan.`]
  return [
    ...sentence(
      'max_cost_usd',
      'The price',
      named(({ most, graders = [] }) => [{ most }, ...graders].some((one) => one.most.cost_usd === null)),
    ),
    ...sentence(
      'max_tokens',
      'The number of tokens',
      named(({ most }) => most.input_tokens === null),
    ),
    ...sentence(
      'max_duration',
      'The latency',
      named(({ most }) => most.duration_ms === null),
    ),
  ]
}
