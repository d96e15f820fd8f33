// The baseline file: an accepted run, reduced to what a comparison needs; one line a case.
import * as z from 'zod'
import { Git, TargetSnapshot } from './run.ts'

/** What one side saw of one case. Lists hold one number a measured trial. */
export const CaseTally = z.strictObject({
  id: z.string(),
  hash: z.string(),
  category: z.string().optional(),
  passes: z.int().nonnegative(),
  trials: z.int().nonnegative().describe('Measured trials'),
  errors: z.int().nonnegative().describe('Trials that could not be measured'),
  scores: z.array(z.number()),
  latencies_ms: z.array(z.number()),
  costs_usd: z.array(z.number()),
  history: z
    .array(z.string().regex(/^\d{8}T\d{6,}Z:\d+\/\d+$/))
    .optional()
    .describe(
      'Only in baselines: passes/trials of the last accepted runs of this very case, each after the time of its run',
    ),
  answer: z.string().optional().describe('One answer, for reports: of the first trial that agrees with the majority'),
})
export type CaseTally = z.infer<typeof CaseTally>

export const Baseline = z.strictObject({
  aigate: z.literal('baseline'),
  version: z.literal(1),
  suite: z.string(),
  suite_version: z.string(),
  target: TargetSnapshot,
  response_models: z.array(z.string()),
  accepted: z.strictObject({ at: z.iso.datetime(), by: z.string(), reason: z.string() }),
  runs: z
    .array(
      z.strictObject({
        id: z.string(),
        at: z.iso.datetime(),
        trials: z.int().positive(),
        git: Git.nullable(),
        tool_version: z.string(),
      }),
    )
    .min(1),
  cases: z.array(CaseTally),
})
export type Baseline = z.infer<typeof Baseline>
