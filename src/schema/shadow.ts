// The shadow plan: where the pairs of baseline and candidate are, and what must be proven of them before a promotion.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { SourceConfig } from './rollout.ts'
import { Dollars, Duration, Name, Share } from './values.ts'

const JsonlSource = SourceConfig.options[0]
const between = (least: number, said: string) => ({
  error: `this is no share of the pairs ${said}`,
  params: { mend: `Write a share ${least === 0 ? 'from 0' : 'above 0'} to below 100%, such as 5%.` },
})
const Paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])

/** `auto`: the cosine where both records hold an embedding, equality where both are JSON, else rouge_l. */
export const SimilarityMeasure = z.enum(['auto', 'exact', 'json', 'cosine', 'levenshtein', 'rouge_l', 'bleu'])
export type SimilarityMeasure = z.infer<typeof SimilarityMeasure>

export const ShadowCriteria = lateObject(() => ({
  similarity: z
    .strictObject({
      below: z.number().min(-1).max(1).default(0.7).describe('An answer less alike than this is another answer'),
      max_share: Share.refine((share) => share > 0 && share < 1, between(1, 'that could be exceeded'))
        .default(0.05)
        .describe('Largest share of such pairs'),
    })
    .optional(),
  winner: z
    .strictObject({
      risk_ratio: z
        .number()
        .gt(1)
        .default(1.5)
        .describe('Among the pairs that a judge told apart: losses of the candidate for each of its wins, at most'),
    })
    .optional(),
  latency: z
    .strictObject({ max_increase: z.union([Duration, z.string().regex(/^\d+(\.\d+)?%$/)]).default('10%') })
    .optional()
    .describe('Mean of the paired differences: 200ms, or 10% of the baseline'),
  cost: z
    .strictObject({ max_increase: z.union([Dollars, z.string().regex(/^\d+(\.\d+)?%$/)]).default('10%') })
    .optional()
    .describe('A request: $0.001, or 10% of the baseline'),
  errors: z
    .strictObject({
      max_increase: Share.refine((share) => share >= 0 && share < 1, between(0, 'that could be exceeded')).default(
        0.01,
      ),
    })
    .optional()
    .describe('Rate of failed answers, in percentage points of all pairs'),
  confidence: z.strictObject({ max_drop: z.number().gt(0).default(0.02) }).optional(),
})).refine((criteria) => Object.values(criteria).some((one) => one !== undefined), 'name at least one criterion')
export type ShadowCriteria = z.infer<typeof ShadowCriteria>

export const ShadowPlan = lateObject(() => ({
  version: z.literal(1).default(1),
  shadow: Name,
  description: z.string().optional(),
  rollout: Name.optional().describe('Only pairs whose aigate.rollout is this'),
  pairs: z
    .strictObject({ path: JsonlSource.shape.path, mapping: JsonlSource.shape.mapping })
    .optional()
    .describe('Events aigate.shadow.pair, one JSON object a line'),
  recorded: z
    .strictObject({ baseline: Paths, candidate: Paths, measure: SimilarityMeasure.default('auto') })
    .optional()
    .describe('Outputs of both sides, JSON lines with a request id: they are paired here'),
  since: Duration.optional().describe('Only pairs so recent'),
  min_pairs: z.int().positive().default(200),
  promote_alpha: z.number().gt(0).lt(0.5).default(0.05).describe('Rate of proving a criterion wrongly'),
  alpha: z.number().gt(0).lt(0.5).default(0.01).describe('Rate of a wrong fail, all criteria together'),
  criteria: ShadowCriteria,
})).refine(({ pairs, recorded }) => pairs !== undefined || recorded !== undefined, {
  message: 'name where the pairs are: `pairs`, `recorded`, or both',
  path: ['pairs'],
})
export type ShadowPlan = z.infer<typeof ShadowPlan>

/** One request that both have answered. Undefined: not known. Times in milliseconds, money in US dollars. */
export const ShadowPair = lateObject(() => ({
  id: z.string().optional(),
  at: z.number().optional().describe('Milliseconds since 1970'),
  similarity: z.number().min(-1).max(1).optional(),
  winner: z.enum(['baseline', 'candidate', 'tie']).optional(),
  delta_ms: z.number().optional().describe('Candidate minus baseline'),
  baseline_ms: z.number().nonnegative().optional(),
  delta_cost_usd: z.number().optional(),
  baseline_cost_usd: z.number().nonnegative().optional(),
  baseline_error: z.boolean().optional(),
  candidate_error: z.boolean().optional(),
  delta_confidence: z.number().optional(),
}))
export type ShadowPair = z.infer<typeof ShadowPair>

/** One line of recorded outputs; other fields are passed over. */
export const RecordedOutput = z.object({
  id: z.union([z.string().min(1), z.number()]),
  ts: z.union([z.string(), z.number()]).optional(),
  output: z.json().optional(),
  latency_ms: z.number().nonnegative().optional(),
  cost_usd: z.number().nonnegative().optional(),
  error: z.union([z.string(), z.boolean()]).nullish(),
  confidence: z.number().optional(),
  embedding: z.array(z.number()).min(1).optional(),
  winner: z.enum(['baseline', 'candidate', 'tie']).optional().describe('Of a pairwise judge; in either record'),
})
export type RecordedOutput = z.infer<typeof RecordedOutput>
