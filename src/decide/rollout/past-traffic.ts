// What is usual in the traffic of the past: how much of it there is, and the base rates of the metrics.
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import type { Traffic } from './traffic.ts'

/** A rate that was never seen is not zero: half an event is assumed. */
const UNSEEN = 0.5

/**
 * The traffic that blocks of the past tell of; null where there is none. Requests of both arms, base rates of the
 * baseline. `per_minute` counts all minutes from the first block to the last, the idle ones too.
 */
export function pastTraffic(plan: RolloutPlan, blocks: readonly Block[]): Traffic | null {
  const requests = blocks.reduce((sum, { arms }) => sum + arms.baseline.requests + arms.candidate.requests, 0)
  if (requests === 0) return null
  const from = Math.min(...blocks.map(({ start }) => start))
  const to = Math.max(...blocks.map(({ start, length }) => start + length))
  const units = blocks.reduce((sum, { arms }) => sum + arms.baseline.units + arms.candidate.units, 0)
  const traffic: Traffic = { per_minute: requests / ((to - from) / 60_000), rates: {}, means: {} }
  if (plan.assignment.unit !== 'request' && units > 0) traffic.new_users = Math.min(1, units / requests)
  for (const [name, metric] of Object.entries(plan.metrics)) {
    const seen = totalOf(blocks.flatMap(({ arms }) => arms.baseline.metrics[name] ?? []))
    if (seen.n === 0) continue
    const mean = seen.sum / seen.n
    const deviation = Math.sqrt(Math.max(0, seen.squares / seen.n - mean * mean))
    if ('mean' in metric) traffic.means[name] = { mean, deviation }
    else traffic.rates[name] = rateOf(seen.bad, seen.n)
    const over = seen.over.map((above) => rateOf(above, seen.n))
    if (over.length > 0) traffic.over = { ...traffic.over, [name]: over }
  }
  return traffic
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
