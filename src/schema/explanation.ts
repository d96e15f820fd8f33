// What `aigate explain` says about a verdict: the answer, what carries the loss, what each gate saw, and what it needed.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Interval, Outcome } from './verdict.ts'

const Counts = lateObject(() => ({ passes: z.int().nonnegative(), trials: z.int().nonnegative() }))

/** One case that passes less often than in the baseline. */
const Carrier = lateObject(() => ({
  id: z.string(),
  category: z.string().optional(),
  now: Counts,
  before: Counts,
  drop: z.number().describe('Pass rate before minus now, in (0, 1]'),
  share: z.number().describe('Of all that was lost, in (0, 1]'),
  cumulative: z.number().describe('Share of this case and all before it'),
  p: z.number().describe('Fisher, one-sided: that chance alone makes such a drop'),
  q: z.number().describe('p after Benjamini-Hochberg over all compared cases'),
  suspicious: z.boolean().describe('q is at most 0.10'),
}))
export type Carrier = z.infer<typeof Carrier>

const Loss = lateObject(() => ({
  compared: z.int().describe('Cases measured on both sides'),
  lost: z.int().describe('Cases that pass less often than before'),
  gained: z.int().describe('Cases that pass more often than before'),
  net: z.number().describe('Mean difference of the pass rates, now minus before'),
  carrying: z.int().describe('So many cases, the worst first, carry at least 80 % of what was lost'),
  suspicious: z.int(),
  cases: z.array(Carrier).describe('Every case that lost, the largest drop first'),
}))
export type Loss = z.infer<typeof Loss>

/** What would have changed the outcome of one gate, everything else being as it was. */
const Needed = lateObject(() => ({
  change: z
    .enum(['fewer_lost', 'more_lost', 'more_passes', 'fewer_passes', 'limit', 'more_measured', 'evidence'])
    .describe('What would have to be otherwise'),
  to: Outcome.describe('Outcome that the gate would then have'),
  amount: z
    .number()
    .nullable()
    .describe('Cases, trials, or the limit in the unit of the policy (0.12 is 12 points or 12 %)'),
  sentence: z.string(),
}))
export type Needed = z.infer<typeof Needed>

export const GateExplanation = lateObject(() => ({
  id: z.string(),
  outcome: Outcome,
  decides: z.boolean(),
  saw: z.string(),
  needed: z.array(Needed),
}))
export type GateExplanation = z.infer<typeof GateExplanation>

export const Explanation = lateObject(() => ({
  suite: z.string(),
  suite_version: z.string(),
  run: z.string(),
  outcome: Outcome.describe('After on_inconclusive'),
  measured: Outcome.describe('Before on_inconclusive'),
  question: z.string(),
  answer: z.string().describe('One or two sentences with the numbers that decided'),
  causes: z.array(GateExplanation).describe('The gates that made the outcome'),
  others: z.array(GateExplanation).describe('Gates that are neither a cause nor clear: undecided, or shown only'),
  cleared: z.array(z.string()).describe('What is not the cause, a sentence each'),
  loss: Loss.nullable().describe('null: nothing was compared'),
  assertions: z
    .array(
      z.strictObject({
        assertion: z.string(),
        trials: z.int().describe('Trials in which it failed'),
        cases: z.int(),
      }),
    )
    .describe('Which assertions failed, the most trials first'),
  units: z
    .array(
      z.strictObject({
        category: z.string().nullable().describe('null: the whole suite'),
        difference: z.number(),
        interval: Interval,
        margin: z.number(),
        outcome: Outcome,
        decides: z.boolean(),
        n: z.int(),
      }),
    )
    .describe('Differences of the pass rate with intervals: the rows of the forest plot'),
  next: z.array(z.strictObject({ say: z.string(), command: z.string().nullable() })),
}))
export type Explanation = z.infer<typeof Explanation>

export const ExplanationReport = lateObject(() => ({
  aigate: z.literal('explanation'),
  version: z.literal(1),
  tool_version: z.string(),
  outcome: Outcome.describe('The worst of the suites'),
  suites: z.array(Explanation),
}))
export type ExplanationReport = z.infer<typeof ExplanationReport>
