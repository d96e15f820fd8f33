// What `aigate experiment plan` and `aigate experiment report` say, as data.
import * as z from 'zod'
import { ExperimentSummary } from './experiment-summary.ts'
import { lateObject } from './late-object.ts'
import { Name } from './values.ts'
import { Outcome } from './verdict.ts'

const Bounds = lateObject(() => ({ estimate: z.number(), low: z.number().nullable(), high: z.number().nullable() }))

/**
 * One metric of one variant against the control. `difference`: variant minus control (rates, means); `ratio`: median of the
 * ratios of units (skewed, above 0); `superiority`: chance that a unit of the variant exceeds one of the control.
 */
export const Compared = lateObject(() => ({
  metric: Name,
  variant: Name,
  kind: z.enum(['rate', 'mean', 'skewed']),
  method: z.enum(['chi-square', 'fisher', 'welch', 'mann-whitney', 'always-valid', 'none']),
  better: z.enum(['higher', 'lower']),
  units: z.strictObject({ control: z.int(), variant: z.int() }),
  value: z
    .strictObject({ control: z.number().nullable(), variant: z.number().nullable() })
    .describe('Rate, mean, or median of skewed metrics'),
  level: z.number().describe('Two-sided confidence of the intervals'),
  difference: Bounds.nullable(),
  ratio: Bounds.nullable(),
  superiority: Bounds.nullable(),
  p: z.number().nullable().describe('Two-sided; null where nothing was tested'),
  adjusted: z.number().nullable().describe('p for all that was tested together'),
  /** Against the alternative "no difference", at the level of its family. */
  finding: z.enum(['better', 'worse', 'open', 'not measured']),
}))
export type Compared = z.infer<typeof Compared>

export const GuardrailResult = lateObject(() => ({
  metric: Name,
  variant: Name,
  margin: z.string(),
  /** held: proven not worse by the margin; broken: proven worse by more. */
  state: z.enum(['held', 'broken', 'open', 'not measured']),
  compared: Compared,
}))
export type GuardrailResult = z.infer<typeof GuardrailResult>

export const SegmentResult = lateObject(() => ({
  variant: Name,
  /** Do the segments differ more than chance lets them? Null where that cannot be told. */
  heterogeneity: z.number().nullable(),
  rows: z.array(z.strictObject({ segment: z.string(), compared: Compared })),
}))
export type SegmentResult = z.infer<typeof SegmentResult>

export const ExperimentReport = lateObject(() => ({
  aigate: z.literal('experiment'),
  version: z.literal(1),
  experiment: Name,
  plan_hash: z.string(),
  hypothesis: z.string(),
  outcome: Outcome,
  answer: z.string().describe('One sentence'),
  winner: Name.nullable(),
  next: z.array(z.string()).describe('What to do now'),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  control: Name,
  unit: z.enum(['user', 'session', 'request']),
  horizon: z.strictObject({
    reached: z.boolean(),
    at: z.iso.datetime().nullable().describe('When it was or, with an end, will be reached'),
    days: z.number().describe('Seen so far'),
    min_days: z.int(),
    units_per_variant: z.int().nullable(),
    days_left: z.number().nullable().describe('At the traffic so far; null where that cannot be told'),
  }),
  split: z.strictObject({
    ok: z.boolean(),
    p: z.number().nullable().describe('Chi-square at the horizon'),
    evidence: z.number().describe('Natural logarithm of the sequential evidence against the planned shares'),
    variants: z.array(z.strictObject({ variant: Name, planned: z.number(), units: z.int() })),
  }),
  peek: z.boolean(),
  primary: z.array(Compared),
  secondary: z.array(Compared),
  guardrails: z.array(GuardrailResult),
  segments: z.array(SegmentResult),
  summary: ExperimentSummary,
}))
export type ExperimentReport = z.infer<typeof ExperimentReport>

export const ExperimentSize = lateObject(() => ({
  aigate: z.literal('experiment-plan'),
  version: z.literal(1),
  experiment: Name,
  plan_hash: z.string(),
  hypothesis: z.string(),
  metric: Name,
  kind: z.enum(['rate', 'mean', 'skewed']),
  unit: z.enum(['user', 'session', 'request']),
  base: z.strictObject({ value: z.number(), deviation: z.number().nullable(), from: z.enum(['plan', 'log']) }),
  wanted: z.number().describe('Rate, mean or median with the wanted effect'),
  alpha: z.number().describe('Two-sided, of each comparison'),
  power: z.number(),
  units: z.record(Name, z.int()),
  total: z.int(),
  smallest_variant: z.int().describe('What to write as horizon.units_per_variant'),
  units_per_day: z.number().nullable(),
  days: z.number().nullable().describe('Whole days until all units were seen, at least min_days; null without traffic'),
  detectable: z.array(z.strictObject({ days: z.int(), effect: z.number().nullable() })),
  guardrails: z.array(
    z.strictObject({
      metric: Name,
      margin: z.string(),
      units: z.int().nullable().describe('Of the smallest variant, to prove it'),
    }),
  ),
  outcome: Outcome,
  warnings: z.array(z.string()),
}))
export type ExperimentSize = z.infer<typeof ExperimentSize>
