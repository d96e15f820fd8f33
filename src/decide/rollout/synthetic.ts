// Made-up minutes of traffic that a seed decides, for simulations and the self-test.
import type { ArmCounts, Block, MetricCounts } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { normalDraw, type Random } from '../../statistics/draws.ts'
import { wordsOf } from './evidence.ts'
import { limitsOf } from './criterion.ts'
import { directionOf } from './metrics.ts'
import type { Traffic } from './traffic.ts'

/** A Poisson draw: by products of uniform numbers (Knuth), from 50 on by a rounded normal one. */
export function poissonDraw(mean: number, random: Random): number {
  if (!(mean > 0)) return 0
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normalDraw(random)))
  const floor = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > floor; product *= random()) count++
  return count
}

/** How an arm differs: `ratio` times the bad events, and means worse by `shift` standard deviations. */
export type Difference = { ratio: number; shift: number }

/** Where nothing is known of a limit, so much of what it allows is used. */
const USUAL_USE = 0.3

function metricCounts(
  plan: RolloutPlan,
  name: string,
  n: number,
  traffic: Traffic,
  difference: Difference,
  random: Random,
): MetricCounts {
  const metric = plan.metrics[name]
  if (metric && 'mean' in metric) {
    const { mean, deviation } = traffic.means[name] ?? { mean: 1, deviation: 0.2 }
    const centre = mean - directionOf(name, metric) * difference.shift * deviation
    const sum = n * centre + Math.sqrt(n) * deviation * normalDraw(random)
    return { n, bad: 0, first: 0, sum, squares: n * (centre * centre + deviation * deviation), over: [] }
  }
  const bad = Math.min(n, poissonDraw(n * (traffic.rates[name] ?? 0) * difference.ratio, random))
  const limits = limitsOf(plan)[name] ?? []
  const over = limits.map((value, i) => {
    const asked = wordsOf(plan).criteria.find(
      ([, bound]) => bound.kind === 'quantile' && bound.metric === name && bound.value === value,
    )
    const usual = traffic.over?.[name]?.[i] ?? (asked?.[1].limit ?? 0.01) * USUAL_USE
    return Math.min(n, poissonDraw(n * usual * difference.ratio, random))
  })
  const firsts = traffic.firsts?.[name] ?? 1
  const first = firsts < 1 ? Math.min(bad, poissonDraw(bad * firsts, random)) : bad
  return { n, bad, first, sum: 0, squares: 0, over }
}

function armCounts(
  plan: RolloutPlan,
  expected: number,
  traffic: Traffic,
  difference: Difference,
  random: Random,
): ArmCounts {
  const requests = poissonDraw(expected, random)
  const units = traffic.new_users === undefined ? requests : poissonDraw(requests * traffic.new_users, random)
  const metrics = Object.keys(plan.metrics).map((name) => {
    const budget = plan.metrics[name]?.judged?.budget_per_hour
    // Judged answers are as many in each arm as the budget allows.
    const each = traffic.events?.[name] ?? 1
    const those = each < 1 ? Math.min(requests, poissonDraw(requests * each, random)) : requests
    const n = budget === undefined ? those : Math.min(those, poissonDraw(budget / 120, random))
    return [name, metricCounts(plan, name, n, traffic, difference, random)] as const
  })
  return { requests, units: Math.min(units, requests), metrics: Object.fromEntries(metrics) }
}

/** One minute that starts at `start` (milliseconds), `share` of it served by a candidate that differs so. */
export function syntheticBlock(
  plan: RolloutPlan,
  traffic: Traffic,
  at: { start: number; share: number; generation: number },
  difference: Difference,
  random: Random,
): Block {
  const same: Difference = { ratio: 1, shift: 0 }
  const baseline = armCounts(plan, traffic.per_minute * (1 - at.share), traffic, same, random)
  const candidate = armCounts(plan, traffic.per_minute * at.share, traffic, difference, random)
  return { start: at.start, length: 60_000, generation: at.generation, arms: { baseline, candidate }, both: 0 }
}
