// Power, detectable drops and noise: reference values, the published table, and what simulation says.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { exactStratified } from './exact-stratified.ts'
import { type Design, detectableDrop, regressionPower, varianceComponents } from './power.ts'

const usual = { passRate: 0.9, icc: 0.5, alpha: 0.05 }

describe('regressionPower', () => {
  type In = Record<'n' | 'k' | 'm' | 'mu' | 'icc' | 'drop' | 'alpha', number> & { kind: 'diffuse' | 'concentrated' }
  const designOf = ({ n, k, m, mu, icc, alpha, kind }: In): Design => ({
    cases: n,
    trials: k,
    baseTrials: m,
    passRate: mu,
    icc,
    alpha,
    kind,
  })
  it('agrees with the closed form to 1e-10', () => {
    for (const { in: at, out } of reference<In, { power: number }>('cmh_power')) {
      expectClose(regressionPower(designOf(at), at.drop), out.power, 1e-10, at)
    }
  })
  it.each(['diffuse', 'concentrated'] as const)('is within 4 points of simulation: %s', (kind) => {
    const random = seeded(41)
    const draws = 1500
    const drop = 0.045
    let found = 0
    for (let i = 0; i < draws; i++) {
      const strata = Array.from({ length: 200 }, (_, at) => {
        const p = random.beta(0.9, 0.5)
        const broken = at < 10 ? 0 : p
        const now = kind === 'diffuse' ? p * (1 - drop / 0.9) : broken
        return { passes: random.binomial(3, now), trials: 3, basePasses: random.binomial(5, p), baseTrials: 5 }
      })
      if (exactStratified(strata).midpRegress <= 0.05) found++
    }
    const power = regressionPower({ cases: 200, trials: 3, baseTrials: 5, ...usual, kind }, drop)
    // 2.7 points of approximation, and a standard error of up to 0.8 points for 1,500 draws.
    expect(Math.abs(found / draws - power)).toBeLessThan(0.04)
  })
  it('refuses impossible designs', () => {
    const design = { cases: 50, trials: 1, baseTrials: 1, ...usual }
    expect(() => regressionPower(design, 0)).toThrow(RangeError)
    expect(() => regressionPower(design, 0.91)).toThrow(RangeError)
    expect(() => regressionPower({ ...design, cases: 0 }, 0.1)).toThrow(RangeError)
    expect(() => regressionPower({ ...design, icc: 1.5 }, 0.1)).toThrow(RangeError)
    expect(regressionPower({ ...design, passRate: 1, kind: 'concentrated' }, 1)).toBe(1)
  })
})

describe('detectableDrop', () => {
  // In points, 80% power at alpha 0.05, ICC 0.5, pass rate 0.9; the table is rounded to a tenth.
  it.each([
    [20, 32.7, 19.1, 12.3, 10.5, 8.4],
    [40, 19.9, 12.3, 7.9, 6.8, 5.5],
    [50, 17.0, 10.7, 6.9, 5.9, 4.9],
    [200, 6.8, 4.7, 3.1, 2.6, 2.2],
    [1000, 2.6, 2.0, 1.3, 1.1, 0.9],
  ])('gives the published table for %i cases', (cases, ...points) => {
    const sizes = [
      [1, 1],
      [1, 5],
      [3, 5],
      [5, 5],
      [5, 10],
    ] as const
    for (const [i, [trials, baseTrials]] of sizes.entries()) {
      const drop = detectableDrop({ cases, trials, baseTrials, ...usual, power: 0.8 })
      expect(Math.abs(100 * drop! - points[i]!)).toBeLessThan(0.06)
    }
  })
  it('is where the power is reached, and shrinks with more cases, trials and baseline trials', () => {
    const design = fc.record({
      cases: fc.integer({ min: 20, max: 2000 }),
      trials: fc.integer({ min: 1, max: 5 }),
      baseTrials: fc.integer({ min: 1, max: 20 }),
      passRate: fc.double({ min: 0.5, max: 0.97, noNaN: true }),
      icc: fc.double({ min: 0, max: 0.9, noNaN: true }),
    })
    fc.assert(
      fc.property(design, (design) => {
        const full = { ...design, alpha: 0.05, power: 0.8 }
        const drop = detectableDrop(full)
        fc.pre(drop !== null)
        expectClose(regressionPower(full, drop), 0.8, 1e-5)
        for (const more of ['cases', 'trials', 'baseTrials'] as const) {
          expect(detectableDrop({ ...full, [more]: full[more] * 2 })!).toBeLessThan(drop + 1e-6)
        }
      }),
    )
  })
  it('says so when not even a total loss would be found', () => {
    expect(detectableDrop({ cases: 1, trials: 1, baseTrials: 1, ...usual, power: 0.8 })).toBeNull()
  })
})

describe('varianceComponents', () => {
  it('splits by hand', () => {
    // Rates 1, 1/2, 0 of 2 trials: within = mean(0, 1/2, 0) = 1/6; between = 1/4 - 1/12 = 1/6.
    const split = varianceComponents([2, 1, 0].map((passes) => ({ passes, trials: 2 })))
    expectClose(split!.within, 1 / 6, 1e-14)
    expectClose(split!.between, 1 / 6, 1e-14)
    expectClose(split!.icc!, 0.5, 1e-14)
  })
  it('cannot tell without repeats, and has no ICC when nothing varies', () => {
    expect(varianceComponents([1, 0, 1].map((passes) => ({ passes, trials: 1 })))).toBeNull()
    expect(varianceComponents([{ passes: 1, trials: 2 }])).toBeNull()
    expect(varianceComponents([2, 2].map((passes) => ({ passes, trials: 2 })))).toEqual({
      within: 0,
      between: 0,
      icc: null,
    })
  })
  it.each([0.2, 0.5, 0.8])('finds an ICC of %d from unequal repeats, within 0.05', (icc) => {
    const random = seeded(51)
    const counts = Array.from({ length: 5000 }, (_, i) => {
      const trials = 1 + (i % 4)
      return { passes: random.binomial(trials, random.beta(0.8, icc)), trials }
    })
    expect(Math.abs(varianceComponents(counts)!.icc! - icc)).toBeLessThan(0.05)
  })
})
