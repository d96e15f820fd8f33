// Error rates and times to detect of the shipped fold over made-up traffic, and the forecast held against them.
import { expect, it } from 'vitest'
import { planFeasibility } from './feasibility.ts'
import { planWith } from './rollout-testing.ts'
import { selfTest } from './self-test.ts'
import { simulateRollout } from './simulate.ts'

const day = (alpha: number) =>
  planWith({ alpha, stages: [{ traffic: '5%', duration: '30h', gate: 'no-harm' }, { traffic: '100%' }] })
const traffic = (perMinute: number) => ({ per_minute: perMinute, rates: { error_rate: 0.02 }, means: {} })

it('seldom rolls back a good canary in a day of looks', () => {
  const seen = simulateRollout(day(0.05), traffic(33), { seed: 11, runs: 60, ratio: 1, hours: 24, every: 5 })
  expect(seen.rolled_back).toBeLessThanOrEqual(7)
}, 120_000)

it('finds a canary twice as bad in the time that is forecast', () => {
  const plan = day(0.05)
  const seen = simulateRollout(plan, traffic(330), { seed: 5, runs: 30, ratio: 2, hours: 24, every: 1 })
  expect(seen.rolled_back).toBe(30)
  expect(seen.minutes_to_rollback).toBeLessThan(60)
  const forecast = (planFeasibility(plan, traffic(330)).stages[0]?.metrics[0]?.double_hours ?? 0) * 60
  expect(forecast / (seen.minutes_to_rollback ?? 0)).toBeGreaterThan(0.6)
  expect(forecast / (seen.minutes_to_rollback ?? 0)).toBeLessThan(1.6)
}, 120_000)

it('forecasts a day to prove anything at 5 % of little traffic, and says that 1 % only catches disasters', () => {
  const plan = planWith({
    stages: [
      { traffic: '1%', duration: '30m', gate: 'no-harm' },
      { traffic: '5%', duration: '2h', gate: 'non-inferior' },
      { traffic: '25%', duration: '4h', gate: 'non-inferior' },
      { traffic: '100%', bake: '24h' },
    ],
  })
  const { stages, warnings } = planFeasibility(plan, traffic(33))
  expect(stages[1]?.hours).toBeGreaterThan(15)
  expect(stages[1]?.hours).toBeLessThan(26)
  expect(warnings.join('\n')).toMatch(/Stage 1 \(1%\) (only catches disasters|cannot find)/)
})

it('promotes a good canary through all stages, and the forecast of the whole is not far off', () => {
  const plan = planWith({
    stages: [
      { traffic: '5%', duration: '30m', gate: 'no-harm', min_users: 100 },
      { traffic: '25%', duration: '1h', gate: 'non-inferior' },
      { traffic: '50%', duration: '1h', gate: 'non-inferior', approval: true },
      { traffic: '100%', bake: '1h' },
    ],
  })
  const seen = simulateRollout(plan, traffic(330), { seed: 3, runs: 20, ratio: 1, hours: 96 })
  expect(seen.promoted).toBeGreaterThanOrEqual(19)
  const forecast = (planFeasibility(plan, traffic(330)).total_hours ?? 0) * 60
  expect(forecast / (seen.minutes_to_promotion ?? 0)).toBeGreaterThan(0.5)
  expect(forecast / (seen.minutes_to_promotion ?? 0)).toBeLessThan(2)
}, 120_000)

it('gives the same result from the same seed', () => {
  const run = () => simulateRollout(day(0.01), traffic(100), { seed: 1, runs: 2, ratio: 3, hours: 10 })
  expect(run()).toEqual(run())
})

it('passes its self-test for rates, tails and means of either direction', () => {
  const plan = planWith({
    metrics: {
      error_rate: { bad: 'error.type != null' },
      latency_p95: { value: 'duration_ms' },
      quality: { mean: 'score', range: [0, 1], margin: { abs: 0.02 } },
      cost: { mean: 'cost_usd', margin: { rel: 0.15 } },
    },
  })
  expect(selfTest(plan).checks.filter((check) => !check.ok)).toEqual([])
}, 60_000)

it('looks as often as a short lease asks, whatever its own steps', () => {
  const control = { type: 'flagd', path: 'flags.json', lease: '1m', settle: '6s' }
  const plan = planWith({
    control,
    stages: [
      { traffic: '25%', duration: '1h' },
      { traffic: '100%', bake: '10m' },
    ],
  })
  const options = { seed: 2, runs: 5, hours: 12 }
  expect(simulateRollout(plan, traffic(100), { ...options, ratio: 1 })).toMatchObject({ promoted: 5 })
  expect(simulateRollout(plan, traffic(100), { ...options, ratio: 5 })).toMatchObject({ rolled_back: 5 })
}, 60_000)
