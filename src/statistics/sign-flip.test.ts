// The exact sign-flip test: reference values, brute force, speed, and the false alarms when nothing changed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { unchangedSuite } from '../../fixtures/reference/suites.ts'
import { integerDifferences, signFlip } from './sign-flip.ts'

describe('signFlip', () => {
  type Out = Record<'p_regress' | 'midp_regress' | 'p_improve' | 'midp_improve', number>
  it('agrees with exact counting and R to 1e-10', () => {
    for (const { in: at, out } of reference<{ d: number[] }, Out>('signflip_exact')) {
      const worse = signFlip(at.d)
      const better = signFlip(at.d.map((d) => -d))
      expectClose(worse.p, out.p_regress, 1e-10, at)
      expectClose(worse.midp, out.midp_regress, 1e-10, at)
      expectClose(better.p, out.p_improve, 1e-10, at)
      expectClose(better.midp, out.midp_improve, 1e-10, at)
    }
  })
  const values = fc.array(fc.integer({ min: -30, max: 30 }), { maxLength: 10 })
  it('agrees with trying all signs', () => {
    fc.assert(
      fc.property(values, (d) => {
        const observed = d.reduce((a, b) => a + b, 0)
        let below = 0
        let equal = 0
        for (let signs = 0; signs < 2 ** d.length; signs++) {
          const total = d.reduce((a, b, i) => a + ((signs >> i) & 1 ? Math.abs(b) : -Math.abs(b)), 0)
          if (total < observed) below++
          if (total === observed) equal++
        }
        expectClose(signFlip(d).p, (below + equal) / 2 ** d.length, 1e-13)
        expectClose(signFlip(d).midp, (below + equal / 2) / 2 ** d.length, 1e-13)
      }),
    )
  })
  it('ignores the unit, zeros and the order; stays in (0, 1]', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 60 }), (d) => {
        const { p, midp } = signFlip(d)
        expect(midp).toBeGreaterThan(0)
        expect(p).toBeLessThanOrEqual(1)
        expect(signFlip([...d.map((x) => x * 7), 0].reverse())).toEqual({ p, midp })
      }),
    )
    expect(() => signFlip([0.5])).toThrow(RangeError)
  })
  it('1,000 losses have a p that is tiny but not 0; 1,000 differences up to 1,000 are done within a second or two', () => {
    const lost = signFlip(Array.from({ length: 1200 }, () => -1))
    expect(lost.midp).toBeGreaterThan(0)
    expect(lost.p).toBeLessThan(1e-290)
    const random = seeded(5)
    const start = performance.now()
    signFlip(Array.from({ length: 1000 }, () => Math.round(2000 * random.uniform() - 1000)))
    expect(performance.now() - start).toBeLessThan(4000)
  })
  it('reads the differences of rates over one denominator, or rounds them to 1/1000', () => {
    const s = (passes: number, trials: number, basePasses: number, baseTrials: number) => ({
      passes,
      trials,
      basePasses,
      baseTrials,
    })
    expect(integerDifferences([s(1, 3, 4, 5), s(1, 2, 1, 1), s(3, 3, 5, 5)])).toEqual([-14, -15, 0])
    expect(integerDifferences([s(1, 97, 1, 101), s(1, 2, 1, 103)])).toEqual([0, 490])
  })
  // Nominal 5%; the standard error of 3,000 draws is 0.4 points.
  it.each([
    { n: 50, k: 1, m: 5, icc: 0.5 },
    { n: 200, k: 3, m: 5, icc: 0.5 },
    { n: 100, k: 3, m: 3, icc: 0.2 },
  ])('cries wolf about 1 in 20 times at alpha 0.05: %o', (design) => {
    const random = seeded(3 * design.n + design.k)
    const draws = 3000
    let alarms = 0
    for (let i = 0; i < draws; i++)
      if (signFlip(integerDifferences(unchangedSuite(random, design))).midp <= 0.05) alarms++
    expect(alarms / draws).toBeLessThan(0.069)
    expect(alarms / draws).toBeGreaterThan(0.02)
  })
})
