// What people read before a rollout: times, what can be found, and no line wider than a terminal.
import { expect, it } from 'vitest'
import { feasibilityText, simulationText } from './feasibility.ts'

const metrics = [
  { name: 'error_rate', safe_hours: 31.9, double_hours: 12.8, detectable: 8.56 },
  { name: 'latency_p95', safe_hours: 0, double_hours: null, detectable: null },
]
const traffic = { per_minute: 100.4, rates: { error_rate: 0.02 }, means: { cost: { mean: 0.00412, deviation: 0.001 } } }
const view = {
  rollout: 'support-1.3',
  traffic,
  stages: [
    {
      stage: 0,
      traffic: 0.01,
      gate: 'non-inferior',
      hours: 0.5,
      metrics,
      criteria: [{ text: 'error_rate < 1%', hours: 3.2 }],
      triggers: [],
    },
    { stage: 1, traffic: 1, gate: 'none', hours: 12, metrics, criteria: [], triggers: [] },
  ],
  total_hours: null,
  warnings: ['Stage 1 (1%) only catches disasters: error_rate must be 8.56 times the usual.'],
}

it('a table of stages and metrics', () => {
  const text = feasibilityText(view)
  expect(text).toContain('1   1.0 %  non-inferior  30 min   error_rate   × 8.56      12.8 h        31.9 h')
  expect(text).toMatch(/^ +latency_p95 {2}nothing {5}– {13}already$/m)
  expect(text).toContain('no baseline is served')
  expect(text).toMatch(/^altogether +–$/m)
  for (const line of text.split('\n')) expect(line.length).toBeLessThan(90)
})

it('shares and medians of simulated rollouts', () => {
  const good = { runs: 200, rolled_back_share: 0.01, promoted_share: 0.95, open: 8, minutes_to_rollback: 30 }
  const bad = { ...good, rolled_back_share: 1, promoted_share: 0, open: 0, minutes_to_promotion: null }
  const lines = simulationText('support-1.3', 2, { ...good, minutes_to_promotion: 1380 }, bad).split('\n')
  expect(lines[2]).toMatch(/^as good as the baseline +200 +1.0 %, after 30 min +95.0 %, after 23 h +8$/)
  expect(lines[3]).toMatch(/^2 times as bad +200 +100 %, after 30 min +0 % +0$/)
})
