// The rollout plan: how a release goes from 1 % to 100 %, what is measured, and what happens when it is worse.
import * as z from 'zod'
import { Dollars, Duration, Name, Share, Unit } from './values.ts'

const Expression = z
  .string()
  .min(1)
  .describe("A condition on an event, for example: error.type != null, eval.groundedness.label == 'fail'")
const Path = z.string().min(1).describe('Name of a field of an event, for example duration_ms or eval.quality.score')

/** `error_rate < 1%`, `latency_p95 < 2000ms`, `quality_score > 0.85`, `user_satisfaction > 4.5/5`, `cost_per_request < $0.01`. */
export const Criterion = z
  .string()
  .regex(
    /^\s*[A-Za-z][\w.-]*\s*(<=?|>=?)\s*\$?\d+(\.\d+)?\s*(%|ms|s|m|\/\s*\d+(\.\d+)?)?\s*$/,
    'expected a criterion such as error_rate < 1%, latency_p95 < 2000ms, user_satisfaction > 4.5/5 or cost < $0.01',
  )
  .describe('An absolute criterion: error_rate < 1%, latency_p95 < 2000ms, quality_score > 0.85')

const Stage = z.strictObject({
  name: z.string().min(1).optional(),
  traffic: Share.describe('Share of the units that the candidate serves'),
  duration: Duration.optional().describe('Least time in the stage, settling apart'),
  gate: z
    .enum(['none', 'no-harm', 'non-inferior'])
    .optional()
    .describe('no-harm: nothing bad was proven; non-inferior: it is proven that it is not worse by the margins'),
  min_users: z.int().positive().optional().describe('Units of the candidate that must have been seen'),
  max_duration: Duration.optional().describe('Deadline: on_deadline says what happens then'),
  success: z.array(Criterion).optional().describe('Each must hold by its bound, not by its point estimate'),
  approval: z.boolean().optional().describe('A person must approve before the next stage'),
  bake: Duration.optional().describe('Of the last stage: how long everything is watched after it'),
})
export type Stage = z.infer<typeof Stage>

const Margin = z.strictObject({
  risk_ratio: z.number().gt(1).optional().describe('A rate may be up to so many times that of the baseline'),
  abs: z.number().positive().optional().describe('A mean may be worse by so much'),
  rel: z.number().positive().optional().describe('A mean may be worse by this share of the baseline'),
})

const metricCommon = {
  margin: Margin.optional(),
  role: z
    .enum(['guardrail', 'signal', 'info'])
    .default('guardrail')
    .describe('guardrail: proven harm rolls back; signal: holds; info: is only shown'),
  weight: z.number().positive().optional().describe('Share of alpha relative to the other guardrails'),
  delay: Duration.optional().describe('How late a label may come'),
  where: Expression.optional().describe('Only these events count'),
  judged: z
    .strictObject({ budget_per_hour: z.number().positive() })
    .optional()
    .describe('Only a sample of the answers is judged; equal numbers per arm find most'),
}
const RateMetric = z.strictObject({ bad: Expression, ...metricCommon })
const TailMetric = z.strictObject({
  value: Path,
  tail_at: z
    .union([z.string().regex(/^baseline\.p(50|75|90|95|99|99\.9)$/), Duration])
    .default('baseline.p95')
    .describe("Slower (dearer, …) than this is bad: a fixed limit, or a quantile of the baseline's past"),
  ...metricCommon,
})
const MeanMetric = z.strictObject({
  mean: Path,
  range: z.tuple([z.number(), z.number()]).optional().describe('Least and greatest value'),
  better: z
    .enum(['higher', 'lower'])
    .optional()
    .describe('lower for names with cost, duration, latency, token or time unless written, else higher'),
  ...metricCommon,
})
export const Metric = z.union([RateMetric, TailMetric, MeanMetric])
export type Metric = z.infer<typeof Metric>

const Secret = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable')
const HttpCall = z.strictObject({
  url: z.url(),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  headers: z.record(z.string(), z.string()).optional().describe('${NAME} is taken from the environment'),
  body: z
    .json()
    .optional()
    .describe(
      '{{traffic}} (0 to 1), {{percent}}, {{permille}}, {{per_100000}}, {{ppm}}, their rests for the baseline such as {{rest_percent}}, {{rollout}}, {{arm}} and {{key}} are put in',
    ),
})
const Argv = z.array(z.string()).min(1)

export const Control = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('flagd'),
    path: z.string().min(1).describe('The flag file that applications read, relative to the configuration'),
    flags: z
      .record(Name, z.string())
      .optional()
      .describe('Flag of each component; <rollout>-<component> unless written'),
    lease: Duration.default(900_000).describe('Without a renewed lease everybody is served the baseline'),
    settle: Duration.default(60_000).describe('Events so soon after a change of share do not count'),
  }),
  z.strictObject({
    type: z.literal('http'),
    set: HttpCall,
    read: z
      .strictObject({
        ...HttpCall.shape,
        method: z.enum(['GET', 'POST']).default('GET'),
        pointer: z.string().describe('JSON pointer to the share (0 to 1), percent, permille or ppm'),
        unit: z.enum(['share', 'percent', 'permille', 'per_100000', 'ppm']).default('percent'),
      })
      .describe('Every change is read back'),
    settle: Duration.default(60_000),
  }),
  z.strictObject({
    type: z.literal('command'),
    set: Argv.describe('Program with arguments; {{percent}}, {{rollout}}, … are put in; no shell'),
    read: Argv.describe('Prints the percent that the candidate is served'),
    settle: Duration.default(60_000),
  }),
  z.strictObject({
    type: z.literal('git'),
    path: z.string().min(1).describe('YAML or JSON file in the repository, relative to the configuration'),
    pointer: z.string().describe('JSON pointer to the number (percent)'),
    push: z.boolean().default(false),
    settle: Duration.default(60_000),
  }),
])
export type Control = z.infer<typeof Control>

const Mapping = z
  .union([z.enum(['aigate', 'otel-genai', 'openinference']), z.record(z.string(), z.string())])
  .default('aigate')
  .describe('Names of the fields: a known convention, or ours: theirs')
const sourceCommon = {
  freshness: Duration.default(600_000).describe('No event for so long is no data'),
  lateness: Duration.default(60_000).describe('How far out of order events may come'),
  arm: z
    .strictObject({ field: z.string(), baseline: z.string(), candidate: z.string() })
    .optional()
    .describe('Which field says who answered, where it is not aigate.arm or the flag variant'),
}
export const SourceConfig = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('jsonl'),
    path: z.union([z.string(), z.array(z.string()).min(1)]).describe('Files or globs, .gz too; - is stdin'),
    mapping: Mapping,
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('otlp'),
    path: z.union([z.string(), z.array(z.string()).min(1)]),
    mapping: Mapping,
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('prometheus'),
    url: z.url(),
    token_env: Secret.optional(),
    labels: z
      .strictObject({
        arm: z.string().default('arm'),
        baseline: z.string().default('baseline'),
        candidate: z.string().default('candidate'),
      })
      .prefault({}),
    requests: z.string().describe('Selector of the counter of requests: http_requests_total{job="app"}'),
    bad: z.record(Name, z.string()).default({}).describe('Selector of the counter of bad events of each rate metric'),
    histogram: z
      .record(Name, z.string())
      .default({})
      .describe('Selector of the histogram (…_bucket) of each tail metric'),
    step: Duration.default(60_000),
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('sql'),
    engine: z.enum(['duckdb', 'clickhouse']),
    url: z.url().optional().describe('Of ClickHouse over HTTP'),
    user_env: Secret.optional(),
    password_env: Secret.optional(),
    from: z
      .string()
      .min(1)
      .describe('What to read: a file glob (Parquet, JSONL, CSV) for DuckDB, a table for ClickHouse'),
    columns: z.record(z.string(), z.string()).default({}).describe('Our field: the expression of yours'),
    mapping: Mapping,
    ...sourceCommon,
  }),
  z.strictObject({
    type: z.literal('command'),
    argv: Argv.describe('Prints events as JSON lines; {{since}} and {{until}} (RFC 3339) are put in'),
    mapping: Mapping,
    timeout: Duration.default(60_000),
    ...sourceCommon,
  }),
])
export type SourceConfig = z.infer<typeof SourceConfig>

const Trigger = z
  .strictObject({
    id: Name,
    metric: Name,
    above: z.union([Share, Duration, Dollars]).optional(),
    below: z.union([Share, Duration, Dollars]).optional(),
    below_baseline: Share.optional(),
    window: Duration,
    for: Duration.default(0),
    keep_firing_for: Duration.optional().describe(
      'Once it fires, so long after the limit was last exceeded; at once unless written',
    ),
    do: z.array(z.enum(['rollback', 'kill', 'hold', 'notify', 'incident'])).min(1),
  })
  .describe('An absolute limit: armed even where arms cannot be compared; fires only beyond doubt (Wilson 99.9 %)')
export type Trigger = z.infer<typeof Trigger>

const PreCheck = z.strictObject({
  gate: z.array(Name).min(1).optional().describe('Suites whose newest run of this release must have passed'),
  shadow: Name.optional().describe('Shadow plan whose verdict must be pass'),
  health: z
    .union([z.literal(true), z.array(Name).min(1)])
    .optional()
    .describe('One real question each: to everything that is in use, or to the targets of these suites'),
})
const WarmUp = z.strictObject({
  suite: Name.describe('Its first cases are asked, with the prompt and model of the release'),
  requests: z.int().positive().max(10_000).default(20).describe('Real questions; each must be answered'),
})

const Parts = z
  .record(Name, z.string().min(1))
  .describe('Component: its version, for example prompt: support/answer@1.3.0')

export const RolloutPlan = z.strictObject({
  version: z.literal(1).default(1),
  rollout: Name,
  description: z.string().optional(),
  strategy: z
    .enum(['canary', 'blue-green', 'rolling'])
    .optional()
    .describe(
      'canary (unless written): stages with a comparison; blue-green: from 0 to 100 % in one step; rolling: the orchestrator moves the traffic, aigate only says its verdict',
    ),
  pre_check: PreCheck.optional().describe('Of blue-green: what must pass before the switch'),
  warm_up: WarmUp.optional().describe('Of blue-green: real questions before the switch'),
  keep_old: Duration.optional().describe(
    'Of blue-green: so long after its success `aigate canary abort` still goes back at once',
  ),
  release: Parts,
  baseline: Parts,
  assignment: z
    .strictObject({
      unit: z.enum(['user', 'session', 'request']).default('user'),
      salt: z.string().min(1).optional().describe('Never changes; the name of the rollout unless written'),
    })
    .prefault({}),
  segments: z
    .strictObject({
      first: z.array(z.string()).optional().describe('Only these segments until the last stage but one'),
      exclude: z.array(z.string()).optional(),
    })
    .optional(),
  control: Control,
  source: SourceConfig,
  stages: z.array(Stage).min(1),
  metrics: z.record(Name, Metric),
  alpha: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.01)
    .describe('Rate of false rollbacks over the whole rollout, all metrics together'),
  promote_alpha: z.number().gt(0).lt(0.5).default(0.05).describe('Rate of proving "not worse" wrongly'),
  on_degradation: z
    .strictObject({ rollback: z.union([z.enum(['all', 'previous-stage']), z.array(Name).min(1)]) })
    .prefault({ rollback: 'all' }),
  on_no_data: z
    .strictObject({ after: Duration, do: z.enum(['hold', 'rollback']) })
    .prefault({ after: '20m', do: 'hold' }),
  on_deadline: z.enum(['hold', 'rollback']).default('hold'),
  triggers: z.array(Trigger).default([]),
  max_multiple_exposure: Unit.default(0.01),
  cooldown: Duration.optional().describe('After a rollback the same rollout is not started again for so long'),
})
export type RolloutPlan = z.infer<typeof RolloutPlan>
