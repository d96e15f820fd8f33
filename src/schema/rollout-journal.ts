// The journal of a rollout: what was read, decided, intended, done and said, one hash-chained JSON line each.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Json, Name } from './values.ts'
import { Outcome } from './verdict.ts'
import { RolloutPlan } from './rollout.ts'

export const ROLLOUT_JOURNAL_FORMAT = 1
export const Arm = z.enum(['baseline', 'candidate'])
export type Arm = z.infer<typeof Arm>

const tally = z.number().nonnegative()
const UnitTally = lateObject(() => ({ n: tally, bad: tally, sum: z.number(), squares: tally }))
export type UnitTally = z.infer<typeof UnitTally>
/**
 * What one arm did for one metric in one block. `n`: events that have the metric; `bad`: those that are bad (rate and
 * tail metrics); `first`: units whose first bad event of the rollout this was; `at_risk`: units with such an event here that had
 * no bad one before it, absent where the source knows no units; `sum`, `squares`: of the values (means);
 * `over`: events above each absolute limit of the plan, in its order; `histogram`: counts by logarithmic bucket;
 * `by_unit`: where one unit has many values, one of each unit and share: `fresh` of units that had none before, `back` of those
 * that had one under an earlier share, all as the baseline's (whoever was compared as the candidate's is compared no more).
 * `unitless`: bad events that count for no unit; `blank`: events that lack its field (rates: of those that are not bad).
 */
const MetricCounts = lateObject(() => ({
  n: z.number().nonnegative(),
  bad: z.number().nonnegative().default(0),
  first: z.number().nonnegative().default(0),
  at_risk: z.number().nonnegative().optional(),
  sum: z.number().default(0),
  squares: z.number().nonnegative().default(0),
  over: z.array(z.number().nonnegative()).default([]),
  histogram: z.record(z.string(), z.number()).optional(),
  by_unit: z.strictObject({ fresh: UnitTally, back: UnitTally }).optional(),
  unitless: z.number().nonnegative().optional(),
  blank: z.number().nonnegative().optional(),
}))
export type MetricCounts = z.infer<typeof MetricCounts>
/**
 * `requests`: events of operations; `units`: units seen for the first time in the rollout in this arm; `fresh`: those of
 * them that neither arm had seen before (a growing share moves units that were seen: only fresh ones tell the split).
 */
const ArmCounts = lateObject(() => ({
  requests: z.number().nonnegative(),
  units: z.number().nonnegative(),
  fresh: z.number().nonnegative().optional(),
  metrics: z.record(Name, MetricCounts),
}))
export type ArmCounts = z.infer<typeof ArmCounts>
/** One closed interval of a minute (longer where the source is coarser). Events of `settle` are not in it. */
export const Block = lateObject(() => ({
  start: z.int().describe('Milliseconds since 1970'),
  length: z.int().positive().describe('Milliseconds'),
  generation: z.int().nonnegative().describe('How many changes of share were applied before it'),
  arms: z.strictObject({ baseline: ArmCounts, candidate: ArmCounts }),
  both: z.number().nonnegative().describe('Units that were newly seen in both arms within one generation'),
  armless: z
    .strictObject({ requests: z.number().nonnegative(), bad: z.record(Name, z.number().nonnegative()) })
    .optional()
    .describe('Events that should say an arm and do not: how many requests, and how many are bad for each metric'),
}))
export type Block = z.infer<typeof Block>

/** What a source gave in one look. `cursor` is its own: where the next look goes on. */
export const Reading = lateObject(() => ({
  until: z.iso.datetime().describe('Everything before this was read and its blocks are closed'),
  newest: z.iso.datetime().nullable().describe('Time of the newest event that was ever seen'),
  cursor: Json,
  blocks: z.array(Block),
  events: z.int().nonnegative(),
  unreadable: z.int().nonnegative().describe('Lines that are no events'),
  duplicates: z.int().nonnegative(),
  late: z.int().nonnegative().describe('Events that came after their block was closed'),
  late_arms: z
    .strictObject({ baseline: z.int().nonnegative(), candidate: z.int().nonnegative() })
    .optional()
    .describe('Those of them that are of each arm, where the source knows it'),
  without_arm: z.int().nonnegative(),
  models: z
    .array(z.strictObject({ arm: Arm, requested: z.string(), answered: z.string() }))
    .default([])
    .describe('New pairs of model names'),
  notes: z.array(z.string()).default([]),
}))
export type Reading = z.infer<typeof Reading>

/** What shall be true of the world: share of the candidate, killed or not, until when. */
export const Desired = lateObject(() => ({
  ppm: z.int().min(0).max(1_000_000).describe('Share of the units that the candidate serves, in millionths'),
  generation: z.int().nonnegative(),
  killed: z.boolean().default(false),
  lease_until: z.iso.datetime().nullable(),
  components: z.array(Name).describe('Those that the share is for; the others are at the baseline'),
}))
export type Desired = z.infer<typeof Desired>
export const Action = z.discriminatedUnion('do', [
  lateObject(() => ({ do: z.literal('set'), desired: Desired })),
  lateObject(() => ({ do: z.literal('renew'), desired: Desired })),
  lateObject(() => ({ do: z.literal('notify'), title: z.string(), text: z.string() })),
])
export type Action = z.infer<typeof Action>

/** A decision of a look: what it came to, why, and when to look again. */
export const Decision = lateObject(() => ({
  outcome: Outcome,
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  next: z.enum(['wait', 'advance', 'rollback', 'previous-stage', 'finish', 'hold']),
  stage: z.int().nonnegative(),
  metrics: z.record(
    Name,
    z.strictObject({
      harm: z.number().nullable().describe('Natural logarithm of the evidence of harm'),
      harm_bound: z.number().describe('… from which on it is proven'),
      safe: z.number().nullable().describe('Natural logarithm of the evidence of "not worse by the margin"'),
      safe_bound: z.number(),
      estimate: z.number().nullable().describe('Risk ratio, or difference of means (candidate minus baseline)'),
      low: z.number().nullable(),
      high: z.number().nullable(),
      baseline: z.number().nullable().describe('Rate or mean of the baseline'),
      candidate: z.number().nullable(),
    }),
  ),
}))
export type Decision = z.infer<typeof Decision>

const frame = {
  aigate: z.literal('rollout'),
  version: z.literal(ROLLOUT_JOURNAL_FORMAT),
  seq: z.int().positive(),
  at: z.iso.datetime(),
  by: z.string(),
}
const chain = { prev: z.string(), hash: z.string() }
export const PreCheckName = z.enum(['gate', 'shadow', 'health', 'warm-up'])
export type PreCheckName = z.infer<typeof PreCheckName>
/**
 * Where a rollout stands under the plan that was amended; absent in records of before, whose stage kept its number. `left`:
 * what the control plane of the plan before said after everybody was sent back there.
 */
const Amendment = lateObject(() => ({
  stage: z.int().nonnegative(),
  ppm: z.int().min(0).max(1_000_000).describe('Never more than was served'),
  hold: z.string().nullable().describe('Why a person must resume: no stage is as small as what is served'),
  left: Json.optional(),
}))
export type Amendment = z.infer<typeof Amendment>
const kinds = {
  start: { plan_hash: z.string(), plan: RolloutPlan, note: z.string().optional() },
  /**
   * `failure`: the source could not be read; then there is no reading. `lowered`: somebody serves less of the candidate
   * than was decided, so that the arms are not compared. `reached`: under `rolling`, how far the orchestrator is, in millionths;
   * null: it could not be asked.
   */
  look: {
    reading: Reading.nullable(),
    failure: z.string().nullable(),
    lowered: z.string().nullable().optional(),
    reached: z.int().min(0).max(1_000_000).nullable().optional(),
    plan_hash: z.string(),
    decision: Decision,
    rules: z.int().positive().optional().describe('Version of the rules by which it was decided; 1 unless written'),
  },
  intent: { id: z.string(), action: Action, why: z.string() },
  applied: { id: z.string(), read_back: Json },
  failed: { id: z.string(), error: z.string(), attempt: z.int().positive() },
  said: {
    verb: z.enum(['pause', 'resume', 'approve', 'advance', 'abort', 'amend', 'kill']),
    reason: z.string(),
    stage: z.int().nonnegative().optional(),
    plan_hash: z.string().optional(),
    plan: RolloutPlan.optional(),
    amended: Amendment.optional(),
  },
  /** What was found before the switch of a blue-green rollout. */
  checked: { check: PreCheckName, outcome: Outcome, said: z.string() },
}
const entry = <K extends keyof typeof kinds>(kind: K) => z.strictObject({ kind: z.literal(kind), ...kinds[kind] })
const record = <K extends keyof typeof kinds>(kind: K) =>
  z.strictObject({ ...frame, kind: z.literal(kind), ...kinds[kind], ...chain })

/** What happened; the journal adds its number, time, author and chain. */
export const RolloutEntry = z.discriminatedUnion('kind', [
  entry('start'),
  entry('look'),
  entry('intent'),
  entry('applied'),
  entry('failed'),
  entry('said'),
  entry('checked'),
])
export type RolloutEntry = z.infer<typeof RolloutEntry>
export const RolloutRecord = z.discriminatedUnion('kind', [
  record('start'),
  record('look'),
  record('intent'),
  record('applied'),
  record('failed'),
  record('said'),
  record('checked'),
])
export type RolloutRecord = z.infer<typeof RolloutRecord>
