// What an explanation claims, checked against the decision itself: each number is enough, and one less is not.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { caseReport, regressedCase } from '../../../fixtures/report/sample.ts'
import { ExplanationReport } from '../../schema/explanation.ts'
import type { Needed } from '../../schema/explanation.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { CaseInfo } from '../../schema/run.ts'
import { smallest } from './explain-changes.ts'
import { failedAssertions, lossOf } from './explain-loss.ts'
import { explainSuite, explanationOf } from './explain.ts'
import { countRun, judge, type JudgeInput } from '../gate/judge.ts'
import { baselineOf, casesOf, observe, passesOf, policyOf, runOf } from '../run-testing.ts'
import { suiteReport } from './suite-report.ts'

const explain = (input: JudgeInput) => {
  const { verdict } = judge(input)
  const run = runOf(input.cases, input.observations)
  const report = suiteReport({ run, runFile: 'r', baseline: input.baseline, baselineFile: 'b', verdict })
  return explainSuite(report, countRun(input))
}
const inputOf = (cases: CaseInfo[], change: Partial<JudgeInput>): JudgeInput => ({
  cases,
  observations: passesOf(cases, 1),
  baseline: baselineOf(cases),
  policy: policyOf(),
  trials: { min: 1, max: 1 },
  partial: false,
  ...change,
})
const outcomeOf = (input: JudgeInput, id: string) => judge(input).verdict.gates.find((gate) => gate.id === id)?.outcome
const need = (found: readonly Needed[] | undefined, change: Needed['change'], to?: Needed['to']) =>
  found?.find((one) => one.change === change && (to === undefined || one.to === to))

/** The first n cases fail in every trial; `healed` of them, the first by id, pass again. */
const failing = (cases: CaseInfo[], n: number, trials: number, healed = 0) =>
  passesOf(cases, trials, (i) => ({ passed: i >= n || i < healed }))

describe('what would have been needed', () => {
  it.each([
    [60, 14, 3],
    [67, 30, 1],
    [100, 20, 1],
    [200, 60, 2],
  ])('%i cases, %i lost, %i trials: so many fewer lost cases, and no fewer', (n, lost, trials) => {
    const cases = casesOf(n)
    const input = inputOf(cases, { observations: failing(cases, lost, trials), trials: { min: trials, max: trials } })
    const found = explain(input)
    expect(found).toMatchObject({ outcome: 'fail', question: 'Why was it blocked?', loss: { lost, gained: 0 } })
    const cause = found.causes.find(({ id }) => id === 'regression')
    const healedTo = (k: number) => outcomeOf({ ...input, observations: failing(cases, lost, trials, k) }, 'regression')
    const off = need(cause?.needed, 'fewer_lost', 'inconclusive')
    const pass = need(cause?.needed, 'fewer_lost', 'pass')
    const first = (wanted: (outcome: string | undefined) => boolean) =>
      Array.from({ length: lost }, (_, k) => k + 1).find((k) => wanted(healedTo(k)))
    expect(pass?.amount ?? null).toBe(first((outcome) => outcome === 'pass') ?? null)
    const passes = pass?.amount ?? Infinity
    const stops = first((outcome) => outcome !== 'fail') ?? Infinity
    expect(off?.amount ?? null).toBe(stops < passes ? stops : null)
    expect(Math.min(stops, passes)).toBeLessThan(Infinity)
  })

  it('names the margin, in whole points, that would have let it through', () => {
    const cases = casesOf(100)
    const input = inputOf(cases, { observations: failing(cases, 12, 3), trials: { min: 3, max: 3 } })
    const at = (max_regression: number) => outcomeOf({ ...input, policy: policyOf({ max_regression }) }, 'regression')
    const limit = need(explain(input).causes[0]?.needed, 'limit')?.amount ?? Number.NaN
    expect(at(limit)).toBe('pass')
    expect(at(limit - 0.01)).not.toBe('pass')
    expect(Number((limit * 100).toFixed(6)) % 1).toBe(0)
    // From one point below it is the next one.
    const near = explain({ ...input, policy: policyOf({ max_regression: Number((limit - 0.01).toFixed(2)) }) })
    expect(need(near.causes[0]?.needed, 'limit')?.amount).toBe(limit)
  })

  it('counts the trials that a floor needs', () => {
    const cases = casesOf(60)
    const failed = 25
    const input = inputOf(cases, { baseline: null, observations: failing(cases, failed, 1) })
    const cause = explain(input).causes.find(({ id }) => id === 'floor')
    const k = need(cause?.needed, 'more_passes')?.amount ?? Number.NaN
    const at = (healed: number) => outcomeOf({ ...input, observations: failing(cases, failed, 1, healed) }, 'floor')
    expect(at(k)).not.toBe('fail')
    expect(at(k - 1)).toBe('fail')
    expect(cause?.needed[0]?.sentence).toMatch(/^The floor needs \d+ more passed trials: then it would have passed\.$/)
    const floor = need(cause?.needed, 'limit')?.amount ?? Number.NaN
    const under = (min_pass_rate: number) => outcomeOf({ ...input, policy: policyOf({ min_pass_rate }) }, 'floor')
    expect(under(floor)).not.toBe('fail')
    expect(under(floor + 0.01)).toBe('fail')
  })

  it('a category of its own: its lost cases, its margin', () => {
    const cases = casesOf(120, (i) => ({ category: i % 4 === 0 ? 'safety' : 'other' }))
    const observations = (healed: number) =>
      passesOf(cases, 2, (i) => ({ passed: i % 4 !== 0 || i >= 60 || i / 4 < healed }))
    const trials = { min: 2, max: 2 }
    const policy = policyOf({ max_regression: 0.3, category_max_regression: 0.1 })
    const input = inputOf(cases, { observations: observations(0), trials, policy })
    const found = explain(input)
    const cause = found.causes.find(({ id }) => id === 'regression/safety')
    expect(found.answer).toMatch(/^The pass rate of category safety fell from 100\.0 % to 50\.0 %/)
    const k = need(cause?.needed, 'fewer_lost')?.amount ?? Number.NaN
    const at = (healed: number) => outcomeOf({ ...input, observations: observations(healed) }, 'regression/safety')
    expect(at(k)).not.toBe('fail')
    expect(at(k - 1)).toBe('fail')
    expect(found.units.map(({ category }) => category)).toEqual([null, 'other', 'safety'])
  })

  it('says how far a pass was from not passing', () => {
    const cases = casesOf(200)
    const input = inputOf(cases, { observations: passesOf(cases, 3), trials: { min: 3, max: 3 } })
    const found = explain(input)
    expect(found).toMatchObject({ question: 'Why did it pass?', loss: { lost: 0, carrying: 0, cases: [] } })
    const cause = found.causes.find(({ id }) => id === 'regression')
    const at = (k: number) => outcomeOf({ ...input, observations: failing(cases, k, 3) }, 'regression')
    const open = cause?.needed[0]?.amount ?? Number.NaN
    expect(at(open)).not.toBe('pass')
    expect(at(open - 1)).toBe('pass')
    const fail = need(cause?.needed, 'more_lost', 'fail')?.amount ?? Number.NaN
    expect(at(fail)).toBe('fail')
    expect(at(fail - 1)).not.toBe('fail')
  })

  it('holds on runs of any kind (150 of them)', () => {
    const any = fc.record({
      n: fc.integer({ min: 5, max: 60 }),
      trials: fc.integer({ min: 1, max: 3 }),
      lost: fc.double({ min: 0, max: 0.6, noNaN: true }),
      flaky: fc.integer({ min: 2, max: 9 }),
      margin: fc.constantFrom(0.02, 0.05, 0.2),
    })
    fc.assert(
      fc.property(any, ({ n, trials, lost, flaky, margin }) => {
        const cases = casesOf(n)
        const bad = Math.floor(lost * n)
        const observed = (healed: ReadonlySet<string>) =>
          passesOf(cases, trials, (i, t) => ({
            passed: healed.has(cases[i]!.id) || (i >= bad && (i + t) % flaky !== 0),
          }))
        const baseline = baselineOf(cases, (i) => ({ passes: i % 7 === 0 ? 4 : 5 }))
        const policy = policyOf({ max_regression: margin })
        const input = inputOf(cases, {
          observations: observed(new Set()),
          baseline,
          policy,
          trials: { min: trials, max: trials },
        })
        const found = explain(input)
        for (const { id, needed } of found.causes.filter((cause) => cause.id === 'regression')) {
          for (const { change, to, amount } of needed) {
            // A healed case passes as often as before, which is always for one to three trials of 4 or 5 in 5.
            const healed = (k: number) => new Set(found.loss?.cases.slice(0, k).map((one) => one.id))
            const at = (k: number) => outcomeOf({ ...input, observations: observed(healed(k)) }, id)
            if (change !== 'fewer_lost' || amount === null) continue
            expect(at(amount)).toBe(to)
            if (amount > 1) expect(at(amount - 1)).not.toBe('pass')
          }
        }
      }),
      { seed: 6, numRuns: 150 },
    )
  })
})

it('finds the smallest step, however far it lies', () => {
  const asked = fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 3500 }))
  fc.assert(
    fc.property(asked, ([most, from]) => {
      let tries = 0
      const found = smallest(most, (k) => ++tries > 0 && k >= from)
      expect(found).toBe(from <= most ? from : null)
      expect(tries).toBeLessThan(24 + 30)
    }),
    { seed: 1 },
  )
})

describe('who carries the loss', () => {
  const lostCase = (id: string, passes: number, trials: number) =>
    caseReport({ id, status: 'regressed', passes, trials, baseline: { passes: 5, trials: 5 } })

  it('shares of all that was lost, the worst first; 4 of 67 carry 80 %', () => {
    const cases = [
      ...Array.from({ length: 4 }, (_, i) => lostCase(`big${i}`, 0, 5)),
      ...Array.from({ length: 5 }, (_, i) => lostCase(`small${i}`, 4, 5)),
      ...Array.from({ length: 57 }, (_, i) => caseReport({ id: `same${i}` })),
      caseReport({ id: 'better', status: 'improved', passes: 5, trials: 5, baseline: { passes: 0, trials: 5 } }),
      caseReport({ id: 'gone', status: 'removed' }),
      { ...lostCase('aside', 0, 5), quarantined: true },
      caseReport({ id: 'silent', status: 'not_measured', trials: 0, passes: 0 }),
    ]
    const loss = lossOf(cases)!
    expect(loss).toMatchObject({ compared: 67, lost: 9, gained: 1, carrying: 4 })
    expect(loss.net).toBeCloseTo((-4 - 1 + 1) / 67, 12)
    expect(loss.cases[0]).toMatchObject({ id: 'big0', share: expect.closeTo(0.2, 12), p: expect.closeTo(1 / 252, 9) })
    expect(loss.cases.at(-1)).toMatchObject({ id: 'small4', cumulative: 1 })
    // Benjamini-Hochberg over 67 cases: 67 / 252 / 4 = 0.066 for the four, far above 0.10 for the rest.
    expect(loss.cases[0]?.q).toBeCloseTo(67 / 252 / 4, 9)
    expect(loss.suspicious).toBe(4)
    expect(loss.cases.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12)
  })

  it('nothing compared, nothing said', () => {
    expect(lossOf([caseReport({ baseline: null, status: 'failing' })])).toBeNull()
    expect(lossOf([])).toBeNull()
  })

  it('counts assertions in the cases that lost, not in those that failed before too', () => {
    const cases = [
      regressedCase(),
      regressedCase({ id: 'b' }),
      caseReport({ id: 'old', failures: [{ assertion: 'is_json', reason: 'no', trials: 9 }] }),
    ]
    expect(failedAssertions(cases, lossOf(cases))).toEqual([
      { assertion: 'not_contains', trials: 6, cases: 2 },
      { assertion: 'max_words', trials: 2, cases: 2 },
    ])
    expect(failedAssertions(cases, null)[0]).toEqual({ assertion: 'is_json', trials: 9, cases: 1 })
  })
})

describe('each outcome has its answer', () => {
  const cases = casesOf(40, (i) => ({ critical: i === 3 }))
  const policy = (change: Partial<GatePolicy>) => policyOf(change)

  it('a critical case', () => {
    const found = explain(inputOf(cases, { observations: passesOf(cases, 1, (i) => ({ passed: i !== 3 })) }))
    expect(found).toMatchObject({ outcome: 'fail', causes: [{ id: 'critical/c003' }] })
    expect(found.causes[0]?.needed[0]?.sentence).toContain('c003 must pass every trial')
  })
  it('not measured: how many more cases', () => {
    const observations = passesOf(cases, 1, (i) => (i < 10 ? { passed: null } : {}))
    const found = explain(inputOf(cases, { observations }))
    expect(found).toMatchObject({ outcome: 'invalid', question: 'Why was it not measured?' })
    expect(found.causes[0]?.needed).toMatchObject([{ change: 'more_measured', amount: 8 }])
    expect(found.next[0]).toMatchObject({ say: expect.stringContaining('server_error'), command: 'aigate eval s' })
  })
  it('not measured: how many more trials, where every case has one', () => {
    const observations = passesOf(cases, 3, (_, t) => (t > 1 ? { passed: null } : {}))
    const found = explain(inputOf(cases, { observations, trials: { min: 3, max: 3 } }))
    const most = Math.ceil(0.95 * 3 * cases.length) - cases.length
    expect(found.causes[0]?.needed).toMatchObject([{ change: 'more_measured', amount: most }])
    expect(found.causes[0]?.needed[0]?.sentence).toMatch(/more trials measured/)
  })
  it('undecided: the interval, and what settles it', () => {
    const found = explain(inputOf(casesOf(40), { observations: failing(cases, 1, 1) }))
    expect(found).toMatchObject({ outcome: 'inconclusive', question: 'Why is it undecided?' })
    expect(found.answer).toMatch(/anything from -\d.* to .* points/)
    expect(need(found.causes[0]?.needed, 'evidence')?.sentence).toContain('cases like these')
  })
  it('undecided, taken as a fail by the policy', () => {
    const input = inputOf(casesOf(40), {
      observations: failing(cases, 1, 1),
      policy: policy({ on_inconclusive: 'fail' }),
    })
    const found = explain(input)
    expect(found).toMatchObject({ outcome: 'fail', measured: 'inconclusive' })
    expect(found.answer).toContain('The policy takes an undecided verdict as fail.')
    expect(found.causes.length).toBeGreaterThan(0)
  })
  it('latency: the increase that would have been let through', () => {
    const observations = passesOf(cases, 3, (i, t) => ({ latency: 130 + ((i * 7 + t * 3) % 11) }))
    const increase = (max_increase: number) => policy({ latency_p95: { max_increase } })
    const input = inputOf(cases, { observations, policy: increase(0.1), trials: { min: 3, max: 3 } })
    const found = explain(input)
    expect(found.causes).toMatchObject([{ id: 'latency/increase' }])
    const limit = need(found.causes[0]?.needed, 'limit')?.amount ?? Number.NaN
    const at = (share: number) => outcomeOf({ ...input, policy: increase(share) }, 'latency/increase')
    expect(at(limit)).not.toBe('fail')
    expect(at(Number((limit - 0.01).toFixed(4)))).toBe('fail')
    expect(found.cleared.join(' ')).toContain('Measured 40 of 40 cases.')
  })
  it('an unfinished run: the reason of the verdict', () => {
    const found = explain(inputOf(cases, { trials: { min: 1, max: 1 }, observations: [observe('c000', 1)] }))
    expect(found.answer.length).toBeGreaterThan(10)
  })
})

it('has the published shape, and the same bytes whatever the order', () => {
  const cases = casesOf(60, (i) => ({ category: i % 2 === 0 ? 'even' : 'odd' }))
  const input = inputOf(cases, { observations: failing(cases, 14, 2), trials: { min: 2, max: 2 } })
  const found = explanationOf([explain(input)], '0.1.0')
  expect(ExplanationReport.parse(found)).toEqual(found)
  const turned = { ...input, cases: [...cases].reverse(), observations: [...input.observations].reverse() }
  expect(JSON.stringify(explanationOf([explain(turned)], '0.1.0'))).toBe(JSON.stringify(found))
})
