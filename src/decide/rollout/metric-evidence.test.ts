// What is known of a metric: whether "not worse" is proven by those who can still meet their first bad event.
import { expect, it } from 'vitest'
import type { Block, MetricCounts } from '../../schema/rollout-journal.ts'
import { startMetric, stepMetric, weighMetric } from './metric-evidence.ts'
import { judgingOf } from './metrics.ts'
import { planWith } from './rollout-testing.ts'

type Few = { first: number; at_risk?: number }

/** Evidence of "not worse" after `many` such minutes at a share of one half. */
function safeAfter(many: number, { baseline, candidate }: { baseline: Few; candidate: Few }): number {
  const plan = planWith({ metrics: { error_rate: { bad: 'error.type != null', margin: { risk_ratio: 1.5 } } } })
  const [judging] = judgingOf(plan)
  const metric = plan.metrics.error_rate
  if (!judging || !metric) throw new Error('the plan has no metric')
  const counts = (few: Few): MetricCounts => ({ n: 1000, bad: few.first, sum: 0, squares: 0, over: [], ...few })
  const arm = (few: Few) => ({ requests: 1000, units: 0, metrics: { error_rate: counts(few) } })
  const arms = { baseline: arm(baseline), candidate: arm(candidate) }
  let state = startMetric(judging, metric)
  for (let minute = 0; minute < many; minute += 1) {
    const block: Block = { start: minute * 60_000, length: 60_000, generation: 1, arms, both: 0 }
    state = stepMetric(state, judging, block, 0.5, minute / 60)
  }
  return weighMetric(state, judging, many * 60_000).safe ?? Number.NaN
}

it('does not take a candidate for harmless whose users are used up', () => {
  // Of those at risk 3 % meet their first bad event instead of 2 %: half as much again, though fewer in number.
  const worse = { baseline: { first: 20, at_risk: 1000 }, candidate: { first: 15, at_risk: 500 } }
  expect(safeAfter(60, worse)).toBeLessThan(Math.log(20))
  const alike = { baseline: { first: 20, at_risk: 1000 }, candidate: { first: 10, at_risk: 500 } }
  expect(safeAfter(60, alike)).toBeGreaterThan(Math.log(20))
})

it('goes by the share where a source does not know who is at risk', () => {
  const blind = { baseline: { first: 20 }, candidate: { first: 15 } }
  expect(safeAfter(60, blind)).toBeGreaterThan(Math.log(20))
})
