// Power-check on suites whose sensitivity is known: what fires, from how many broken cases on, and what breaks unnoticed.
import { expect, it } from 'vitest'
import { PowerReport } from '../../schema/doctor.ts'
import { baselineOf, casesOf, policyOf } from '../run-testing.ts'
import { powerCheck, powerReport } from './power-check.ts'

function checked(
  n: number,
  changes: Parameters<typeof policyOf>[0] = {},
  passes = 5,
  critical = (i: number): boolean => i === 0,
) {
  const cases = casesOf(n, (i) => ({ critical: critical(i), category: i < 10 ? 'few' : 'many' }))
  const baseline = baselineOf(cases, () => ({ passes }))
  const plan = { cases, baseline, policy: policyOf(changes), trials: { min: 1, max: 3 } }
  const shared = {
    suite: 's',
    suiteVersion: '1.0.0',
    source: 'baseline',
    deterministic: new Set(cases.map(({ id }) => id)),
  }
  return powerCheck({ ...shared, plan, answers: baseline.cases, seed: 1, draws: 20 })
}

it('fires from few broken cases on, always when all are broken, never by anything untouched', () => {
  const found = checked(200)!
  expect(found).toMatchObject({ outcome: 'pass', untouched: 'pass' })
  const [suite] = found.mutations
  expect(suite).toMatchObject({ category: null, cases: 199, all: 'fail' })
  expect(suite!.half).toBeGreaterThan(1)
  expect(suite!.half).toBeLessThan(21)
  expect(suite!.steps.at(-1)).toMatchObject({ broken: 199, fired: { estimate: 1 } })
  const fired = suite!.steps.map((step) => step.fired.estimate)
  expect(fired).toEqual(fired.toSorted((a, b) => a - b))
})

it('the critical case is noticed alone, and the others could break alone', () => {
  const { single } = checked(200)!
  expect(single.noticed).toEqual(['c000'])
  expect(single.unnoticed).toHaveLength(199)
})

it('a policy that compares nothing and wants nothing is blind', () => {
  const found = checked(40, { max_regression: false, min_pass_rate: 0 })!
  expect(found).toMatchObject({
    outcome: 'fail',
    reasons: ['No gate fires, not even when every answer of the cases that are not critical fails.'],
  })
  expect(found.warnings.join(' ')).toMatch(/Category few could break altogether \(9 cases\)/)
})

it('a suite of critical cases alone is not blind: each of them is noticed, and where none could be, that is said', () => {
  const off = { max_regression: false, min_pass_rate: 0 } as const
  const found = checked(30, off, 5, () => true)!
  expect(found).toMatchObject({ outcome: 'pass', warnings: [] })
  expect(found.mutations[0]).toMatchObject({ category: null, cases: 30, half: 1, always: 1, all: 'fail' })
  expect(found.single.noticed).toHaveLength(30)
  expect(checked(30, off, 5, () => false)!.reasons).toEqual(['No gate fires, not even when every answer fails.'])
  expect(checked(30, off, 0)!.reasons).toEqual(['No stored answer passes, so that none can be broken.'])
})

it('answers that fail already cannot be broken; without answers there is nothing to check', () => {
  expect(checked(30, {}, 0)!.single.failing).toHaveLength(30)
  const cases = casesOf(3)
  const plan = { cases, baseline: baselineOf(cases), policy: policyOf(), trials: { min: 1, max: 1 } }
  const head = { suite: 's', suiteVersion: '1.0.0', source: '', deterministic: new Set<string>(), seed: 1, draws: 20 }
  expect(powerCheck({ ...head, plan, answers: [] })).toBeNull()
})

it('the same seed gives the same bytes, and the schema holds', () => {
  const report = () => powerReport([checked(40)!], { toolVersion: '1', seed: 1 })
  expect(JSON.stringify(report())).toBe(JSON.stringify(report()))
  expect(PowerReport.parse(report())).toEqual(report())
})
