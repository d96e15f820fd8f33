// How many units an experiment needs for the effect that is wanted, how long that takes, and what its guardrails can prove.
import type { LoadedExperiment } from '../../schema/experiment.ts'
import type { ExperimentSize } from '../../schema/experiment-report.ts'
import type { ExperimentSummary, UnitMoments } from '../../schema/experiment-summary.ts'
import { histogramQuantile } from '../../statistics/log-histogram.ts'
import {
  smallestEffect,
  superiorityOfShift,
  unitsForMeans,
  unitsForRanks,
  unitsForRates,
  type Wanted,
} from '../../statistics/two-arm-size.ts'
import { momentsOf } from '../../statistics/welch.ts'
import { logarithms, momentsOfSide, NO_UNITS, tiedHistograms } from './compare-variants.ts'
import { marginText } from './guardrail.ts'
import { DAY } from './horizon.ts'
import { type Kind, metricOf, treatmentsOf } from './metric-kind.ts'
import { isPossible, wantedValue } from './wanted-effect.ts'

/** What a metric is like today: rate, mean or median, and the deviation between units (skewed: of the logarithm). */
type Base = { value: number; deviation: number }

/** The base of a metric as past units show it; null where they do not. */
export function baseOf(kind: Kind, moments: UnitMoments): Base | null {
  if (moments.n < 2) return null
  if (kind === 'skewed') {
    const logs = logarithms(tiedHistograms({ variant: moments, control: NO_UNITS }))
    const median = histogramQuantile(moments.histogram ?? {}, 0.5)
    if (logs === null || median === null) return null
    return { value: median, deviation: Math.sqrt(momentsOf(momentsOfSide(logs, 'first')).variance) }
  }
  const { mean, variance } = momentsOf(moments)
  return { value: kind === 'rate' ? moments.bad / moments.n : mean, deviation: Math.sqrt(variance) }
}

/** Units of the control to tell `value` from the base. */
function unitsFor(kind: Kind, { value: base, deviation }: Base, value: number, wanted: Wanted): number {
  if (!isPossible(kind, value)) return Infinity
  if (kind === 'rate') return unitsForRates(base, value, wanted)
  if (kind === 'mean') return unitsForMeans(value - base, deviation, wanted)
  const shift = Math.log(value / base)
  return Number.isFinite(shift) ? unitsForRanks(superiorityOfShift(shift, deviation), wanted) : Infinity
}

/** The base as the plan writes it, else as the past shows it; null where neither says enough. */
export function primaryBase({ plan }: LoadedExperiment, past: ExperimentSummary | null): ExperimentSize['base'] | null {
  const { kind } = metricOf(plan, plan.primary.metric)
  const seen = baseOf(kind, past?.variants[plan.control]?.metrics[plan.primary.metric] ?? NO_UNITS)
  const written = plan.primary.base
  if (written === undefined) return seen && { ...seen, from: 'log' }
  const deviation = written.deviation ?? (kind === 'rate' ? null : (seen?.deviation ?? null))
  return deviation === null && kind !== 'rate' ? null : { value: written.value, deviation, from: 'plan' }
}

/** Units of each arm for the greatest need among the treatments, by the shares. */
function totalFor(loaded: LoadedExperiment, needed: (wanted: Wanted) => number): number {
  const { plan } = loaded
  const treatments = treatmentsOf(plan)
  const share = (name: string) => plan.variants[name]?.share ?? 0
  const { alpha, power } = plan.primary
  const totals = treatments.map((name) => {
    const ratio = share(name) / share(plan.control)
    return Math.ceil(needed({ alpha: alpha / treatments.length, power, ratio })) / share(plan.control)
  })
  return Math.max(...totals)
}

/**
 * The size of the experiment. `past`: what the log of the last weeks says, everybody counted as the control; null: no log. Throws
 * RangeError where the wanted effect is none that can be (a rate below 0).
 */
export function sizeExperiment(
  loaded: LoadedExperiment,
  base: ExperimentSize['base'],
  past: ExperimentSummary | null,
): ExperimentSize {
  const { plan } = loaded
  const { primary, horizon } = plan
  const { kind } = metricOf(plan, primary.metric)
  const wanted = wantedValue(plan, base.value)
  if (!isPossible(kind, wanted)) throw new RangeError(`${primary.metric} cannot become ${wanted}`)
  const known = { value: base.value, deviation: base.deviation ?? 0 }
  const total = totalFor(loaded, (levels) => unitsFor(kind, known, wanted, levels))
  const units = Object.fromEntries(
    Object.entries(plan.variants).map(([name, { share }]) => [name, Math.ceil(total * share - 1e-9)]),
  )
  const smallest = Math.min(...Object.values(units))
  const arrivals = arrivalsOf(past)
  const days = arrivals && Math.max(horizon.min_days, daysFor(arrivals, total))
  const sign = primary.direction === 'increase' ? 1 : -1
  const most = kind === 'rate' ? (sign > 0 ? 1 - base.value : base.value) : Math.max(1e-9, Math.abs(base.value)) * 0.999
  const effectIn = (count: number) =>
    arrivals &&
    smallestEffect(unitsAfter(arrivals, count), most, (effect) =>
      totalFor(loaded, (levels) => unitsFor(kind, known, base.value + sign * effect, levels)),
    )
  const warnings = warningsFor(loaded, { smallest, days, from: base.from })
  return {
    aigate: 'experiment-plan',
    version: 1,
    experiment: plan.experiment,
    plan_hash: loaded.hash,
    hypothesis: plan.hypothesis,
    metric: primary.metric,
    kind,
    unit: plan.assignment.unit,
    base,
    wanted,
    alpha: primary.alpha / treatmentsOf(plan).length,
    power: primary.power,
    units,
    total: Object.values(units).reduce((a, b) => a + b, 0),
    smallest_variant: smallest,
    units_per_day: arrivals && arrivals.perDay,
    days,
    detectable: arrivals ? [7, 14, 28, 56].map((count) => ({ days: count, effect: effectIn(count) })) : [],
    guardrails: Object.keys(plan.guardrails).map((metric) => guardrailSize(loaded, metric, past)),
    outcome: warnings.some(({ short }) => short) ? 'inconclusive' : 'pass',
    warnings: warnings.map(({ text }) => text),
  }
}

type Arrivals = { seen: number[]; perDay: number }

/** New units by whole days of the past: people come back, so that later days bring fewer new ones. */
function arrivalsOf(past: ExperimentSummary | null): Arrivals | null {
  if (past === null) return null
  const counts = past.days.map((day) => Object.values(day).reduce((a, b) => a + b, 0) / past.followed)
  // The first and the last day of a log are seldom whole ones, and before and after it nothing was logged.
  const seen = counts.slice(
    counts.findIndex((count) => count > 0) + 1,
    counts.findLastIndex((count) => count > 0),
  )
  const late = seen.slice(Math.floor(seen.length / 2))
  const perDay = late.reduce((a, b) => a + b, 0) / (late.length || 1)
  return perDay > 0 ? { seen, perDay } : null
}

/** Units after so many days: as in the past, then at the rate of its second half. */
function unitsAfter({ seen, perDay }: Arrivals, days: number): number {
  const known = seen.slice(0, days).reduce((a, b) => a + b, 0)
  return known + Math.max(0, days - seen.length) * perDay
}

function daysFor(arrivals: Arrivals, total: number): number {
  for (let days = 1; days <= arrivals.seen.length; days++) if (unitsAfter(arrivals, days) >= total) return days
  return arrivals.seen.length + Math.ceil((total - unitsAfter(arrivals, arrivals.seen.length)) / arrivals.perDay)
}

/** Units of the smallest variant that prove a guardrail with the wanted power, if nothing is worse at all. */
function guardrailSize(
  loaded: LoadedExperiment,
  metric: string,
  past: ExperimentSummary | null,
): ExperimentSize['guardrails'][number] {
  const { plan } = loaded
  const { kind } = metricOf(plan, metric)
  const margin = plan.guardrails[metric] ?? {}
  const base = baseOf(kind, past?.variants[plan.control]?.metrics[metric] ?? NO_UNITS)
  const text = marginText(margin, kind === 'rate')
  if (base === null) return { metric, margin: text, units: null }
  const room = margin.abs ?? Math.abs(base.value) * (margin.rel ?? (margin.risk_ratio ?? 1) - 1)
  const { alpha, power } = plan.primary
  // One-sided: a proof that it is not worse.
  const needed = (ratio: number) => {
    const wanted = { alpha: 2 * alpha, power, ratio }
    if (kind !== 'skewed') return unitsForMeans(room, base.deviation, wanted)
    return unitsForRanks(superiorityOfShift(Math.log1p(margin.rel ?? 0), base.deviation), wanted)
  }
  const share = (name: string) => plan.variants[name]?.share ?? 0
  const total = Math.max(
    ...treatmentsOf(plan).map((name) => needed(share(name) / share(plan.control)) / share(plan.control)),
  )
  const smallest = Math.min(...Object.values(plan.variants).map((one) => one.share))
  return { metric, margin: text, units: Number.isFinite(total) ? Math.ceil(total * smallest) : null }
}

function warningsFor(
  { plan: { horizon } }: LoadedExperiment,
  { smallest, days, from }: { smallest: number; days: number | null; from: 'plan' | 'log' },
): { text: string; short: boolean }[] {
  const { start, end, units_per_variant: units } = horizon
  const room = end === undefined ? Infinity : Math.floor((Date.parse(end) - Date.parse(start)) / DAY)
  return [
    ...(units !== undefined && units < smallest
      ? [{ text: `The horizon of ${units} units a variant is too short: it needs ${smallest}.`, short: true }]
      : []),
    ...(days !== null && days > room
      ? [{ text: `It takes ${days} days, and the horizon ends after ${room}.`, short: true }]
      : []),
    ...(days === null
      ? [{ text: 'Without a log of the last weeks nobody can say how long it takes.', short: false }]
      : []),
    ...(from === 'plan' ? [] : [{ text: 'The base is that of the log; write primary.base to keep it.', short: false }]),
  ]
}
