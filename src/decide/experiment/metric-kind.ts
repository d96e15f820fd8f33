// How a metric of an experiment is compared, and which way is better.
import type { ExperimentMetric, ExperimentPlan } from '../../schema/experiment.ts'
import { smallerIsBetter } from '../smaller-is-better.ts'

export type Kind = 'rate' | 'mean' | 'skewed'
export type Better = 'higher' | 'lower'

/** rate: share of units (0 or 1 each); mean: one number a unit; skewed: one number a unit, compared by rank. */
export function kindOf(metric: ExperimentMetric): Kind {
  if ('kind' in metric) return 'skewed'
  return 'mean' in metric || metric.per_unit === 'mean' ? 'mean' : 'rate'
}

/** Of means that say nothing, those that are named after an expense are better when small. */
export function betterOf(name: string, metric: ExperimentMetric): Better {
  if ('good' in metric) return 'higher'
  if ('bad' in metric || 'tail_at' in metric) return 'lower'
  const path = 'mean' in metric ? metric.mean : metric.value
  return metric.better ?? (smallerIsBetter(name, path) ? 'lower' : 'higher')
}

/** A metric of the plan by its name, with how it is compared. The schema made sure that the plan has it. */
export function metricOf(plan: ExperimentPlan, name: string): { metric: ExperimentMetric; kind: Kind; better: Better } {
  const metric = plan.metrics[name]
  if (metric === undefined) throw new RangeError(`the plan has no metric ${name}`)
  return { metric, kind: kindOf(metric), better: betterOf(name, metric) }
}

/** The variants that are compared with the control, in the order of the plan. */
export function treatmentsOf(plan: ExperimentPlan): string[] {
  return Object.keys(plan.variants).filter((name) => name !== plan.control)
}
