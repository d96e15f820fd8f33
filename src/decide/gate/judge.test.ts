// The verdict, rule by rule: each scenario changes one thing.
import { describe, expect, it } from 'vitest'
import { Verdict } from '../../schema/verdict.ts'
import { baselineOf, casesOf, judged, observe, passesOf, policyOf } from '../run-testing.ts'

const cases = casesOf(200)
const baseline = baselineOf(cases)
const ladder = { min: 1, max: 3 }
/** Fails every case whose number is below `n`. */
const failing = (n: number) => (i: number) => ({ passed: i >= n })

describe('regression', () => {
  it.each([
    { name: 'nothing changed', broken: 0, outcome: 'pass' },
    { name: 'one flake', broken: 1, outcome: 'pass' },
    { name: 'a tenth broke', broken: 20, outcome: 'fail' },
    { name: 'everything broke', broken: 200, outcome: 'fail' },
  ])('$name: $outcome', ({ broken, outcome }) => {
    const { verdict, next, gate } = judged({
      cases,
      baseline,
      observations: passesOf(cases, 1, failing(broken)),
      policy: policyOf({ min_pass_rate: 0 }),
    })
    expect(verdict).toMatchObject({ outcome, measured: outcome })
    expect(next).toBeNull()
    expect(gate('regression')).toMatchObject({ outcome, n: 200, decides: true })
    expect(verdict.reasons[0]).toBe(gate('regression')?.sentence)
    expect(() => Verdict.parse(verdict)).not.toThrow()
  })

  it('says it like a colleague', () => {
    const { verdict } = judged({ cases, baseline, observations: passesOf(cases, 1, failing(20)) })
    expect(verdict.reasons[0]).toMatch(
      /^Pass rate 90\.0 % against 100\.0 %: 10\.0 points lower \(90 % interval -\d+\.\d to -\d\.\d\), p < 0\.001\./,
    )
  })

  it('is undecided in small suites and says what would settle it', () => {
    const few = casesOf(20)
    const { verdict, gate } = judged({ cases: few, baseline: baselineOf(few), observations: passesOf(few, 1) })
    expect(verdict).toMatchObject({ outcome: 'inconclusive', measured: 'inconclusive' })
    expect(gate('regression')?.needed).toMatch(/About .*\d+ (trials a case|cases like these)/)
    expect(verdict.reasons[0]).toContain(gate('regression')?.needed)
    expect(verdict.warnings.join('\n')).toMatch(/seldom proves a margin of 5\.0 points/)
  })

  it('what it says would settle it does', () => {
    const at = (n: number) => {
      const some = casesOf(n)
      return judged({ cases: some, baseline: baselineOf(some), observations: passesOf(some, 1) }).gate('regression')
    }
    const needed = Number(/(\d+) cases like these/.exec(at(10)?.needed ?? '')?.[1])
    expect(at(needed)?.outcome).toBe('pass')
    expect(at(needed - 2)?.outcome).toBe('inconclusive')
  })

  it.each([
    ['hold', 'inconclusive'],
    ['pass', 'pass'],
    ['fail', 'fail'],
  ] as const)('on_inconclusive: %s gives %s', (on_inconclusive, outcome) => {
    const few = casesOf(20)
    const input = { cases: few, baseline: baselineOf(few), observations: passesOf(few, 1) }
    const { verdict } = judged({ ...input, policy: policyOf({ on_inconclusive }) })
    expect(verdict).toMatchObject({ outcome, measured: 'inconclusive' })
    expect(verdict.warnings.some((warning) => warning.includes('on_inconclusive'))).toBe(outcome !== 'inconclusive')
  })

  it('has no gate when the policy wants no comparison', () => {
    const { verdict } = judged({
      cases,
      baseline,
      observations: passesOf(cases, 1, failing(20)),
      policy: policyOf({ max_regression: false }),
    })
    expect(verdict.gates.map(({ id }) => id)).toEqual(['coverage', 'floor'])
    expect(verdict.outcome).toBe('pass')
  })

  it('exact p is larger than mid-p; population uses sign-flip', () => {
    const observations = passesOf(cases, 1, failing(6))
    const mid = judged({ cases, baseline, observations }).gate('regression')
    const exact = judged({ cases, baseline, observations, policy: policyOf({ exact: true }) }).gate('regression')
    const population = judged({ cases, baseline, observations, policy: policyOf({ scope: 'population' }) }).gate(
      'regression',
    )
    expect(exact?.p).toBeGreaterThan(mid?.p ?? 1)
    expect(mid?.test).toBe('exact stratified mid-p')
    expect(exact?.test).toBe('exact stratified')
    expect(population?.test).toBe('exact sign-flip mid-p')
    expect(population?.p).toBeCloseTo(0.5 ** 7, 12)
  })
})

describe('categories', () => {
  const mixed = casesOf(250, (i) => ({ category: i < 40 ? 'alpha' : i < 55 ? 'tiny' : 'rest' }))
  const before = baselineOf(mixed)
  const policy = policyOf({ min_pass_rate: 0 })

  it('a category that broke fails although the suite as a whole hardly moved', () => {
    const observations = passesOf(mixed, 3, (i) => ({ passed: i >= 12 }))
    const wide = policyOf({ min_pass_rate: 0, max_regression: 0.1 })
    const { verdict, gate } = judged({
      cases: mixed,
      baseline: before,
      observations,
      policy: wide,
      trials: { min: 3, max: 3 },
    })
    expect(gate('regression')?.outcome).toBe('pass')
    expect(gate('regression/alpha')).toMatchObject({ outcome: 'fail', category: 'alpha', decides: true, limit: 0.1 })
    expect(verdict.outcome).toBe('fail')
    expect(verdict.reasons[0]).toMatch(/^Category alpha: pass rate 70\.0 %/)
  })

  it('fewer than 20 paired cases are shown and do not decide', () => {
    const observations = passesOf(mixed, 3, (i) => ({ passed: i < 40 || i >= 50 }))
    const wide = policyOf({ min_pass_rate: 0, max_regression: 0.2 })
    const { verdict, gate } = judged({
      cases: mixed,
      baseline: before,
      observations,
      policy: wide,
      trials: { min: 3, max: 3 },
    })
    expect(gate('regression/tiny')).toMatchObject({ decides: false, adjusted_p: null, n: 15 })
    expect(verdict.outcome).toBe('pass')
  })

  it('an undecided category holds nobody up once the suite has passed', () => {
    const { verdict, gate } = judged({
      cases: mixed,
      baseline: before,
      observations: passesOf(mixed, 1),
      policy: policyOf({ min_pass_rate: 0, category_max_regression: 0.01 }),
    })
    expect(gate('regression/alpha')?.outcome).toBe('inconclusive')
    expect(verdict.outcome).toBe('pass')
  })

  it('takes the margin of the category', () => {
    const categories = { alpha: { max_regression: 0.2 } }
    const { gate } = judged({
      cases: mixed,
      baseline: before,
      observations: passesOf(mixed, 1),
      policy: { ...policy, categories },
    })
    expect(gate('regression/alpha')?.limit).toBe(0.2)
    expect(gate('regression/rest')?.limit).toBe(0.1)
  })

  it('names a category of the policy that has no case', () => {
    const categories = { safty: { min_pass_rate: 1 } }
    const { verdict } = judged({
      cases: mixed,
      baseline: before,
      observations: passesOf(mixed, 1),
      policy: { ...policy, categories },
    })
    expect(verdict.warnings.join('\n')).toContain('safty')
  })
})

describe('pairing', () => {
  it('names changed, added and removed cases and compares none of them', () => {
    const old = baselineOf(casesOf(201))
    const now = casesOf(200, (i) => (i === 0 ? { hash: 'other' } : i === 1 ? { id: 'new' } : {}))
    const { verdict, gate } = judged({ cases: now, baseline: old, observations: passesOf(now, 1) })
    expect(gate('regression')?.n).toBe(198)
    const said = verdict.warnings.join('\n')
    expect(said).toMatch(/1 case changed .*c000/)
    expect(said).toMatch(/1 case not in the baseline .*new/)
    expect(said).toMatch(/2 cases in the baseline, but no longer in the suite: c001, c200/)
  })

  it('a changed case that breaks is no regression', () => {
    const now = casesOf(200, (i) => (i < 20 ? { hash: 'other' } : {}))
    const { gate } = judged({ cases: now, baseline, observations: passesOf(now, 1, failing(20)) })
    expect(gate('regression')).toMatchObject({ outcome: 'pass', n: 180, difference: 0 })
  })

  it('a stale baseline decides nothing, for better or worse', () => {
    const now = casesOf(200, (i) => (i < 41 ? { hash: 'other' } : {}))
    for (const broken of [0, 100]) {
      const observations = passesOf(now, 1, failing(broken))
      const { verdict, gate, next } = judged({
        cases: now,
        baseline,
        observations,
        policy: policyOf({ min_pass_rate: 0 }),
        trials: ladder,
      })
      expect(gate('regression')).toMatchObject({ outcome: 'inconclusive', n: 159 })
      expect(verdict.reasons[0]).toMatch(/stale/)
      expect(verdict.outcome).toBe('inconclusive')
      expect(next).toBeNull()
    }
  })

  it('a partial run misses nobody', () => {
    const some = cases.slice(0, 100)
    const { verdict, gate } = judged({ cases: some, baseline, observations: passesOf(some, 1), partial: true })
    expect(gate('regression')?.n).toBe(100)
    expect(verdict.warnings.join()).not.toMatch(/no longer/)
  })

  it('says what a thin baseline costs', () => {
    const { verdict } = judged({
      cases,
      baseline: baselineOf(cases, (i) => ({ passes: i < 20 ? 1 : 2 }), 2),
      observations: passesOf(cases, 1),
    })
    expect(verdict.warnings.join('\n')).toMatch(
      /fewer than 5 trials \(fewest: 2\): only a drop of \d+\.\d points or more/,
    )
  })

  it('says aloud that there is no baseline', () => {
    const { verdict } = judged({ cases, observations: passesOf(cases, 1) })
    expect(verdict.outcome).toBe('pass')
    expect(verdict.warnings.join('\n')).toMatch(/no baseline.*aigate baseline record/)
    expect(verdict.gates.map(({ id }) => id)).toEqual(['coverage', 'floor'])
  })
})

describe('floor', () => {
  const floorOnly = (broken: number, changes = {}, n = 200, trials = 1) =>
    judged({
      cases: casesOf(n),
      observations: passesOf(casesOf(n), trials, failing(broken)),
      policy: policyOf({ max_regression: false, ...changes }),
      trials: { min: trials, max: trials },
    })

  it.each([
    { broken: 10, outcome: 'pass', says: /at or above the floor of 85\.0 %/ },
    { broken: 34, outcome: 'pass', says: /could be as high as .*is not proven, so it does not block/ },
    { broken: 60, outcome: 'fail', says: /below the floor/ },
  ])('$broken of 200 broken: $outcome', ({ broken, outcome, says }) => {
    const { verdict, gate } = floorOnly(broken)
    expect(verdict.outcome).toBe(outcome)
    expect(gate('floor')?.sentence).toMatch(says)
  })

  it('does not claim what 8 of 8 cannot prove', () => {
    const { verdict, gate } = floorOnly(0, {}, 8)
    expect(verdict.outcome).toBe('pass')
    expect(gate('floor')?.sentence).toMatch(
      /100\.0 % \(8 of 8 trials\), but it could be as low as 74\.\d %.*not proven/,
    )
    expect(gate('floor')?.needed).toMatch(/16 cases/)
    expect(floorOnly(0, { burden: 'prove-good' }, 8).verdict.outcome).toBe('inconclusive')
    expect(floorOnly(0, { burden: 'prove-good' }, 16).verdict.outcome).toBe('pass')
  })

  it('a floor of 1 is broken by any failure and kept by none', () => {
    expect(floorOnly(1, { min_pass_rate: 1 }).gate('floor')).toMatchObject({ outcome: 'fail' })
    expect(floorOnly(0, { min_pass_rate: 1, burden: 'prove-good' }).gate('floor')).toMatchObject({ outcome: 'pass' })
  })

  it('of a category counts its cases only, and is invalid without a measurement', () => {
    const mixed = casesOf(200, (i) => ({ category: i < 5 ? 'safety' : 'rest' }))
    const policy = policyOf({ max_regression: false, categories: { safety: { min_pass_rate: 1 } } })
    const one = judged({ cases: mixed, observations: passesOf(mixed, 1, (i) => ({ passed: i !== 3 })), policy })
    expect(one.gate('floor/safety')).toMatchObject({ outcome: 'fail', n: 5 })
    expect(one.verdict.outcome).toBe('fail')
    const none = judged({
      cases: mixed,
      observations: passesOf(mixed, 1, (i) => ({ passed: i < 5 ? null : true })),
      policy,
    })
    expect(none.gate('floor/safety')?.outcome).toBe('invalid')
    expect(none.verdict.outcome).toBe('invalid')
  })

  it('after an interim look needs more, and what it needs is asked while it looks missed', () => {
    const policy = policyOf({ max_regression: false })
    const at = (broken: number, passes = 1) =>
      judged({ cases, observations: passesOf(cases, passes, failing(broken)), policy, trials: ladder })
    expect(at(40).next).toEqual({ kind: 'pass', trial: 2 })
    expect(at(40).verdict.measured).toBe('inconclusive')
    expect(at(10).next).toBeNull()
    expect(at(10).verdict.outcome).toBe('pass')
    expect(at(80).next).toBeNull()
    expect(at(80).verdict.outcome).toBe('fail')
    expect(at(40, 3).next).toBeNull()
  })
})

describe('ladder', () => {
  const hundred = casesOf(100)
  const before = baselineOf(hundred)
  const at = (passes: number, broken: number, given = {}) =>
    judged({
      cases: hundred,
      baseline: before,
      observations: passesOf(hundred, passes, failing(broken)),
      trials: ladder,
      ...given,
    })

  it('starts with the first pass', () => {
    const { verdict, next } = judged({ cases: hundred, baseline: before, observations: [], trials: ladder })
    expect(next).toEqual({ kind: 'pass', trial: 1 })
    expect(verdict.outcome).toBe('invalid')
  })

  it('stops at once on what is clear', () => {
    expect(judged({ cases, baseline, observations: passesOf(cases, 1), trials: ladder })).toMatchObject({
      next: null,
      verdict: { outcome: 'pass', passes: 1 },
    })
    expect(at(1, 40)).toMatchObject({ next: null, verdict: { outcome: 'fail', passes: 1 } })
  })

  it('goes on while it is open, and ends at max', () => {
    expect(at(1, 3)).toMatchObject({ next: { kind: 'pass', trial: 2 }, verdict: { measured: 'inconclusive' } })
    expect(at(3, 3).next).toBeNull()
  })

  it('a suspicious category keeps it open although the suite has passed', () => {
    const mixed = casesOf(400, (i) => ({ category: i < 40 ? 'alpha' : 'rest' }))
    const before = baselineOf(mixed)
    const given = { cases: mixed, baseline: before, trials: ladder }
    const one = judged({ ...given, observations: passesOf(mixed, 1, (i) => ({ passed: i >= 3 })) })
    expect(one.gate('regression')?.outcome).toBe('pass')
    expect(one.gate('regression/alpha')).toMatchObject({ outcome: 'inconclusive' })
    expect(one.next).toEqual({ kind: 'pass', trial: 2 })
    expect(one.verdict.measured).toBe('inconclusive')
    const all = judged({ ...given, observations: passesOf(mixed, 3, (i) => ({ passed: i >= 3 })) })
    expect(all.next).toBeNull()
  })

  it('fails at an interim look only on p <= 0.001, and at the last on what is left', () => {
    const interim = at(1, 3).gate('regression')
    expect(interim?.adjusted_p).toBeLessThan(0.05)
    expect(interim).toMatchObject({ outcome: 'inconclusive', interval: { level: 0.9875 } })
    expect(at(3, 12).gate('regression')).toMatchObject({ outcome: 'fail', interval: { level: 0.975 } })
  })

  it('an unfinished pass does not count', () => {
    const observations = [
      ...passesOf(hundred, 1, failing(3)),
      ...passesOf(hundred.slice(0, 50), 2, failing(50)).slice(50),
    ]
    const { verdict, next } = judged({ cases: hundred, baseline: before, observations, trials: ladder })
    expect(verdict.passes).toBe(1)
    expect(next).toEqual({ kind: 'pass', trial: 2 })
    expect(verdict.gates).toEqual(at(1, 3).verdict.gates)
  })

  it('asks the first passes without looking', () => {
    const { verdict, next } = at(1, 40, { trials: { min: 3, max: 3 } })
    expect(next).toEqual({ kind: 'pass', trial: 2 })
    expect(verdict.outcome).toBe('invalid')
    expect(verdict.reasons[0]).toMatch(/1 of at least 3 passes/)
  })
})

describe('not measured', () => {
  it('too few measured cases are invalid, even where the rest is terrible', () => {
    const { verdict, next, gate } = judged({
      cases,
      baseline,
      observations: passesOf(cases, 1, (i) => ({ passed: i < 11 ? null : i > 150 })),
      trials: ladder,
    })
    expect(verdict.outcome).toBe('invalid')
    expect(gate('coverage')).toMatchObject({ outcome: 'invalid', estimate: 189 / 200 })
    expect(next).toBeNull()
  })

  it('errors that fall unevenly are invalid', () => {
    const lost = (n: number) =>
      judged({ cases, baseline, observations: passesOf(cases, 1, (i) => ({ passed: i < n ? null : true })) })
    expect(lost(9).verdict.outcome).toBe('invalid')
    expect(lost(9).verdict.reasons[0]).toMatch(/unevenly: 4\.5 % .* 0\.0 %/)
    expect(lost(3).verdict.outcome).toBe('pass')
    expect(lost(3).gate('coverage')?.sentence).toMatch(/3 trials could not be measured/)
    const noisy = baselineOf(cases, (i) => ({ errors: i < 50 ? 1 : 0 }))
    const both = judged({
      cases,
      baseline: noisy,
      observations: passesOf(cases, 1, (i) => ({ passed: i < 9 ? null : true })),
    })
    expect(both.verdict.outcome).toBe('pass')
  })

  it('a run that was stopped is invalid, whatever it saw', () => {
    for (const broken of [0, 200]) {
      const { verdict, next } = judged({
        cases,
        baseline,
        observations: passesOf(cases, 1, failing(broken)),
        stopped: 'the budget is spent',
        trials: ladder,
      })
      expect(verdict).toMatchObject({ outcome: 'invalid', reasons: ['The run was stopped: the budget is spent'] })
      expect(next).toBeNull()
    }
  })

  it('on_inconclusive does not touch it', () => {
    const { verdict } = judged({
      cases,
      baseline,
      observations: passesOf(cases, 1, () => ({ passed: null })),
      policy: policyOf({ on_inconclusive: 'pass' }),
    })
    expect(verdict.outcome).toBe('invalid')
  })

  it('no case at all is invalid', () => {
    const { verdict, next } = judged({ cases: [], observations: [] })
    expect(verdict.outcome).toBe('invalid')
    expect(next).toBeNull()
  })

  it('a grader error is no failure', () => {
    const observations = passesOf(cases, 1).map((one, i) =>
      i < 3 ? { ...one, passed: null, score: null, grader_error: 'the script crashed' } : one,
    )
    const { gate } = judged({ cases, baseline, observations })
    expect(gate('floor')).toMatchObject({ estimate: 1, n: 197 })
  })
})

describe('trials that were lost', () => {
  const hundred = casesOf(100)
  const before = baselineOf(hundred)
  const at = (observations: Parameters<typeof judged>[0]['observations'], trials = 3) =>
    judged({ cases: hundred, baseline: before, observations, trials: { min: trials, max: trials } })

  it('count as much as cases that were lost', () => {
    const { verdict, gate, next } = at(passesOf(hundred, 3, (_, t) => ({ passed: t > 1 ? null : true })))
    expect(verdict.outcome).toBe('invalid')
    expect(verdict.reasons[0]).toBe('Only 100 of 300 trials could be measured (33.3 %, wanted 95.0 %).')
    expect(gate('coverage')?.estimate).toBeCloseTo(1 / 3, 12)
    expect(next).toBeNull()
  })

  it('end a run early only where its first passes cannot make up for them', () => {
    const lost = (n: number) =>
      judged({
        cases: hundred,
        baseline: before,
        observations: passesOf(hundred, 2, (i, t) => ({ passed: t === 2 && i < n ? null : true })),
        trials: { min: 3, max: 3 },
      })
    expect(lost(12).next).toEqual({ kind: 'pass', trial: 3 })
    expect(lost(100).next).toBeNull()
    expect(lost(100).verdict.reasons[0]).toMatch(/^Only 100 of 200 trials could be measured/)
  })

  it('may be as many as the policy lets go, and not one more', () => {
    const noisy = baselineOf(hundred, (i) => ({ errors: i < 27 ? 1 : 0 }))
    const lost = (n: number) =>
      judged({
        cases: hundred,
        baseline: noisy,
        observations: passesOf(hundred, 3, (i, t) => ({ passed: t === 3 && i < n ? null : true })),
        trials: { min: 3, max: 3 },
      })
    expect(lost(15).gate('coverage')).toMatchObject({ outcome: 'pass', estimate: 0.95 })
    expect(lost(16).gate('coverage')?.outcome).toBe('invalid')
  })

  it('are not those that a cache answered a second time', () => {
    const cached = passesOf(hundred, 3, (i, t) => ({
      request_id: `r${i}`,
      ...(t === 3 && i === 0 && { passed: null }),
    }))
    const { gate } = at(cached)
    expect(gate('coverage')).toMatchObject({ outcome: 'pass', estimate: 299 / 300 })
  })
})

describe('critical cases', () => {
  const critical = casesOf(200, (i) => ({ critical: i === 0 }))
  const at = (
    trials: { passed?: boolean | null; deterministic?: boolean }[],
    confirms: (boolean | null)[] = [],
    given = {},
  ) =>
    judged({
      cases: critical,
      baseline,
      observations: [
        ...passesOf(critical, trials.length, (i, t) => (i === 0 ? (trials[t - 1] ?? {}) : {})),
        ...confirms.map((passed, i) => observe('c000', 1001 + i, { passed, deterministic: false }, 'confirm')),
      ],
      trials: ladder,
      ...given,
    })
  const judge1 = { passed: false, deterministic: false }

  it('a deterministic failure blocks at once', () => {
    const { verdict, next } = at([{ passed: false }])
    expect(verdict.outcome).toBe('fail')
    expect(verdict.reasons[0]).toBe('Critical case c000 failed 1 of 1 trial (contains: "right" is missing).')
    expect(next).toBeNull()
  })

  it('any other failure is confirmed first', () => {
    const { verdict, next } = at([judge1])
    expect(next).toEqual({ kind: 'confirm', cases: ['c000'], trials: 2 })
    expect(verdict.measured).toBe('inconclusive')
  })

  it.each([
    { confirms: [true, true], outcome: 'pass' },
    { confirms: [true, false], outcome: 'fail' },
    { confirms: [null, false], outcome: 'fail' },
    { confirms: [true, null], outcome: 'invalid' },
    { confirms: [null, null], outcome: 'invalid' },
  ])('confirmed by $confirms: $outcome', ({ confirms, outcome }) => {
    const { verdict, next, gate } = at([judge1], confirms)
    expect(gate('critical/c000')?.outcome).toBe(outcome)
    expect(verdict.outcome).toBe(outcome)
    expect(next).toBeNull()
  })

  it('a failure that nobody confirmed is no pass, whatever on_inconclusive says', () => {
    for (const [on_inconclusive, outcome] of [
      ['pass', 'inconclusive'],
      ['hold', 'inconclusive'],
      ['fail', 'fail'],
    ] as const) {
      expect(at([judge1], [], { policy: policyOf({ on_inconclusive }) }).verdict.outcome).toBe(outcome)
    }
    expect(at([judge1], [true, true], { policy: policyOf({ on_inconclusive: 'pass' }) }).verdict.outcome).toBe('pass')
  })

  it('an unfinished run is no pass either', () => {
    const policy = policyOf({ on_inconclusive: 'pass' })
    const few = casesOf(20)
    const given = { cases: few, baseline: baselineOf(few), policy, trials: ladder }
    const first = judged({ ...given, observations: passesOf(few, 1) })
    expect(first.next).not.toBeNull()
    expect(first.verdict.outcome).toBe('inconclusive')
    expect(judged({ ...given, observations: passesOf(few, 3) }).verdict.outcome).toBe('pass')
  })

  it('results of another tool cannot be confirmed: one failure blocks, and nothing is asked', () => {
    for (const on_inconclusive of ['hold', 'pass'] as const) {
      const { verdict, next, gate } = at([judge1], [], { imported: true, policy: policyOf({ on_inconclusive }) })
      expect(verdict.outcome).toBe('fail')
      expect(next).toBeNull()
      expect(gate('critical/c000')?.sentence).toMatch(/failed 1 of 1 trial .*cannot be confirmed here/)
      expect(gate('critical/c000')?.needed).toMatch(/^Results in which every trial of c000 passed/)
    }
  })

  it('failing in two whole passes confirms itself', () => {
    expect(at([judge1, judge1]).verdict.outcome).toBe('fail')
  })

  it('confirmations enter no rate', () => {
    const { gate } = at([judge1], [false, false])
    expect(gate('regression')?.estimate).toBe(199 / 200)
  })

  it('a case that its baseline does not always pass cannot be critical', () => {
    const flaky = baselineOf(cases, (i) => (i === 0 ? { passes: 4 } : {}))
    const { verdict, gate } = at([{ passed: false }], [], { baseline: flaky })
    expect(gate('critical/c000')).toMatchObject({ outcome: 'fail', decides: false })
    expect(verdict.outcome).toBe('pass')
    expect(verdict.warnings.join()).toMatch(/c000 is marked critical, but passed only 4 of 5 trials in the baseline/)
  })

  it('without a baseline, or with other content, it decides', () => {
    expect(at([{ passed: false }], [], { baseline: null }).verdict.outcome).toBe('fail')
    const other = baselineOf(cases, (i) => (i === 0 ? { passes: 4, hash: 'x' } : {}))
    expect(at([{ passed: false }], [], { baseline: other }).verdict.outcome).toBe('fail')
  })

  it('not measured is invalid', () => {
    const { verdict } = at([{ passed: null }])
    expect(verdict.outcome).toBe('invalid')
    expect(verdict.reasons[0]).toMatch(/c000 was not measured/)
  })
})

describe('latency, cost and score', () => {
  const of = (policy: object, observations = passesOf(cases, 1), given = {}) =>
    judged({ cases, baseline, observations, policy: policyOf(policy), ...given })
  const slow = (factor: number) => passesOf(cases, 1, (i) => ({ latency: 100 * factor * (1 + (i % 7) / 100) }))
  const dear = (factor: number) => passesOf(cases, 1, () => ({ cost: 0.001 * factor }))

  it.each([
    ['p95 kept', { max: 500 }, slow(1), 'latency', 'pass', /is kept/],
    ['p95 broken', { max: 500 }, slow(9), 'latency', 'fail', /is broken/],
    ['as fast', { max_increase: 0.1 }, slow(1), 'latency/increase', 'pass', /is kept/],
    ['5 % slower', { max_increase: 0.1 }, slow(1.03), 'latency/increase', 'pass', /is kept/],
    ['half slower', { max_increase: 0.1 }, slow(1.5), 'latency/increase', 'fail', /is broken/],
  ] as const)('latency: %s', (_, latency_p95, observations, id, outcome, says) => {
    const { verdict, gate } = of({ latency_p95 }, observations)
    expect(gate(id)).toMatchObject({ outcome, decides: true, n: 200 })
    expect(gate(id)?.sentence).toMatch(says)
    expect(verdict.outcome).toBe(outcome)
  })

  it.each([
    ['9 of 60 calls beyond the limit prove that it is broken', 60, 9, { outcome: 'fail', decides: true }, 'fail'],
    ['60 calls within the limit prove that it is kept', 60, 0, { outcome: 'pass', decides: true }, 'pass'],
    ['4 of 60 prove nothing, and too few calls settle nothing', 60, 4, { outcome: 'pass', decides: false }, 'pass'],
    ['4 of 20 prove that it is broken', 20, 4, { outcome: 'fail', decides: true }, 'fail'],
    ['3 of 20 prove nothing', 20, 3, { outcome: 'pass', decides: false }, 'pass'],
  ] as const)('a p95 of fewer than 200 calls: %s', (_, n, slowCalls, expected, outcome) => {
    const some = cases.slice(0, n)
    const { gate, verdict } = judged({
      cases: some,
      observations: passesOf(some, 1, (i) => ({ latency: i < slowCalls ? 301 : 2 })),
      policy: policyOf({ latency_p95: { max: 100 } }),
    })
    expect(gate('latency')).toMatchObject({ ...expected, n })
    expect(gate('latency')?.sentence).toMatch(
      expected.decides ? /The limit is (kept|broken)\.$/ : /fewer than 200 calls cannot settle a p95\.$/,
    )
    expect(verdict.outcome).toBe(outcome)
  })

  it('a single slow call is not proof', () => {
    const { gate } = of(
      { latency_p95: { max: 500, max_increase: 0.1 } },
      passesOf(cases, 1, (i) => ({ latency: i === 0 ? 60_000 : 100 })),
    )
    expect(gate('latency')?.outcome).toBe('pass')
    expect(gate('latency/increase')?.outcome).toBe('pass')
  })

  it('answers without a time are no slower than others', () => {
    const fast = baselineOf(cases, () => ({ latencies_ms: [0, 0, 0] }))
    const { gate } = of(
      { latency_p95: { max_increase: 0.1 } },
      passesOf(cases, 1, () => ({ latency: 0.4 })),
      { baseline: fast },
    )
    expect(gate('latency/increase')).toMatchObject({ outcome: 'pass', difference: 1 })
  })

  it.each([
    ['mean kept', { max: 0.001 }, 1, 'cost', 'pass'],
    ['mean broken', { max: 0.001 }, 1.5, 'cost', 'fail'],
    ['as dear', { max_increase: 0.1 }, 1, 'cost/increase', 'pass'],
    ['twice', { max_increase: 0.1 }, 2, 'cost/increase', 'fail'],
    ['cheaper', { max_increase: 0 }, 0.5, 'cost/increase', 'pass'],
    ['exactly the tolerance', { max_increase: 0.1 }, 1.1, 'cost/increase', 'pass'],
  ] as const)('cost without any variance: %s', (_, cost_per_case, factor, id, outcome) => {
    const { verdict, gate } = of({ cost_per_case }, dear(factor))
    expect(gate(id)).toMatchObject({ outcome, n: 200 })
    expect(verdict.outcome).toBe(outcome)
    expect(() => Verdict.parse(verdict)).not.toThrow()
  })

  it('a cost gate without prices is not measured', () => {
    for (const cost_per_case of [{ max: 1 }, { max_increase: 0.1 }]) {
      const { verdict } = of({ cost_per_case })
      expect(verdict.outcome).toBe('invalid')
      expect(verdict.reasons[0]).toMatch(/no answer has a price/)
    }
  })

  it('free answers are compared without a ratio out of nothing', () => {
    const free = baselineOf(cases, () => ({ costs_usd: [0] }))
    const { verdict, gate } = of(
      { cost_per_case: { max_increase: 0.1 } },
      passesOf(cases, 1, () => ({ cost: 0 })),
      { baseline: free },
    )
    expect(gate('cost/increase')).toMatchObject({ outcome: 'pass', difference: 1 })
    expect(() => Verdict.parse(verdict)).not.toThrow()
  })

  it.each([
    ['kept', { min: 0.8 }, 0.9, 'score', 'pass'],
    ['broken', { min: 0.8 }, 0.7, 'score', 'fail'],
    ['met exactly', { min: 0.8 }, 0.8, 'score', 'pass'],
    ['same', { max_drop: 0.02 }, 1, 'score/drop', 'pass'],
    ['lower', { max_drop: 0.02 }, 0.9, 'score/drop', 'fail'],
  ] as const)('score: %s', (_, mean_score, score, id, outcome) => {
    const { verdict, gate } = of(
      { mean_score },
      passesOf(cases, 1, () => ({ score })),
    )
    expect(gate(id)).toMatchObject({ outcome, n: 200 })
    expect(verdict.outcome).toBe(outcome)
  })

  it('prove-good wants proof', () => {
    const few = casesOf(8)
    const observations = passesOf(few, 1, (i) => ({ score: i % 2 ? 1 : 0.7 }))
    const policy = { mean_score: { min: 0.8 }, min_pass_rate: 0, max_regression: false as const }
    const score = (changes = {}) =>
      judged({ cases: few, observations, policy: policyOf({ ...policy, ...changes }) }).gate('score')
    expect(score()?.outcome).toBe('pass')
    expect(score()?.sentence).toMatch(/not proven: it does not block/)
    expect(score({ burden: 'prove-good' })?.outcome).toBe('inconclusive')
  })
})
