// Anchors: which cases serve, what a move of the provider does to a verdict, and how often it is claimed for nothing.
import { describe, expect, it } from 'vitest'
import type { Baseline } from '../../schema/baseline.ts'
import type { Observation, Run, TargetSnapshot } from '../../schema/run.ts'
import { randomFrom } from '../../statistics/draws.ts'
import { anchorPlan, withAnchors } from './anchors.ts'
import { judgeChange } from './judge-change.ts'
import { baselineOf, casesOf, passesOf, policyOf, runOf } from '../run-testing.ts'

const model = { name: 'main', provider: 'api', id: 'x-2026', params: {} }
const before: TargetSnapshot = {
  kind: 'prompt',
  label: 'a@1.0.0 with main (x-2026)',
  hash: 'h0',
  prompt: { name: 'a', version: '1.0.0', hash: 'p0' },
  model,
  tools_hash: 't',
}
const after: TargetSnapshot = { ...before, hash: 'h1', prompt: { name: 'a', version: '1.1.0', hash: 'p1' } }
const cases = casesOf(40)
const baseline: Baseline = { ...baselineOf(cases), target: before }
const usable = new Set(cases.map(({ id }) => id))
const plan = (changes: Partial<Parameters<typeof anchorPlan>[0]> = {}) =>
  anchorPlan({ suite: 's', baseline, after, cases, usable, count: 12, seed: 1, ...changes })
const idsOf = (found: ReturnType<typeof plan>) => ('cases' in found ? found.cases : [])

describe('the choice', () => {
  it('is drawn by the seed among cases that the baseline knows and that are graded alike every time', () => {
    expect(idsOf(plan())).toHaveLength(12)
    expect(plan()).toEqual(plan({ cases: cases.toReversed() }))
    expect(idsOf(plan({ seed: 2 }))).not.toEqual(idsOf(plan()))
    const changed = cases.map((one, i) => (i < 30 ? { ...one, hash: 'other' } : one))
    const left = plan({ cases: changed, usable: new Set(cases.slice(0, 35).map(({ id }) => id)) })
    expect(idsOf(left)).toEqual(cases.slice(30, 35).map(({ id }) => id))
  })
  it('does not look at how the cases ended', () => {
    const failing = { ...baseline, cases: baseline.cases.map((one, i) => (i % 2 ? { ...one, passes: 0 } : one)) }
    expect(plan({ baseline: failing })).toEqual(plan())
  })
  it('takes every case, and asks none, where nothing that is asked changed', () => {
    expect(plan({ after: before })).toEqual({ cases: cases.map(({ id }) => id), asked: false })
  })
  it('says why there are none', () => {
    const old = { ...before, components: { index: 'kb-1' } }
    const moved = plan({ baseline: { ...baseline, target: old }, after: { ...after, components: { index: 'kb-2' } } })
    expect(moved).toMatchObject({ problem: expect.stringMatching(/index kb-1 -> kb-2 cannot be put back/) })
    expect(plan({ usable: new Set() })).toMatchObject({ problem: expect.stringMatching(/no case/) })
  })
})

const anchors = { cases: cases.slice(0, 12).map(({ id }) => id), asked: true }
const askedRun = (observations: Observation[], target = before): Run =>
  runOf(cases.slice(0, 12), observations, { target, partial: true })
const failing = (n: number) => passesOf(cases.slice(0, 12), 1, (i) => ({ passed: i >= n }))

type Header = { anchors?: typeof anchors; target?: TargetSnapshot }
function verdictWith(
  own: Observation[],
  asked: Run | undefined,
  policy = {},
  header: Header = { anchors, target: after },
) {
  const frame = { cases, baseline, trials: { min: 1, max: 1 }, partial: false }
  const rules = policyOf({ min_pass_rate: 0.5, max_regression: 0.1, ...policy })
  return judgeChange({ ...frame, observations: own, policy: rules, quarantine: header, anchors: asked }).verdict
}
const good = passesOf(cases, 1)
const bad = passesOf(cases, 1, (i) => ({ passed: i % 3 > 0 }))

describe('the verdict', () => {
  it('stays as it is while the anchors are as the baseline has them', () => {
    expect(verdictWith(good, askedRun(failing(0)))).toEqual(verdictWith(good, undefined, {}, {}))
    expect(verdictWith(bad, askedRun(failing(1))).outcome).toBe('fail')
  })
  it('is invalid when the provider moved, whichever way the comparison ended', () => {
    for (const own of [good, bad]) {
      const { outcome, measured, reasons } = verdictWith(own, askedRun(failing(8)))
      expect({ outcome, measured }).toEqual({ outcome: 'invalid', measured: 'invalid' })
      expect(reasons[0]).toMatch(/^The provider moved: a@1\.0\.0 .* passes 33\.3 % of 12 anchors now and 100\.0 %/)
      expect(reasons[0]).toMatch(/--against/)
    }
  })
  it('sees a provider that got better as well', () => {
    const weak = { ...baseline, cases: baseline.cases.map((one) => ({ ...one, passes: 1 })) }
    const evidence = { anchors, baseline: weak, cases, target: 'h1', observations: good, asked: askedRun(failing(0)) }
    expect(withAnchors(verdictWith(good, askedRun(failing(0))), evidence).outcome).toBe('invalid')
  })
  it('only warns where nothing was compared, and where the candidate failed by itself', () => {
    const alone = verdictWith(good, askedRun(failing(8)), { max_regression: false })
    expect(alone.outcome).toBe('pass')
    expect(alone.warnings[0]).toMatch(/The provider moved/)
    expect(verdictWith(bad, askedRun(failing(8)), { min_pass_rate: 0.99 }).outcome).toBe('fail')
  })
  it('stands, with a warning, where nothing else was asked than before', () => {
    const same = { anchors: { cases: cases.map(({ id }) => id), asked: false }, target: before }
    const { outcome, warnings } = verdictWith(bad, undefined, {}, same)
    expect(outcome).toBe('fail')
    expect(warnings[0]).toMatch(/The provider moved: What is asked did not change/)
    expect(verdictWith(good, undefined, {}, same).warnings).toEqual([])
  })
  it('never takes missing anchors for steady ones', () => {
    expect(verdictWith(good, undefined).warnings[0]).toMatch(/anchors were not asked: the run ended before/)
    const half = passesOf(cases.slice(0, 12), 1, (i) => ({ passed: i > 4 ? null : false }))
    const { outcome, warnings } = verdictWith(good, askedRun(half))
    expect(outcome).toBe('pass')
    expect(warnings[0]).toMatch(/Only 5 of 12 anchors could be measured/)
  })
  it('says nothing of a baseline whose target was not the one that was asked again', () => {
    const other = askedRun(failing(12), { ...before, hash: 'another' })
    expect(verdictWith(good, other).warnings).toEqual([])
  })
})

it('accuses a provider that did not move in at most 1 % of runs', () => {
  const random = randomFrom(11)
  const chances = cases.map((_, i) => 0.3 + (0.7 * i) / cases.length)
  const draw = (i: number) => random() < (chances[i] ?? 0)
  const verdict = verdictWith(good, undefined, {}, {})
  let accused = 0
  for (let round = 0; round < 3000; round++) {
    const passes = (i: number) => [0, 1, 2, 3, 4].filter(() => draw(i)).length
    const recorded = { ...baseline, cases: baseline.cases.map((one, i) => ({ ...one, passes: passes(i) })) }
    const asked = askedRun(passesOf(cases.slice(0, 12), 1, (i) => ({ passed: draw(i) })))
    const evidence = { anchors, baseline: recorded, cases, target: 'h1', observations: good, asked }
    if (withAnchors(verdict, evidence).outcome === 'invalid') accused += 1
  }
  // 30 expected at the level itself; three standard errors above.
  expect(accused).toBeLessThanOrEqual(46)
})
