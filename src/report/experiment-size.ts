// How large an experiment must be and how long it takes, as text.
import type { ExperimentSize } from '../schema/experiment-report.ts'
import { valueOf } from './experiment-text.ts'
import { count, plural, shortShare } from './numbers.ts'
import { safeLine } from './safe-text.ts'

/** A few lines: what is wanted, units of each variant, days, what could be found sooner or later, guardrails. */
export function experimentSizeText(size: ExperimentSize): string {
  const { kind, base, unit } = size
  const effect = (value: number | null) => {
    if (value === null) return 'nothing'
    return kind === 'rate' ? `${Number((100 * value).toPrecision(2))} points` : String(Number(value.toPrecision(2)))
  }
  const { days, units_per_day: perDay } = size
  const lines = [
    size.experiment,
    `  ${size.hypothesis}`,
    `  ${size.metric}: from ${valueOf(kind, base.value)} (${base.from === 'plan' ? 'as the plan says' : 'as the log says'}) to ${valueOf(kind, size.wanted)}, found with ${shortShare(size.power)} chance at ${shortShare(size.alpha)} false alarms`,
    `  needs ${plural(size.total, unit)}: ${Object.entries(size.units)
      .map(([name, units]) => `${name} ${count(units)}`)
      .join(', ')}`,
    `  write: units_per_variant: ${size.smallest_variant}`,
    ...(days === null || perDay === null
      ? []
      : [`  takes ${plural(days, 'day')} with about ${plural(Math.round(perDay), `new ${unit}`)} a day`]),
    ...size.detectable.map((one) => `    after ${plural(one.days, 'day')} it finds ${effect(one.effect)}`),
    ...size.guardrails.map(({ metric, margin, units }) =>
      units === null
        ? `  guardrail ${metric} (${margin}): no log says what it is like today`
        : `  guardrail ${metric} (${margin}): proven to hold with ${count(units)} ${unit}s in the smallest variant${units > size.smallest_variant ? ', MORE than the primary needs' : ''}`,
    ),
    ...size.warnings.map((warning) => `  warning: ${warning}`),
    `  plan ${size.plan_hash.slice(0, 12)}`,
  ]
  return `${safeLine(lines.join('\n'))}\n`
}
