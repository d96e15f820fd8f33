// Rates against a limit, the split check and sums in log space: properties, and error rates by simulation.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, seeded } from '../../fixtures/reference/read.ts'
import { logBeta, logGamma, logMean, logSum } from './log-space.ts'
import { aboveEvidence, belowEvidence, startRateLimit, stepRateLimit } from './rate-limit.ts'
import { splitEvidence, startSplit, stepSplit } from './split-check.ts'

describe('log space', () => {
  it('adds what is too large and too small for a number', () => {
    expectClose(logSum([1e7, 1e7]), 1e7 + Math.LN2, 1e-15)
    expectClose(logSum([-1e7, -1e7 - 800]), -1e7, 1e-15)
    expectClose(logMean([Math.log(2), Math.log(4)]), Math.log(3), 1e-14)
    expectClose(logSum([0, 0], [0.25, 0.5]), Math.log(0.75), 1e-14)
    expect(logSum([])).toBe(-Infinity)
    expect(logSum([-Infinity, 0])).toBe(0)
  })
  it('knows the gamma function: factorials, halves, its recurrence and its reflection', () => {
    let factorial = 0
    for (let n = 1; n <= 170; n++) expectClose(logGamma(n + 1), (factorial += Math.log(n)), 1e-13, n)
    expectClose(logGamma(0.5), Math.log(Math.PI) / 2, 1e-13)
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e7, noNaN: true }), (x) => {
        expectClose(logGamma(x + 1), logGamma(x) + Math.log(x), 1e-12, x, 1)
      }),
    )
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 0.99, noNaN: true }), (x) => {
        expectClose(logGamma(x) + logGamma(1 - x), Math.log(Math.PI / Math.sin(Math.PI * x)), 1e-12, x, 1)
      }),
    )
    expectClose(logBeta(3, 4), Math.log(1 / 60), 1e-13)
    expect(() => logGamma(0)).toThrow(RangeError)
  })
})

describe('a rate against a limit', () => {
  const limit = fc.double({ min: 0.001, max: 0.999, noNaN: true })
  const seen = fc.nat(1000).chain((n) => fc.record({ n: fc.constant(n), bad: fc.nat(n) }))
  it('is a fair game at the limit, and a losing one on the allowed side', () => {
    fc.assert(
      fc.property(limit, seen, (limit, seen) => {
        const state = stepRateLimit(startRateLimit(limit), seen)
        for (const [evidence, allowed] of [
          [aboveEvidence, 0.7],
          [belowEvidence, 1.3],
        ] as const) {
          const now = evidence(state)
          const [bad, good] = [1, 0].map((bad) => Math.exp(evidence(stepRateLimit(state, { n: 1, bad })) - now)) as [
            number,
            number,
          ]
          expectClose(limit * bad + (1 - limit) * good, 1, 1e-9)
          const p = Math.min(1, limit * allowed)
          expect(p * bad + (1 - p) * good).toBeLessThanOrEqual(1 + 1e-9)
        }
      }),
    )
  })
  it('does not see in which pieces the events came, and mirrors', () => {
    const whole = stepRateLimit(startRateLimit(0.05), { n: 1000, bad: 80 })
    expect(stepRateLimit(stepRateLimit(startRateLimit(0.05), { n: 10, bad: 0 }), { n: 990, bad: 80 })).toEqual(whole)
    expect(aboveEvidence(whole)).toBeGreaterThan(Math.log(100))
    expect(belowEvidence(whole)).toBeLessThan(0)
  })
  it('proves a rate below 1 % with a thousand good answers, and above it with a few bad ones', () => {
    const start = startRateLimit(0.01)
    expect(belowEvidence(stepRateLimit(start, { n: 1000, bad: 0 }))).toBeGreaterThan(Math.log(20))
    expect(belowEvidence(stepRateLimit(start, { n: 100, bad: 0 }))).toBeLessThan(Math.log(20))
    expect(aboveEvidence(stepRateLimit(start, { n: 100, bad: 10 }))).toBeGreaterThan(Math.log(1000))
  })
  it('stays finite at the ends and with ten million events', () => {
    for (const limit of [0, 0.02, 1]) {
      for (const bad of [0, 1, 5e6, 1e7]) {
        const state = stepRateLimit(startRateLimit(limit), { n: 1e7, bad })
        expect(aboveEvidence(state)).not.toBeNaN()
        expect(belowEvidence(state)).not.toBeNaN()
        expect(aboveEvidence(state)).toBeLessThan(Infinity)
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
      }
    }
    expect(aboveEvidence(stepRateLimit(startRateLimit(0), { n: 100, bad: 1 }))).toBeGreaterThan(0)
    expect(() => startRateLimit(1.01)).toThrow(RangeError)
    expect(() => stepRateLimit(startRateLimit(0.1), { n: -1, bad: 0 })).toThrow(RangeError)
  })
  it('alarms in at most 5 % of the days at the limit', () => {
    const random = seeded(5)
    const days = Array.from({ length: 300 }, () => {
      let state = startRateLimit(0.05)
      let [above, below] = [false, false]
      for (let look = 0; look < 144; look++) {
        state = stepRateLimit(state, { n: 100, bad: random.binomial(100, 0.05) })
        above ||= aboveEvidence(state) >= Math.log(20)
        below ||= belowEvidence(state) >= Math.log(20)
      }
      return { above, below }
    })
    expect(days.filter((day) => day.above).length).toBeLessThanOrEqual(15)
    expect(days.filter((day) => day.below).length).toBeLessThanOrEqual(15)
  })
})

describe('split check', () => {
  const share = fc.constantFrom(0.01, 0.05, 0.25, 0.5)
  const block = fc.record({ share, candidate: fc.nat(50), baseline: fc.nat(200) })
  it('is a fair game when units go where they should, over changes of the share', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 10 }), share, (blocks, pi) => {
        const state = blocks.reduce(stepSplit, startSplit())
        const next = (candidate: number) =>
          Math.exp(splitEvidence(stepSplit(state, { share: pi, candidate, baseline: 1 - candidate })))
        expectClose(pi * next(1) + (1 - pi) * next(0), Math.exp(splitEvidence(state)), 1e-8)
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
      }),
    )
  })
  it('finds a skew, keeps it over the next stage, and is silent about a right split of millions', () => {
    const skewed = stepSplit(startSplit(), { share: 0.5, candidate: 5000, baseline: 5600 })
    expect(splitEvidence(skewed)).toBeGreaterThan(Math.log(1000))
    expect(splitEvidence(stepSplit(skewed, { share: 0.25, candidate: 25, baseline: 75 }))).toBeGreaterThan(
      Math.log(1000),
    )
    expect(
      splitEvidence(stepSplit(startSplit(), { share: 0.01, candidate: 100_000, baseline: 9_900_000 })),
    ).toBeLessThan(0)
    expect(splitEvidence(stepSplit(startSplit(), { share: 0.05, candidate: 0, baseline: 400 }))).toBeGreaterThan(
      Math.log(1000),
    )
  })
  it('ignores blocks without a split and refuses impossible numbers', () => {
    for (const share of [0, 1])
      expect(stepSplit(startSplit(), { share, candidate: 10, baseline: 0 })).toEqual(startSplit())
    expect(splitEvidence(startSplit())).toBeCloseTo(0, 12)
    expect(() => stepSplit(startSplit(), { share: 2, candidate: 0, baseline: 0 })).toThrow(RangeError)
    expect(() => stepSplit(startSplit(), { share: 0.5, candidate: -1, baseline: 0 })).toThrow(RangeError)
  })
  it('alarms in at most 1 of 300 days with a look a minute', () => {
    const random = seeded(17)
    const alarms = Array.from({ length: 300 }, () => {
      let state = startSplit()
      for (let minute = 0; minute < 1440; minute++) {
        const candidate = random.binomial(3, 0.05)
        state = stepSplit(state, { share: 0.05, candidate, baseline: 3 - candidate })
        if (minute % 10 === 0 && splitEvidence(state) >= Math.log(1000)) return 1
      }
      return 0
    })
    expect(alarms.filter(Boolean).length).toBeLessThanOrEqual(1)
  })
})
