// How each metric of a plan is judged: by which test, at which share of alpha, with which margin, and which way is better.
import type { Metric, RolloutPlan } from '../../schema/rollout.ts'
import { smallerIsBetter } from '../smaller-is-better.ts'

export type Method = 'arm-share' | 'odds' | 'means'

/** How one metric is judged. Evidence is a natural logarithm; `harm_bound` and `safe_bound` are where it is proof. */
export type Judging = {
  name: string
  method: Method
  role: 'guardrail' | 'signal' | 'info'
  /** The share of alpha that this metric may spend on a false alarm. */
  alpha: number
  harm_bound: number
  safe_bound: number
  /** Rates and tails: the risk ratio that may not be reached. */
  risk_ratio: number
  /** Means: how much worse it may be, absolute or relative to the baseline. */
  margin: { abs: number } | { rel: number }
  /** +1: greater values are better, -1: smaller ones are. Rates and tails: -1. */
  direction: 1 | -1
}

export const DEFAULT_RATIO = 1.5
export const DEFAULT_RELATIVE_MARGIN = 0.1

type Family = 'errors' | 'quality' | 'latency' | 'cost'
const FAMILY_WEIGHT: Record<Family, number> = { errors: 0.4, quality: 0.3, latency: 0.2, cost: 0.1 }
const FAMILY_NAMES: [Family, RegExp][] = [
  ['errors', /error|fail|exception|crash|timeout|refus/i],
  ['cost', /cost|price|token|usd|spend/i],
  ['quality', /quality|halluc|ground|relevan|faithful|judge|score|satisf|helpful|feedback|toxic|eval/i],
  ['latency', /latency|duration|ttft|time|slow|p\d\d/i],
]

function familyOf(name: string, metric: Metric): Family | null {
  if ('value' in metric && /duration|latency|time/i.test(metric.value)) return 'latency'
  return FAMILY_NAMES.find(([, pattern]) => pattern.test(name))?.[0] ?? (metric.judged ? 'quality' : null)
}

/** Shares (they add up to 1) of alpha: as written, else by what the metrics are about, else alike. */
function weightsOf(metrics: [string, Metric][]): Map<string, number> {
  const written = metrics.flatMap(([, metric]) => (metric.weight === undefined ? [] : [metric.weight]))
  const families = metrics.map(([name, metric]) => familyOf(name, metric))
  const usual = written.length > 0 ? written.reduce((a, b) => a + b, 0) / written.length : 1
  const raw = metrics.map(([, metric], i) => {
    if (written.length > 0) return metric.weight ?? usual
    if (families.includes(null)) return 1
    const family = families[i] ?? 'errors'
    return FAMILY_WEIGHT[family] / families.filter((one) => one === family).length
  })
  const total = raw.reduce((a, b) => a + b, 0)
  return new Map(metrics.map(([name], i) => [name, (raw[i] ?? 1) / total]))
}

function methodOf(plan: RolloutPlan, metric: Metric): Method {
  if ('mean' in metric) return 'means'
  // A sample that is judged does not follow the traffic's split, but both arms' totals of it are known.
  return plan.assignment.unit === 'request' || metric.judged ? 'odds' : 'arm-share'
}

/** +1 where greater is better. Of means that say nothing, those named after an expense are better when small. */
export function directionOf(name: string, metric: Metric): 1 | -1 {
  if (!('mean' in metric)) return -1
  const better = metric.better ?? (smallerIsBetter(name, metric.mean) ? 'lower' : 'higher')
  return better === 'higher' ? 1 : -1
}

/** How each metric of the plan is judged, in its order. Guardrails share alpha by weight; signals share another alpha. */
export function judgingOf(plan: RolloutPlan): Judging[] {
  const entries = Object.entries(plan.metrics)
  const of = (signal: boolean) =>
    weightsOf(entries.filter(([, metric]) => (metric.role === 'signal') === signal && metric.role !== 'info'))
  const [guardrails, signals] = [of(false), of(true)]
  return entries.map(([name, metric]) => {
    const alpha = plan.alpha * (guardrails.get(name) ?? signals.get(name) ?? 1)
    const margin = metric.margin
    return {
      name,
      method: methodOf(plan, metric),
      role: metric.role,
      alpha,
      harm_bound: Math.log(1 / alpha),
      safe_bound: Math.log(1 / plan.promote_alpha),
      risk_ratio: margin?.risk_ratio ?? DEFAULT_RATIO,
      margin: margin?.abs !== undefined ? { abs: margin.abs } : { rel: margin?.rel ?? DEFAULT_RELATIVE_MARGIN },
      direction: directionOf(name, metric),
    }
  })
}
