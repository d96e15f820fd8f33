// Raw thresholds: what they block, that nothing is undecided, and that the sentence on their false blocks tells the truth.
import { describe, expect, it } from 'vitest'
import { countsOf, drawWorld, streamOf } from '../../../bench/world.ts'
import { GatePolicyInput } from '../../schema/gate.ts'
import { Verdict } from '../../schema/verdict.ts'
import { type NaiveCount, naiveBlocks, naiveFalseBlockRate, naiveRules } from './naive.ts'
import { baselineOf, casesOf, judged, observe, passesOf, policyOf } from '../run-testing.ts'

const cases = casesOf(100, (i) => ({ category: i < 60 ? 'a' : 'b' }))
const baseline = baselineOf(cases)
const run = (failing: (i: number) => boolean, policy = {}, more = {}) =>
  judged({
    cases,
    baseline,
    observations: passesOf(cases, 1, (i) => ({ passed: !failing(i) })),
    trials: { min: 1, max: 3 },
    policy: policyOf({ naive: {}, ...policy }),
    ...more,
  })

describe('raw thresholds', () => {
  it.each([
    { name: 'nothing changed', failing: () => false, outcome: 'pass' },
    {
      name: 'down by exactly 2 points',
      failing: (i: number) => i === 0 || i === 99,
      outcome: 'fail',
      of: ['regression/b'],
    },
    { name: 'a category down by less', failing: (i: number) => i === 0, outcome: 'pass' },
    {
      name: 'the suite down by more',
      failing: (i: number) => [0, 1, 2].includes(i),
      outcome: 'fail',
      of: ['regression', 'regression/a'],
    },
    {
      name: 'below the floor',
      failing: (i: number) => i < 16,
      outcome: 'fail',
      of: ['floor', 'regression', 'regression/a'],
    },
  ])('$name: $outcome', ({ failing, outcome, of = [] }) => {
    const { verdict, next } = run(failing)
    expect(verdict).toMatchObject({ outcome, measured: outcome, passes: 1 })
    expect(next).toBeNull()
    expect(verdict.gates.flatMap(({ id, outcome: found }) => (found === 'fail' ? [id] : [])).sort()).toEqual(of.sort())
    expect(() => Verdict.parse(verdict)).not.toThrow()
  })

  it('say that they look away from chance, and how often they block for nothing', () => {
    const { verdict } = run((i) => i % 20 === 0)
    expect(verdict.warnings[0]).toMatch(
      /^Raw thresholds decide here \(`naive`\), without regard to chance\. On this suite they block about \d+\.\d % of the changes that change nothing \(2,000 repeats of 100 cases with 1 trials? each.*at most 5\.0 %\.$/,
    )
    expect(verdict.gates.find(({ id }) => id === 'regression')?.sentence).toBe(
      'Pass rate 95.0 % against 100.0 %: 5.0 points lower, threshold 2.0 points. The raw threshold is broken.',
    )
    expect(run(() => false, { naive: undefined }).verdict.warnings.join('\n')).not.toMatch(/Raw thresholds/)
  })

  it('leave coverage and critical cases as they are', () => {
    const errors = passesOf(cases, 1, (i) => ({ passed: i < 50 ? null : true }))
    expect(run(() => false, {}, { observations: errors }).verdict.outcome).toBe('invalid')
    const critical = cases.map((one, i) => ({ ...one, critical: i === 0 }))
    const broken = passesOf(cases, 1, (i) => ({ passed: i > 0 }))
    const off = { naive: { min_pass_rate: false, max_drop: false, max_category_drop: 0.5 } }
    expect(run(() => false, off, { cases: critical, observations: broken }).verdict.outcome).toBe('fail')
  })

  it('without a baseline are the floor alone', () => {
    const { verdict } = run((i) => i < 15, {}, { baseline: null })
    expect(verdict.gates.map(({ id }) => id)).toEqual(['coverage', 'floor'])
    expect(verdict.outcome).toBe('pass')
    expect(run((i) => i < 16, {}, { baseline: null }).verdict.outcome).toBe('fail')
  })

  it('are undecided about drops when nothing of the baseline can be compared', () => {
    const changed = baselineOf(cases.map((one) => ({ ...one, hash: 'other' })))
    const stale = baselineOf(cases.map((one, i) => (i < 50 ? { ...one, hash: 'other' } : one)))
    for (const baseline of [changed, stale]) {
      const { verdict } = run((i) => i < 12, {}, { baseline })
      expect(verdict.outcome).toBe('inconclusive')
      expect(verdict.gates.filter(({ kind }) => kind === 'regression')).toMatchObject([
        { id: 'regression', outcome: 'inconclusive', limit: 0.02, needed: expect.stringContaining('baseline record') },
      ])
      // The floor still decides, and without a rule on drops nothing is missing.
      expect(run((i) => i < 16, {}, { baseline }).verdict.outcome).toBe('fail')
      const off = { naive: { max_drop: false, max_category_drop: false } }
      expect(run((i) => i < 12, off, { baseline }).verdict.outcome).toBe('pass')
      const drops = run((i) => i < 12, { naive: { min_pass_rate: false } }, { baseline }).verdict.warnings.join('\n')
      expect(drops).not.toMatch(/No raw threshold is left/)
      expect(drops).toMatch(/only those on drops are on, and nothing could be compared/)
    }
  })

  it('leave the floors of categories as they are', () => {
    const floors = { categories: { b: { min_pass_rate: 1 } }, naive: { max_drop: 0.5, max_category_drop: 0.5 } }
    const { verdict } = run((i) => i === 99, floors)
    expect(verdict.outcome).toBe('fail')
    expect(verdict.gates.filter(({ outcome }) => outcome === 'fail')).toMatchObject([{ id: 'floor/b', n: 40 }])
    expect(run(() => false, floors).verdict.outcome).toBe('pass')
    expect(new Set(verdict.gates.map(({ id }) => id)).size).toBe(verdict.gates.length)
  })

  it('say that there is no baseline when a raw drop is wanted, and only then', () => {
    const said = (policy: object) => run(() => false, policy, { baseline: null }).verdict.warnings.join('\n')
    expect(said({ max_regression: false })).toMatch(/There is no baseline/)
    expect(said({ naive: { max_drop: false, max_category_drop: false } })).not.toMatch(/There is no baseline/)
  })

  it('can be switched off one by one, and all of them is said', () => {
    const counts: NaiveCount[] = [{ category: 'a', passes: 0, trials: 1, basePasses: 5, baseTrials: 5 }]
    const kinds = (policy: Parameters<typeof naiveRules>[1]) =>
      naiveRules(counts, policy).map(({ kind, category }) => `${kind} ${category}`)
    expect(kinds({})).toEqual(['floor null', 'regression null', 'regression a'])
    expect(kinds({ min_pass_rate: false })).toEqual(['regression null', 'regression a'])
    expect(kinds({ max_drop: false })).toEqual(['floor null', 'regression a'])
    expect(kinds({ max_category_drop: false })).toEqual(['floor null', 'regression null'])
    const none = run(() => true, { naive: { min_pass_rate: false, max_drop: false, max_category_drop: false } })
    expect(none.verdict.warnings.join('\n')).toMatch(/No raw threshold is left/)
  })

  it('are read from YAML', () => {
    expect(GatePolicyInput.parse({ naive: { max_drop: '2%', min_pass_rate: false } })).toEqual({
      naive: { max_drop: 0.02, min_pass_rate: false },
    })
    expect(GatePolicyInput.safeParse({ naive: { drop: 0.02 } }).success).toBe(false)
  })

  it('do not count what was not measured', () => {
    const some = [observe('c000', 1, { passed: null }), ...passesOf(cases.slice(1), 1)]
    expect(run(() => false, {}, { observations: some }).verdict.gates.find(({ id }) => id === 'regression')?.n).toBe(99)
  })
})

describe('the false-block rate', () => {
  const policy = { min_pass_rate: false, max_drop: false, max_category_drop: 0.02 } as const

  it('is what it is said to be: near the true rate of unchanged changes, averaged over suites', () => {
    const world = {
      cases: 100,
      categories: 4,
      mean: 0.9,
      icc: 0.5,
      baseTrials: 5,
      change: { points: 0, kind: 'diffuse' as const },
    }
    const draws = Array.from({ length: 400 }, (_, i) => countsOf(drawWorld(world, 3, streamOf(3, 0, i)), 3, 'baseline'))
    const truth = draws.filter((counts) => naiveBlocks(counts, policy)).length / draws.length
    const said = draws.slice(0, 40).map((counts) => naiveFalseBlockRate(counts, policy, { draws: 200 }))
    const average = said.reduce((a, b) => a + b, 0) / said.length
    expect(truth).toBeGreaterThan(0.4)
    // 400 draws know the truth to 7.5 points (3 standard errors); the estimate may be off by 5 more.
    expect(Math.abs(average - truth)).toBeLessThan(0.125)
  })

  it('is the same for the same seed, lies from 0 to 1, and falls with the threshold', () => {
    const counts = countsOf(
      drawWorld(
        { cases: 50, categories: 2, mean: 0.9, icc: 0.5, baseTrials: 5, change: { points: 0, kind: 'diffuse' } },
        1,
        streamOf(4, 0, 0),
      ),
      1,
      'baseline',
    )
    const rates = [0, 0.02, 0.05, 0.1, 0.5].map((limit) =>
      naiveFalseBlockRate(counts, { ...policy, max_category_drop: limit }, { draws: 300 }),
    )
    expect(naiveFalseBlockRate(counts, policy, { draws: 300 })).toBe(rates[1])
    const seeds = [1, 2, 3, 4].map((seed) => naiveFalseBlockRate(counts, policy, { draws: 300, seed }))
    expect(new Set(seeds).size).toBeGreaterThan(1)
    expect(rates).toEqual([...rates].sort((a, b) => b - a))
    expect(rates[0]).toBeGreaterThan(0.3)
    expect(rates[4]).toBe(0)
  })

  it('is that of the baseline, however broken the candidate is', () => {
    const counts = (passes: number) =>
      Array.from({ length: 30 }, (_, i): NaiveCount => {
        return { category: 'a', passes, trials: 1, basePasses: i < 3 ? 2 : 5, baseTrials: 5 }
      })
    expect(naiveFalseBlockRate(counts(0), policy)).toBe(naiveFalseBlockRate(counts(1), policy))
    const alone = counts(0).map(({ category, passes, trials }) => ({ category, passes, trials }))
    expect(naiveFalseBlockRate(alone, { min_pass_rate: 0.85 })).toBeGreaterThan(0.9)
  })

  it('is not 0 for a suite that never failed yet', () => {
    const perfect = Array.from({ length: 20 }, (): NaiveCount => {
      return { category: 'a', passes: 1, trials: 1, basePasses: 1, baseTrials: 1 }
    })
    const rate = naiveFalseBlockRate(perfect, policy)
    expect(rate).toBeGreaterThan(0)
    expect(rate).toBeLessThan(0.5)
  })
})
