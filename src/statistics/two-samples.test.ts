// Tests and intervals of two independent samples: reference values of R and SciPy, brute force, symmetry, duality.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { chiSquareTail, compareRates, proportionTest } from './chi-square.ts'
import { bucketOf, valueOf } from './log-histogram.ts'
import { mannWhitney, superiority, tiedValues } from './mann-whitney.ts'
import { rateDifference } from './newcombe.ts'
import { twoSampleShift } from './two-sample-shift.ts'
import { momentsOf, welch, welchInterval } from './welch.ts'

type Samples = { x: number[]; y: number[] }
const moments = (values: readonly number[]) => ({
  n: values.length,
  sum: values.reduce((a, b) => a + b, 0),
  squares: values.reduce((a, b) => a + b * b, 0),
})
const list = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 1, maxLength: 25 })

describe('chi-square', () => {
  it('agrees with mpmath in the tail to 1e-12', () => {
    for (const { in: at, out } of reference<{ x: number; df: number }, { v: number }>('chisquare_sf'))
      expectClose(chiSquareTail(at.x, at.df), out.v, 1e-11, at)
    expect(() => chiSquareTail(1, 0)).toThrow(RangeError)
    expect(() => chiSquareTail(-1, 1)).toThrow(RangeError)
  })
  it('agrees with R chisq.test on planned proportions', () => {
    type Out = { chi2: number | null; df: number; p: number | null }
    for (const { in: at, out } of reference<{ obs: number[]; w: number[] }, Out>('chi2_srm')) {
      const test = proportionTest(at.obs, at.w)
      expect(test.df).toBe(out.df)
      if (out.p === null) expect(test.p).toBeNull()
      else {
        expectClose(test.statistic, out.chi2!, 1e-9, at, 1e-6)
        expectClose(test.p!, out.p, 1e-9, at)
      }
    }
    expect(() => proportionTest([1, 2], [1, 0])).toThrow(RangeError)
    expect(() => proportionTest([1], [1])).toThrow(RangeError)
  })
  it('of two rates is the pooled z squared, and Fisher where counts are small', () => {
    type In = { x1: number; n1: number; x2: number; n2: number }
    const methods = new Set<string>()
    for (const { in: at, out } of reference<In, { p_two: number | null }>('two_proportion_z')) {
      const test = compareRates({ n: at.n1, bad: at.x1 }, { n: at.n2, bad: at.x2 })
      methods.add(test.method)
      if (test.method === 'chi-square') expectClose(test.p, out.p_two!, 1e-9, at)
      else if (out.p_two === null) expect(test.p).toBe(1)
    }
    expect(methods).toEqual(new Set(['chi-square', 'fisher']))
  })
})

it('the Newcombe interval agrees with R and mirrors', () => {
  type In = { x1: number; n1: number; x2: number; n2: number; conf: number }
  for (const { in: at, out } of reference<In, { lo: number; hi: number; diff: number }>('newcombe_independent_diff')) {
    const [a, b] = [
      { n: at.n1, bad: at.x1 },
      { n: at.n2, bad: at.x2 },
    ]
    const interval = rateDifference(a, b, at.conf)
    expectClose(interval.low, out.lo, 1e-9, at)
    expectClose(interval.high, out.hi, 1e-9, at)
    expectClose(interval.estimate, out.diff, 1e-12, at)
    expectClose(rateDifference(b, a, at.conf).low, -interval.high, 1e-12, at)
  }
})

describe('welch', () => {
  it('agrees with SciPy and R', () => {
    type Out = { t: number | null; df: number; p_two: number; p_less: number; ci95_lo: number; ci95_hi: number }
    for (const { in: at, out } of reference<Samples, Out>('welch_t')) {
      const test = welch(moments(at.x), moments(at.y))
      if (out.t === null) {
        expect(test).toBeNull()
        continue
      }
      expectClose(test!.t, out.t, 1e-9, at)
      expectClose(test!.df, out.df, 1e-9, at)
      expectClose(test!.twoSided, out.p_two, 1e-8, at)
      expectClose(test!.less, out.p_less, 1e-8, at)
      const { low, high } = welchInterval(test!, 0.95)
      expectClose(low, out.ci95_lo, 1e-8, at)
      expectClose(high, out.ci95_hi, 1e-8, at)
    }
  })
  it('says nothing of one value or of no variance; a factor scales the second side', () => {
    expect(welch(moments([1]), moments([1, 2]))).toBeNull()
    expect(welch(moments([1, 1]), moments([2, 2]))).toBeNull()
    const [x, y] = [
      [3, 4, 7, 8],
      [1, 2, 2, 5],
    ]
    const scaled = welch(moments(x), moments(y.map((value) => 1.5 * value)))!
    const factored = welch(moments(x), moments(y), 1.5)!
    expectClose(factored.t, scaled.t, 1e-12)
    expectClose(factored.df, scaled.df, 1e-12)
    expect(momentsOf(moments([0.1, 0.1, 0.1])).variance).toBeGreaterThanOrEqual(0)
  })
  it('test and interval agree', () => {
    fc.assert(
      fc.property(list, list, (x, y) => {
        const test = welch(moments(x), moments(y))
        if (test === null) return
        const { low, high } = welchInterval(test, 0.95)
        if (Math.abs(test.twoSided - 0.05) > 1e-9) expect(low > 0 || high < 0).toBe(test.twoSided < 0.05)
      }),
    )
  })
})

describe('mannWhitney', () => {
  it('agrees with SciPy: exact without ties, corrected with them', () => {
    type Out = { U1: number; ties: boolean } & Record<string, number | null>
    let [exact, approximate] = [0, 0]
    for (const { in: at, out } of reference<Samples, Out>('mann_whitney_u')) {
      const test = mannWhitney(tiedValues(at.x, at.y))
      expect(test.u).toBe(out.U1)
      const kind = test.exact ? 'p_exact' : 'p_asym_cc'
      if (test.exact) exact++
      else approximate++
      if (out[`${kind}_two-sided`] === null) {
        expect(test.twoSided).toBe(1)
        continue
      }
      expectClose(test.less, out[`${kind}_less`]!, 1e-9, at)
      expectClose(test.greater, out[`${kind}_greater`]!, 1e-9, at)
      expectClose(test.twoSided, out[`${kind}_two-sided`]!, 1e-9, at)
    }
    expect(exact).toBeGreaterThan(3)
    expect(approximate).toBeGreaterThan(3)
  })
  it('counts pairs, mirrors, and knows only the order', () => {
    fc.assert(
      fc.property(list, list, (x, y) => {
        const test = mannWhitney(tiedValues(x, y))
        const pairs = x.flatMap((a) => y.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)))
        expect(test.u).toBe(pairs.reduce<number>((a, b) => a + b, 0))
        const mirrored = mannWhitney(tiedValues(y, x))
        expectClose(mirrored.less, test.greater, 1e-9)
        expectClose(mirrored.twoSided, test.twoSided, 1e-9)
        const stretched = mannWhitney(
          tiedValues(
            x.map((v) => v ** 3),
            y.map((v) => v ** 3),
          ),
        )
        expect(stretched).toEqual(test)
        const effect = superiority(tiedValues(x, y), 0.9)
        expect(effect === null).toBe(Math.min(x.length, y.length) < 2)
        if (effect === null) return
        expectClose(effect.estimate, test.u / test.pairs, 1e-12)
        expect(effect.low).toBeGreaterThanOrEqual(0)
        expect(effect.high).toBeLessThanOrEqual(1)
        expect(effect.low).toBeLessThanOrEqual(effect.estimate + 1e-12)
        expect(effect.high).toBeGreaterThanOrEqual(effect.estimate - 1e-12)
      }),
    )
  })
  it('of buckets of 2 % says nearly what the values say', () => {
    const draw = seeded(11)
    const x = Array.from({ length: 600 }, () => Math.exp(7 + draw.normal()))
    const y = Array.from({ length: 500 }, () => Math.exp(7.15 + draw.normal()))
    const bucketed = (values: number[]) => values.map((value) => valueOf(bucketOf(value)))
    const [sharp, blunt] = [mannWhitney(tiedValues(x, y)), mannWhitney(tiedValues(bucketed(x), bucketed(y)))]
    expectClose(blunt.u, sharp.u, 0.002)
    expectClose(blunt.twoSided, sharp.twoSided, 0.05)
  })
  it('refuses what it cannot order', () => {
    expect(() => tiedValues([Number.NaN], [1])).toThrow(RangeError)
    expect(() => mannWhitney([{ value: 2, first: 1, second: 0 }, { value: 1, first: 0, second: 1 }])).toThrow(RangeError) // biome-ignore format: one line
    expect(mannWhitney([])).toMatchObject({ pairs: 0, twoSided: 1 })
  })
})

describe('twoSampleShift', () => {
  it('agrees with the median of all differences, and with the exact interval of R', () => {
    type Out = { shift: number; ci95_exact_R: [number, number] | null }
    let intervals = 0
    for (const { in: at, out } of reference<Samples, Out>('hodges_lehmann')) {
      const values = tiedValues(at.x, at.y)
      const shift = twoSampleShift(values, 0.95)!
      expectClose(shift.estimate, out.shift, 1e-9, at, 1e-3)
      if (!mannWhitney(values).exact || out.ci95_exact_R === null) continue
      // Where no interval of 95 % exists, R gives that of a lower level; here it has no ends.
      if (!Number.isFinite(shift.low)) continue
      intervals++
      expectClose(shift.low, out.ci95_exact_R[0], 1e-9, at)
      expectClose(shift.high, out.ci95_exact_R[1], 1e-9, at)
    }
    expect(intervals).toBeGreaterThan(3)
  })
  it('is the brute-force median, for counted values too, and moves with its sample', () => {
    fc.assert(
      fc.property(list, list, fc.integer({ min: -9, max: 9 }), (x, y, by) => {
        const all = x.flatMap((a) => y.map((b) => a - b)).sort((a, b) => a - b)
        const middle = (all[Math.floor((all.length - 1) / 2)]! + all[Math.ceil((all.length - 1) / 2)]!) / 2
        const shift = twoSampleShift(tiedValues(x, y), 0.9)!
        expectClose(shift.estimate, middle, 1e-9, '', 1)
        expect(shift.low).toBeLessThanOrEqual(shift.estimate)
        expect(shift.high).toBeGreaterThanOrEqual(shift.estimate)
        const moved = twoSampleShift(tiedValues(x.map((v) => v + by), y), 0.9)! // biome-ignore format: one line
        expectClose(moved.estimate, shift.estimate + by, 1e-9, '', 1)
      }),
    )
    expect(twoSampleShift([{ value: 1, first: 2, second: 0 }], 0.9)).toBeNull()
  })
})
