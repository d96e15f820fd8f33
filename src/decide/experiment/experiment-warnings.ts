// What a reader of an experiment must know besides its numbers.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { Compared } from '../../schema/experiment-report.ts'
import type { ExperimentSummary } from '../../schema/experiment-summary.ts'
import { compareRates } from '../../statistics/chi-square.ts'
import { counted, percent } from '../words.ts'
import { treatmentsOf } from './metric-kind.ts'
import { isExcluded } from './wanted-effect.ts'

/** Warnings of the log, of the way in which units came to have a metric, and of effects that are real but small. */
export function warningsOf(plan: ExperimentPlan, summary: ExperimentSummary, primary: readonly Compared[]): string[] {
  const { both, followed, unreadable, without_variant: strangers, events } = summary
  return [
    ...summary.notes,
    ...(followed < 1
      ? [`There are too many units to follow all: ${percent(followed)} of them count, chosen by hash.`]
      : []),
    ...(both > 0 ? [`${counted(both, 'unit')} saw several variants and count for the first.`] : []),
    ...(unreadable > 0 ? [`${counted(unreadable, 'line')} of the log could not be read.`] : []),
    ...(strangers > 0.1 * (events || 1) ? [`${strangers} of ${events} events say no variant.`] : []),
    ...(plan.horizon.min_days % 7 === 0 ? [] : ['min_days is no whole number of weeks: weekdays may count unequally.']),
    ...coverage(plan, summary),
    ...primary
      .filter((one) => one.finding === 'better' && one.method !== 'always-valid' && isExcluded(plan, one))
      .map(({ variant }) => `"${variant}" is better, but by less than the effect that was wanted.`),
  ]
}

/** A metric that units of one variant have more often than those of another compares two different kinds of units. */
function coverage(plan: ExperimentPlan, { variants }: ExperimentSummary): string[] {
  const used = new Set([plan.primary.metric, ...plan.secondary, ...Object.keys(plan.guardrails)])
  return [...used].flatMap((metric) =>
    treatmentsOf(plan).flatMap((name) => {
      const count = (variant: string) => {
        const { units = 0, metrics = {} } = variants[variant] ?? {}
        return { n: units, bad: Math.min(units, metrics[metric]?.n ?? 0) }
      }
      const [mine, control] = [count(name), count(plan.control)]
      if (mine.n === 0 || control.n === 0 || compareRates(mine, control).p >= 0.001) return []
      return [
        `${metric}: ${percent(mine.bad / mine.n)} of the units of "${name}" have it and ${percent(control.bad / control.n)} of the control's; the units that have it may not be alike.`,
      ]
    }),
  )
}
