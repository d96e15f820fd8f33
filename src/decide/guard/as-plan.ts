// A guard as a source understands it: a plan of one arm, with a metric for every group of events that a condition asks for.
import type { BreakerCondition, Breaker, GuardPlan, GuardTrigger } from '../../schema/guard.ts'
import type { Metric, RolloutPlan } from '../../schema/rollout.ts'
import { limitsOf } from '../rollout/criterion.ts'

/** The primary first, then the fallbacks in the order in which they take over. */
export const variantsOf = (breaker: Breaker): string[] => Object.keys(breaker.flag.variants)

/** The name under which the source counts a metric for a trigger. */
export function triggerKey(trigger: Pick<GuardTrigger, 'id' | 'metric' | 'segments'>): string {
  return trigger.segments === undefined ? (trigger.metric ?? '') : `${trigger.metric ?? ''}.in.${trigger.id}`
}

/** The name under which the source counts a metric for the answers of one variant of a breaker. */
export function breakerKey(breaker: Breaker, condition: BreakerCondition, variant: string): string {
  return `${condition.metric}.of.${breaker.id}.${variant}`
}

const quoted = (text: string) => `'${text.replace(/[\\']/g, (sign) => `\\${sign}`)}'`

/** The metric for those events alone of which `condition` is true. */
function only(metric: Metric, condition: string): Metric {
  return { ...metric, where: metric.where === undefined ? condition : `(${metric.where}) && ${condition}` }
}

function metricsOf(guard: GuardPlan): Record<string, Metric> {
  const metrics: Record<string, Metric> = { ...guard.metrics }
  for (const trigger of guard.triggers) {
    const metric = guard.metrics[trigger.metric ?? '']
    if (metric && trigger.segments)
      metrics[triggerKey(trigger)] = only(metric, `aigate.segment in [${trigger.segments.map(quoted).join(', ')}]`)
  }
  for (const breaker of guard.breakers)
    for (const condition of breaker.when)
      for (const variant of variantsOf(breaker)) {
        const metric = guard.metrics[condition.metric]
        if (metric)
          metrics[breakerKey(breaker, condition, variant)] = only(
            metric,
            `\`${breaker.flag.field}\` == ${quoted(variant)}`,
          )
      }
  return metrics
}

const plans = new WeakMap<GuardPlan, RolloutPlan>()

/** The plan that is handed to the source. Nothing is ever rolled out by it: its control plane is never opened. */
export function asPlan(guard: GuardPlan): RolloutPlan {
  const known = plans.get(guard)
  if (known) return known
  const limits = [
    ...guard.triggers.map((one) => ({ id: one.id, key: triggerKey(one), above: one.above, window: one.window })),
    ...guard.breakers.flatMap((breaker) =>
      breaker.when.flatMap((one) =>
        variantsOf(breaker).map((variant) => ({
          id: breaker.id,
          key: breakerKey(breaker, one, variant),
          above: one.above,
          window: one.window,
        })),
      ),
    ),
  ]
  const plan: RolloutPlan = {
    version: 1,
    rollout: guard.guard,
    release: { production: 'candidate' },
    baseline: { production: 'baseline' },
    assignment: { unit: guard.unit },
    control: { type: 'command', set: ['false'], read: ['false'], settle: 0 },
    source: guard.source,
    stages: [{ traffic: 1 }],
    metrics: metricsOf(guard),
    alpha: 0.01,
    promote_alpha: 0.05,
    on_degradation: { rollback: 'all' },
    on_no_data: { after: guard.source.freshness, do: 'hold' },
    on_deadline: 'hold',
    triggers: limits.map(({ id, key, above, window }) => ({
      id,
      metric: key,
      above,
      window,
      for: 0,
      do: ['notify' as const],
    })),
    max_multiple_exposure: 1,
  }
  plans.set(guard, plan)
  return plan
}

/** The limits above which the source counts values, by metric. */
export const limitsFor = (guard: GuardPlan): Record<string, number[]> => limitsOf(asPlan(guard))
