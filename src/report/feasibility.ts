// What a rollout plan can find with the traffic that there is, and how long it takes, as text.
import { count, share } from './numbers.ts'
import { safeLine } from './safe-text.ts'
import { wrapLine } from './wrap.ts'

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
    criteria: readonly { text: string; hours: Hours }[]
    triggers: readonly {
      id: string
      from: number | null
      events: number
      kind: 'rate' | 'tail' | 'mean'
      gap: boolean
    }[]
  }[]
  total_hours: Hours
  warnings: readonly string[]
}

/** A table: for each stage how long it takes, and for each metric what can be found in it. */
export function feasibilityText(view: FeasibilityView): string {
  const { per_minute, rates, means } = view.traffic
  const usual = [
    `${Number(per_minute.toPrecision(3))} requests a minute`,
    ...Object.entries(rates).map(([name, rate]) => `${name} ${share(rate)}`),
    ...Object.entries(means).map(([name, { mean }]) => `${name} ${Number(mean.toPrecision(3))}`),
  ]
  const names = view.stages.flatMap(({ metrics }) => metrics.map(({ name }) => name.length))
  const width = Math.max(6, ...names)
  const row = (stage: string, takes: string, ...[metric = '', finds = '', twice = '', safe = '']: string[]) =>
    `${stage.padEnd(25)}${takes.padEnd(9)}${metric.padEnd(width + 2)}${finds.padEnd(12)}${twice.padEnd(14)}${safe}`.trimEnd()
  const lines = [
    view.rollout,
    ...wrapLine(`usual traffic: ${usual.join(', ')}`, 80),
    '',
    row('stage', 'takes', 'metric', 'it finds', 'twice as bad', 'not worse'),
    ...view.stages.flatMap(({ stage, traffic, gate, hours, metrics }) => {
      const head = `${stage + 1}  ${share(traffic).padStart(6)}  ${gate}`
      if (traffic >= 1) return [row(head, time(hours), 'no baseline is served: nothing to compare with')]
      const [first = [], ...rest] = metrics.map((metric) => metricCells(metric, means))
      return [row(head, time(hours), ...first), ...rest.map((cells) => row('', '', ...cells))]
    }),
    row('altogether', time(view.total_hours)),
    '',
    ...limitLines(view.stages),
    'it finds: what is that many times the usual (of a mean: so far off), within the stage',
    'twice as bad, not worse: expected time in this stage until that is proven',
    ...view.warnings.flatMap((warning) => wrapLine(`warning: ${warning}`, 80)),
  ]
  return `${safeLine(lines.join('\n'))}\n`
}

/** For each absolute limit: what it can tell in each stage that asks for it. */
function limitLines(stages: FeasibilityView['stages']): string[] {
  const head = (stage: FeasibilityView['stages'][number]) => `${stage.stage + 1}  ${share(stage.traffic).padStart(6)}`
  const texts = [...new Set(stages.flatMap(({ criteria }) => criteria.map(({ text }) => text)))]
  const met = texts.map((text) => {
    const cells = stages.flatMap((stage) =>
      stage.criteria
        .filter((one) => one.text === text)
        .map(({ hours }) => `${head(stage)}  ${hours === 0 ? 'already proven' : `proven in ${time(hours)}`}`),
    )
    return [text, ...cells]
  })
  const ids = stages[0]?.triggers.map(({ id }) => id) ?? []
  const fired = ids.map((id, i) => {
    const cells = stages.flatMap((stage) => {
      const one = stage.triggers[i]
      return one ? [`${head(stage)}  ${firesText(one)} (${count(one.events)} events in its window)`] : []
    })
    return [`trigger ${id}`, ...cells]
  })
  return [...met, ...fired].flatMap(([name = '', ...cells]) => [name, ...cells.map((cell) => `  ${cell}`), ''])
}

function firesText({ from, kind, gap }: FeasibilityView['stages'][number]['triggers'][number]): string {
  if (from === null) return 'cannot fire'
  const value = kind === 'mean' ? `${Number(from.toPrecision(3))}` : share(from)
  if (kind === 'tail') return `fires when ${value} are above its limit`
  return gap ? `fires at ${value} worse than the baseline` : `fires at ${value}`
}

type MetricRow = FeasibilityView['stages'][number]['metrics'][number]
type Usual = FeasibilityView['traffic']['means']
function metricCells({ name, safe_hours, double_hours, detectable }: MetricRow, means: Usual): string[] {
  const safe = safe_hours === 0 ? 'already' : time(safe_hours)
  return [name, foundText(detectable, means[name]), time(double_hours), safe]
}

/** A ratio; of a mean a difference, which is nothing where the mean never varies. */
function foundText(detectable: number | null, usual: { mean: number } | undefined): string {
  if (detectable === null) return 'nothing'
  if (usual === undefined) return `× ${Number(detectable.toPrecision(3))}`
  return detectable > 1e-9 * Math.abs(usual.mean) ? `± ${Number(detectable.toPrecision(3))}` : 'any'
}

function time(hours: Hours): string {
  if (hours === null || !Number.isFinite(hours)) return '–'
  if (hours < 1) return `${Math.max(1, Math.round(hours * 60))} min`
  return hours < 100 ? `${Number(hours.toPrecision(3))} h` : `${count(Math.round(hours / 24))} d`
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
  const cell = (part: number, minutes: number | null) =>
    `${share(part)}${minutes === null ? '' : `, after ${time(minutes / 60)}`}`.padEnd(24)
  const line = (what: string, one: Simulated) =>
    `${what.padEnd(25)}${String(one.runs).padEnd(7)}${cell(one.rolled_back_share, one.minutes_to_rollback)}${cell(one.promoted_share, one.minutes_to_promotion)}${one.open}`
  const title = `${'candidate'.padEnd(25)}${'runs'.padEnd(7)}${'rolled back'.padEnd(24)}${'promoted'.padEnd(24)}open`
  const text = [rollout, title, line('as good as the baseline', good), line(`${ratio} times as bad`, bad)].join('\n')
  return `${safeLine(text)}\nTimes are medians; open: neither after two weeks.\n`
}
