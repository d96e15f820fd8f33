// The rollout plan: how a release goes from 1 % to 100 %, what is measured, and what happens when it is worse.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Control, SourceConfig } from './rollout-edges.ts'
import { Dollars, Duration, Name, Share, Unit } from './values.ts'

export { Control, SourceConfig }

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

const Stage = lateObject(() => ({
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
}))
export type Stage = z.infer<typeof Stage>

const Margin = lateObject(() => ({
  risk_ratio: z.number().gt(1).optional().describe('A rate may be up to so many times that of the baseline'),
  abs: z.number().positive().optional().describe('A mean may be worse by so much'),
  rel: z.number().positive().optional().describe('A mean may be worse by this share of the baseline'),
}))

const metricCommon = {
  margin: Margin.optional(),
  role: z
    .enum(['guardrail', 'signal', 'info'])
    .default('guardrail')
    .describe('guardrail: proven harm rolls back; signal: holds; info: is only shown'),
  weight: z.number().positive().optional().describe('Share of alpha relative to the other guardrails'),
  delay: Duration.optional().describe('How late a label may come'),
  where: Expression.optional().describe('Only these events count'),
  judged: lateObject(() => ({ budget_per_hour: z.number().positive() }))
    .optional()
    .describe('Only a sample of the answers is judged; equal numbers per arm find most'),
}
const RateMetric = lateObject(() => ({ bad: Expression, ...metricCommon }))
const TailMetric = lateObject(() => ({
  value: Path,
  tail_at: z
    .union([z.string().regex(/^baseline\.p(50|75|90|95|99|99\.9)$/), Duration])
    .default('baseline.p95')
    .describe("Slower (dearer, …) than this is bad: a fixed limit, or a quantile of the baseline's past"),
  ...metricCommon,
}))
const MeanMetric = lateObject(() => ({
  mean: Path,
  range: z.tuple([z.number(), z.number()]).optional().describe('Least and greatest value'),
  better: z
    .enum(['higher', 'lower'])
    .optional()
    .describe('lower for names with cost, duration, latency, token or time unless written, else higher'),
  ...metricCommon,
}))
export const Metric = z.union([RateMetric, TailMetric, MeanMetric])
export type Metric = z.infer<typeof Metric>

const Trigger = lateObject(() => ({
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
})).describe('An absolute limit: armed even where arms cannot be compared; fires only beyond doubt (Wilson 99.9 %)')
export type Trigger = z.infer<typeof Trigger>

const PreCheck = lateObject(() => ({
  gate: z.array(Name).min(1).optional().describe('Suites whose newest run of this release must have passed'),
  shadow: Name.optional().describe('Shadow plan whose verdict must be pass'),
  health: z
    .union([z.literal(true), z.array(Name).min(1)])
    .optional()
    .describe('One real question each: to everything that is in use, or to the targets of these suites'),
}))
const WarmUp = lateObject(() => ({
  suite: Name.describe('Its first cases are asked, with the prompt and model of the release'),
  requests: z.int().positive().max(10_000).default(20).describe('Real questions; each must be answered'),
}))

const Parts = z
  .record(Name, z.string().min(1))
  .describe('Component: its version, for example prompt: support/answer@1.3.0')

export const RolloutPlan = lateObject(() => ({
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
    .describe(
      'Rate of false rollbacks by comparison over the whole rollout, all guardrails together; success limits together may spend as much again',
    ),
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
}))
export type RolloutPlan = z.infer<typeof RolloutPlan>
