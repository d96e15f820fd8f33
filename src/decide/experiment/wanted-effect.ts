// The effect that would be worth it, in the unit in which it is measured, and whether the evidence excludes it.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { Compared } from '../../schema/experiment-report.ts'
import type { Kind } from './metric-kind.ts'

/** Rate, mean or median with the wanted effect, for a control at `base`. */
export function wantedValue({ primary }: ExperimentPlan, base: number): number {
  const sign = primary.direction === 'increase' ? 1 : -1
  const { abs, rel } = primary.effect
  return abs === undefined ? base * (1 + sign * (rel ?? 0)) : base + sign * abs
}

/** A rate cannot lie outside of 0 to 1. */
export function isPossible(kind: Kind, value: number): boolean {
  return Number.isFinite(value) && (kind !== 'rate' || (value >= 0 && value <= 1))
}

/** true: even the end of the interval that is most in favour falls short of the wanted effect. */
export function isExcluded(plan: ExperimentPlan, { difference, ratio, value }: Compared): boolean {
  const bounds = ratio ?? difference
  if (bounds === null || value.control === null) return false
  const wanted = wantedValue(plan, value.control)
  const needed = ratio ? wanted / value.control : wanted - value.control
  const best = plan.primary.direction === 'increase' ? bounds.high : bounds.low
  if (best === null) return false
  return plan.primary.direction === 'increase' ? best < needed : best > needed
}
