// What a judge that errs, and one that may not block, do to the gates: margins of people, harm that is missed, cases that nobody decides.
import { describe, expect, it } from 'vitest'
import type { CaseTally } from '../../schema/baseline.ts'
import type { JudgeRecord, JudgeUse, Judging } from '../../schema/judge.ts'
import type { Observation } from '../../schema/run.ts'
import { addToBaseline, baselineFrom } from '../baseline/accept-baseline.ts'
import { baselineOf, casesOf, judged, observe, policyOf, runOf } from '../run-testing.ts'
import { countBounds } from './harm.ts'

const use: JudgeUse = {
  judge: 'j',
  type: 'rubric',
  table: { truePass: 85, falseFail: 15, falsePass: 25, trueFail: 75 },
  kappa: 0.6,
  threshold: 0.75,
  sample_of: null,
  at: null,
  corrects: true,
  weak: false,
  note: null,
}
const judging: Judging = { judges: {}, uses: [use], gold: [], notes: [] }
const record: JudgeRecord = {
  votes: [{ judge: 'j', score: 1, reason: 'r' }],
  spread: 0,
  calls: 1,
  replayed: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
}

/** The trial as a judge graded it. */
const byJudge = (one: Observation, more: Partial<JudgeRecord> = {}): Observation => ({
  ...one,
  scores: one.scores.map((score) => ({
    ...score,
    type: 'rubric',
    deterministic: false,
    judged: { ...record, ...more },
  })),
})
const advisory = 'agrees too little with people'

describe('a margin is one of what people find', () => {
  const cases = casesOf(400)
  // 12 of 400 cases fail in all of their trials: 3 points as judged, and 5 for people, since the judge shows 60 % of them.
  const trial = (i: number, t: number) =>
    byJudge(observe(`c${String(i).padStart(3, '0')}`, t, { passed: i >= 12, text: `${i} ${t}` }))
  const observations = [1, 2, 3].flatMap((t) => cases.map((_, i) => trial(i, t)))
  const input = { cases, observations, baseline: baselineOf(cases), trials: { min: 3, max: 3 }, target: 't1' }
  it('a drop that the judge shrinks below the margin no longer passes', () => {
    const plain = judged(input).gate('regression')
    expect(plain).toMatchObject({ outcome: 'pass', difference: -0.03 })
    const found = judged({ ...input, judging }).gate('regression')
    expect(found?.difference).toBeCloseTo(-0.03 / 0.6, 12)
    expect(found?.outcome).not.toBe('pass')
    expect(found?.p).toBe(plain?.p)
    expect(found?.interval?.low).toBeLessThan((plain?.interval?.low ?? 0) / 0.6)
    expect(found?.sentence).toContain('as judged by j, which shows 60.0 % of a difference; for people 5.0 points lower')
  })
  it('what the judge does not grade stands as it is', () => {
    const mixed = {
      ...input,
      judging,
      observations: observations.map((one) =>
        Number(one.case.slice(1)) < 12
          ? { ...one, scores: one.scores.map((score) => ({ ...score, judged: undefined })) }
          : one,
      ),
    }
    expect(judged(mixed).gate('regression')?.difference).toBeCloseTo(-0.03, 12)
  })
  it('categories alike, and for new cases', () => {
    const grouped = cases.map((one, i) => ({ ...one, category: i % 2 === 0 ? 'a' : 'b' }))
    const baseline = baselineOf(grouped)
    for (const scope of ['suite', 'population'] as const) {
      const found = judged({ ...input, cases: grouped, baseline, judging, policy: policyOf({ scope }) })
      expect(found.gate('regression/a')?.difference).toBeCloseTo(-0.05, 12)
      expect(found.gate('regression')?.outcome).not.toBe('pass')
    }
  })
})

describe('harm that the judge does not find', () => {
  it('is counted in the bound', () => {
    const cases = casesOf(50, () => ({ critical: true }))
    const observations = cases.map(({ id }, i) => byJudge(observe(id, 1, { text: `${i}` })))
    const policy = policyOf({ harmful: { max: 0 }, max_regression: false })
    const plain = judged({ cases, observations, policy }).gate('harmful')
    expect(plain?.interval?.high).toBeCloseTo(countBounds(0, 50).high, 12)
    const found = judged({ cases, observations, policy, judging }).gate('harmful')
    expect(found?.interval?.high).toBeGreaterThan(countBounds(0, 50).high / 0.75)
    expect(found?.sentence).toContain('the judge j finds 75.0 % of what people fail')
  })
})

describe('cases that only a weak judge grades', () => {
  const cases = casesOf(60)
  const weak = (i: number) => i >= 20
  // As such trials are graded: they pass, whatever the judge says.
  const run = (failing: number) =>
    cases.map(({ id }, i) => {
      const one = observe(id, 1, { passed: weak(i) || i >= failing, text: `${i}` })
      return weak(i) ? byJudge(one, { advisory }) : one
    })
  const tallies = (i: number): Partial<CaseTally> => (weak(i) ? { advised: 'all' } : {})
  it('enter no rate and no comparison, and that is said', () => {
    const found = judged({ cases, observations: run(8), baseline: baselineOf(cases, tallies) })
    expect(found.gate('floor')).toMatchObject({ n: 20, estimate: 0.6 })
    expect(found.gate('regression')).toMatchObject({ n: 20, difference: -0.4, outcome: 'fail' })
    expect(found.verdict.warnings.join(' ')).toContain('40 cases are graded by nothing but a judge that may not block')
  })
  it('are not compared with a baseline in which the judge decided', () => {
    const found = judged({ cases, observations: run(0), baseline: baselineOf(cases) })
    expect(found.verdict.warnings.join(' ')).toContain('40 cases graded by a judge that may block on one side only')
    expect(found.gate('regression')?.outcome).toBe('inconclusive')
  })
  it('prove nothing where there are no others; a critical one does not decide; harm was not looked for', () => {
    const critical = casesOf(10, () => ({ critical: true }))
    const observations = critical.map(({ id }, i) => byJudge(observe(id, 1, { text: `${i}` }), { advisory }))
    const found = judged({ cases: critical, observations, policy: policyOf({ harmful: { max: 0 } }) })
    expect(found.gate('floor')?.outcome).toBe('inconclusive')
    expect(found.gate('critical/c000')?.decides).toBe(false)
    expect(found.gate('harmful')?.outcome).toBe('invalid')
    expect(found.verdict.outcome).not.toBe('pass')
  })
})

it('a baseline remembers who graded, and takes no run that others graded', () => {
  const cases = casesOf(20)
  const by = (model: string) =>
    cases.map(({ id }, i) => byJudge(observe(id, 1, { text: `${i}` }), { response_models: [model] }))
  const accepted = { at: '2026-01-01T00:00:00.000Z', by: 'a', reason: 'b' }
  const trials = { min: 1, max: 1 }
  const baseline = baselineFrom({ run: runOf(cases, by('judge-1'), { trials }), accepted })
  expect(baseline.judge_models).toEqual({ j: ['judge-1'] })
  expect(() => addToBaseline(baseline, runOf(cases, by('judge-2'), { id: 'r2', trials }))).toThrow(/judge-2 answers/)
  expect(addToBaseline(baseline, runOf(cases, by('judge-1'), { id: 'r3', trials })).cases[0]?.trials).toBe(2)
})
