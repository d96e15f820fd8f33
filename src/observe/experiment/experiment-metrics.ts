// The metrics of an experiment as functions on events: what one event says about each, and what it makes of a unit.
import type { ExperimentMetric } from '../../schema/experiment.ts'
import { isLabelPath, type Fields, type RawEvent } from '../events.ts'
import { parseExpression, pathsOf } from '../expression.ts'
import { predicateOf } from '../predicate.ts'

/**
 * `read`: 1 or 0 (rates) or the value; NaN where the event says nothing. `ofUnit`: the value of a unit with `n` such events of
 * that sum. `rate`: it is 0 or 1. `histogram`: it is compared by rank.
 */
export type UnitMetric = {
  name: string
  rate: boolean
  histogram: boolean
  read(event: RawEvent, request: boolean): number
  ofUnit(n: number, sum: number): number
}

/** The readers by name in the order of the plan. Throws AigateError `usage` for a condition that cannot be read. */
export function unitMetrics(metrics: Readonly<Record<string, ExperimentMetric>>, fields: Fields): UnitMetric[] {
  return Object.entries(metrics).map(([name, metric]) => {
    const condition = 'bad' in metric ? metric.bad : 'good' in metric ? metric.good : undefined
    const path = 'mean' in metric ? metric.mean : 'value' in metric ? metric.value : ''
    const tree = condition === undefined ? undefined : parseExpression(condition)
    const labels = (tree ? pathsOf(tree) : [path]).filter(isLabelPath).map(fields)
    const has = (event: RawEvent, request: boolean) =>
      labels.length === 0 ? request : labels.some((field) => (field(event) ?? null) !== null)
    const where = metric.where === undefined ? () => true : predicateOf(parseExpression(metric.where), fields)
    const holds = tree && predicateOf(tree, fields)
    const value = fields(path)
    const limit = 'tail_at' in metric ? metric.tail_at : undefined
    const measure = (event: RawEvent): number => {
      if (holds) return holds(event) ? 1 : 0
      const found = value(event)
      if (typeof found !== 'number' || !Number.isFinite(found)) return Number.NaN
      return limit === undefined ? found : found > limit ? 1 : 0
    }
    return {
      name,
      rate: metric.per_unit === 'any',
      histogram: 'kind' in metric,
      read: (event, request) => (has(event, request) && where(event) ? measure(event) : Number.NaN),
      ofUnit: (n, sum) => (metric.per_unit === 'any' ? Number(sum > 0) : metric.per_unit === 'sum' ? sum : sum / n),
    }
  })
}
