// Baselines: what is accepted, what is refused, and that nothing is chosen by how it ended.
import { describe, expect, it } from 'vitest'
import { AigateError } from '../../errors.ts'
import { Baseline } from '../../schema/baseline.ts'
import { addToBaseline, baselineDiffText, baselineFrom, baselineText, diffBaselines } from './accept-baseline.ts'
import { casesOf, passesOf, runOf, target } from '../run-testing.ts'

const cases = casesOf(40)
const accepted = { at: '2026-01-03T00:00:00.000Z', by: 'Ada', reason: 'release 1.2' }
const run = runOf(
  [...cases].reverse(),
  passesOf(cases, 5, (i) => ({ passed: i > 1, response_model: 'm-1' })),
)
const code = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof AigateError) return `${error.outcome} ${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

describe('accepting a run', () => {
  it('keeps one tally a case, sorted, with provenance', () => {
    const baseline = baselineFrom({ run, accepted })
    expect(Baseline.parse(baseline)).toEqual(baseline)
    expect(baseline).toMatchObject({ suite: 's', target, accepted, response_models: ['m-1'] })
    expect(baseline.runs).toEqual([
      { id: 'r1', at: run.header.started_at, trials: 5, git: run.header.git, tool_version: '0.1.0' },
    ])
    expect(baseline.cases.map(({ id }) => id)).toEqual(cases.map(({ id }) => id))
    expect(baseline.cases[0]).toMatchObject({ passes: 0, trials: 5, answer: 'bad' })
  })

  it.each([
    ['a partial run', { ...run, header: { ...run.header, partial: true } }, /^usage baseline_refused: .*only some/],
    ['an interrupted run', { ...run, complete: false }, /^invalid baseline_not_measured: .*interrupted/],
    ['a stopped run', { ...run, stopped: 'the key was refused' }, /^invalid baseline_not_measured: .*stopped/],
    ['a run without a whole pass', { ...run, observations: run.observations.slice(1) }, /interrupted/],
    [
      'a run with gaps',
      { ...run, observations: passesOf(cases, 5, (i) => ({ passed: i < 3 ? null : true })) },
      /^invalid baseline_not_measured: .*3 cases \(7\.5 %\): c000, c001, c002/,
    ],
  ])('refuses %s', (_, given, says) => {
    expect(code(() => baselineFrom({ run: given, accepted }))).toMatch(says)
  })

  it('keeps up to 5 % unmeasured cases, as not measured', () => {
    const some = runOf(
      cases,
      passesOf(cases, 5, (i) => ({ passed: i < 2 ? null : true })),
    )
    expect(baselineFrom({ run: some, accepted }).cases[0]).toMatchObject({ trials: 0, errors: 5 })
  })
})

describe('adding a run', () => {
  const baseline = baselineFrom({ run, accepted })
  const next = (changes = {}, observations = passesOf(cases, 5, () => ({ response_model: 'm-1' }))) =>
    runOf(cases, observations, { id: 'r2', ...changes })

  it('joins the counts and keeps both runs', () => {
    const both = addToBaseline(baseline, next())
    expect(Baseline.parse(both)).toEqual(both)
    expect(both.cases[0]).toMatchObject({ passes: 5, trials: 10, answer: 'bad' })
    expect(both.cases[0]?.scores).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    expect(both.runs.map(({ id }) => id)).toEqual(['r1', 'r2'])
    expect(both.accepted).toEqual(accepted)
    const later = { ...accepted, reason: 'more trials' }
    expect(addToBaseline(baseline, next(), later).accepted).toEqual(later)
  })

  it.each([
    ['the same run', next({ id: 'r1' }), /already part/],
    ['another suite', next({ suite: 'other' }), /of suite other/],
    ['another target', next({ target: { ...target, hash: 't2' } }), /another prompt, model or parameters/],
    ['another case', next({ cases: casesOf(40, (i) => (i === 7 ? { hash: 'x' } : {})) }), /1 case differs .*c007/],
    ['a case less', next({ cases: cases.slice(1) }), /1 case differs .*c000/],
    [
      'another model behind the name',
      next(
        {},
        passesOf(cases, 5, () => ({ response_model: 'm-2' })),
      ),
      /answers with m-2/,
    ],
    ['a partial run', next({ partial: true }), /only some/],
  ])('refuses %s', (_, given, says) => {
    expect(code(() => addToBaseline(baseline, given))).toMatch(says)
  })

  it('keeps at most 20 trials a case, the first of the run whatever they are, and then refuses', () => {
    const three = [2, 3, 4].reduce((all, n) => addToBaseline(all, next({ id: `r${n}` })), baseline)
    expect(three.cases[0]?.trials).toBe(20)
    expect(code(() => addToBaseline(three, next({ id: 'r9' })))).toMatch(/already holds 20 trials/)
    const many = passesOf(cases, 30, (_, t) => ({ passed: t > 10, response_model: 'm-1' }))
    const full = addToBaseline(baseline, next({}, many))
    expect(full.cases[5]).toMatchObject({ trials: 20, passes: 5 + 5 })
  })
})

describe('the difference of two baselines', () => {
  it('is told case by case', () => {
    const before = baselineFrom({ run, accepted })
    const others = casesOf(41, (i) => (i === 3 ? { hash: 'x' } : i === 4 ? { id: 'new' } : {}))
    const changed = { ...target, hash: 't2', label: 'support/answer@1.3.0 with main' }
    const later = runOf(
      others,
      passesOf(others, 5, (i) => ({ passed: i !== 9, cost: 0.002 })),
      { target: changed },
    )
    const diff = diffBaselines(before, baselineFrom({ run: later, accepted }))
    expect(diff).toMatchObject({
      target: { changed: true },
      added: ['c040', 'new'],
      removed: ['c004'],
      changed: ['c003'],
      moved: [
        { id: 'c000', before: { passes: 0, trials: 5 }, after: { passes: 5, trials: 5 } },
        { id: 'c001' },
        { id: 'c009', after: { passes: 0, trials: 5 } },
      ],
    })
    const said = baselineDiffText(diff)
    expect(said).toMatch(
      /^baseline of s\ntarget: support\/answer@1\.2\.0 with main -> support\/answer@1\.3\.0 with main\n/,
    )
    expect(said).toMatch(/pass rate: 95\.0 % -> 97\.6 %/)
    expect(said).toMatch(/removed 1 case: c004/)
    expect(said).toMatch(/c000: 0\/5 -> 5\/5\n/)
    expect(said.endsWith('\n')).toBe(true)
  })

  it('of nothing is the whole', () => {
    const first = baselineFrom({ run, accepted })
    expect(baselineDiffText(diffBaselines(null, first))).toMatch(/the first one[^]*pass rate: 95\.0 %\n/)
    expect(baselineText(first)).toMatch(
      /accepted: 2026-01-03T00:00:00\.000Z by Ada: release 1\.2\nfrom 1 run, the last at commit abcdef012345\n40 cases, 5 trials a case\n/,
    )
  })
})
