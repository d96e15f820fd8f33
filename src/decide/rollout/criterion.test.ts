// Criteria as people write them, and triggers block by block.
import { describe, expect, it } from 'vitest'
import { boundOf, limitsOf, oddCriterion } from './criterion.ts'
import { judgingOf } from './metrics.ts'
import { blockAt, counts, planWith } from './rollout-testing.ts'
import type { TriggerState } from './state.ts'
import { stepTrigger } from './triggers.ts'

const metrics = {
  error_rate: { bad: 'error.type != null' },
  latency_p95: { value: 'duration_ms' },
  quality_score: { mean: 'score', range: [0, 1] },
  stars: { mean: 'stars', range: [1, 5] },
  cost: { mean: 'cost_usd' },
  user_satisfaction: { bad: "feedback == 'down'", role: 'signal' },
}
const plan = planWith({ metrics })

it.each([
  ['error_rate < 1%', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['error_rate<=0.01', { kind: 'rate', metric: 'error_rate', limit: 0.01 }],
  ['user_satisfaction > 90%', { kind: 'rate', metric: 'user_satisfaction', limit: 0.1 }],
  ['user_satisfaction > 4.5/5', { kind: 'rate', metric: 'user_satisfaction', limit: 0.1 }],
  ['stars > 4.5/5', { kind: 'mean', metric: 'stars', limit: 4.5, side: 'above' }],
  ['quality_score > 4.5/5', { kind: 'mean', metric: 'quality_score', limit: 0.9, side: 'above' }],
  ['quality_score > 0.85', { kind: 'mean', metric: 'quality_score', limit: 0.85, side: 'above' }],
  ['cost_per_request < $0.01', { kind: 'mean', metric: 'cost', limit: 0.01, side: 'below' }],
  ['latency_p95 < 10%', { kind: 'rate', metric: 'latency_p95', limit: 0.1 }],
])('reads %s', (text, bound) => expect(boundOf(plan, text)).toEqual(bound))

it.each(['latency_p95 > 2s', 'error_rate < 200ms', 'speed < 1%', 'error_rate < 100%', 'nonsense'])(
  'refuses %s',
  (text) => expect(boundOf(plan, text)).toEqual(expect.stringContaining(text)),
)

it('asks the source to count above each limit on a value, each once', () => {
  const success = ['latency_p95 < 2s', 'latency_p95 < 2000ms', 'latency_p95 < 3s']
  const triggers = [{ id: 'slow', metric: 'latency_p95', above: '9s', window: '5m', do: ['notify'] }]
  const asked = planWith({ metrics, triggers, stages: [{ traffic: '5%', success }] })
  expect(limitsOf(asked)).toEqual({ latency_p95: [2000, 3000, 9000] })
  expect(boundOf(asked, 'latency_p95 < 3s')).toMatchObject({ kind: 'quantile', limit: 0.05, value: 3000, over: 1 })
})

it('shares alpha by what the metrics are about, else by weight, and never spends more than all of it', () => {
  const weights = (change: Record<string, unknown>) =>
    judgingOf(planWith(change)).map((one) => Math.round((one.alpha / 0.01) * 100) / 100)
  const guardrails = judgingOf(plan).filter((one) => one.role === 'guardrail')
  expect(guardrails.reduce((sum, one) => sum + one.alpha, 0)).toBeCloseTo(plan.alpha, 12)
  expect(
    weights({ metrics: { error_rate: { bad: 'a', weight: 3 }, latency: { value: 'duration_ms', weight: 1 } } }),
  ).toEqual([0.75, 0.25])
  expect(
    weights({
      metrics: {
        error_rate: metrics.error_rate,
        p: metrics.quality_score,
        cost: metrics.cost,
        latency_p95: metrics.latency_p95,
      },
    }),
  ).toEqual([0.25, 0.25, 0.25, 0.25])
})

describe('a trigger', () => {
  const triggers = [{ id: 't', metric: 'error_rate', above: '5%', window: '15m', for: '5m', do: ['rollback'] }]
  const armed = planWith({ triggers })
  const trigger = armed.triggers[0]!
  const run = (rates: (number | null)[], n = 200) => {
    let state: TriggerState | undefined
    for (const [minute, rate] of rates.entries())
      state = stepTrigger(
        armed,
        trigger,
        state,
        blockAt(minute, {}, rate === null ? {} : { error_rate: counts(n, Math.round(rate * n)) }),
      )
    return state
  }
  it('fires when its condition held for long enough without a break', () => {
    expect(run([0.5, 0.5, 0.5, 0.5, 0.5])?.fired_at).toBeNull()
    expect(run([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])?.fired_at).not.toBeNull()
  })
  it('starts again after a break', () => {
    const window = planWith({ triggers: [{ ...triggers[0], window: '1m' }] })
    let state: TriggerState | undefined
    for (const [minute, rate] of [0.5, 0.5, 0.5, 0.5, 0, 0, 0.5, 0.5].entries())
      state = stepTrigger(
        window,
        window.triggers[0]!,
        state,
        blockAt(minute, {}, { error_rate: counts(200, rate * 200) }),
      )
    expect(state?.fired_at).toBeNull()
    expect(state?.held).toBeLessThan(5 * 60_000)
  })
  it.each([
    ['at once', undefined, 7],
    ['after keep_firing_for', '3m', 9],
  ])('ends %s', (_, keep, ends) => {
    const plan = planWith({ triggers: [{ ...triggers[0], window: '1m', for: 0, keep_firing_for: keep }] })
    const fired: number[] = []
    let state: TriggerState | undefined
    for (const [minute, rate] of [0, 0.5, 0, 0.5, 0, 0.5, 0.5, 0, 0, 0, 0, 0].entries()) {
      state = stepTrigger(plan, plan.triggers[0]!, state, blockAt(minute, {}, { error_rate: counts(200, rate * 200) }))
      if (state.fired_at !== null) fired.push(minute)
    }
    expect(fired).toEqual(keep === undefined ? [1, 3, 5, 6] : [1, 2, 3, 4, 5, 6, 7, 8])
    expect(fired.at(-1)).toBe(ends - 1)
  })
  it('stands still without data', () => {
    const held = run([0.5, 0.5])?.held
    let state = run([0.5, 0.5])
    for (let minute = 20; minute < 60; minute++) state = stepTrigger(armed, trigger, state, blockAt(minute, {}, {}))
    expect(state?.held).toBe(held)
    expect(state?.fired_at).toBeNull()
  })
  it('does not fire on a rate that only happens to be above', () =>
    expect(run(Array(60).fill(0.06), 20)?.fired_at).toBeNull())
  it('keeps a bounded window', () => {
    const wide = planWith({ triggers: [{ ...triggers[0], window: '7d' }] })
    let state: TriggerState | undefined
    for (let minute = 0; minute < 20_000; minute++)
      state = stepTrigger(wide, wide.triggers[0]!, state, blockAt(minute, {}, { error_rate: counts(10, 0) }))
    expect(state?.cells.length).toBeLessThan(65)
  })
  it('compares with the baseline, either way round', () => {
    const change = { id: 't', metric: 'quality_score', below_baseline: 0.05, window: '30m', do: ['rollback'] }
    const compared = planWith({ metrics, triggers: [change] })
    const arm = (mean: number) => ({
      quality_score: counts(500, 0, { sum: 500 * mean, squares: 500 * (mean * mean + 0.01) }),
    })
    const fires = (baseline: number, candidate: number) =>
      stepTrigger(compared, compared.triggers[0]!, undefined, blockAt(0, arm(baseline), arm(candidate))).fired_at !==
      null
    expect([fires(0.9, 0.8), fires(0.9, 0.87), fires(0.8, 0.9)]).toEqual([true, false, false])
  })
})

it.each([
  ['error_rate > 1%', /more than 1 % are good/],
  ['quality > 85', /never true: quality lies between 0 and 1/],
  ['quality < 85', /always true/],
  ['error_rate < 1%', null],
  ['error_rate > 99%', null],
  ['quality > 0.85', null],
  ['quality > 4.5/5', null],
])('says whether it can be meant: %s', (text, problem) => {
  const plan = planWith({
    metrics: { error_rate: { bad: 'error.type != null' }, quality: { mean: 'eval.quality.score', range: [0, 1] } },
  })
  const found = oddCriterion(plan, text)
  if (problem === null) expect(found).toBeNull()
  else expect(found).toMatch(problem)
})
