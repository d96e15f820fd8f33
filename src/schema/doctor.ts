// What doctor and power-check say: how often a policy errs on a suite, what it can find, and which gates can do nothing.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Outcome } from './verdict.ts'

const Rate = lateObject(() => ({
  estimate: z.number().min(0).max(1).describe('Share of the simulated changes'),
  low: z.number().describe('95 % interval of the simulation (Wilson)'),
  high: z.number(),
  draws: z.int().positive().describe('Simulated changes'),
}))
export type Rate = z.infer<typeof Rate>

const Rates = lateObject(() => ({
  block: Rate.describe('Outcome fail'),
  hold: Rate.describe('Outcome inconclusive'),
  pass: Rate,
  invalid: Rate,
  calls: z.number().describe('Mean trials a change'),
  most_calls: z.int().describe('Trials that the ladder may ask, confirmations apart'),
  gates: z
    .array(z.strictObject({ id: z.string(), block: Rate }))
    .describe('How often each gate failed, the most frequent first; several may fail together'),
}))
export type Rates = z.infer<typeof Rates>

const Drop = lateObject(() => ({
  drop: z.number().describe('True drop of the pass rate, a share'),
  kind: z.enum(['diffuse', 'concentrated']).describe('Every answer a little worse, or a few cases broken'),
  category: z.string().nullable().describe('null: over the whole suite'),
  rates: Rates,
}))
export type Drop = z.infer<typeof Drop>

const GateAbility = lateObject(() => ({
  id: z.string(),
  kind: z.string(),
  category: z.string().nullable(),
  decides: z.boolean(),
  n: z.int().describe('Cases that enter'),
  can_fire: z.boolean().describe('false: not even a run in which everything is as bad as can be fails it'),
  can_pass: z.boolean().describe('false: not even a run in which everything is as good as can be passes it'),
  problem: z.string().nullable(),
}))
export type GateAbility = z.infer<typeof GateAbility>

const CaseNote = lateObject(() => ({ id: z.string(), passes: z.int(), trials: z.int() }))

const Advice = lateObject(() => ({
  goal: z.string(),
  now: z.number().describe('Share of the simulated changes that meet the goal'),
  wanted: z.number(),
  met: z.boolean(),
  ways: z.array(
    z.strictObject({
      cases: z.int().describe('Cases in all'),
      trials: z.int().describe('Most trials a case'),
      confirmed: Rate.nullable().describe('Of a simulated suite of that size'),
      sentence: z.string(),
    }),
  ),
}))
export type Advice = z.infer<typeof Advice>

const SuiteHead = {
  suite: z.string(),
  suite_version: z.string(),
  outcome: Outcome.describe('fail: the policy cannot do its job; invalid: there are no data'),
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
}

export const DoctorSuite = lateObject(() => ({
  ...SuiteHead,
  evidence: z.strictObject({
    baseline: z.string().nullable().describe('File; null: a stored run stands in for it'),
    runs: z.array(z.string()).describe('Stored runs that were used besides'),
    replayed: z.int().describe('Runs left out because they only replayed recorded answers'),
    cases: z.int(),
    trials: z.int().describe('Measured trials in all'),
    errors: z.int(),
  }),
  trials: z.strictObject({ min: z.int(), max: z.int() }),
  alpha: z.number(),
  margin: z.number().nullable(),
  cases: z.strictObject({
    flaky: z.array(CaseNote).describe('Mixed trials, the most undecided first'),
    never_fail: z.array(z.string()),
    always_fail: z.array(z.string()),
    untried: z.array(z.string()),
  }),
  variance: z.strictObject({
    pass_rate: z.number(),
    within: z.number().nullable(),
    between: z.number().nullable(),
    icc: z.number().nullable().describe('Share that lies between the cases; null: the counts cannot tell'),
    icc_used: z.number(),
  }),
  nothing_changed: Rates,
  drops: z.array(Drop),
  gates: z.array(GateAbility),
  advice: z.array(Advice),
}))
export type DoctorSuite = z.infer<typeof DoctorSuite>

const Nothing = lateObject(() => ({ ...SuiteHead, outcome: z.literal('invalid') }))

export const DoctorReport = lateObject(() => ({
  aigate: z.literal('doctor'),
  version: z.literal(1),
  tool_version: z.string(),
  outcome: Outcome,
  seed: z.int(),
  suites: z.array(z.union([DoctorSuite, Nothing])),
}))
export type DoctorReport = z.infer<typeof DoctorReport>

const Broken = lateObject(() => ({
  broken: z.int().positive().describe('Cases that were turned to fail'),
  fired: Rate.describe('A gate failed'),
  held: Rate.describe('Undecided: it did not pass, but nothing failed'),
}))
export type Broken = z.infer<typeof Broken>

const Mutation = lateObject(() => ({
  category: z.string().nullable().describe('null: anywhere in the suite'),
  cases: z.int().describe('Cases that could be broken: those that pass at all and are not critical'),
  steps: z.array(Broken),
  half: z.int().nullable().describe('From so many broken cases on, a gate fires at least half the time; null: never'),
  always: z.int().nullable().describe('From so many on it always fired'),
  all: Outcome.describe('When every one of them is broken'),
}))
export type Mutation = z.infer<typeof Mutation>

export const PowerSuite = lateObject(() => ({
  ...SuiteHead,
  source: z.string().describe('Whose answers were degraded'),
  untouched: Outcome.describe('Verdict on these answers as they are'),
  mutations: z.array(Mutation).describe('The suite first, then its categories'),
  single: z.strictObject({
    noticed: z.array(z.string()).describe('Cases whose break alone fails a gate'),
    held: z.array(z.string()).describe('Cases whose break alone leaves the verdict undecided'),
    unnoticed: z.array(z.string()).describe('Cases that could break alone, and the verdict would pass'),
    failing: z.array(z.string()).describe('Cases that never pass already'),
  }),
}))
export type PowerSuite = z.infer<typeof PowerSuite>

export const PowerReport = lateObject(() => ({
  aigate: z.literal('power-check'),
  version: z.literal(1),
  tool_version: z.string(),
  outcome: Outcome,
  seed: z.int(),
  suites: z.array(z.union([PowerSuite, Nothing])),
}))
export type PowerReport = z.infer<typeof PowerReport>
