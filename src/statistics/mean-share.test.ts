// Bounds for a mean of shares: pass@k and pass^k of cases that are a sample, near 1 above all, where few cases differ.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../fixtures/reference/read.ts'
import { clopperPearson } from './clopper-pearson.ts'
import { passAtK, passHatK } from './pass-at-k.ts'
import { meanShare, populationRate } from './suite-rate.ts'

describe('meanShare', () => {
  it('of cases that are all alike is a rate of so many cases', () => {
    for (const share of [0, 0.5, 1]) {
      const { low, high } = meanShare(
        Array.from({ length: 20 }, () => share),
        60,
        0.95,
      )
      expect(low).toBeLessThan(share === 0 ? 1e-12 : share)
      expect(high).toBeGreaterThan(share === 1 ? 1 - 1e-12 : share)
    }
    const { low } = meanShare(
      Array.from({ length: 20 }, () => 1),
      20,
      0.95,
    )
    expect(low).toBeCloseTo(clopperPearson(20, 20, 0.9).low, 12)
  })
  it('is no surer of 49 cases of 50 that always pass than of 50', () => {
    const sure = meanShare(
      Array.from({ length: 50 }, () => 1),
      50,
      0.95,
    )
    const less = meanShare([...Array.from({ length: 49 }, () => 1), 0.9], 50, 0.95)
    expect(less.low).toBeLessThan(sure.low)
  })
  it('is the bound of populationRate for pass@1', () => {
    const random = seeded(7)
    const counts = Array.from({ length: 30 }, () => ({ trials: 4, passes: random.binomial(4, 0.8) }))
    const found = meanShare(
      counts.map(({ passes, trials }) => passes / trials),
      120,
      0.95,
    )
    const { low, high } = populationRate(counts, 0.95, 'korn-graubard')
    expect(found.low).toBeCloseTo(low, 12)
    expect(found.high).toBeCloseTo(high, 12)
  })
  it('holds its estimate and stays in [0, 1]', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 4 }), (values, each) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        const { low, high } = meanShare(values, values.length * each, 0.95)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        expect(low).toBeLessThanOrEqual(mean + 1e-9)
        expect(high).toBeGreaterThanOrEqual(mean - 1e-9)
      }),
    )
  })
  it('refuses what is no share', () => {
    expect(() => meanShare([], 1, 0.95)).toThrow(RangeError)
    expect(() => meanShare([1.1], 1, 0.95)).toThrow(RangeError)
    expect(() => meanShare([Number.NaN], 1, 0.95)).toThrow(RangeError)
  })
  // Nominal 5 %; 2,000 draws have a standard error of 0.49 points: 6.5 % is 3 of them away.
  it.each([
    { n: 30, trials: 3, k: 3, mean: 0.95, measure: passHatK },
    { n: 30, trials: 5, k: 2, mean: 0.9, measure: passAtK },
    { n: 50, trials: 3, k: 3, mean: 0.85, measure: passAtK },
    { n: 100, trials: 6, k: 3, mean: 0.9, measure: passHatK },
  ])('claims a floor that is not kept at most 1 time in 20: %o', ({ n, trials, k, mean, measure }) => {
    const random = seeded(n * 100 + trials * 10 + k)
    // What is true of all cases: each has a rate of its own, drawn from a Beta.
    let truth = 0
    const many = 200_000
    for (let i = 0; i < many; i++) {
      const p = random.beta(mean, 0.3)
      truth += measure === passHatK ? p ** k : 1 - (1 - p) ** k
    }
    truth /= many
    let claimed = 0
    const draws = 2000
    for (let draw = 0; draw < draws; draw++) {
      const values = Array.from({ length: n }, () =>
        measure(trials, random.binomial(trials, random.beta(mean, 0.3)), k),
      )
      if (meanShare(values, n * Math.floor(trials / k), 0.95).low > truth) claimed += 1
    }
    expect(claimed / draws).toBeLessThan(0.065)
  })
})
