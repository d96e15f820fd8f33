// Readiness: what must be there before a release, where its proof is found, and one row for each.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Duration, Name } from './values.ts'
import { Outcome } from './verdict.ts'

export const ReadyConfig = lateObject(() => ({
  tests: z
    .array(z.array(z.string().min(1)).min(1))
    .default([])
    .describe('Programs that test the code and end with 0: [[npm, test]]; no shell'),
  tests_timeout: Duration.default(900_000).describe('Of one program'),
  security: z
    .array(Name)
    .default([])
    .describe(
      'Suites of attacks; unless written those with a harmful gate, called security, safety or red-team, or with such a category',
    ),
  drilled_within: Duration.default(30 * 86_400_000).describe('The rollback must have been drilled so lately'),
  baseline_within: Duration.default(30 * 86_400_000).describe('Baselines must have been accepted so lately'),
  data_within: Duration.default(3_600_000).describe('Every metric of a trigger must have had data so lately'),
}))
export type ReadyConfig = z.infer<typeof ReadyConfig>

export const ReadyRow = lateObject(() => ({
  id: Name,
  title: z.string(),
  outcome: Outcome.exclude(['inconclusive']).describe('invalid: there is no proof, which is never as good as one'),
  evidence: z.string(),
  mend: z.string().nullable(),
}))
export type ReadyRow = z.infer<typeof ReadyRow>
