// The plan of an experiment: a hypothesis, its variants, what is measured, and the horizon at which it is judged, all written before it starts.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Metric, SourceConfig } from './rollout.ts'
import { Duration, Name, Share } from './values.ts'

const [Rate, Tail, Mean] = Metric.options
const where = Rate.shape.where
const role = {
  where,
  judged: Rate.shape.judged,
  delay: Rate.shape.delay,
}
const perUnit = z
  .enum(['any', 'mean'])
  .default('any')
  .describe(
    'any: a unit counts once it had one such event, the rate is a share of units; mean: the share of its own events',
  )
const folded = z
  .enum(['mean', 'sum'])
  .default('mean')
  .describe('A unit counts with the mean or with the sum of its events')

/** Every metric gives one number a unit: units are independent, the events of one unit are not. */
export const ExperimentMetric = z.union([
  lateObject(() => ({ bad: Rate.shape.bad, per_unit: perUnit, ...role })),
  lateObject(() => ({ good: Rate.shape.bad, per_unit: perUnit, ...role })),
  lateObject(() => ({
    value: Tail.shape.value,
    tail_at: Duration.describe('An event above this is bad; the limit is fixed before the experiment starts'),
    per_unit: perUnit,
    ...role,
  })),
  lateObject(() => ({
    kind: z.literal('skewed').describe('Long tails, such as cost or latency: compared by rank'),
    value: Tail.shape.value,
    better: Mean.shape.better,
    per_unit: folded,
    ...role,
  })),
  lateObject(() => ({
    mean: Mean.shape.mean,
    range: Mean.shape.range,
    better: Mean.shape.better,
    per_unit: folded,
    ...role,
  })),
])
export type ExperimentMetric = z.infer<typeof ExperimentMetric>

const Effect = lateObject(() => ({
  abs: Share.optional().describe('Of a rate in shares (2% is two points), of a mean in its own unit'),
  rel: Share.optional().describe('A share of the value of the control: 10%'),
})).describe('The smallest effect that would be worth it: abs or rel')

const Primary = lateObject(() => ({
  metric: Name,
  effect: Effect,
  direction: z.enum(['increase', 'decrease']),
  base: z
    .strictObject({
      value: z.number().describe('Rate, mean or median of the control, as it is today'),
      deviation: z
        .number()
        .positive()
        .optional()
        .describe('Standard deviation between units; of skewed metrics that of the natural logarithm'),
    })
    .optional()
    .describe('For planning; the log of the last weeks says it where it is not written'),
  alpha: z.number().gt(0).lt(0.5).default(0.05).describe('Two-sided'),
  power: z.number().gt(0.5).lt(1).default(0.8),
}))

const Guardrail = lateObject(() => ({
  risk_ratio: z.number().gt(1).optional().describe('A rate may be up to so many times that of the control'),
  abs: Share.optional().describe('It may be worse by so much'),
  rel: Share.optional().describe('It may be worse by this share of the control'),
})).describe('How much worse it may be: one of the three')

const Horizon = lateObject(() => ({
  start: z.iso.datetime({ offset: true }).describe('Events before it do not count'),
  end: z.iso.datetime({ offset: true }).optional().describe('Judged then, with the units that there are'),
  units_per_variant: z.int().positive().optional().describe('Judged after the first whole day with so many in each'),
  min_days: z.int().min(1).max(365).default(7).describe('Whole days, so that every weekday counts alike'),
})).describe('When it is judged: written before it starts, never moved')

const Variant = lateObject(() => ({
  share: Share.describe('Of the units; all shares together are 100%'),
  components: z
    .record(Name, z.string().min(1))
    .default({})
    .describe('Component: its version, for example prompt: support/answer@1.3.0'),
  description: z.string().optional(),
}))

const Plan = lateObject(() => ({
  version: z.literal(1).default(1),
  experiment: Name,
  hypothesis: z.string().min(1).describe('What is believed, and why, in one or two sentences'),
  variants: z.record(Name, Variant),
  control: Name.default('control').describe('The variant that the others are compared with'),
  assignment: z
    .strictObject({
      unit: z.enum(['user', 'session', 'request']).default('user'),
      salt: z.string().min(1).optional().describe('Never changes; the name of the experiment unless written'),
      field: z
        .string()
        .min(1)
        .optional()
        .describe('Field of an event that names the variant, where it is not aigate.variant or the flag variant'),
    })
    .prefault({}),
  source: SourceConfig,
  metrics: z.record(Name, ExperimentMetric),
  primary: Primary,
  secondary: z.array(Name).default([]),
  guardrails: z.record(Name, Guardrail).default({}),
  segments: z
    .strictObject({
      field: z.string().min(1).default('aigate.segment'),
      most: z.int().min(2).max(50).default(10).describe('The largest ones are shown'),
    })
    .optional()
    .describe('The primary metric is shown for each; this never decides'),
  horizon: Horizon,
  max_multiple_exposure: Share.default(0.01).describe('Units seen in several variants'),
}))

type Problem = { path: (string | number)[]; message: string }

/** A plan whose parts fit: names, shares, effect and horizon. */
export const ExperimentPlan = Plan.superRefine((plan, context) => {
  for (const { path, message } of [...variantProblems(plan), ...metricProblems(plan), ...horizonProblems(plan)])
    context.addIssue({ code: 'custom', path, message })
})
export type ExperimentPlan = z.infer<typeof ExperimentPlan>
type Written = z.infer<typeof Plan>

/** A plan, read: `hash` is the SHA-256 (hex) of its meaning, `file` is relative to the root. */
export type LoadedExperiment = { plan: ExperimentPlan; file: string; hash: string }

function variantProblems({ variants, control }: Written): Problem[] {
  const shares = Object.entries(variants)
  const total = shares.reduce((sum, [, { share }]) => sum + share, 0)
  return [
    ...shares.flatMap(([name, { share }]) =>
      share > 0 && share < 1
        ? []
        : [{ path: ['variants', name, 'share'], message: 'expected a share above 0 and below 100%' }],
    ),
    ...(shares.length < 2 || shares.length > 10 ? [{ path: ['variants'], message: 'expected 2 to 10 variants' }] : []),
    ...(Math.abs(total - 1) > 1e-6
      ? [{ path: ['variants'], message: `the shares are ${Number((100 * total).toFixed(4))}% together, expected 100%` }]
      : []),
    ...(Object.hasOwn(variants, control) ? [] : [{ path: ['control'], message: `there is no variant "${control}"` }]),
  ]
}

const given = (margin: Record<string, unknown>) => Object.values(margin).filter((value) => value !== undefined).length

function metricProblems({ metrics, primary, secondary, guardrails }: Written): Problem[] {
  const named: [(string | number)[], string][] = [
    [['primary', 'metric'], primary.metric],
    ...secondary.map((name, i): [(string | number)[], string] => [['secondary', i], name]),
    ...Object.keys(guardrails).map((name): [(string | number)[], string] => [['guardrails', name], name]),
  ]
  const unknown = named.filter(([, name]) => !Object.hasOwn(metrics, name))
  const { abs, rel } = primary.effect
  const skewed = (name: string) => Object.hasOwn(metrics, name) && 'kind' in (metrics[name] ?? {})
  const rate = (name: string) => /^(bad|good|tail_at)$/m.test(Object.keys(metrics[name] ?? {}).join('\n'))
  return [
    ...unknown.map(([path, name]) => ({ path, message: `there is no metric "${name}"` })),
    ...(given(primary.effect) === 1 && (abs ?? rel ?? 0) > 0
      ? []
      : [{ path: ['primary', 'effect'], message: 'expected one of abs and rel, above 0' }]),
    ...(skewed(primary.metric) && abs !== undefined
      ? [{ path: ['primary', 'effect', 'abs'], message: 'a skewed metric is compared by rank: expected rel' }]
      : []),
    ...(primary.direction === 'decrease' && rel !== undefined && rel >= 1
      ? [{ path: ['primary', 'effect', 'rel'], message: 'nothing can decrease by 100% or more' }]
      : []),
    ...secondary.flatMap((name, i) =>
      name === primary.metric || secondary.indexOf(name) < i
        ? [{ path: ['secondary', i], message: `"${name}" is named already` }]
        : [],
    ),
    ...Object.entries(guardrails).flatMap(([name, margin]) => {
      const path = ['guardrails', name]
      if (given(margin) !== 1 || !((margin.abs ?? margin.rel ?? margin.risk_ratio ?? 0) > 0))
        return [{ path, message: 'expected one of risk_ratio, abs and rel, above 0' }]
      if (margin.risk_ratio !== undefined && !rate(name))
        return [{ path, message: 'risk_ratio is for rates: expected abs or rel' }]
      return skewed(name) && margin.rel === undefined
        ? [{ path, message: 'a skewed metric is compared by rank: expected rel' }]
        : []
    }),
  ]
}

function horizonProblems({ horizon: { start, end, units_per_variant, min_days } }: Written): Problem[] {
  if (end === undefined && units_per_variant === undefined)
    return [
      { path: ['horizon'], message: 'expected end or units_per_variant (`aigate experiment plan` says how many)' },
    ]
  const days = end === undefined ? Infinity : (Date.parse(end) - Date.parse(start)) / 86_400_000
  return days < min_days
    ? [{ path: ['horizon', 'end'], message: `expected at least min_days (${min_days}) after start` }]
    : []
}
