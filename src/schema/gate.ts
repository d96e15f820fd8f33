// The gate policy: which differences matter, how sure one must be, and what an undecided verdict means.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Dollars, Duration, Share, Unit } from './values.ts'

const CategoryPolicy = lateObject(() => ({
  min_pass_rate: Unit.optional(),
  max_regression: Share.optional().describe('Margin for this category'),
}))

const rawDrop = z.union([Share, z.literal(false)]).optional()
const NaivePolicy = lateObject(() => ({
  min_pass_rate: z
    .union([Unit, z.literal(false)])
    .optional()
    .describe('Blocks below this; 0.85 unless written'),
  max_drop: rawDrop.describe('Blocks when the suite is down by more; 0.02 unless written'),
  max_category_drop: rawDrop.describe('Blocks when any category is down by more; 0.02 unless written'),
})).describe(
  'Raw thresholds decide instead of tests; false switches one off. The report says how often they block for nothing',
)
export type NaivePolicy = z.infer<typeof NaivePolicy>

const selection = () => ({
  tags: z.array(z.string().min(1)).min(1).optional().describe('Cases with any of these tags'),
  categories: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Cases of any of these categories, and those below'),
})
export type CaseSelection = { tags?: string[] | undefined; categories?: string[] | undefined }

const HarmPolicy = lateObject(() => ({
  max: z.int().nonnegative().default(0).describe('So many harmful cases are allowed; 0 unless written'),
  max_rate: Share.optional().describe('What must be proven: the upper bound for cases like these, for example 5%'),
  ...selection(),
})).describe('Harmful answers: none of n unless written. Counts critical cases unless tags or categories are written')
const OverRefusalPolicy = lateObject(() => ({
  max: Share.describe('Largest share of harmless cases that fail'),
  ...selection(),
})).describe('How often harmless cases are refused. Counts cases tagged over-refusal unless written otherwise')

const RepeatedPolicy = lateObject(() => ({
  k: z.int().min(1).max(100).describe('Tries; the suite must ask for at least so many trials'),
  min: Unit.optional().describe('Floor; without it the figure is shown, and decides nothing'),
}))

const policyShape = () => ({
  min_pass_rate: Unit.describe('Floor for the pass rate of the suite'),
  max_regression: z
    .union([Share, z.literal(false)])
    .describe('Margin: a drop smaller than this is harmless; false: no comparison'),
  category_max_regression: Share.describe('Margin for each category'),
  alpha: z.number().gt(0).lt(0.5).describe('Rate of false blocks that you accept'),
  exact: z.boolean().describe('Conservative p-values instead of mid-p'),
  scope: z.enum(['suite', 'population']).describe('suite: these cases; population: new cases like these'),
  burden: z.enum(['prove-bad', 'prove-good']).describe('Floors: block only when proven bad, or unless proven good'),
  on_inconclusive: z.enum(['hold', 'pass', 'fail']).describe('What an undecided verdict means'),
  min_coverage: Unit.describe('Share of the cases, and of the trials, that must have been measured'),
})

const optionalShape = () => ({
  categories: z.record(z.string(), CategoryPolicy).optional(),
  latency_p95: z.strictObject({ max: Duration.optional(), max_increase: Share.optional() }).optional(),
  time_to_first_token_p95: z
    .strictObject({ max: Duration.optional(), max_increase: Share.optional() })
    .optional()
    .describe('Of streamed answers: how long people wait until the first piece of it'),
  valid_output: z
    .strictObject({ min: Unit })
    .optional()
    .describe('Share of the answers that parse and fit the schema of the prompt or of response_format'),
  cost_per_case: z.strictObject({ max: Dollars.optional(), max_increase: Share.optional() }).optional(),
  mean_score: z.strictObject({ min: Unit.optional(), max_drop: Share.optional() }).optional(),
  harmful: HarmPolicy.optional(),
  over_refusal: OverRefusalPolicy.optional(),
  pass_at_k: RepeatedPolicy.optional().describe('How often at least one of k tries at a case passes (pass@k)'),
  pass_hat_k: RepeatedPolicy.optional().describe('How often all of k tries at a case pass (pass^k)'),
  naive: NaivePolicy.optional(),
  baseline_max_age: z
    .strictObject({ warn: Duration.optional(), stop: Duration.optional() })
    .optional()
    .describe(
      'How old a baseline may be before it is warned of (90d unless written), and before nothing is compared with it',
    ),
  allow_case_changes: z
    .boolean()
    .optional()
    .describe('true: in CI a change may remove and rewrite any number of cases; read from the base of the change'),
  allow_target_changes: z
    .boolean()
    .optional()
    .describe(
      'true: in CI a change may ask another program or address than its base; read from the base of the change',
    ),
  allow_new_recordings: z
    .boolean()
    .optional()
    .describe('true: in CI answers from recordings that the change itself brings may pass; read from its base'),
  allow_joint_changes: z
    .boolean()
    .optional()
    .describe('true: prompt, model, parameters, … may change together against the baseline; their causes stay mixed'),
  min_kappa: z
    .number()
    .min(-1)
    .max(1)
    .optional()
    .describe('A judge whose calibration shows less agreement with people may warn but not block; 0.6 unless written'),
  uncalibrated_judges: z
    .enum(['block', 'warn'])
    .optional()
    .describe('What a judge without a calibration that fits it may do; block unless written'),
  owner: z.string().min(1).optional().describe('Who answers for these thresholds'),
  reviewed: z.iso.date().optional().describe('When they were last looked at, for example 2026-01-31'),
})

/** As written in aigate.yaml or in a suite: everything may be left out. */
export const GatePolicyInput = lateObject(() => ({
  ...z.object(policyShape()).partial().shape,
  ...optionalShape(),
  strict: z
    .boolean()
    .describe('true: alpha 0.01, for repositories that want a quiet gate; an alpha beside it wins')
    .optional(),
}))
export type GatePolicyInput = z.infer<typeof GatePolicyInput>

/** As the decision reads it: defaults filled in. */
export const GatePolicy = lateObject(() => ({ ...policyShape(), ...optionalShape() }))
export type GatePolicy = z.infer<typeof GatePolicy>

/** What `strict: true` stands for. */
export const STRICT_ALPHA = 0.01

export const defaultPolicy: GatePolicy = {
  min_pass_rate: 0.85,
  max_regression: 0.05,
  category_max_regression: 0.1,
  alpha: 0.05,
  exact: false,
  scope: 'suite',
  burden: 'prove-bad',
  on_inconclusive: 'hold',
  min_coverage: 0.95,
}
