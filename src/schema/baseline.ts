// The baseline file: an accepted run, reduced to what a comparison needs; one line a case.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Git, TargetSnapshot } from './run.ts'

/** What one side saw of one case. Lists hold one number a measured trial. */
export const CaseTally = lateObject(() => ({
  id: z.string(),
  hash: z.string(),
  category: z.string().optional(),
  passes: z.int().nonnegative(),
  trials: z.int().nonnegative().describe('Measured trials'),
  errors: z.int().nonnegative().describe('Trials that could not be measured'),
  scores: z.array(z.number()),
  latencies_ms: z.array(z.number()),
  costs_usd: z.array(z.number()),
  first_tokens_ms: z.array(z.number()).optional().describe('Times to the first token; absent: nothing was streamed'),
  forms: z
    .strictObject({ valid: z.int().nonnegative(), of: z.int().nonnegative() })
    .optional()
    .describe('Answers that have the form that was asked for, of those that must; absent: none was asked for'),
  advised: z
    .enum(['part', 'all', 'mixed'])
    .optional()
    .describe(
      'Graded by a judge that may not block: by others as well, by nobody else, or in some trials so and in some otherwise',
    ),
  history: z
    .array(z.string().regex(/^\d{8}T\d{6,}Z:\d+\/\d+$/))
    .optional()
    .describe(
      'Only in baselines: passes/trials of the last accepted runs of this very case, each after the time of its run',
    ),
  answer: z.string().optional().describe('One answer, for reports: of the first trial that agrees with the majority'),
}))
export type CaseTally = z.infer<typeof CaseTally>

export const Baseline = lateObject(() => ({
  aigate: z.literal('baseline'),
  version: z.literal(1),
  suite: z.string(),
  suite_version: z.string(),
  target: TargetSnapshot,
  response_models: z.array(z.string()),
  judge_models: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe('By judge, or jury: the model names that graded; absent: no judge did, or none told'),
  fingerprints: z.array(z.string()).optional().describe('Of the systems that answered, where the provider tells them'),
  accepted: z.strictObject({ at: z.iso.datetime(), by: z.string(), reason: z.string() }),
  previous: z.string().optional().describe('SHA-256 (hex) of the baseline file that this one replaced'),
  history: z
    .array(
      z.strictObject({
        at: z.iso.datetime(),
        by: z.string(),
        pass_rate: z.number().min(0).max(1),
        cases: z.int().nonnegative(),
        previous: z.string().nullable(),
      }),
    )
    .optional()
    .describe('The last 20 acceptances, oldest first, this one included: shows a slow ratchet downwards'),
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
}))
export type Baseline = z.infer<typeof Baseline>
