// What a decision says: one result a gate, the verdict of a suite, and the report that every reporter renders.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Git, TargetSnapshot } from './run.ts'

/** Order of badness: see `worst`. */
export const Outcome = z.enum(['pass', 'inconclusive', 'invalid', 'fail'])
export type Outcome = z.infer<typeof Outcome>

/** The worst of several outcomes; `pass` for none. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  const order = Outcome.options
  return outcomes.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'pass' as Outcome)
}

export const Interval = lateObject(() => ({
  low: z.number(),
  high: z.number(),
  level: z.number().describe('Of each one-sided bound, for example 0.95'),
}))
export type Interval = z.infer<typeof Interval>

export const GateResult = lateObject(() => ({
  id: z
    .string()
    .describe(
      'For example regression, regression/safety, floor, critical/tc_003, latency, cost, score, coverage, harmful',
    ),
  kind: z.enum([
    'floor',
    'regression',
    'critical',
    'latency',
    'cost',
    'score',
    'coverage',
    'harmful',
    'over_refusal',
    'pass_at_k',
    'pass_hat_k',
    'first_token',
    'valid_output',
  ]),
  category: z.string().optional(),
  outcome: Outcome,
  decides: z.boolean().describe('false: shown only, it cannot stop anything'),
  estimate: z.number().nullable().describe('Candidate, in `unit`; null: nothing to estimate'),
  baseline: z.number().nullable(),
  difference: z.number().nullable().describe('Candidate minus baseline, or the ratio for latency and cost'),
  interval: Interval.nullable().describe(
    'Of the difference (regression, score), the ratio (latency, cost) or the rate (floor, harmful, over_refusal)',
  ),
  limit: z.number().nullable().describe('Threshold of a floor, margin of a regression, largest ratio'),
  unit: z.enum(['share', 'ratio', 'ms', 'usd', 'score', 'cases']),
  test: z.string().describe('Name of the test, for example "exact stratified mid-p"'),
  n: z.int().nonnegative().describe('Cases that entered'),
  p: z.number().nullable(),
  adjusted_p: z.number().nullable().describe('After weighted Holm'),
  sentence: z.string().describe('For people: what was seen and what it means'),
  needed: z.string().nullable().describe('What would settle it: so many trials or cases; null when settled'),
}))
export type GateResult = z.infer<typeof GateResult>

export const Verdict = lateObject(() => ({
  outcome: Outcome.describe('After on_inconclusive'),
  measured: Outcome.describe('Before on_inconclusive'),
  reasons: z.array(z.string()).describe('Why, the most important first; never empty'),
  warnings: z.array(z.string()),
  gates: z.array(GateResult),
  passes: z.int().nonnegative().describe('Whole passes over the suite that were asked'),
  saved_calls: z.int().positive().optional().describe('Trials of the ladder that need not be asked; absent for none'),
}))
export type Verdict = z.infer<typeof Verdict>

export const CaseStatus = z.enum([
  'regressed',
  'improved',
  'unchanged',
  'failing',
  'passing',
  'changed',
  'added',
  'removed',
  'not_measured',
])
export type CaseStatus = z.infer<typeof CaseStatus>

/** A case trial by trial and assertion by assertion. */
const caseDetail = () =>
  z.strictObject({
    trials: z.array(
      z.strictObject({
        trial: z.int().positive(),
        passed: z.boolean().nullable().describe('null: not measured'),
        latency_ms: z.number().nullable(),
        cost_usd: z.number().nullable(),
      }),
    ),
    assertions: z.array(
      z.strictObject({
        assertion: z.string(),
        passed: z.array(z.boolean().nullable()).describe('One a trial, in their order; null: not graded'),
        reason: z.string().describe('Of the first trial that failed, else of the first one'),
      }),
    ),
    before_latency_ms: z.number().nullable().describe('Median of the baseline'),
    before_cost_usd: z.number().nullable().describe('Mean of the baseline'),
  })

export const CaseReport = lateObject(() => ({
  id: z.string(),
  category: z.string().optional(),
  critical: z.boolean(),
  file: z.string().nullable(),
  line: z.int().positive().nullable(),
  status: CaseStatus.describe('failing and passing: there is no baseline to compare with'),
  passes: z.int().nonnegative(),
  trials: z.int().nonnegative(),
  errors: z.int().nonnegative(),
  baseline: z.strictObject({ passes: z.int(), trials: z.int() }).nullable(),
  score: z.number().nullable(),
  failures: z.array(z.strictObject({ assertion: z.string(), reason: z.string(), trials: z.int() })),
  error: z.string().nullable().describe('The first reason why a trial was not measured'),
  before: z.string().nullable().describe('An answer of the baseline'),
  after: z.string().nullable().describe('An answer of this run: a failing one where there is one'),
  latency_ms: z.number().nullable().describe('Median'),
  first_token_ms: z.number().optional().describe('Median time to the first token; absent: nothing was streamed'),
  before_first_token_ms: z.number().optional().describe('… of the baseline'),
  cost_usd: z.number().nullable().describe('Mean'),
  quarantined: z.boolean().optional().describe('true: shown, but it enters no gate'),
  detail: caseDetail().optional().describe('Absent: nothing was asked, or written by an older aigate'),
}))
export type CaseReport = z.infer<typeof CaseReport>

export const Totals = lateObject(() => ({
  cases: z.int(),
  observations: z.int(),
  calls: z.int().describe('Requests sent, retries included; 0 for replayed answers'),
  replayed: z.int().describe('Answers that nobody was asked for in this run, from recordings or the cache'),
  cached: z.int().positive().optional().describe('Of these: from the cache, so many calls saved; absent: none'),
  saved_usd: z.number().nonnegative().optional().describe('What these cost when they were asked; not in cost_usd'),
  answered: z.int(),
  refused: z.int(),
  truncated: z.int(),
  errors: z.record(z.string(), z.int()).describe('Not measured, by kind'),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cost_usd: z.number().nullable().describe('Estimate, without answers from the cache; null when no price is known'),
  unpriced: z.int().describe('Answers for which no price is known'),
  forms: z
    .strictObject({ valid: z.int(), of: z.int() })
    .optional()
    .describe('Answers in the form that was asked for, of those that must have it; absent: none was asked for'),
  user_calls: z.int().optional().describe('Requests sent to simulated users; absent: there are none'),
  user_cost_usd: z
    .number()
    .nullable()
    .optional()
    .describe('Of simulated users, not part of cost_usd; null: no price is known'),
  judge_calls: z.int().optional().describe('Requests sent to judges; absent: there are none'),
  judge_cached: z.int().positive().optional().describe('Answers of judges from the cache; absent: none'),
  judge_cost_usd: z
    .number()
    .nullable()
    .optional()
    .describe('Of the judges, not part of cost_usd; null: no price is known'),
  embedding_calls: z.int().optional().describe('Requests for embeddings; absent: no assertion needs any'),
  embedding_cost_usd: z
    .number()
    .nullable()
    .optional()
    .describe('Of embeddings, not part of cost_usd; null: no price is known'),
}))
export type Totals = z.infer<typeof Totals>

const Effect = lateObject(() => ({
  components: z.array(z.string()).min(1).describe('One: its main effect; several: their interaction'),
  estimate: z.number().describe('Share of 1; averaged over the settings of the other components'),
  interval: Interval,
}))

/** What each of several changes made together did to the pass rate, from the 2^k cells of old and new. */
export const Attribution = lateObject(() => ({
  components: z.array(z.strictObject({ name: z.string(), change: z.string() })),
  cells: z.array(
    z.strictObject({
      changed: z.array(z.string()).describe('Components as in the candidate; the others as in the baseline'),
      pass_rate: z.number().nullable().describe('Over the cases that were compared'),
      trials: z.int().describe('Fewest measured trials of a case that was compared'),
      file: z.string().nullable().describe('Record of the run; null: the baseline'),
    }),
  ),
  effects: z.array(Effect).describe('Main effects, then interactions; empty when they could not be measured'),
  n: z.int().describe('Cases measured in every cell'),
  not_compared: z.int().describe('Cases left out: changed, new, quarantined, or not measured in a cell'),
  problem: z.string().nullable().describe('Why the effects could not be measured'),
  notes: z.array(z.string()),
}))
export type Attribution = z.infer<typeof Attribution>

export const SuiteReport = lateObject(() => ({
  suite: z.string(),
  suite_version: z.string(),
  run: z.strictObject({
    id: z.string(),
    file: z.string(),
    started_at: z.string(),
    tool_version: z.string(),
    seed: z.int(),
    git: Git.nullable(),
    trials: z.strictObject({ min: z.int(), max: z.int() }),
    partial: z.boolean(),
    response_models: z.array(z.string()),
  }),
  target: TargetSnapshot,
  baseline: z
    .strictObject({
      file: z.string(),
      target: TargetSnapshot,
      accepted: z.strictObject({ at: z.string(), by: z.string(), reason: z.string() }),
      trials: z.int().describe('Fewest measured trials of a case'),
      commit: z.string().nullable(),
      response_models: z.array(z.string()),
      history: z
        .array(z.strictObject({ at: z.string(), pass_rate: z.number(), cases: z.int() }))
        .optional()
        .describe('The last acceptances of this baseline, oldest first; absent: not known'),
    })
    .nullable(),
  verdict: Verdict,
  totals: Totals,
  cases: z.array(CaseReport).describe('Worst first'),
  attribution: Attribution.optional().describe('Only with --attribute'),
}))
export type SuiteReport = z.infer<typeof SuiteReport>

/** A suite that --changed left out, because nothing that decides its verdict differs from the base. */
export const Unchanged = lateObject(() => ({
  suite: z.string(),
  base: z.string().describe('The commit that it was compared with'),
  looked_at: z.array(z.string()).describe('What was compared, in words'),
}))
export type Unchanged = z.infer<typeof Unchanged>

export const Report = lateObject(() => ({
  aigate: z.literal('report'),
  version: z.literal(1),
  tool_version: z.string(),
  outcome: Outcome,
  suites: z.array(SuiteReport),
  unchanged: z.array(Unchanged).optional().describe('Only with --changed: suites that need not run'),
}))
export type Report = z.infer<typeof Report>
