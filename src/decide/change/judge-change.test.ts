// No removal of cases turns a proven regression into a pass, however they are chosen; honest small changes pass.
import { expect, it } from 'vitest'
import type { Baseline } from '../../schema/baseline.ts'
import { defaultPolicy } from '../../schema/gate.ts'
import type { GuardRecord } from '../../schema/run.ts'
import { judgeChange } from './judge-change.ts'
import { casesOf, observe, target } from '../run-testing.ts'

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

const tagless = cases.slice(N / 2).map(({ id }) => id)

/**
 * As `outcome`, where only cases with the tag are asked, which the first half has at the base. A negative number of
 * cases is removed from the other half.
 */
function partial(
  broken: number,
  removed: number,
  selection: { tags?: string[]; cases?: string[] } | undefined,
): string {
  const tagged = cases.map((info, i) => ({ ...info, tags: i < N / 2 ? ['smoke'] : [] }))
  const hidden = removed < 0 ? tagged.slice(N / 2, N / 2 - removed) : tagged.slice(0, removed)
  const kept = tagged.slice(Math.max(0, removed), N / 2)
  const observations = kept.map(({ id }, i) => observe(id, 1, { passed: i + removed >= broken || removed < 0 }))
  const guard = { base: 'abc', baseline: null, warnings: [], holds: [], hidden }
  const frame = {
    cases: kept,
    observations,
    baseline,
    policy: defaultPolicy,
    trials: { min: 1, max: 1 },
    partial: true,
  }
  return judgeChange({ ...frame, quarantine: { guard, ...(selection && { selection }) } }).verdict.outcome
}

it('a selection hides nothing that it would have chosen, and nothing else counts', () => {
  expect(partial(0, 0, { tags: ['smoke'] })).toBe('pass')
  expect(partial(9, 0, { tags: ['smoke'] })).toBe('fail')
  expect(partial(9, 9, { tags: ['smoke'] })).toBe('inconclusive')
  expect(partial(9, 9, undefined)).toBe('inconclusive')
  // The removed cases belong to the half without the tag.
  expect(partial(0, -9, { tags: ['smoke'] })).toBe('pass')
  expect(partial(0, -9, { cases: tagless.slice(0, 9) })).toBe('inconclusive')
})

it('added cases that pass lift no floor; those that fail count', () => {
  const easy = Array.from({ length: 900 }, (_, i) => ({ ...cases[0]!, id: `n${i}` }))
  const policy = { ...defaultPolicy, min_pass_rate: 0.95, max_regression: false as const }
  const guard = { base: 'abc', baseline: null, warnings: [], holds: [], hidden: [], added: easy.map(({ id }) => id) }
  const judged = (broken: number, lost: number, more: Partial<GuardRecord>) => {
    const all = [...cases, ...easy].filter(({ id }) => !more.hidden?.some((info) => info.id === id))
    const observations = all.map(({ id }) => {
      const i = cases.findIndex((info) => info.id === id)
      return observe(id, 1, { passed: i >= 0 ? i >= broken : Number(id.slice(1)) >= lost })
    })
    const frame = { cases: all, observations, baseline, policy, trials: { min: 1, max: 1 }, partial: false }
    return judgeChange({ ...frame, quarantine: { guard: { ...guard, ...more } } }).verdict
  }
  expect(judged(12, 0, { added: [] }).outcome).toBe('pass')
  expect(judged(12, 0, {})).toMatchObject({
    outcome: 'fail',
    reasons: [expect.stringMatching(/^On the 80 cases of the base, without those that are added: .*below the floor/)],
  })
  expect(judged(0, 0, {}).outcome).toBe('pass')
  expect(judged(0, 200, {}).outcome).toBe('fail')
  expect(judged(12, 0, { hidden: cases.slice(0, 12) }).outcome).toBe('inconclusive')
})

it('while the verdict on the cases of the base is open, more is asked', () => {
  const easy = Array.from({ length: 900 }, (_, i) => ({ ...cases[0]!, id: `n${i}` }))
  const all = [...cases, ...easy]
  const observations = all.map(({ id }) => observe(id, 1, { passed: cases.findIndex((info) => info.id === id) !== 0 }))
  const guard = { base: 'abc', baseline: null, warnings: [], holds: [], hidden: [], added: easy.map(({ id }) => id) }
  const policy = {
    ...defaultPolicy,
    min_pass_rate: 0.95,
    max_regression: false as const,
    burden: 'prove-good' as const,
  }
  const frame = { cases: all, observations, baseline, policy, trials: { min: 1, max: 3 }, partial: false }
  const { verdict, next } = judgeChange({ ...frame, quarantine: { guard } })
  expect(verdict.outcome).toBe('inconclusive')
  expect(next).toEqual({ kind: 'pass', trial: 2 })
  expect(judgeChange({ ...frame, quarantine: { guard: { ...guard, added: [] } } }).next).toBeNull()
})
