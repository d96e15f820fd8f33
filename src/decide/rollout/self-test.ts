// Made-up candidates go through a plan's own metrics, criteria and triggers: do they get the right verdicts?
import type { Metric, RolloutPlan, Trigger } from '../../schema/rollout.ts'
import { randomFrom } from '../../statistics/draws.ts'
import { type Bound, quantileOf } from './criterion.ts'
import { wordsOf } from './evidence.ts'
import { directionOf } from './metrics.ts'
import { simulateOnce } from './simulate.ts'
import type { Difference } from './synthetic.ts'
import type { Traffic } from './traffic.ts'

export type SelfTest = { ok: boolean; checks: { what: string; expected: string; got: string; ok: boolean }[] }

const HOUR = 3_600_000
/** Requests a minute: enough that both verdicts come within the hours of the plan. */
const PLENTY = 3000
const RARE = 0.004
const EQUAL: Difference = { ratio: 1, shift: 0 }
/** No plan sets more limits for one metric. */
const MOST_LIMITS = 100
/** What keeps a limit uses so much of what it allows. */
const KEPT = 0.3

/** What a made-up candidate meets: the traffic of both arms, and how it differs from the baseline. */
type World = { traffic: Traffic; difference: Difference }
type Check = { what: string; plan: RolloutPlan; worse: World; better: World }

/** The range of a mean; without one, what lies around `level`. */
function rangeOf(metric: Metric, level: number): [number, number] {
  const range = 'range' in metric ? metric.range : undefined
  return range ?? (level === 0 ? [-1, 1] : [Math.min(0, 2 * level), Math.max(0, 2 * level)])
}

function around(name: string, metric: Metric): Traffic {
  if (!('mean' in metric)) return { per_minute: PLENTY, rates: { [name]: RARE }, means: {} }
  const [low, high] = metric.range ?? [0, 1]
  const mean = directionOf(name, metric) > 0 ? low + 0.9 * (high - low) : low + 0.1 * (high - low)
  return { per_minute: PLENTY, rates: {}, means: { [name]: { mean, deviation: 0.05 * (high - low) } } }
}

/** Both arms alike, with this mean. */
function atMean(name: string, mean: number, deviation: number): World {
  return { traffic: { per_minute: PLENTY, rates: {}, means: { [name]: { mean, deviation } } }, difference: EQUAL }
}
/** Both arms alike, with this share of bad events and of events above the limits. */
const atRate = (name: string, rate: number, over = rate): World => ({
  traffic: {
    per_minute: PLENTY,
    rates: { [name]: rate },
    means: {},
    over: { [name]: Array.from({ length: MOST_LIMITS }, () => over) },
  },
  difference: EQUAL,
})

/** Values well on either side of a limit for a mean. */
function meansBeside(name: string, metric: Metric, limit: number): { below: World; above: World } {
  const [low, high] = rangeOf(metric, limit)
  const deviation = (high - low) / 20
  return { below: atMean(name, (low + limit) / 2, deviation), above: atMean(name, (limit + high) / 2, deviation) }
}
/** Shares well on either side of a limit. */
const ratesBeside = (name: string, limit: number): { below: World; above: World } => ({
  below: atRate(name, limit * KEPT),
  above: atRate(name, (limit + Math.min(1, 3 * limit)) / 2),
})

/** The plan with nothing but this metric in it; a budget for judging must not be too small for so much traffic. */
function alone(plan: RolloutPlan, name: string, metric: Metric, role: Metric['role']): RolloutPlan {
  const judged = metric.judged && { judged: { ...metric.judged, budget_per_hour: PLENTY * 60 } }
  return {
    ...plan,
    metrics: { [name]: { ...metric, role, ...judged } },
    triggers: [],
    on_no_data: { after: 14 * 24 * HOUR, do: 'hold' },
    on_degradation: { rollback: 'all' },
    stages: [0.25, 0.5].map((traffic) => ({ traffic, duration: HOUR, gate: 'no-harm' as const })),
  }
}

/** The comparison of a metric: a worse candidate against a better one. What only holds is compared like what rolls back. */
function metricCheck(plan: RolloutPlan, name: string, metric: Metric): Check {
  const traffic = around(name, metric)
  return {
    what: name,
    plan: alone(plan, name, metric, 'guardrail'),
    worse: { traffic, difference: { ratio: 5, shift: 1 } },
    better: { traffic, difference: { ratio: 0.2, shift: -1 } },
  }
}

/** An absolute criterion: both arms alike, on the wrong and on the right side of it. */
function criterionCheck(plan: RolloutPlan, text: string, bound: Bound): Check[] {
  const name = bound.metric
  const metric = plan.metrics[name]
  if (!metric) return []
  const bare = alone(plan, name, metric, 'guardrail')
  const stages = bare.stages.map((stage) => ({ ...stage, gate: 'none' as const, success: [text] }))
  const { below, above } =
    bound.kind === 'mean' ? meansBeside(name, metric, bound.limit) : ratesBeside(name, bound.limit)
  const asksAbove = bound.kind === 'mean' && bound.side === 'above'
  const [worse, better] = asksAbove ? [below, above] : [above, below]
  return [{ what: text, plan: { ...bare, stages }, worse, better }]
}

/** Worse than the baseline by more than `gap`, and as good as it. */
function besideBaseline(name: string, metric: Metric, gap: number): { worse: World; better: World } {
  const traffic = around(name, metric)
  const usual = traffic.means[name]
  const better = { traffic, difference: EQUAL }
  if (!usual) return { better, worse: { traffic, difference: { ratio: (gap + (1 - gap) / 2) / RARE, shift: 0 } } }
  const [low, high] = 'range' in metric && metric.range ? metric.range : [0, Math.max(1, 4 * gap)]
  return {
    better,
    worse: { traffic, difference: { ratio: 1, shift: (gap + 0.9 * (high - low)) / 2 / usual.deviation } },
  }
}

function worldsOf(trigger: Trigger, metric: Metric): { worse: World; better: World } {
  const { metric: name, above, below, below_baseline: gap } = trigger
  if (gap !== undefined) return besideBaseline(name, metric, gap)
  const limit = above ?? below ?? 0
  const tail = 'value' in metric && above !== undefined && above > 1
  const sides =
    'mean' in metric ? meansBeside(name, metric, limit) : ratesBeside(name, tail ? 1 - quantileOf(name, metric) : limit)
  return above !== undefined ? { worse: sides.above, better: sides.below } : { worse: sides.below, better: sides.above }
}

/** A trigger, whatever it does: its condition is what is tried. The metric itself decides nothing. */
function triggerCheck(plan: RolloutPlan, trigger: Trigger): Check[] {
  const metric = plan.metrics[trigger.metric]
  if (!metric) return []
  const bare = alone(plan, trigger.metric, metric, 'info')
  const stages = bare.stages.map((stage) => ({ ...stage, gate: 'none' as const, duration: HOUR + trigger.for }))
  const triggers = [{ ...trigger, do: ['rollback' as const] }]
  return [{ what: `trigger ${trigger.id}`, plan: { ...bare, stages, triggers }, ...worldsOf(trigger, metric) }]
}

/**
 * Made-up candidates go through each metric, criterion and trigger of the plan by itself: the worse one must be rolled back
 * and the better one promoted. It finds a comparison that was turned round and a limit that can never be broken or kept.
 */
export function selfTest(plan: RolloutPlan): SelfTest {
  const compared = Object.entries(plan.metrics).filter(([, metric]) => metric.role !== 'info')
  const all = [
    ...compared.map(([name, metric]) => metricCheck(plan, name, metric)),
    ...wordsOf(plan).criteria.flatMap(([text, bound]) => criterionCheck(plan, text, bound)),
    ...plan.triggers.flatMap((trigger) => triggerCheck(plan, trigger)),
  ]
  const checks = all.flatMap(({ what, plan: bare, worse, better }) =>
    [true, false].map((bad) => {
      const { traffic, difference } = bad ? worse : better
      const run = simulateOnce(bare, traffic, difference, randomFrom(bad ? 1 : 2), { hours: 72, every: 1 })
      const expected = bad ? 'rolled-back' : 'promoted'
      const candidate = `a ${bad ? 'worse' : 'better'} candidate`
      return { what: `${what}: ${candidate}`, expected, got: run.end, ok: run.end === expected }
    }),
  )
  return { ok: checks.every((check) => check.ok), checks }
}
