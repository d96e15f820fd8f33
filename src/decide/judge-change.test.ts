// No removal of cases turns a proven regression into a pass, however they are chosen; honest small changes pass.
import { expect, it } from 'vitest'
import type { Baseline } from '../schema/baseline.ts'
import { defaultPolicy } from '../schema/gate.ts'
import type { GuardRecord } from '../schema/run.ts'
import { judgeChange } from './judge-change.ts'
import { casesOf, observe, target } from './run-testing.ts'

const N = 80
const cases = casesOf(N)
const at = '2026-01-01T00:00:00.000Z'
const baseline: Baseline = {
  aigate: 'baseline',
  version: 1,
  suite: 's',
  suite_version: '1.0.0',
  target,
  response_models: [],
  accepted: { at, by: 'Ada', reason: 'agreed' },
  runs: [{ id: 'r', at, trials: 3, git: null, tool_version: '1.0.0' }],
  cases: cases.map(({ id, hash }) => ({
    id,
    hash,
    passes: 3,
    trials: 3,
    errors: 0,
    scores: [1, 1, 1],
    latencies_ms: [],
    costs_usd: [],
  })),
}

/** The verdict when `broken` cases fail and the first `removed` of them are taken out of the suite. */
function outcome(broken: number, removed: number, more: Partial<GuardRecord> = {}): string {
  const kept = cases.slice(removed)
  const hidden = cases.slice(0, removed)
  const observations = kept.map(({ id }, i) => observe(id, 1, { passed: i + removed >= broken }))
  const guard = { base: 'abc', baseline: null, warnings: [], holds: [], hidden, ...more }
  const frame = {
    cases: kept,
    observations,
    baseline,
    policy: defaultPolicy,
    trials: { min: 1, max: 1 },
    partial: false,
  }
  return judgeChange({ ...frame, quarantine: { guard } }).verdict.outcome
}

it('whatever part of the broken cases is removed, what was proven worse never passes', () => {
  for (let broken = 0; broken <= 24; broken++) {
    if (outcome(broken, 0) !== 'fail') continue
    for (let removed = 0; removed <= broken; removed++)
      expect([broken, removed, outcome(broken, removed)]).not.toContain('pass')
  }
  expect(outcome(12, 0)).toBe('fail')
  expect(outcome(12, 12)).toBe('inconclusive')
})

it('one removed case of eighty passes; a hold never does, and a fail stays one', () => {
  expect(outcome(0, 1)).toBe('pass')
  expect(outcome(0, 0, { holds: ['The suite x is gone.'] })).toBe('inconclusive')
  expect(outcome(24, 0, { holds: ['The suite x is gone.'] })).toBe('fail')
})
