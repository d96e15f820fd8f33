// What is decided about judges: tables, biases, drift, standing, and the corrected rate of a run, each against worked numbers.
import { describe, expect, it } from 'vitest'
import { seeded } from '../../../fixtures/reference/read.ts'
import type { Calibration } from '../../schema/calibration.ts'
import { defaultPolicy } from '../../schema/gate.ts'
import type { GoldCheck, JudgeRecord, JudgeUse, Judging } from '../../schema/judge.ts'
import type { CaseInfo, Observation } from '../../schema/run.ts'
import { roganGladen } from '../../statistics/rogan-gladen.ts'
import { strictestPolicy } from '../change/strictest-policy.ts'
import { calibrate, type Judged, labelsProblem } from './calibrate.ts'
import { correctorOf } from './corrected-rate.ts'
import { goldCheck } from './gold.ts'
import { withStrangers } from './answered-by.ts'
import { continuedJudging, mergedJudging } from './merged-judging.ts'
import { standingOf } from './standing.ts'

const label = (i: number, said: boolean, passed: boolean, more: Partial<Judged> = {}): Judged => ({
  gold: { id: `l${i}`, assert: { rubric: 'x' }, vars: {}, answer: 'x'.repeat(10 + (i % 7)) },
  label: said,
  score: passed ? 1 : 0.25,
  passed,
  votes: [],
  ...more,
})
const labels = (counts: { tp: number; ff: number; fp: number; tf: number }): Judged[] =>
  [
    ...Array.from({ length: counts.tp }, () => [true, true] as const),
    ...Array.from({ length: counts.ff }, () => [true, false] as const),
    ...Array.from({ length: counts.fp }, () => [false, true] as const),
    ...Array.from({ length: counts.tf }, () => [false, false] as const),
  ].map(([said, passed], i) => label(i, said, passed))

describe('a calibration', () => {
  it('has the table, kappa as by hand, and a best threshold', () => {
    const found = calibrate(labels({ tp: 45, ff: 5, fp: 5, tf: 45 }), { threshold: 0.75, seed: 1 })
    expect(found.table).toEqual({ truePass: 45, falseFail: 5, falsePass: 5, trueFail: 45 })
    expect(found.kappa.estimate).toBeCloseTo(0.8, 12)
    expect(found.best_threshold).toEqual({ threshold: 0.75, youden: expect.closeTo(0.8, 12) as number })
    expect(found.position).toBeNull()
    expect(found.gold.length).toBe(50)
  })
  it('without an error of one kind is not taken for infallible', () => {
    const { kappa } = calibrate(labels({ tp: 30, ff: 0, fp: 0, tf: 30 }), { threshold: 0.75, seed: 1 })
    expect(kappa.estimate).toBe(1)
    expect(kappa.low).toBeLessThan(0.95)
  })
  it('finds a threshold that serves better', () => {
    const all = Array.from({ length: 40 }, (_, i) =>
      label(i, i % 2 === 0, i % 2 === 0, { score: i % 2 === 0 ? 0.5 : 0.25, passed: false }),
    )
    expect(calibrate(all, { threshold: 0.75, seed: 1 }).best_threshold).toEqual({ threshold: 0.5, youden: 1 })
  })
  it('sees a liking for the first place, and for length', () => {
    const votes = (first: boolean): JudgeRecord['votes'] => [
      { judge: 'j', score: 1, reason: 'r', order: 'ours first', winner: first ? 'ours' : 'tie' },
      { judge: 'j', score: 0, reason: 'r', order: 'ours second', winner: first ? 'other' : 'tie' },
    ]
    const all = Array.from({ length: 40 }, (_, i) => label(i, i % 2 === 0, i % 4 < 2, { votes: votes(i < 12) }))
    expect(calibrate(all, { threshold: 0.75, seed: 1 }).position).toMatchObject({
      pairs: 40,
      first: 12,
      second: 0,
      p: 2 / 4096,
    })
    const long = Array.from({ length: 80 }, (_, i) => {
      const one = label(i, i % 2 === 0, i % 4 < 2)
      return { ...one, gold: { ...one.gold, answer: 'x'.repeat((one.passed ? 100 : 20) + i) } }
    })
    for (const group of calibrate(long, { threshold: 0.75, seed: 1 }).length) {
      expect(group.longer).toBeGreaterThan(0.9)
      expect(group.p).toBeLessThan(0.001)
    }
  })
  it('needs labels of both kinds, judged', () => {
    expect(labelsProblem(labels({ tp: 20, ff: 0, fp: 0, tf: 20 }))).toBeNull()
    expect(labelsProblem(labels({ tp: 30, ff: 0, fp: 0, tf: 4 }))).toContain('"fail" only 4')
    const lost = labels({ tp: 20, ff: 0, fp: 0, tf: 20 }).map((one) => ({ ...one, passed: null, score: null }))
    expect(labelsProblem(lost)).toContain('only 0 of 40')
  })
})

describe('gold answers', () => {
  const answers = (breaks: number, fixes: number, n: number) =>
    Array.from({ length: n }, (_, i) => {
      const before = i < breaks ? true : i < breaks + fixes ? false : i % 2 === 0
      return { before, now: i < breaks + fixes ? !before : before }
    })
  it.each([
    { breaks: 0, fixes: 0, moved: false },
    { breaks: 2, fixes: 1, moved: false },
    { breaks: 6, fixes: 0, moved: true },
    { breaks: 3, fixes: 3, moved: true },
  ])('$breaks breaks and $fixes fixes of 20: moved $moved', ({ breaks, fixes, moved }) => {
    expect(goldCheck('j', 'rubric', answers(breaks, fixes, 20))).toMatchObject({ moved, breaks, fixes, asked: 20 })
  })
  it('a judge that differs from itself in 5 % is accused in at most 1 % of the runs', () => {
    const random = seeded(2)
    const accused = Array.from({ length: 4000 }, () => {
      const all = Array.from({ length: 20 }, (_, i) => ({
        before: i % 2 === 0,
        now: (i % 2 === 0) !== random.uniform() < 0.05,
      }))
      return goldCheck(
        'j',
        'rubric',
        all.map(({ before, now }) => ({ before, now })),
      ).moved
    }).filter(Boolean).length
    expect(accused / 4000).toBeLessThanOrEqual(0.013)
  })
  it('what could not be judged is no move', () => {
    const all = Array.from({ length: 20 }, () => ({ before: true, now: null }))
    expect(goldCheck('j', 'rubric', all)).toMatchObject({ moved: false, failed: 20, p: 1 })
  })
})

describe('gold answers of several parts', () => {
  const part = (breaks: number, asked = 10, foreign = false) => {
    const check = goldCheck(
      'j',
      'rubric',
      Array.from({ length: asked }, (_, i) => ({ before: true, now: i >= breaks })),
    )
    return foreign ? withStrangers(check, ['m-2'], ['m-1']) : check
  }
  const judging = (gold: GoldCheck[], cost?: number): Judging => ({
    judges: {},
    uses: [],
    gold,
    notes: ['same'],
    ...(cost !== undefined && { cost: { calls: 10, cost_usd: cost } }),
  })
  it('of shards are looked at together: what none proves alone all prove', () => {
    const parts = [part(3), part(3), part(0)]
    expect(parts.map(({ moved }) => moved)).toEqual([false, false, false])
    const whole = mergedJudging(parts.map((one, i) => judging([one], i)))
    expect(whole).toMatchObject({
      gold: [{ moved: true, asked: 30, breaks: 6 }],
      cost: { calls: 30, cost_usd: 3 },
      notes: ['same'],
    })
    expect(mergedJudging([judging([part(0)]), judging([part(0, 10, true)])])?.gold[0]).toMatchObject({ moved: true })
    expect(mergedJudging([undefined, judging([])])?.gold).toEqual([])
    expect(mergedJudging([undefined])).toBeNull()
  })
  it('of a run that is gone on with stand side by side: the judge may have moved in between', () => {
    const both = continuedJudging(judging([part(0)], 1), judging([part(9)], 1))
    expect(both.gold.map(({ moved }) => moved)).toEqual([false, true])
    expect(both.cost).toEqual({ calls: 20, cost_usd: 2 })
  })
  it('another model than was calibrated has moved, whatever it says; nobody told is nobody else', () => {
    expect(part(0, 10, true)).toMatchObject({ moved: true, sentence: expect.stringContaining('m-2 answers') as string })
    expect(withStrangers(part(0), ['m-2'], undefined).moved).toBe(false)
    expect(withStrangers(part(0), [], ['m-1']).moved).toBe(false)
  })
})

const table = { truePass: 90, falseFail: 10, falsePass: 12, trueFail: 68 }
const use: JudgeUse = {
  judge: 'j',
  type: 'rubric',
  table,
  kappa: 0.75,
  threshold: 0.75,
  sample_of: null,
  at: null,
  corrects: true,
  weak: false,
  note: null,
}
const info = (i: number): CaseInfo => ({ id: `c${i}`, hash: 'h', tags: [], critical: false, file: 'f', line: 1 })
const judged: JudgeRecord = {
  votes: [{ judge: 'j', score: 1, reason: 'r' }],
  spread: 0,
  calls: 1,
  replayed: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
}
function observed(i: number, { plain, says }: { plain: boolean; says?: boolean }): Observation {
  const score = (passed: boolean) => ({
    assertion: 'a',
    passed,
    score: Number(passed),
    weight: 1,
    reason: '',
    deterministic: true,
  })
  const passed = plain && says !== false
  return {
    case: `c${i}`,
    trial: 1,
    purpose: 'pass',
    passed,
    score: Number(passed),
    completion: { outcome: 'answered', text: `answer ${i}`, tool_calls: [], attempts: 1 },
    scores: [score(plain), ...(says === undefined ? [] : [{ ...score(says), type: 'rubric', judged }])],
  }
}

describe('the corrected rate', () => {
  const cases = Array.from({ length: 100 }, (_, i) => info(i))
  const all = new Set(cases.map(({ id }) => id))
  const rate = (observations: Observation[], uses: JudgeUse[] = [use], target?: string) =>
    correctorOf({ cases, observations, uses, target })
  it('is that of Rogan and Gladen where the judge alone decides', () => {
    const found = rate(cases.map((_, i) => observed(i, { plain: true, says: i < 80 })))?.rateOf(all, 0.95)
    const wanted = roganGladen(80, 100, table, 0.9)
    expect(found).toMatchObject({
      estimate: wanted?.estimate,
      low: wanted?.low,
      high: wanted?.high,
      method: 'Rogan-Gladen',
    })
  })
  it('leaves alone what other assertions failed, and cases without a judge', () => {
    const half = cases.map((_, i) =>
      i < 50 ? observed(i, { plain: i < 45 }) : observed(i, { plain: i < 90, says: i < 82 }),
    )
    const found = rate(half)?.rateOf(all, 0.95)
    // 45 of 50 without a judge; of the other 50, 40 pass all else and the judge passes 32 of those.
    const judgedShare = roganGladen(32, 40, table, 0.9)?.estimate ?? 0
    expect(found?.estimate).toBeCloseTo(0.5 * 0.9 + 0.5 * 0.8 * judgedShare, 12)
    expect(found?.low).toBeLessThan(found?.estimate ?? 0)
  })
  it('of a category is none by PPI++: the labels are a sample of all cases, whose rate is another one', () => {
    const some = cases.map((_, i) => observed(i, { plain: true, says: i < 80 }))
    const half = new Set([...all].slice(50))
    expect(rate(some, [{ ...use, sample_of: 'here' }], 'here')?.rateOf(half, 0.95)?.method).toBe('Rogan-Gladen')
  })
  it('of new cases is wider than of these', () => {
    const uneven = cases.map((_, i) => observed(i, { plain: true, says: i < 80 }))
    const again = uneven.map((one) => ({
      ...one,
      trial: 2,
      completion: { ...one.completion, text: `${one.completion.text} again` },
    }))
    const found = rate([...uneven, ...again])
    const width = (scope: 'suite' | 'population') => {
      const { low = 0, high = 0 } = found?.rateOf(all, 0.95, scope) ?? {}
      return high - low
    }
    expect(width('population')).toBeGreaterThan(width('suite'))
  })
  it('counts no case in which there was nothing to compare, and no judge was asked', () => {
    const nothing = { ...judged, votes: [{ judge: 'nobody', score: 0.5, reason: 'r' }] }
    const some = cases.map((_, i) => observed(i, { plain: true, says: i < 80 }))
    const first = some.map((one, i) =>
      i < 10
        ? { ...one, scores: one.scores.map((score) => (score.judged ? { ...score, judged: nothing } : score)) }
        : one,
    )
    const found = rate(first)
    expect(found?.problem).toBeNull()
    expect(found?.judged.size).toBe(90)
  })
  it('is PPI++ only for the very target that the labels are a sample of', () => {
    const some = cases.map((_, i) => observed(i, { plain: true, says: i < 80 }))
    const sampled = { ...use, sample_of: 'here' }
    expect(rate(some, [sampled], 'here')?.rateOf(all, 0.95)?.method).toBe('PPI++')
    expect(rate(some, [sampled], 'elsewhere')?.rateOf(all, 0.95)?.method).toBe('Rogan-Gladen')
  })
  it('is not given where nothing is calibrated, or several judge one case', () => {
    const some = cases.map((_, i) => observed(i, { plain: true, says: i < 80 }))
    expect(rate(some, [{ ...use, corrects: false }])).toBeNull()
    expect(rate(cases.map((_, i) => observed(i, { plain: true })))).toBeNull()
    const twice = some.map((one) => ({ ...one, scores: [...one.scores, ...one.scores.slice(1)] }))
    expect(rate(twice)?.problem).toContain('several assertions')
    const other = [{ ...use, judge: 'k' }]
    expect(rate(some, other)?.problem).toContain('not calibrated')
  })
})

describe('the standing of a judge', () => {
  const made = calibrate(labels({ tp: 45, ff: 5, fp: 5, tf: 45 }), { threshold: 0.75, seed: 1 })
  const calibration: Calibration = {
    aigate: 'calibration',
    version: 1,
    judge: 'j',
    types: {
      rubric: {
        identity: 'now',
        prompts: [],
        threshold: 0.75,
        sample_of: null,
        at: '2026-11-01T00:00:00Z',
        tool_version: '0',

        labels: { file: 'labels.jsonl', hash: 'h', n: 100, not_judged: 0 },
        ...made,
      },
    },
  }
  const wanted = {
    judge: 'j',
    type: 'rubric',
    identity: 'now',
    thresholds: new Set([0.75]),
    weighed: false,
    several: false,
    minKappa: undefined,
    uncalibrated: 'block',
  } as const
  it.each([
    { what: 'fitting', more: {}, corrects: true, weak: false, note: null },
    { what: 'stale', more: { identity: 'later' }, corrects: false, weak: false, note: /not used/ },
    { what: 'weak', more: { minKappa: 0.9 }, corrects: false, weak: true, note: /only a warning/ },
    {
      what: 'of another threshold',
      more: { thresholds: new Set([0.5]) },
      corrects: false,
      weak: false,
      note: /pass from 0.5 on/,
    },
    { what: 'asked with several votes', more: { several: true }, corrects: false, weak: false, note: /votes/ },
    { what: 'in weighed cases', more: { weighed: true }, corrects: false, weak: false, note: /weigh/ },
  ])('$what', ({ more, corrects, weak, note }) => {
    const found = standingOf({ ...wanted, ...more }, calibration)
    expect(found).toMatchObject({ corrects, weak })
    if (note === null) expect(found.note).toBeNull()
    else expect(found.note).toMatch(note)
  })
  it('without a calibration that fits may only warn where the policy says so', () => {
    const uncalibrated = 'warn' as const
    const note = expect.stringContaining('only a warning') as string
    expect(standingOf({ ...wanted, uncalibrated }, null)).toMatchObject({ weak: true, kappa: null, note })
    expect(standingOf({ ...wanted, uncalibrated, identity: 'later' }, calibration)).toMatchObject({ weak: true, note })
    expect(standingOf({ ...wanted, uncalibrated }, calibration)).toMatchObject({ weak: false, corrects: true })
  })
  it('without a calibration may block, and that is said', () => {
    expect(standingOf(wanted, null)).toMatchObject({
      weak: false,
      table: null,
      note: expect.stringContaining('not calibrated') as string,
    })
  })
})

it('a change may lower min_kappa, but raising it waits for the merge', () => {
  const raised = strictestPolicy(defaultPolicy, { ...defaultPolicy, min_kappa: 0.9 })
  expect(raised.policy.min_kappa).toBe(0.6)
  expect(raised.loosened).toEqual(['min_kappa: 0.6 -> 0.9'])
  expect(strictestPolicy(defaultPolicy, { ...defaultPolicy, min_kappa: 0.5 }).policy.min_kappa).toBe(0.5)
  const loosened = strictestPolicy(defaultPolicy, { ...defaultPolicy, uncalibrated_judges: 'warn' })
  expect(loosened.policy.uncalibrated_judges).toBeUndefined()
  expect(loosened.loosened).toEqual(['uncalibrated_judges: not set -> warn'])
})
