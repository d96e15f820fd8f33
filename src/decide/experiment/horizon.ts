// When an experiment is judged: at an instant that follows from the plan and the log alone, the same for whoever looks, and whenever.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { ExperimentReport } from '../../schema/experiment-report.ts'
import type { ExperimentSummary } from '../../schema/experiment-summary.ts'
import { treatmentsOf } from './metric-kind.ts'

export const DAY = 86_400_000
type Horizon = ExperimentReport['horizon']

/**
 * The horizon: the end of the first whole day (24 hours from `start` on) by which every variant had its units and `min_days` have
 * passed, or `end`, whichever comes first. It is reached once `now` (milliseconds since 1970) lies a lateness behind it.
 * `summary` counts from the start until now.
 */
export function horizonOf(plan: ExperimentPlan, summary: ExperimentSummary, now: number): Horizon {
  const { start, end, units_per_variant: units, min_days } = plan.horizon
  const since = Date.parse(start)
  const ends = end === undefined ? Infinity : Date.parse(end)
  const days = Math.max(0, (Math.min(now, ends) - since) / DAY)
  const full = units === undefined ? null : fullAfter(plan, summary, { units, min_days })
  const at = Math.min(ends, full === null ? Infinity : since + full * DAY)
  const reached = now >= at + plan.source.lateness
  return {
    reached,
    at: Number.isFinite(at) ? new Date(at).toISOString() : null,
    days,
    min_days,
    units_per_variant: units ?? null,
    days_left: reached
      ? 0
      : daysLeft({ at, now, days, min_days }, units === undefined ? null : slowest(plan, summary, units)),
  }
}

/** Whole days until every variant had its units; null where they were not all seen. */
function fullAfter(
  plan: ExperimentPlan,
  { days, followed }: ExperimentSummary,
  { units, min_days }: { units: number; min_days: number },
): number | null {
  const names = [plan.control, ...treatmentsOf(plan)]
  const seen = new Map(names.map((name) => [name, 0]))
  for (const [index, day] of days.entries()) {
    for (const name of names) seen.set(name, (seen.get(name) ?? 0) + (day[name] ?? 0) / followed)
    if (names.every((name) => (seen.get(name) ?? 0) >= units)) return Math.max(min_days, index + 1)
  }
  return null
}

/** How many times the units so far the variant that lags most still needs in all; null: it has none. */
function slowest(plan: ExperimentPlan, { variants, followed }: ExperimentSummary, units: number): number | null {
  const parts = [plan.control, ...treatmentsOf(plan)].map((name) => (variants[name]?.units ?? 0) / followed / units)
  const least = Math.min(...parts)
  return least > 0 ? 1 / least : null
}

function daysLeft(
  { at, now, days, min_days }: { at: number; now: number; days: number; min_days: number },
  times: number | null,
): number | null {
  const byEnd = at === Infinity ? Infinity : (at - now) / DAY
  const byUnits = times === null ? Infinity : Math.max(Math.ceil(days * times), min_days) - days
  const left = Math.min(byEnd, byUnits)
  return Number.isFinite(left) ? Math.max(0, left) : null
}
