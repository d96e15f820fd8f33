// The tools that look at a plan before anybody is served: they know judged samples, signals, and what the baseline itself breaks.
import { expect, it } from 'vitest'
import { feasibilityText } from '../../report/feasibility.ts'
import { planFeasibility } from './feasibility.ts'
import { planWith } from './rollout-testing.ts'
import { selfTest } from './simulate.ts'

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
