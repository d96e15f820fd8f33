// The regression rule against whole verdicts that were computed elsewhere (numpy, scipy, statsmodels).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultPolicy } from '../../schema/gate.ts'
import { lookAt } from './look.ts'
import { regressionOutcome, regressionUnits } from './regression-units.ts'

type Reference = {
  in: { cases: [string, number, number, number, number][]; alpha: number; margin: number; category_margin: number }
  out: {
    verdict: string
    units: ({ name: string; status: string } & Record<
      'w' | 'margin' | 'n' | 'midp' | 'exact' | 'delta' | 'se' | 'lo' | 'hi' | 'adj',
      number
    >)[]
  }
}
const file = join(import.meta.dirname, '../../../fixtures/reference/gate_verdict.json')
const references = (JSON.parse(readFileSync(file, 'utf8')) as { cases: Reference[] }).cases

function run({ in: given }: Reference, exact: boolean) {
  const counts = given.cases.map(([category, passes, trials, basePasses, baseTrials]) => ({
    category,
    passes,
    trials,
    basePasses,
    baseTrials,
  }))
  const policy = {
    ...defaultPolicy,
    exact,
    max_regression: given.margin,
    category_max_regression: given.category_margin,
  }
  return regressionUnits(counts, policy, lookAt(1, { min: 1, max: 1 }, given.alpha), 1)
}

describe('whole verdicts of the fixed-budget rule', () => {
  it('has references of every verdict', () => {
    expect(new Set(references.map(({ out }) => out.verdict))).toEqual(new Set(['PASS', 'FAIL', 'INCONCLUSIVE']))
    expect(references.length).toBeGreaterThan(10)
  })

  it.each(references.map((reference, i) => [i, reference.out.verdict, reference] as const))(
    '%i: %s',
    (_, verdict, one) => {
      const units = run(one, false)
      expect(regressionOutcome(units).toUpperCase()).toBe(verdict)
      expect(units.map(({ category }) => category ?? 'overall')).toEqual(one.out.units.map(({ name }) => name))
      const exact = run(one, true)
      for (const [i, wanted] of one.out.units.entries()) {
        const unit = units[i]!
        expect(unit.status.toUpperCase()).toBe(wanted.status)
        expect(unit).toMatchObject({ n: wanted.n, margin: wanted.margin, decides: true })
        const close = (found: number, value: number) =>
          expect(Math.abs(found - value)).toBeLessThanOrEqual(1e-9 * Math.max(Math.abs(value), 1e-3))
        close(unit.p / wanted.midp, 1)
        close(exact[i]!.p / wanted.exact, 1)
        close((unit.adjusted ?? 0) / wanted.adj, 1)
        close(unit.difference, wanted.delta)
        close(unit.standardError, wanted.se)
        close(unit.low, wanted.lo)
        close(unit.high, wanted.hi)
      }
    },
  )
})
