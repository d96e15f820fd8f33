// Drift for people: each suite against its baseline, and live traffic against what was normal.
import type { LiveDrift, SuiteDrift } from '../schema/drift.ts'
import { dollars, duration, plural, points, pValue, share } from './numbers.ts'
import { oneLine } from './safe-text.ts'

const words = { pass: 'no drift', fail: 'DRIFT', inconclusive: 'open', invalid: 'not measured' } as const
const arrow = (before: string, now: string) => `${before} -> ${now}`

/** Some lines a suite. */
export function driftText(suites: readonly SuiteDrift[]): string {
  return suites.map(suiteText).join('\n')
}

function suiteText(one: SuiteDrift): string {
  const day = one.baseline_at.slice(0, 10)
  const lines = [
    `${one.suite}: ${words[one.outcome]}  (${oneLine(one.target, 200)}, baseline of ${day})`,
    ...one.reasons.map((reason) => `  ${oneLine(reason, 1000)}`),
    ...(one.rate.cases > 0
      ? [
          rowOf('pass rate', one.rate),
          ...Object.entries(one.categories).map(([name, compared]) => rowOf(`  ${name}`, compared)),
          `  cost      ${arrow(dollars(one.cost_usd.before), dollars(one.cost_usd.now))} an answer`,
          `  latency   ${arrow(duration(one.latency_ms.before), duration(one.latency_ms.now))} (median)`,
          `  asked     ${plural(one.trials, 'answer')} to ${plural(one.rate.cases, 'case')}`,
        ]
      : []),
    ...one.warnings.map((warning) => `  warning: ${oneLine(warning, 1000)}`),
    ...(one.not_compared > 0 ? [`  ${plural(one.not_compared, 'case')} not compared`] : []),
  ]
  return `${lines.join('\n')}\n`
}

function rowOf(name: string, { before, now, difference, adjusted_p, drifted }: SuiteDrift['rate']): string {
  const mark = drifted ? '  <- drift' : ''
  const test = `${points(difference)}, p ${pValue(adjusted_p)}`
  return `  ${name.padEnd(9)} ${arrow(share(before), share(now))}  ${test}${mark}`
}

/** One look at live traffic. */
export function liveDriftText(look: LiveDrift): string {
  const width = Math.max(0, ...look.rows.map(({ name }) => name.length))
  const head = `${look.drift}: ${words[look.outcome]}  (${look.since.slice(0, 16)} to ${look.until.slice(0, 16)} UTC, ${plural(look.events, 'event')})`
  return `${[
    head,
    ...look.reasons.map((reason) => `  ${oneLine(reason, 1000)}`),
    ...look.rows.map((row) => {
      const test = row.adjusted_p === null ? '' : `, p ${pValue(row.adjusted_p)}`
      const mark = row.outcome === 'fail' ? '  <- drift' : row.outcome === 'invalid' ? '  not measured' : ''
      return `  ${row.name.padEnd(width)}  ${oneLine(row.before, 200)} -> ${oneLine(row.now, 200)}  ${row.measure} ${row.effect === null ? '–' : row.effect.toFixed(3)}${test}${mark}`
    }),
    ...look.warnings.map((warning) => `  warning: ${oneLine(warning, 1000)}`),
  ].join('\n')}\n`
}
