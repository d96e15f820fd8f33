// Intervals for a change: reference values, properties, and how often they miss the truth.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { anyStratum, stratifiedReference } from '../../fixtures/reference/suites.ts'
import { meanDifference } from './mean-difference.ts'
import { populationDifference } from './population-difference.ts'
import { suiteDifference, suiteDifferenceAt } from './suite-difference.ts'

const someStrata = fc.array(anyStratum, { minLength: 1, maxLength: 60 })

describe('suiteDifference', () => {
  it('agrees with the reference to 1e-10', () => {
    for (const { strata, out } of stratifiedReference()) {
      const interval = suiteDifference(strata, 0.95)
      expectClose(interval.difference, out.delta, 1e-10, '', 1e-6)
      expectClose(interval.standardError, out.suite_se, 1e-10)
      expectClose(interval.low, out.suite_lo95, 1e-10, '', 1e-6)
      expectClose(interval.high, out.suite_hi95, 1e-10, '', 1e-6)
      expect(suiteDifferenceAt(strata, 0).low).toBe(interval.difference)
    }
  })
  it('contains the difference, mirrors when the sides swap, is never certain, ignores the order', () => {
    fc.assert(
      fc.property(someStrata, (strata) => {
        const { difference, low, high, standardError } = suiteDifference(strata, 0.95)
        expect(low).toBeLessThan(difference)
        expect(high).toBeGreaterThan(difference)
        expect(standardError).toBeGreaterThan(0)
        const swapped = strata.map((s) => ({
          passes: s.basePasses,
          trials: s.baseTrials,
          basePasses: s.passes,
          baseTrials: s.trials,
        }))
        expectClose(-suiteDifference(swapped, 0.95).high, low, 1e-12, '', 1)
        expectClose(suiteDifference([...strata].reverse(), 0.95).low, low, 1e-12, '', 1)
        expect(suiteDifference(strata, 0.99).low).toBeLessThan(low)
      }),
    )
    expect(() => suiteDifference([], 0.95)).toThrow(RangeError)
  })
  // Nominal 5%, at most 6.0% in the calibration; the standard error of 3,000 draws is 0.43 points.
  it.each([
    { n: 50, k: 1, m: 5, icc: 0.5 },
    { n: 50, k: 3, m: 5, icc: 0.2 },
    { n: 200, k: 1, m: 5, icc: 0.2 },
    { n: 200, k: 3, m: 5, icc: 0.5 },
  ])('each bound misses a true drop of 5 points at most about 1 in 20 times: %o', ({ n, k, m, icc }) => {
    const random = seeded(7 * n + k)
    const draws = 3000
    let below = 0
    let above = 0
    for (let i = 0; i < draws; i++) {
      const rates = Array.from({ length: n }, () => random.beta(0.9, icc))
      const mean = rates.reduce((a, b) => a + b, 0) / n
      const keep = 1 - 0.05 / mean
      const { low, high } = suiteDifference(
        rates.map((p) => ({
          passes: random.binomial(k, p * keep),
          trials: k,
          basePasses: random.binomial(m, p),
          baseTrials: m,
        })),
        0.95,
      )
      if (low > -0.05) below++
      if (high < -0.05) above++
    }
    expect(below / draws).toBeLessThan(0.073)
    expect(above / draws).toBeLessThan(0.073)
    expect(below + above).toBeGreaterThan(draws * 0.02)
  })
})

describe('meanDifference and populationDifference', () => {
  type Paired = { mean: number; ci95_lo: number; ci95_hi: number; t: number } | null
  it('agrees with scipy and R t.test to 1e-9', () => {
    const cases = reference<{ x: number[]; y: number[] }, Paired>('paired_t')
    let compared = 0
    for (const { in: at, out } of cases) {
      if (!out || out.t === null || !Number.isFinite(out.t)) continue
      compared++
      const { difference, standardError, low, high } = meanDifference(
        at.y.map((y, i) => y - at.x[i]!),
        0.975,
      )
      expectClose(difference, out.mean, 1e-9, at, 1e-6)
      expectClose(difference / standardError, out.t, 1e-9, at, 1e-6)
      expectClose(low, out.ci95_lo, 1e-9, at, 1e-6)
      expectClose(high, out.ci95_hi, 1e-9, at, 1e-6)
    }
    expect(compared).toBeGreaterThan(10)
  })
  it('is plain t after one pseudo-case each way, and never certain', () => {
    const d = [0, 0, -1, 0.5, 0, 0, 0, 0, 0, 0]
    const { low, high } = meanDifference([...d, 1, -1], 0.95)
    expect(populationDifference(d, 0.95)).toMatchObject({ low, high, difference: -0.05 })
    const still = populationDifference(
      Array.from({ length: 30 }, () => 0),
      0.95,
    )
    expect(still.low).toBeLessThan(-0.05)
    expect(still.high).toBeGreaterThan(0.05)
    expect(meanDifference([0.3], 0.95)).toMatchObject({ difference: 0.3, low: -Infinity, high: Infinity })
    expect(() => meanDifference([], 0.95)).toThrow(RangeError)
    expect(() => populationDifference([], 0.95)).toThrow(RangeError)
  })
  it('contains the mean and mirrors', () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 80 })
    fc.assert(
      fc.property(values, (values) => {
        for (const interval of [populationDifference, meanDifference]) {
          const { difference, low, high } = interval(values, 0.95)
          expect(low).toBeLessThanOrEqual(difference)
          expect(high).toBeGreaterThanOrEqual(difference)
          const mirrored = interval(
            values.map((d) => -d),
            0.95,
          )
          expectClose(-mirrored.high, low, 1e-12, values, 1)
        }
      }),
    )
  })
})
