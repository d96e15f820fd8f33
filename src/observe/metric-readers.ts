// The metrics of a plan as functions: what an event says about each of them.
import type { Metric, RolloutPlan } from '../schema/rollout.ts'
import { isLabelPath, type Fields, type RawEvent } from './events.ts'
import { parseExpression, pathsOf } from './expression.ts'
import { predicateOf } from './predicate.ts'

/** What a reader says instead of a value: the event lacks the field, and of a rate, that it is good but lacks one. */
export const BLANK = Number.NEGATIVE_INFINITY
export const GOOD_BLANK = 2
/** A value that cannot be one: not finite when squared, or outside of the range that the plan gives. */
export const ABSURD = Number.POSITIVE_INFINITY
/** Sums of many squares stay finite too. */
const LARGEST = 1e150

/**
 * `read`: 1 or 0 for bad or not (rates), the value (tails and means), one of the signs above, NaN where the event says
 * nothing about the metric.
 * `label`: it comes in events of its own. `tail`: what is too much: a fixed limit or a quantile of the baseline's past.
 */
export type MetricReader = {
  name: string
  kind: 'rate' | 'tail' | 'mean'
  label: boolean
  /** One value a unit is compared, not each. */
  byUnit: boolean
  read(event: RawEvent, request: boolean): number
  tail?: { limit: number } | { quantile: number }
  limits: readonly number[]
}

/**
 * The readers of all metrics, by name in the order of the plan. A metric of judgements or feedback counts the events
 * that have one, every other metric counts requests. Throws AigateError `usage` for a condition that cannot be read.
 */
export function metricReaders(
  plan: RolloutPlan,
  fields: Fields,
  limits: Readonly<Record<string, readonly number[]>>,
): MetricReader[] {
  return Object.entries(plan.metrics).map(([name, metric]) => {
    const tree = 'bad' in metric ? parseExpression(metric.bad) : undefined
    const paths = tree ? pathsOf(tree) : [pathOf(metric)]
    const labels = paths.filter(isLabelPath).map(fields)
    const has = (event: RawEvent, request: boolean) =>
      labels.length === 0 ? request : labels.some((field) => (field(event) ?? null) !== null)
    const where = metric.where === undefined ? () => true : predicateOf(parseExpression(metric.where), fields)
    const bad = tree && predicateOf(tree, fields)
    const value = tree === undefined ? fields(pathOf(metric)) : () => undefined
    const needed = labels.length === 0 ? paths.map(fields) : []
    const [least, most] = absurdBounds(metric)
    const measure = (event: RawEvent): number => {
      if (bad) return bad(event) ? 1 : needed.some((field) => field(event) === undefined) ? GOOD_BLANK : 0
      const found = value(event)
      if (typeof found !== 'number') return labels.length === 0 ? BLANK : Number.NaN
      return found >= least && found <= most ? found : ABSURD
    }
    return {
      name,
      kind: 'bad' in metric ? 'rate' : 'value' in metric ? 'tail' : 'mean',
      label: labels.length > 0,
      byUnit: plan.assignment.unit !== 'request' && ('mean' in metric || metric.judged !== undefined),
      read: (event, request) => (has(event, request) && where(event) ? measure(event) : Number.NaN),
      ...('value' in metric && { tail: tailOf(metric.tail_at) }),
      limits: limits[name] ?? [],
    }
  })
}

/** The least and the greatest number that is a value of a metric. */
export function absurdBounds(metric: Metric): [number, number] {
  return ('mean' in metric ? metric.range : undefined) ?? [-LARGEST, LARGEST]
}

const pathOf = (metric: Metric): string => ('value' in metric ? metric.value : 'mean' in metric ? metric.mean : '')

function tailOf(written: string | number): { limit: number } | { quantile: number } {
  return typeof written === 'number'
    ? { limit: written }
    : { quantile: Number(written.slice('baseline.p'.length)) / 100 }
}
