// The file of a shard: the part of a run that one of several machines asked, without a verdict.
import * as z from 'zod'
import { Baseline } from './baseline.ts'
import { lateObject } from './late-object.ts'
import { Observation, RunHeader } from './run.ts'
import { Unchanged } from './verdict.ts'

/** What is asked besides the candidate, of the same cases. */
const Side = lateObject(() => ({
  header: RunHeader.describe('Of the whole suite'),
  observations: z.array(Observation),
  stopped: z.string().optional().describe('Why not everything was asked'),
}))
export type Side = z.infer<typeof Side>

const Part = lateObject(() => ({
  header: RunHeader.describe('Of the whole suite'),
  baseline: Baseline.nullable().describe('What the whole is compared with'),
  cases: z.array(z.string()).describe('Those that this shard asked'),
  observations: z.array(Observation),
  stopped: z.string().optional().describe('Why not everything was asked'),
  against: Side.optional().describe('Only with --against: the other side'),
  cells: z
    .array(Side.extend({ name: z.string().regex(/^\w[\w+-]*$/) }))
    .optional()
    .describe('Only with --attribute: the combinations of old and new'),
}))

export const ShardFile = lateObject(() => ({
  aigate: z.literal('shard'),
  version: z.literal(1),
  shard: z.int().positive(),
  of: z.int().positive(),
  split: z.string().describe('Hash of which shard asks which case: shards that were split otherwise do not fit'),
  suites: z.array(Part),
  unchanged: z.array(Unchanged).optional().describe('Only with --changed: suites that need not run'),
}))
export type ShardFile = z.infer<typeof ShardFile>
