// What a report says of each trial and assertion: in order, unmeasured ones marked, and the reason of a failure first.
import { expect, it } from 'vitest'
import type { Observation } from '../../schema/run.ts'
import { caseDetail } from './case-detail.ts'

const score = (assertion: string, passed: boolean, reason: string) => ({
  assertion,
  passed,
  score: passed ? 1 : 0,
  weight: 1,
  reason,
  deterministic: true,
})
const observation = (trial: number, change: Partial<Observation>): Observation => ({
  case: 'a',
  trial,
  purpose: 'pass',
  completion: { outcome: 'answered', text: 'x', tool_calls: [], attempts: 1, latency_ms: 100 * trial, cost_usd: 0.01 },
  scores: [],
  passed: true,
  score: 1,
  ...change,
})

it('tells every trial and every assertion, and the reason of the first failure', () => {
  const silent = { outcome: 'timeout' as const, text: '', tool_calls: [], attempts: 3 }
  const found = caseDetail(
    [
      observation(1, { scores: [score('contains', true, 'found'), score('max_words', true, '3 words')] }),
      observation(2, { completion: silent, passed: null, score: null }),
      observation(3, {
        passed: false,
        score: 0.5,
        scores: [score('contains', true, 'found'), score('max_words', false, '9 words')],
      }),
      observation(4, { passed: true, grader_error: 'no such program', scores: [score('contains', false, 'unsure')] }),
    ],
    undefined,
  )
  expect(found).toEqual({
    trials: [
      { trial: 1, passed: true, latency_ms: 100, cost_usd: 0.01 },
      { trial: 2, passed: null, latency_ms: null, cost_usd: null },
      { trial: 3, passed: false, latency_ms: 300, cost_usd: 0.01 },
      { trial: 4, passed: null, latency_ms: 400, cost_usd: 0.01 },
    ],
    assertions: [
      { assertion: 'contains', passed: [true, null, true, null], reason: 'found' },
      { assertion: 'max_words', passed: [true, null, false, null], reason: '9 words' },
    ],
    before_latency_ms: null,
    before_cost_usd: null,
  })
})

it('has the median latency and the mean cost of the baseline', () => {
  const old = {
    id: 'a',
    hash: 'h',
    passes: 3,
    trials: 3,
    errors: 0,
    scores: [],
    latencies_ms: [10, 30, 20],
    costs_usd: [1, 2],
  }
  expect(caseDetail([observation(1, {})], old)).toMatchObject({
    before_latency_ms: 20,
    before_cost_usd: 1.5,
    assertions: [],
  })
})
