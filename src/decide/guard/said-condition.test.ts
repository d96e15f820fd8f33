// How a condition of a guard reads: rates in percent, tails as a share of the events, everything else as a number.
import { expect, it } from 'vitest'
import { guardWith, MINUTE } from './guard-testing.ts'
import { isShare, saidCondition } from './said-condition.ts'

const guard = guardWith({
  metrics: {
    error_rate: { bad: 'error.type != null' },
    latency_p95: { value: 'duration_ms' },
    cost: { mean: 'cost_usd' },
  },
})
const window = 15 * MINUTE

it.each([
  [{ metric: 'error_rate', above: 0.05 }, 0.19, 'error_rate is 19% over 15m: above 5%'],
  [{ metric: 'error_rate', below_baseline: 0.05 }, 0.1, 'error_rate is 10% over 15m: below baseline by 5%'],
  [{ metric: 'error_rate', count_above: 10 }, 12, 'error_rate is 12 over 15m: count above 10'],
  [
    { metric: 'latency_p95', above: 2000 },
    0.12,
    '12% of the events of latency_p95 over 15m are above 2000, where 5% may be',
  ],
  [{ metric: 'cost', above: 0.02 }, 0.031, 'cost is 0.031 over 15m: above 0.02'],
  [{ metric: 'cost', sum_above: 500 }, null, 'cost is ? over 15m: sum above 500'],
])('%o', (condition, value, says) => {
  expect(saidCondition(guard, { window, ...condition }, value)).toBe(says)
})

it('knows what is a share', () => {
  expect(isShare(guard, { metric: 'error_rate', window, above: 0.05 })).toBe(true)
  expect(isShare(guard, { metric: 'error_rate', window, count_above: 0 })).toBe(false)
  expect(isShare(guard, { metric: 'cost', window, above: 1 })).toBe(false)
})
