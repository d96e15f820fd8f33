// Users who come again and again and differ among themselves: what is compared of them is no false alarm, and still finds harm.
import { expect, it } from 'vitest'
import { newUnits, oneValue, seeUnit } from '../../observe/unit-table.ts'
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import { startMetric, stepMetric, weighMetric } from './metric-evidence.ts'
import { judgingOf } from './metrics.ts'
import { planWith } from './rollout-testing.ts'

const plan = planWith({
  alpha: 0.05,
  metrics: {
    quality: { mean: 'eval.quality.score', range: [-10, 10], margin: { abs: 0.5 }, weight: 1 },
    fails: { bad: "eval.groundedness.label == 'fail'", judged: { budget_per_hour: 60 }, weight: 1 },
  },
})
const judging = judgingOf(plan)

/** mulberry32 */
function random(seed: number): () => number {
  let s = seed >>> 0
  return () => {
    s = (s + 0x6d2b79f5) >>> 0
    let t = Math.imul(s ^ (s >>> 15), s | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
const gauss = (r: () => number) => Math.sqrt(-2 * Math.log(r() + 1e-12)) * Math.cos(2 * Math.PI * r())

const empty = (): MetricCounts => {
  const none = { n: 0, bad: 0, sum: 0, squares: 0 }
  return { ...none, first: 0, over: [], by_unit: { fresh: { ...none }, back: { ...none } } }
}

type Day = { seed: number; users: number; worse?: number; each?: boolean }
/** A day at 33 a minute, 5 % and then 25 and 50 %: the evidence of both metrics at its end. `each`: every value counts. */
function day({ seed, users, worse = 0, each = false }: Day) {
  const r = random(seed)
  const people = Array.from({ length: users }, () => ({ level: gauss(r), rate: r() < 0.1 ? 0.16 : 0.0044, arm: r() }))
  const cumulated: number[] = []
  for (let i = 0, sum = 0; i < users; i += 1) cumulated.push((sum += (r() + 1e-6) ** -0.7))
  const all = cumulated.at(-1)!
  const units = newUnits(users + 1, true)
  let states = judging.map((one) => startMetric(one, plan.metrics[one.name]!))
  for (let minute = 0; minute < 1440; minute += 1) {
    const generation = 1 + Math.floor(minute / 480)
    const share = [0.05, 0.25, 0.5][generation - 1]!
    const arms = [
      [empty(), empty()],
      [empty(), empty()],
    ]
    for (let i = 0; i < 33; i += 1) {
      const x = r() * all
      let [low, high] = [0, users - 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if (cumulated[middle]! < x) low = middle + 1
        else high = middle
      }
      const { level, rate, arm: place } = people[low]!
      const arm = place < share ? 2 : 1
      const value = level + gauss(r) - (arm === 2 ? worse : 0)
      const bad = r() < rate * (arm === 2 && worse > 0 ? 4 : 1) ? 1 : 0
      const { at } = seeUnit(units, { high: low + 1, low: low + 1, arm, generation, counts: true })!
      for (const [metric, more] of [
        { n: 1, bad: 0, sum: value, squares: value * value },
        { n: 1, bad, sum: 0, squares: 0 },
      ].entries()) {
        const kind = oneValue(units, at, { metric, arm, generation })
        const into = arms[metric]![arm - 1]!
        for (const of of [into, ...(kind === null ? [] : [into.by_unit![kind]])])
          for (const key of ['n', 'bad', 'sum', 'squares'] as const) of[key] += more[key]
      }
    }
    for (const one of arms.flat()) if (each) delete one.by_unit
    const [baseline, candidate] = [0, 1].map((arm) => ({
      requests: 33,
      units: 33,
      metrics: { quality: arms[0]![arm]!, fails: arms[1]![arm]! },
    }))
    const block: Block = {
      start: minute * 60_000,
      length: 60_000,
      generation,
      both: 0,
      arms: { baseline: baseline!, candidate: candidate! },
    }
    states = states.map((state, i) => stepMetric(state, judging[i]!, block, share, minute / 60))
    if (minute % 10 === 9) states = states.map((state, i) => weighMetric(state, judging[i]!, minute))
  }
  return states.map(({ peak, safe }, i) => ({
    harm: (peak ?? 0) >= judging[i]!.harm_bound,
    safe: (safe ?? 0) >= judging[i]!.safe_bound,
  }))
}

const count = (days: Omit<Day, 'seed'>, draws: number) => {
  const found = Array.from({ length: draws }, (_, seed) => day({ ...days, seed: 100 + seed }))
  return { quality: found.filter(([one]) => one!.harm).length, fails: found.filter(([, one]) => one!.harm).length }
}

it('is alarmed by a good canary no more often than alpha says, however often its users come', () => {
  // At 2.5 % each one in 300 seeds gives more than 5 of 60.
  const found = count({ users: 600 }, 60)
  expect(found.quality).toBeLessThanOrEqual(5)
  expect(found.fails).toBeLessThanOrEqual(5)
  // Were each value compared, heavy users would be enough.
  const raw = count({ users: 600, each: true }, 20)
  expect(raw.quality).toBeGreaterThan(5)
}, 120_000)

it('still finds what is worse, and proves what is not, among users who were all there before', () => {
  expect(count({ users: 3000, worse: 0.5 }, 10).quality).toBeGreaterThanOrEqual(8)
  const good = Array.from({ length: 10 }, (_, seed) => day({ users: 3000, seed: 500 + seed })[0]!.safe)
  expect(good.filter(Boolean).length).toBeGreaterThanOrEqual(8)
}, 120_000)
