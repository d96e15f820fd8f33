// Drift: the plan of what is watched in live traffic, the reference that was learnt of it, and what the two checks come to.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { SourceConfig } from './rollout.ts'
import { Duration, Name, Share } from './values.ts'
import { Outcome } from './verdict.ts'

export const DRIFT_REFERENCE_FORMAT = 1

const Expression = z
  .string()
  .min(1)
  .describe('A condition on an event, for example: refused == true, error.type != null')
const Path = z.string().min(1).describe('Name of a field of an event, for example gen_ai.usage.input_tokens')
const common = {
  where: Expression.optional().describe('Only these events count'),
  floor: z
    .number()
    .positive()
    .optional()
    .describe('Smaller changes are none: of the stability index (0.1 unless written), of a rate in points (0.02)'),
}
/** What is watched: a number by its distribution, a field by its mix of values, or a share of events. */
export const DriftWatch = z.union([
  lateObject(() => ({ value: Path, ...common })),
  lateObject(() => ({
    mix: Path,
    values: z.array(z.string().min(1)).min(1).max(50).describe('The values that are told apart; all others are one'),
    ...common,
  })),
  lateObject(() => ({
    rate: Expression,
    ...common,
    floor: Share.optional().describe('Smaller changes are none; 0.02'),
  })),
])
export type DriftWatch = z.infer<typeof DriftWatch>

export const DriftPlan = lateObject(() => ({
  version: z.literal(1).default(1),
  drift: Name,
  description: z.string().optional(),
  source: SourceConfig,
  window: Duration.default(86_400_000).describe('The newest so long is compared; whole days hold every hour once'),
  learn: Duration.default(604_800_000).describe('So much of the past is learnt as normal by `--learn`'),
  reference: z.string().min(1).optional().describe('File of what is normal; <drift>.reference.json unless written'),
  alpha: z.number().gt(0).lt(0.5).default(0.01).describe('Rate of false alarms of one look, over everything watched'),
  min_events: z.int().positive().default(200).describe('With fewer in the window nothing is said'),
  watch: z
    .record(Name, DriftWatch)
    .refine((watch) => Object.keys(watch).length > 0, { message: 'name at least one thing to watch' }),
}))
export type DriftPlan = z.infer<typeof DriftPlan>

/** Counts by cell: buckets of a logarithmic histogram, values of a field, or good and bad. One entry an hour with events. */
const HourlyCounts = z.array(
  lateObject(() => ({ hour: z.iso.datetime(), cells: z.record(z.string(), z.number().nonnegative()) })),
)
export type HourlyCounts = z.infer<typeof HourlyCounts>

/** What is compared: of everything that is watched, the counts by hour; and the names that answered. */
export const DriftSample = lateObject(() => ({
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  events: z.int().nonnegative(),
  counts: z.record(Name, HourlyCounts),
  models: z.array(z.strictObject({ requested: z.string(), answered: z.string() })),
}))
export type DriftSample = z.infer<typeof DriftSample>

export const DriftReference = lateObject(() => ({
  aigate: z.literal('drift-reference'),
  version: z.literal(DRIFT_REFERENCE_FORMAT),
  drift: Name,
  watch_hash: z.string().describe('Of what was watched when it was learnt: other counts are not compared'),
  learnt: z.strictObject({ at: z.iso.datetime(), by: z.string() }),
  sample: DriftSample,
}))
export type DriftReference = z.infer<typeof DriftReference>

const Interval = lateObject(() => ({ low: z.number(), high: z.number(), level: z.number() }))
const Compared = lateObject(() => ({
  cases: z.int().nonnegative(),
  before: z.number().nullable().describe('Pass rate of the stored baseline'),
  now: z.number().nullable(),
  difference: z.number().nullable().describe('Now minus before'),
  interval: Interval.nullable(),
  p: z.number().nullable().describe('Two-sided, exact, the case being the stratum'),
  adjusted_p: z.number().nullable().describe('After weighted Holm over suite and categories'),
  drifted: z.boolean(),
}))
const Shown = lateObject(() => ({ before: z.number().nullable(), now: z.number().nullable() }))

export const SuiteDrift = lateObject(() => ({
  suite: z.string(),
  outcome: Outcome,
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  swaps: z.array(z.string()).describe('Who answers now instead of whom: a fact, no statistic'),
  target: z.string(),
  baseline_at: z.iso.datetime(),
  rate: Compared,
  categories: z.record(z.string(), Compared),
  cost_usd: Shown.describe('Mean of an answer'),
  latency_ms: Shown.describe('Median of an answer'),
  trials: z.int().nonnegative(),
  not_compared: z.int().nonnegative().describe('Cases that are others by now, or could not be measured'),
  record: z.string().nullable(),
}))
export type SuiteDrift = z.infer<typeof SuiteDrift>

const LiveRow = lateObject(() => ({
  name: z.string(),
  outcome: Outcome,
  measure: z
    .enum(['psi', 'points'])
    .describe('What the effect is: a population stability index, or a difference of shares'),
  effect: z.number().nullable(),
  floor: z.number().describe('Smaller effects are none'),
  p: z.number().nullable().describe('Of the two-sample test, hours (or days) that hang together taken into account'),
  adjusted_p: z.number().nullable().describe('After Holm over everything that is watched'),
  dispersion: z.number().nullable().describe('So many times more do hours or days differ than chance alone explains'),
  before: z.string(),
  now: z.string(),
  events: z.int().nonnegative(),
}))
export type LiveRow = z.infer<typeof LiveRow>

export const LiveDrift = lateObject(() => ({
  drift: z.string(),
  outcome: Outcome,
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  events: z.int().nonnegative(),
  alpha: z.number(),
  swaps: z.array(z.string()),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  rows: z.array(LiveRow),
}))
export type LiveDrift = z.infer<typeof LiveDrift>
