// What a rollout plan can find with the traffic that there is, and how long it takes, as text.
import { plural, share } from './numbers.ts'
import { safeLine } from './safe-text.ts'

type Hours = number | null
export type FeasibilityView = {
  rollout: string
  traffic: {
    per_minute: number
    rates: Readonly<Record<string, number>>
    means: Readonly<Record<string, { mean: number; deviation: number }>>
  }
  stages: readonly {
    stage: number
    traffic: number
    gate: string
    hours: Hours
    metrics: readonly { name: string; safe_hours: Hours; double_hours: Hours; detectable: number | null }[]
  }[]
  total_hours: Hours
  warnings: readonly string[]
}

/** One block a stage: its hours, and for each metric what can be found in it. */
export function feasibilityText(view: FeasibilityView): string {
  const { per_minute, rates, means } = view.traffic
  const usual = [
    `${Number(per_minute.toPrecision(3))} requests a minute`,
    ...Object.entries(rates).map(([name, rate]) => `${name} ${share(rate)}`),
    ...Object.entries(means).map(([name, { mean }]) => `${name} ${Number(mean.toPrecision(3))}`),
  ]
  const lines = [
    view.rollout,
    `  traffic: ${usual.join(', ')}`,
    ...view.stages.flatMap((stage) => [
      `  stage ${stage.stage + 1}: ${share(stage.traffic)}, ${stage.gate}, ${time(stage.hours)}`,
      ...stage.metrics.map(
        ({ name, safe_hours, double_hours, detectable }) =>
          `    ${name}: not worse ${time(safe_hours)} · twice as bad ${time(double_hours)} · finds ${foundText(detectable, means[name])} within the stage`,
      ),
    ]),
    `  altogether: ${time(view.total_hours)}`,
    ...view.warnings.map((warning) => `  warning: ${warning}`),
  ]
  return `${safeLine(lines.join('\n'))}\n`
}

/** A ratio; of a mean a difference, which is nothing where the mean never varies. */
function foundText(detectable: number | null, usual: { mean: number } | undefined): string {
  if (detectable === null) return 'nothing'
  if (usual === undefined) return `× ${Number(detectable.toPrecision(3))}`
  return detectable > 1e-9 * Math.abs(usual.mean)
    ? `a difference of ${Number(detectable.toPrecision(3))}`
    : 'any difference (its values have not varied so far)'
}

function time(hours: Hours): string {
  if (hours === null || !Number.isFinite(hours)) return 'not to be told'
  if (hours < 1) return plural(Math.max(1, Math.round(hours * 60)), 'minute')
  return hours < 100 ? `${Number(hours.toPrecision(3))} h` : plural(Math.round(hours / 24), 'day')
}

type Simulated = {
  runs: number
  rolled_back_share: number
  promoted_share: number
  open: number
  minutes_to_rollback: number | null
  minutes_to_promotion: number | null
}

/** What simulated rollouts of a plan came to, for a candidate as good as the baseline and for one that is worse. */
export function simulationText(rollout: string, ratio: number, good: Simulated, bad: Simulated): string {
  const line = (what: string, one: Simulated) =>
    [
      `  ${what}: ${plural(one.runs, 'rollout')}, rolled back ${share(one.rolled_back_share)}`,
      ...(one.minutes_to_rollback === null ? [] : [`(median after ${time(one.minutes_to_rollback / 60)})`]),
      `promoted ${share(one.promoted_share)}`,
      ...(one.minutes_to_promotion === null ? [] : [`(median after ${time(one.minutes_to_promotion / 60)})`]),
      `open ${one.open}`,
    ].join(' · ')
  const text = [rollout, line('as good as the baseline', good), line(`${ratio} times as bad`, bad)].join('\n')
  return `${safeLine(text)}\n`
}
