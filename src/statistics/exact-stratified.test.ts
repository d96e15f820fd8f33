// The exact stratified test: reference values, properties, speed, and the false alarms when nothing changed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, seeded } from '../../fixtures/reference/read.ts'
import { anyStratum, stratifiedReference, unchangedSuite } from '../../fixtures/reference/suites.ts'
import type { Stratum } from './counts.ts'
import { exactStratified } from './exact-stratified.ts'
import { fisherExact } from './fisher.ts'

const strata = fc.array(anyStratum, { maxLength: 60 })
const someStrata = fc.array(anyStratum, { minLength: 1, maxLength: 60 })

describe('exactStratified', () => {
  it('agrees with exact rationals and R mantelhaen.test to 1e-10', () => {
    for (const { strata, out } of stratifiedReference()) {
      const test = exactStratified(strata)
      expectClose(test.pRegress, out.p_regress, 1e-10)
      expectClose(test.midpRegress, out.midp_regress, 1e-10)
      expectClose(test.pImprove, out.p_improve, 1e-10)
      expectClose(test.midpImprove, out.midp_improve, 1e-10)
      expect(test.observed).toBe(out.obs)
      expectClose(test.mean, out.mean, 1e-12)
      expectClose(test.variance, out.var, 1e-10, '', 1e-12)
    }
  })
  it('is Fisher with one case', () => {
    fc.assert(
      fc.property(anyStratum, (s) => {
        const { pRegress, pImprove } = exactStratified([s])
        const fisher = fisherExact(s.passes, s.trials - s.passes, s.basePasses, s.baseTrials - s.basePasses)
        expectClose(pRegress, fisher.less, 1e-12)
        expectClose(pImprove, fisher.greater, 1e-12)
      }),
    )
  })
  it('stays in (0, 1], its tails fit together, the order of the cases and the cases that say nothing do not matter', () => {
    fc.assert(
      fc.property(strata, (strata) => {
        const test = exactStratified(strata)
        for (const p of [test.pRegress, test.midpRegress, test.pImprove, test.midpImprove]) {
          expect(p).toBeGreaterThan(0)
          expect(p).toBeLessThanOrEqual(1)
        }
        expect(test.midpRegress).toBeLessThanOrEqual(test.pRegress)
        expectClose(test.midpRegress + test.midpImprove, 1, 1e-10)
        const same = (other: Stratum[]) => exactStratified(other).pRegress
        expect(same([...strata].reverse())).toBe(test.pRegress)
        const silent = { passes: 3, trials: 3, basePasses: 5, baseTrials: 5 }
        expect(same([...strata, silent, { passes: 0, trials: 1, basePasses: 0, baseTrials: 2 }])).toBe(test.pRegress)
      }),
    )
  })
  it('swapping the sides swaps worse and better', () => {
    fc.assert(
      fc.property(strata, (strata) => {
        const swapped = strata.map((s) => ({
          passes: s.basePasses,
          trials: s.baseTrials,
          basePasses: s.passes,
          baseTrials: s.trials,
        }))
        expectClose(exactStratified(swapped).pImprove, exactStratified(strata).pRegress, 1e-10)
      }),
    )
  })
  it('one more failure of the candidate, moved from the baseline, never makes a regression less likely', () => {
    fc.assert(
      fc.property(someStrata, (strata) => {
        const at = strata.findIndex((s) => s.passes > 0 && s.basePasses < s.baseTrials)
        fc.pre(at >= 0)
        const worse = strata.map((s, i) =>
          i === at ? { ...s, passes: s.passes - 1, basePasses: s.basePasses + 1 } : s,
        )
        expect(exactStratified(worse).pRegress).toBeLessThanOrEqual(exactStratified(strata).pRegress * (1 + 1e-12))
      }),
    )
  })
  it('says nothing about nothing, and refuses impossible counts', () => {
    expect(exactStratified([])).toEqual({
      pRegress: 1,
      midpRegress: 0.5,
      pImprove: 1,
      midpImprove: 0.5,
      observed: 0,
      mean: 0,
      variance: 0,
    })
    expect(() => exactStratified([{ passes: 2, trials: 1, basePasses: 0, baseTrials: 1 }])).toThrow(RangeError)
    expect(() => exactStratified([{ passes: 0, trials: 1, basePasses: 0.5, baseTrials: 1 }])).toThrow(RangeError)
  })
  it('a total loss of a large suite has a p that is tiny but not 0, and 10,000 cases take seconds at most', () => {
    const lost = Array.from({ length: 5000 }, () => ({ passes: 0, trials: 3, basePasses: 5, baseTrials: 5 }))
    const test = exactStratified(lost)
    expect(test.pRegress).toBeGreaterThan(0)
    expect(test.midpRegress).toBeGreaterThan(0)
    expect(test.pRegress).toBeLessThan(1e-200)
    expect(test.pImprove).toBe(1)
    const start = performance.now()
    exactStratified(unchangedSuite(seeded(1), { n: 10_000, k: 3, m: 5, icc: 0.2 }))
    expect(performance.now() - start).toBeLessThan(4000)
  })
  // Nominal 5%; the standard error of 2,000 draws is 0.49 points. Below 2% it would have no power left to speak of.
  it.each([
    { n: 50, k: 1, m: 5, icc: 0.5 },
    { n: 100, k: 2, m: 5, icc: 0.8 },
    { n: 200, k: 1, m: 5, icc: 0.2 },
    { n: 200, k: 3, m: 5, icc: 0.5 },
  ])('cries wolf about 1 in 20 times at alpha 0.05: %o', (design) => {
    const random = seeded(design.n + design.k)
    const draws = 2000
    let midp = 0
    let exact = 0
    for (let i = 0; i < draws; i++) {
      const test = exactStratified(unchangedSuite(random, design))
      if (test.midpRegress <= 0.05) midp++
      if (test.pRegress <= 0.05) exact++
    }
    expect(midp / draws).toBeLessThan(0.0665)
    expect(midp / draws).toBeGreaterThan(0.02)
    expect(exact).toBeLessThanOrEqual(midp)
    expect(exact / draws).toBeLessThan(0.06)
  })
})
