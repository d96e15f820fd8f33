// Intervals for pass rates: reference values, properties, and how often a suite exactly at the threshold is failed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { clopperPearson } from './clopper-pearson.ts'
import { type Count, meanRate } from './counts.ts'
import { populationRate, suiteRate } from './suite-rate.ts'
import { wilson } from './wilson.ts'

type In = { x: number; n: number; conf: number }
type Out = { lo: number; hi: number }

describe.each([
  { name: 'wilson', interval: wilson },
  { name: 'clopper_pearson', interval: clopperPearson },
])('$name', ({ name, interval }) => {
  it('agrees with statsmodels and R to 1e-9', () => {
    for (const { in: at, out } of reference<In, Out>(name)) {
      const { low, high } = interval(at.x, at.n, at.conf)
      expectClose(low, out.lo, 1e-9, at)
      expectClose(high, out.hi, 1e-9, at)
    }
  })
  const rate = fc
    .record({
      n: fc.double({ min: 2, max: 1e5, noNaN: true }),
      share: fc.double({ min: 1e-4, max: 0.9999, noNaN: true }),
    })
    .map(({ n, share }) => ({ n, x: n * share }))
  const level = fc.double({ min: 0.5, max: 0.999, noNaN: true })
  it('contains the estimate, stays in [0, 1], mirrors when passes and failures swap, widens with the level', () => {
    fc.assert(
      fc.property(rate, level, ({ x, n }, level) => {
        const { low, high } = interval(x, n, level)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        expect(low).toBeLessThanOrEqual((x / n) * (1 + 1e-12))
        expect(high).toBeGreaterThanOrEqual((x / n) * (1 - 1e-12))
        expectClose(1 - interval(n - x, n, level).high, low, 1e-7, { x, n, level }, 1e-3)
        const wider = interval(x, n, (1 + level) / 2)
        expect(wider.low).toBeLessThanOrEqual(low * (1 + 1e-12))
        expect(wider.high).toBeGreaterThanOrEqual(high * (1 - 1e-12))
      }),
    )
  })
  it('is 0 and 1 at the ends, and refuses the impossible', () => {
    expect(interval(0, 7.5, 0.9).low).toBe(0)
    expect(interval(7.5, 7.5, 0.9).high).toBe(1)
    for (const [x, n, level] of [
      [-1, 5, 0.9],
      [6, 5, 0.9],
      [0, 0, 0.9],
      [1, 5, 1],
      [1, 5, Number.NaN],
    ] as const) {
      expect(() => interval(x, n, level)).toThrow(RangeError)
    }
  })
})

const count = (most: number) =>
  fc
    .integer({ min: 1, max: most })
    .chain((trials) => fc.record({ passes: fc.nat(trials), trials: fc.constant(trials) }))
const suite = fc.array(count(6), { minLength: 1, maxLength: 60 })

describe('suiteRate', () => {
  it('is Wilson on the cases when each was tried once', () => {
    const counts = Array.from({ length: 40 }, (_, i) => ({ passes: i < 34 ? 1 : 0, trials: 1 }))
    expect(suiteRate(counts, 0.95)).toEqual({ estimate: 0.85, ...wilson(34, 40, 2 * 0.95 - 1), effectiveN: 40 })
  })
  it('follows the formula with repeats', () => {
    // x = 1, 2/3, 2/3, 0 of 3 trials: V = (2 * (2/9) / 2 + 1/3) / 16, n_eff = max(12, p(1 - p) / V)
    const counts = [3, 2, 2, 0].map((passes) => ({ passes, trials: 3 }))
    const { estimate, effectiveN } = suiteRate(counts, 0.95)
    const p = 7 / 12
    expectClose(estimate, p, 1e-14)
    expectClose(effectiveN, Math.max(12, (p * (1 - p)) / ((2 / 9 + 1 / 3) / 16)), 1e-12)
    const stable = Array.from({ length: 100 }, (_, i) => ({ passes: i < 80 ? 3 : 0, trials: 3 }))
    expectClose(suiteRate(stable, 0.95).effectiveN, 0.16 / (1 / 3 / 10_000), 1e-12)
  })
  it('contains the estimate, ignores the order, and is never smaller than the cases allow', () => {
    fc.assert(
      fc.property(suite, (counts) => {
        const rate = suiteRate(counts, 0.95)
        expectClose(rate.estimate, meanRate(counts), 1e-14)
        expect(rate.low).toBeLessThanOrEqual(rate.estimate + 1e-12)
        expect(rate.high).toBeGreaterThanOrEqual(rate.estimate - 1e-12)
        expect(rate.effectiveN).toBeGreaterThanOrEqual(counts.length * (1 - 1e-12))
        const turned = suiteRate([...counts].reverse(), 0.95)
        expectClose(turned.low, rate.low, 1e-12)
        expectClose(turned.high, rate.high, 1e-12)
      }),
    )
  })
  it('borrows the variance of cases tried once, so that they add no certainty that they have not', () => {
    const repeated = Array.from({ length: 50 }, () => ({ passes: 3, trials: 3 }))
    const single = Array.from({ length: 50 }, (_, i) => ({ passes: i % 2, trials: 1 }))
    const { effectiveN, estimate } = suiteRate([...repeated, ...single], 0.95)
    // The 50 coins alone give the mean a standard error of 0.5 x sqrt(0.5 / 100) = 0.035: no more may be claimed.
    expect(Math.sqrt((estimate * (1 - estimate)) / effectiveN)).toBeGreaterThan(0.035)
  })
  it('refuses no cases and impossible counts', () => {
    expect(() => suiteRate([], 0.95)).toThrow(RangeError)
    expect(() => suiteRate([{ passes: 2, trials: 1 }], 0.95)).toThrow(RangeError)
    expect(() => suiteRate([{ passes: 0, trials: 0 }], 0.95)).toThrow(RangeError)
    expect(() => suiteRate([{ passes: 1, trials: 1 }], 0.4)).toThrow(RangeError)
  })
  // Nominal 5%; 2,500 draws have a standard error of 0.44 points, so that 6.5% is 3.4 of them away.
  it.each([
    { n: 50, k: 3, icc: 0.5 },
    { n: 200, k: 1, icc: 0.5 },
    { n: 200, k: 3, icc: 0.2 },
    { n: 200, k: 3, icc: 0.8 },
    { n: 100, k: 5, icc: 0.5 },
  ])('fails a suite exactly at the threshold at most 1 in 20 times: %o', ({ n, k, icc }) => {
    const random = seeded(n * 100 + k * 10 + icc * 10)
    let failed = 0
    let passed = 0
    const draws = 2500
    for (let draw = 0; draw < draws; draw++) {
      const rates = Array.from({ length: n }, () => random.beta(0.85, icc))
      const threshold = rates.reduce((a, b) => a + b, 0) / n
      const { low, high } = suiteRate(
        rates.map((p) => ({ passes: random.binomial(k, p), trials: k })),
        0.95,
      )
      if (high < threshold) failed++
      if (low >= threshold) passed++
    }
    expect(failed / draws).toBeLessThan(0.065)
    expect(passed / draws).toBeLessThan(0.065)
    if (k > 1) expect(failed + passed).toBeGreaterThan(draws * 0.04)
  })
})

describe('populationRate', () => {
  type Cluster = Record<'mean_cases' | 'n_eff' | 'kg_n_eff_df' | 'kg_lo' | 'kg_hi' | 'wilson_neff_lo', number> & {
    wilson_neff_hi: number
  }
  it('agrees with R survey::svyciprop to 1e-9', () => {
    for (const { in: at, out } of reference<{ pass: number[]; runs: number[] }, Cluster>('cluster_mean')) {
      const counts: Count[] = at.pass.map((passes, i) => ({ passes, trials: at.runs[i]! }))
      const plain = populationRate(counts, 0.975)
      expectClose(plain.estimate, out.mean_cases, 1e-12, at)
      expectClose(plain.effectiveN, out.n_eff, 1e-9, at)
      expectClose(plain.low, out.wilson_neff_lo, 1e-9, at)
      expectClose(plain.high, out.wilson_neff_hi, 1e-9, at)
      const safe = populationRate(counts, 0.975, 'korn-graubard')
      expectClose(safe.effectiveN, out.kg_n_eff_df, 1e-9, at)
      expectClose(safe.low, out.kg_lo, 1e-9, at)
      expectClose(safe.high, out.kg_hi, 1e-9, at)
    }
  })
  it('contains the estimate, ignores the order, claims no more than the trials', () => {
    fc.assert(
      fc.property(suite, fc.constantFrom('wilson', 'korn-graubard'), (counts, method) => {
        const rate = populationRate(counts, 0.95, method)
        expect(rate.low).toBeLessThanOrEqual(rate.estimate + 1e-9)
        expect(rate.high).toBeGreaterThanOrEqual(rate.estimate - 1e-9)
        expect(rate.effectiveN).toBeLessThanOrEqual(counts.reduce((a, { trials }) => a + trials, 0) * (1 + 1e-12))
        expectClose(populationRate([...counts].reverse(), 0.95, method).low, rate.low, 1e-9, '', 1e-6)
      }),
    )
  })
})
