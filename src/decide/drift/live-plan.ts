// What is watched for drift, as a source understands it: metrics of one arm; and what the source counted, by hour.
import type { DriftPlan, DriftSample, DriftWatch, HourlyCounts } from '../../schema/drift.ts'
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { Metric, RolloutPlan } from '../../schema/rollout.ts'
import { GuardPlan } from '../../schema/guard.ts'
import { asPlan } from '../guard/as-plan.ts'
import { byText } from '../words.ts'

/** The cell of all values that a mix does not name. */
export const OTHER = '(other)'
const HOUR = 3_600_000
/** No value is too much: only the histogram is wanted. */
const NEVER = 1e15

const quoted = (text: string) => `'${text.replace(/[\\']/g, (sign) => `\\${sign}`)}'`
const both = (where: string | undefined, more: string) => (where === undefined ? more : `(${where}) && ${more}`)

/** The metrics that one thing watched needs, by the names of the source. */
function metricsOf(name: string, watch: DriftWatch): [string, Metric][] {
  const common = { role: 'info' as const, ...(watch.where !== undefined && { where: watch.where }) }
  if ('rate' in watch) return [[name, { bad: watch.rate, ...common }]]
  if ('value' in watch) return [[name, { value: watch.value, tail_at: NEVER, ...common }]]
  const field = `\`${watch.mix}\``
  const where = both(watch.where, `${field} != null`)
  return watch.values.map((value, i) => [`${name}.is.${i}`, { ...common, bad: `${field} == ${quoted(value)}`, where }])
}

/** The plan that is handed to the source; nothing is rolled out by it. */
export function driftAsPlan(plan: DriftPlan): RolloutPlan {
  const metrics = Object.fromEntries(Object.entries(plan.watch).flatMap(([name, watch]) => metricsOf(name, watch)))
  const guard = GuardPlan.parse({
    guard: plan.drift,
    source: { type: 'jsonl', path: '-' },
    unit: 'request',
    metrics: {},
  })
  return asPlan({ ...guard, source: plan.source, metrics })
}

/** Counts by cell of one thing watched in one block; empty where nothing has it. */
function cellsOf(name: string, watch: DriftWatch, metrics: Record<string, MetricCounts>): Record<string, number> {
  if ('mix' in watch) {
    const of = watch.values.map((value, i) => ({ value, counts: metrics[`${name}.is.${i}`] }))
    const n = of[0]?.counts?.n ?? 0
    const named = of.flatMap(({ value, counts }) => (counts && counts.bad > 0 ? [[value, counts.bad] as const] : []))
    const rest = n - named.reduce((sum, [, count]) => sum + count, 0)
    return Object.fromEntries(rest > 0 ? [...named, [OTHER, rest] as const] : named)
  }
  const counts = metrics[name]
  if (!counts || counts.n === 0) return {}
  if ('value' in watch) return counts.histogram ?? {}
  return { bad: counts.bad, good: counts.n - counts.bad }
}

/** What a source counted from `since` to `until` (milliseconds since 1970), by hour. */
export function sampleOf(
  plan: DriftPlan,
  read: { blocks: readonly Block[]; models: readonly { requested: string; answered: string }[] },
  { since, until }: { since: number; until: number },
): DriftSample {
  const blocks = read.blocks.filter(({ start }) => start >= since && start < until)
  const events = blocks.reduce((sum, { arms }) => sum + arms.baseline.requests, 0)
  const counts = Object.fromEntries(
    Object.entries(plan.watch).map(([name, watch]) => [
      name,
      hourly(blocks, (metrics) => cellsOf(name, watch, metrics)),
    ]),
  )
  const models =
    [...new Map(read.models.map(({ requested, answered }) => [`${requested} ${answered}`, { requested, answered }]))] // biome-ignore format: one list
      .sort(([a], [b]) => byText(a, b))
      .map(([, pair]) => pair)
  return { since: new Date(since).toISOString(), until: new Date(until).toISOString(), events, counts, models }
}

function hourly(
  blocks: readonly Block[],
  cellsIn: (metrics: Record<string, MetricCounts>) => Record<string, number>,
): HourlyCounts {
  const hours = new Map<number, Record<string, number>>()
  for (const { start, arms } of blocks) {
    const hour = Math.floor(start / HOUR) * HOUR
    const cells = hours.get(hour) ?? {}
    for (const [cell, count] of Object.entries(cellsIn(arms.baseline.metrics))) cells[cell] = (cells[cell] ?? 0) + count
    if (Object.keys(cells).length > 0) hours.set(hour, cells)
  }
  return [...hours].sort(([a], [b]) => a - b).map(([hour, cells]) => ({ hour: new Date(hour).toISOString(), cells }))
}
