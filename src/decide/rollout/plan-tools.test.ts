// The tools that look at a plan before anybody is served: they know judged samples, signals, and what the baseline itself breaks.
import { expect, it } from 'vitest'
import { feasibilityText } from '../../report/feasibility.ts'
import { planFeasibility } from './feasibility.ts'
import { pastTraffic } from './past-traffic.ts'
import { blockAt, counts, planWith } from './rollout-testing.ts'
import { selfTest } from './self-test.ts'
import { simulateRollout } from './simulate.ts'

const plan = planWith({
  stages: [
    { traffic: '5%', duration: '10m', gate: 'no-harm', success: ['error_rate < 1%', 'quality > 0.85'] },
    { traffic: '100%', bake: '10m' },
  ],
  metrics: {
    error_rate: { bad: 'error.type != null' },
    hallucination: { bad: "eval.groundedness.label == 'fail'", judged: { budget_per_hour: 60 } },
    satisfaction: { bad: "feedback == 'down'", delay: '30m', role: 'signal' },
    quality: { mean: 'eval.quality.score', range: [0, 1], margin: { abs: 0.02 } },
    cost: { mean: 'cost_usd', margin: { rel: 0.15 } },
  },
  triggers: [
    { id: 'errors', metric: 'error_rate', above: '1%', window: '15m', do: ['rollback'] },
    { id: 'hard', metric: 'error_rate', above: '20%', window: '5m', do: ['rollback'] },
  ],
})

it('tells a worse candidate from a better one by every metric, by small samples and signals too', () => {
  const { ok, checks } = selfTest(plan)
  expect(checks.filter((check) => !check.ok)).toEqual([])
  expect(ok).toBe(true)
  expect(checks.map(({ what }) => what.split(':')[0])).toContain('satisfaction')
}, 60_000)

it('names the limits that the baseline itself breaks, and calls differences of means what they are', () => {
  const usual = {
    per_minute: 33,
    rates: { error_rate: 0.02, hallucination: 0.03, satisfaction: 0.1 },
    means: { quality: { mean: 0.9, deviation: 0.1 }, cost: { mean: 0.004, deviation: 0 } },
  }
  const found = planFeasibility(plan, usual)
  const said = found.warnings.join('\n')
  expect(said).toContain('The baseline itself breaks error_rate < 1%')
  expect(said).toContain('The baseline itself would fire the trigger errors')
  expect(said).not.toMatch(/breaks quality|trigger hard/)
  const text = feasibilityText({ rollout: 'a', traffic: usual, ...found })
  expect(text).not.toContain('× 0')
  expect(text).toMatch(/quality +± 0\.\d+/)
})

it('tells which side of every kind of limit and trigger a candidate is on', () => {
  const limits = planWith({
    stages: [
      {
        traffic: '5%',
        duration: '10m',
        gate: 'no-harm',
        success: ['latency_p95 < 2000ms', 'cost < $0.01', 'quality > 0.85', 'satisfaction > 4.5/5', 'refusals > 90%'],
      },
      { traffic: '100%', bake: '10m' },
    ],
    metrics: {
      latency: { value: 'duration_ms' },
      cost: { mean: 'cost_usd', role: 'signal' },
      quality: { mean: 'eval.score', range: [0, 1] },
      satisfaction: { mean: 'stars', range: [1, 5] },
      refusals: { bad: 'refused', role: 'info' },
    },
    triggers: [
      { id: 'slow', metric: 'latency', above: '5s', window: '15m', for: '5m', do: ['notify'] },
      { id: 'dear', metric: 'cost', above: '$0.05', window: '1h', do: ['incident'] },
      { id: 'poor', metric: 'quality', below: 0.7, window: '30m', do: ['hold'] },
      { id: 'poorer', metric: 'quality', below_baseline: 0.05, window: '30m', do: ['rollback'] },
      { id: 'refusing', metric: 'refusals', below_baseline: 0.1, window: '30m', for: '2h', do: ['rollback'] },
    ],
  })
  const { checks } = selfTest(limits)
  expect(checks.filter((check) => !check.ok)).toEqual([])
  // Four metrics are compared; five limits, five triggers; each with two candidates.
  expect(checks).toHaveLength(28)
}, 60_000)

it('finds a limit that nobody can keep, and one that cannot be broken', () => {
  const { checks } = selfTest(
    planWith({
      metrics: { quality: { mean: 'eval.score', range: [0, 1], role: 'info' } },
      stages: [
        { traffic: '5%', duration: '10m', gate: 'none', success: ['quality > 1'] },
        { traffic: '100%', bake: '10m' },
      ],
      triggers: [{ id: 'never', metric: 'quality', below: 0, window: '30m', do: ['rollback'] }],
    }),
  )
  const wrong = checks.filter((check) => !check.ok).map(({ what, got }) => `${what}: ${got}`)
  expect(wrong).toEqual(['quality > 1: a better candidate: open', 'trigger never: a worse candidate: promoted'])
}, 60_000)

const limited = planWith({
  stages: [
    {
      traffic: '10%',
      duration: '10m',
      gate: 'none',
      success: ['latency_p95 < 2000ms', 'error_rate < 3%', 'cost < $0.006'],
    },
    { traffic: '100%', bake: '10m' },
  ],
  metrics: {
    latency: { value: 'duration_ms', role: 'info' },
    error_rate: { bad: 'error.type != null', role: 'info' },
    cost: { mean: 'cost_usd', role: 'info' },
  },
  triggers: [
    { id: 'slow', metric: 'latency', above: '5s', window: '15m', do: ['notify'] },
    { id: 'dear', metric: 'cost', above: '$0.05', window: '5m', do: ['incident'] },
    { id: 'worse', metric: 'error_rate', below_baseline: 0.1, window: '1h', do: ['rollback'] },
  ],
})
const usually = {
  per_minute: 33,
  rates: { latency: 0.05, error_rate: 0.02 },
  means: { cost: { mean: 0.004, deviation: 0.002 } },
  over: { latency: [0.03, 0.001] },
}

it('forecasts how long limits take to be proven, as the fold then takes', () => {
  const { stages, warnings } = planFeasibility(limited, usually)
  const hours = stages[0]?.criteria.map((one) => one.hours ?? Infinity) ?? []
  expect(hours).toHaveLength(3)
  expect(stages[0]?.hours).toBe(Math.max(...hours))
  const run = simulateRollout(limited, usually, { seed: 3, runs: 40, ratio: 1 })
  const forecast = (planFeasibility(limited, usually).total_hours ?? 0) * 60
  expect((run.minutes_to_promotion ?? Infinity) / forecast).toBeGreaterThan(0.5)
  expect((run.minutes_to_promotion ?? Infinity) / forecast).toBeLessThan(1.6)
  expect(warnings).toEqual([])
  const broken = planFeasibility(limited, { ...usually, over: { latency: [0.08, 0.001] } })
  expect(broken.stages[0]?.criteria[0]).toEqual({ text: 'latency_p95 < 2000ms', hours: null })
  expect(broken.warnings.join(' ')).toContain('The baseline itself breaks latency_p95 < 2000ms (usual: 8%)')
}, 60_000)

it('says from where on a trigger fires, and when it cannot', () => {
  const found = planFeasibility(limited, usually)
  const [slow, dear, worse] = found.stages[0]?.triggers ?? []
  expect(slow).toMatchObject({ kind: 'tail', events: 49, gap: false })
  expect(slow?.from).toBeGreaterThan(0.05)
  expect(dear).toEqual({ id: 'dear', kind: 'mean', events: 16, gap: false, from: null })
  expect(worse?.from).toBeGreaterThan(0.1)
  expect(found.stages[1]?.triggers[2]?.from).toBeNull()
  const text = feasibilityText({ rollout: 'a', traffic: usually, ...found })
  expect(text).toMatch(/trigger dear\n {2}1 {2}10\.0 % {2}cannot fire \(16 events in its window\)/)
  expect(text).toMatch(/latency_p95 < 2000ms\n {2}1 {2}10\.0 % {2}proven in \d/)
})

it('warns of what counts by the event where users come again and again', () => {
  const often = planFeasibility(limited, { ...usually, new_users: 0.02 }).warnings.join(' ')
  expect(often).toContain('A user makes 50 requests on average')
  expect(often).toContain('error_rate < 3%')
  expect(planFeasibility(limited, { ...usually, new_users: 0.5 }).warnings).toEqual([])
})

it('counts with it that users come back, and have their first bad event but once', () => {
  const hour = 60
  // Fifty users all week: within hours each of them has met an error.
  const blocks = Array.from({ length: 24 * 7 * hour }, (_, minute) => {
    const first = minute < 10 * hour && minute % 12 === 0 ? 1 : 0
    const metrics = { error_rate: counts(33, minute % 2, { first }) }
    const block = blockAt(minute, metrics, {})
    const { baseline, candidate } = block.arms
    return { ...block, arms: { baseline: { ...baseline, units: minute < 50 ? 1 : 0 }, candidate } }
  })
  const traffic = pastTraffic(planWith(), blocks)
  if (traffic === null) throw new Error('no traffic')
  expect(traffic.firsts?.['error_rate']).toBeCloseTo(50 / 720, 2)
  expect(traffic.new_users).toBeCloseTo(50 / (33 * 24 * 60), 4)
  const { firsts: _, ...fresh } = traffic
  const hours = (of: typeof traffic) => planFeasibility(planWith(), of).stages[1]?.metrics[0]?.safe_hours ?? 0
  expect(hours(traffic)).toBeGreaterThan(10 * hours(fresh))
  expect(planFeasibility(planWith(), traffic).warnings.join()).toContain('are the first of a user')
  expect(planFeasibility(planWith(), fresh).warnings.join()).not.toContain('are the first of a user')
})

it('counts with it that only some answers are judged', () => {
  const metrics = {
    hallucination: { bad: "eval.groundedness.label == 'fail'" },
    quality: { mean: 'eval.quality.score' },
  }
  const of = (judged: number) => {
    const blocks = Array.from({ length: 600 }, (_, minute) => {
      const some = {
        hallucination: counts(judged, minute % 20 === 0 ? judged / 20 : 0),
        quality: counts(judged, 0, { sum: judged * 0.9, squares: judged * 0.82 }),
      }
      const block = blockAt(minute, some, {})
      const { baseline, candidate } = block.arms
      return { ...block, arms: { baseline: { ...baseline, requests: 1000, units: 1000 }, candidate } }
    })
    const traffic = pastTraffic(planWith({ metrics }), blocks)
    return (
      traffic && planFeasibility(planWith({ metrics }), traffic).stages[1]?.metrics.map((one) => one.safe_hours ?? 0)
    )
  }
  const [all, few] = [of(1000) ?? [], of(20) ?? []]
  expect((few[0] ?? 0) / (all[0] ?? 1)).toBeGreaterThan(20)
  expect((few[1] ?? 0) / (all[1] ?? 1)).toBeGreaterThan(20)
})
