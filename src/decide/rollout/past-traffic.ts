// What is usual in the traffic of the past: how much of it there is, and the base rates of the metrics.
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import type { Traffic } from './traffic.ts'

/** A rate that was never seen is not zero: half an event is assumed. */
const UNSEEN = 0.5
/** Who comes back is new only once: what a rollout of a day would see is what the first day of the past has seen. */
const DAY = 86_400_000
const HOUR = 3_600_000

/**
 * The traffic that blocks of the past, in order, tell of; null where there is none. Requests of both arms, base rates of the
 * baseline. `per_minute` counts all minutes from the first block to the last, the idle ones too.
 */
export function pastTraffic(plan: RolloutPlan, blocks: readonly Block[]): Traffic | null {
  const requests = blocks.reduce((sum, { arms }) => sum + arms.baseline.requests + arms.candidate.requests, 0)
  if (requests === 0) return null
  const from = Math.min(...blocks.map(({ start }) => start))
  const to = Math.max(...blocks.map(({ start, length }) => start + length))
  const ofBaseline = blocks.reduce((all, { arms }) => all + arms.baseline.requests, 0)
  const early = blocks.filter(({ start }) => start < from + DAY)
  const sum = (of: 'requests' | 'units', within = DAY) =>
    early.reduce((all, { start, arms: { baseline, candidate } }) => {
      return start < from + within ? all + baseline[of] + candidate[of] : all
    }, 0)
  const traffic: Traffic = { per_minute: requests / ((to - from) / 60_000), rates: {}, means: {} }
  const follows = plan.assignment.unit !== 'request' && sum('units') > 0
  if (follows) traffic.new_users = Math.min(1, sum('units') / sum('requests'))
  if (follows) traffic.early_users = Math.min(1, sum('units', HOUR) / Math.max(1, sum('requests', HOUR)))
  for (const [name, metric] of Object.entries(plan.metrics)) {
    const seen = totalOf(blocks.flatMap(({ arms }) => arms.baseline.metrics[name] ?? []))
    if (seen.n === 0) continue
    const events = seen.n / Math.max(1, ofBaseline)
    if (events < 1) traffic.events = { ...traffic.events, [name]: events }
    const mean = seen.sum / seen.n
    const deviation = Math.sqrt(Math.max(0, seen.squares / seen.n - mean * mean))
    if ('mean' in metric) traffic.means[name] = { mean, deviation }
    else traffic.rates[name] = rateOf(seen.bad, seen.n)
    const firsts = firstsOf(early.flatMap(({ arms }) => arms.baseline.metrics[name] ?? []))
    if (follows && firsts < 1 && !('mean' in metric) && !metric.judged)
      traffic.firsts = { ...traffic.firsts, [name]: firsts }
    const over = seen.over.map((above) => rateOf(above, seen.n))
    if (over.length > 0) traffic.over = { ...traffic.over, [name]: over }
  }
  return traffic
}

function firstsOf(all: readonly MetricCounts[]): number {
  const bad = all.reduce((sum, counts) => sum + counts.bad, 0)
  const first = all.reduce((sum, counts) => sum + counts.first, 0)
  return bad > 0 ? Math.min(1, Math.max(UNSEEN, first) / bad) : 1
}

const rateOf = (bad: number, n: number) => Math.max(UNSEEN, bad) / (n + UNSEEN)

function totalOf(all: readonly MetricCounts[]): Pick<MetricCounts, 'n' | 'bad' | 'sum' | 'squares' | 'over'> {
  const total = { n: 0, bad: 0, sum: 0, squares: 0, over: new Array<number>() }
  for (const one of all) {
    total.n += one.n
    total.bad += one.bad
    total.sum += one.sum
    total.squares += one.squares
    one.over.forEach((above, i) => (total.over[i] = (total.over[i] ?? 0) + above))
  }
  return total
}
