// guard.yaml: what production must never do, how that is noticed, and what is done then: triggers, circuit breakers, actions.
import * as z from 'zod'
import { faults, noticeTypes } from './guard-faults.ts'
import { lateObject } from './late-object.ts'
import { Metric, SourceConfig } from './rollout.ts'
import { Dollars, Duration, Name, Share } from './values.ts'

export { noticeTypes }

const Secret = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable')
const Argv = z.array(z.string()).min(1)
const Address = { url: z.url().optional(), url_env: Secret.optional().describe('Variable that holds the address') }
const Limit = z.union([Share, Duration, Dollars])
const Repository = z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name')
const GitHub = {
  repo: Repository,
  token_env: Secret.default('GITHUB_TOKEN'),
  api_url: z.url().default('https://api.github.com'),
}

/** What can be done when a trigger fires or a breaker opens. `notice`s tell somebody; everything else changes something. */
export const GuardAction = z.discriminatedUnion('type', [
  lateObject(() => ({
    type: z.literal('webhook'),
    format: z.enum(['json', 'slack', 'teams']).default('json'),
    ...Address,
    headers: z.record(z.string(), z.string()).default({}).describe('${NAME} is taken from the environment'),
  })),
  lateObject(() => ({
    type: z.literal('pagerduty'),
    routing_key_env: Secret,
    url: z.url().default('https://events.pagerduty.com/v2/enqueue'),
    severity: z.enum(['critical', 'error', 'warning', 'info']).default('critical'),
    resolve: z.boolean().default(true).describe('Resolve the incident when the condition is over'),
  })),
  lateObject(() => ({
    type: z.literal('github-issue'),
    ...GitHub,
    labels: z.array(z.string().min(1)).default([]).describe('Besides the label aigate, by which it finds its own'),
  })),
  lateObject(() => ({
    type: z.literal('revert-pull-request'),
    ...GitHub,
    base: z.string().min(1).default('main'),
    remote: z.string().min(1).default('origin'),
    paths: z
      .array(z.string().min(1))
      .min(1)
      .default(['prompts'])
      .describe('The last commit that changed one of these is reverted'),
  })),
  lateObject(() => ({
    type: z.literal('command'),
    argv: Argv.describe('{{trigger}}, {{metric}}, {{value}}, {{key}} and {{text}} are put in; no shell'),
    check: Argv.optional().describe('Ends with 0 where it has been done already, and after it was done'),
    timeout: Duration.default(60_000),
  })),
  lateObject(() => ({
    type: z.literal('rollback'),
    components: z.array(Name).default([]).describe('Those that go back, each by itself; all unless written'),
    to: z.string().min(1).optional().describe('Release; the last good one unless written'),
    env: z.string().min(1).default('production'),
  })),
  lateObject(() => ({
    type: z.literal('kill'),
    path: z.string().min(1).optional().describe('The flag file, where the configuration names none'),
    model: z.string().min(1).optional(),
    feature: z.string().min(1).optional(),
    segment: z.string().min(1).optional(),
    expires: Duration.optional().describe('After so long it is off again by itself'),
  })),
  lateObject(() => ({
    type: z.literal('disable-flag'),
    path: z.string().min(1).describe('The flag file, relative to the configuration'),
    flag: z.string().min(1),
    variant: z.string().min(1).describe('Everybody is served this one: that which is off'),
  })),
])
export type GuardAction = z.infer<typeof GuardAction>

const condition = {
  metric: Name,
  above: Limit.optional(),
  below: Limit.optional(),
  window: Duration.default(300_000).describe('Over the newest so long'),
  for: Duration.default(0).describe('Without a break for so long; time without data does not count'),
  min_events: z.int().positive().default(1).describe('With fewer in the window nothing is said'),
}
const Guarded = lateObject(() => ({
  ...condition,
  id: Name,
  metric: Name.optional(),
  below_baseline: Share.optional().describe('Worse than the reference by so much'),
  above_baseline: Share.optional().describe('The same, as one says it of rates and costs'),
  count_above: z.number().nonnegative().optional().describe('More bad events than this; 0: one is enough'),
  sum_above: Dollars.optional().describe('The sum over the window, for example the cost of a day'),
  changed: z.literal('response_model').optional().describe('A model is answered by another one than before'),
  expected: z.array(z.string().min(1)).default([]).describe('Of `changed`: names that may answer'),
  no_data_for: Duration.optional().describe('Nothing could be measured for so long'),
  keep_firing_for: Duration.default(0).describe('Goes on so long after the condition is over'),
  cooldown: Duration.default(0).describe('Does not fire again so soon after it has fired'),
  segments: z.array(z.string().min(1)).min(1).optional().describe('Only events of these (aigate.segment)'),
  do: z.array(Name).min(1).describe('Names from `actions`, in this order'),
}))
export type GuardTrigger = z.infer<typeof Guarded>

const Condition = z.strictObject(condition)
export type BreakerCondition = z.infer<typeof Condition>
const Breaker = lateObject(() => ({
  id: Name,
  when: z.array(Condition).min(1).describe('Any of these, held for its `for`, opens it'),
  flag: z.strictObject({
    path: z.string().min(1).describe('The flag file, relative to the configuration'),
    name: z.string().min(1),
    variants: z
      .record(Name, z.json())
      .describe(
        'The first is the primary; the others take over in this order: {primary: gpt-4o, previous: …, human: …}',
      ),
    field: z.string().default('feature_flag.result.variant').describe('Where an event says which variant has answered'),
  }),
  open_for: Duration.default(300_000).describe('Doubled for each further opening of the same day'),
  probe_share: Share.default(0.01).describe('So many try the primary again'),
  alpha: z.number().gt(0).lt(0.5).default(0.05).describe('Rate of closing or opening wrongly after a probe'),
  settle: Duration.default(30_000).describe('Events so soon after a change of the flag do not count'),
  max_opens_per_day: z.int().positive().default(4).describe('Then it stays open until a person closes it'),
  do: z.array(Name).default([]).describe('Names from `actions`: whom to tell'),
}))
export type Breaker = z.infer<typeof Breaker>

const Reference = lateObject(() => ({
  n: z.int().positive().describe('How many events it is made of'),
  rate: Share.optional(),
  mean: z.number().optional(),
  deviation: z.number().nonnegative().optional().describe('Standard deviation of the values'),
}))

/** The form alone: what journals hold may be of a time when more was allowed. */
export const GuardForm = lateObject(() => ({
  version: z.literal(1).default(1),
  guard: Name,
  description: z.string().optional(),
  source: SourceConfig,
  unit: z.enum(['user', 'session', 'request']).default('user'),
  metrics: z.record(Name, Metric),
  reference: z.record(Name, Reference).default({}).describe('What was normal, for below_baseline'),
  learn: Duration.default(86_400_000).describe('Where no reference is written: so long from the start on is it'),
  triggers: z.array(Guarded).default([]),
  breakers: z.array(Breaker).default([]),
  actions: z.record(Name, GuardAction).default({}),
  on_failure: z.array(Name).default([]).describe('Whom to tell, at every attempt, that an action has failed'),
}))

export const GuardPlan = GuardForm.superRefine((plan, context) => {
  for (const { path, problem, mend } of faults(plan))
    context.addIssue({ code: 'custom', path, message: problem, ...(mend !== undefined && { params: { mend } }) })
})
export type GuardPlan = z.infer<typeof GuardPlan>
