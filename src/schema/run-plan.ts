// What `aigate plan --json` writes: what a run would ask, use, cost and last, before anything is asked.
import * as z from 'zod'
import { Budget } from './config.ts'
import { lateObject } from './late-object.ts'

/** Of one number of passes. null: nothing is known that it could be told from. */
export const Spending = lateObject(() => ({
  calls: z.int().nonnegative(),
  input_tokens: z.int().nonnegative().nullable(),
  output_tokens: z.int().nonnegative().nullable(),
  cost_usd: z.number().nonnegative().nullable(),
  duration_ms: z.number().nonnegative().nullable(),
}))
export type Spending = z.infer<typeof Spending>

const spendings = {
  least: Spending.describe('The passes that are asked in any case'),
  most: Spending.describe('Every pass, when the verdict stays open'),
}

export const PlannedPart = lateObject(() => ({
  what: z.string().describe('target, or what is asked besides: the other side, combinations, anchors, judges, users'),
  provider: z.string().describe('Who is asked; an application: its kind'),
  model: z.string().nullable().describe('The id; null: an application'),
  ...spendings,
}))
export type PlannedPart = z.infer<typeof PlannedPart>

export const PlannedSuite = lateObject(() => ({
  suite: z.string(),
  suite_version: z.string(),
  target: z.string(),
  provider: z.string().describe('Who is asked; an application: its kind'),
  model: z.string().nullable().describe('The id; null: an application'),
  cases: z.int().nonnegative(),
  trials: z.strictObject({ min: z.int().positive(), max: z.int().positive() }),
  open: z
    .strictObject({ least: z.int().nonnegative(), most: z.int().nonnegative() })
    .describe('Answers of the target still to be asked for; a conversation is one, of several calls'),
  ...spendings,
  parts: z.array(PlannedPart).describe('The same by who is asked; the first is the target'),
  known: z
    .strictObject({ least: z.int().nonnegative(), most: z.int().nonnegative() })
    .describe('Answers that are there already, in the cache or the recordings: no calls'),
  evidence: z.strictObject({
    measured: z.int().nonnegative().describe('Cases whose tokens are known from earlier answers'),
    estimated: z.int().nonnegative().describe('Cases whose tokens are estimated from the length of their texts'),
    guessed: z.int().nonnegative().describe('Conversations whose number of calls was never seen: from fewest to most'),
    latency: z.enum(['runs', 'baseline']).nullable().describe('Where the latency was measured; null: nowhere'),
    price: z.enum(['list', 'runs']).nullable().describe('Where the price is from; null: none is known'),
    batch: z.boolean().describe('Asked through the Batch API: at half the price, within a day'),
  }),
}))
export type PlannedSuite = z.infer<typeof PlannedSuite>

export const RunPlan = lateObject(() => ({
  aigate: z.literal('plan'),
  version: z.literal(1),
  tool_version: z.string(),
  shard: z
    .strictObject({ shard: z.int().positive(), of: z.int().positive() })
    .optional()
    .describe('Only the part of one machine'),
  outcome: z.enum(['pass', 'fail']).describe('fail: the budget would be exceeded'),
  suites: z.array(PlannedSuite),
  models: z.array(z.strictObject({ provider: z.string(), model: z.string().nullable(), ...spendings })),
  total: z.strictObject(spendings),
  budget: Budget,
  exceeded: z.array(z.string()).describe('Limits that the least of the run would exceed'),
  warnings: z.array(z.string()),
}))
export type RunPlan = z.infer<typeof RunPlan>
