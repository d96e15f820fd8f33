// Rank tests and quantiles: reference values, brute force, and the duality of test and interval.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { hodgesLehmann } from './hodges-lehmann.ts'
import { quantile, quantileBounds } from './quantile.ts'
import { signedRank } from './signed-rank.ts'

type Pairs = { x: number[]; y: number[] }
type Wilcoxon = { n_nonzero: number; V: number; ties: boolean; pseudomedian: number } & Record<string, number>
/** The reference takes y - x, rounded to 6 decimals as its inputs are. */
const differences = ({ x, y }: Pairs) => y.map((value, i) => Math.round((value - x[i]!) * 1e6) / 1e6)

const values = fc.array(fc.integer({ min: -400, max: 400 }), { minLength: 1, maxLength: 12 })
const mirrored = (list: readonly number[]) => list.map((d) => -d)

describe('signedRank', () => {
  it('agrees with exact counting and R wilcox.test to 1e-10', () => {
    let exact = 0
    for (const { in: at, out } of reference<Pairs, Wilcoxon>('wilcoxon_signed_rank')) {
      const test = signedRank(differences(at))
      expect(test.n).toBe(out.n_nonzero)
      expect(test.statistic).toBe(out.V)
      if (test.n === 0) continue
      expect(test.exact).toBe(test.n <= 50 && !out.ties)
      if (test.exact) exact++
      const kind = test.exact ? 'p_exact' : 'p_asym_cc'
      expectClose(test.less, out[`${kind}_less`]!, 1e-10, out)
      expectClose(test.greater, out[`${kind}_greater`]!, 1e-10, out)
      expectClose(test.twoSided, out[`${kind}_two-sided`]!, 1e-10, out)
    }
    expect(exact).toBeGreaterThan(5)
  })
  it('is exact: all signs of ten untied ranks', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), (signs) => {
        const d = signs.map((up, i) => (up ? i + 1 : -i - 1))
        const rankSum = (mask: number) => d.reduce((a, _, i) => a + ((mask >> i) & 1 ? i + 1 : 0), 0)
        const { statistic, less, greater } = signedRank(d)
        const all = Array.from({ length: 1024 }, (_, mask) => rankSum(mask))
        expectClose(less, all.filter((v) => v <= statistic).length / 1024, 1e-12)
        expectClose(greater, all.filter((v) => v >= statistic).length / 1024, 1e-12)
      }),
    )
  })
  it('mirrors, ignores the order, stays in (0, 1], says nothing about zeros', () => {
    fc.assert(
      fc.property(values, (d) => {
        const test = signedRank(d)
        const other = signedRank(mirrored(d).reverse())
        expectClose(other.greater, test.less, 1e-12)
        expectClose(other.twoSided, test.twoSided, 1e-12)
        for (const p of [test.less, test.greater, test.twoSided]) {
          expect(p).toBeGreaterThan(0)
          expect(p).toBeLessThanOrEqual(1)
        }
      }),
    )
    expect(signedRank([0, 0])).toEqual({ n: 0, statistic: 0, exact: true, less: 1, greater: 1, twoSided: 1 })
    expect(() => signedRank([Number.NaN])).toThrow(RangeError)
  })
})

describe('hodgesLehmann', () => {
  it('agrees with the pseudomedian of R to 1e-9', () => {
    for (const { in: at, out } of reference<Pairs, Wilcoxon>('wilcoxon_signed_rank')) {
      if (at.x.length > 0) expectClose(hodgesLehmann(differences(at), 0.95).estimate, out.pseudomedian, 1e-9, out, 1e-3)
    }
  })
  it('is the median and two order statistics of all averages', () => {
    fc.assert(
      fc.property(values, (d) => {
        const walsh = d.flatMap((a, i) => d.slice(i).map((b) => a / 2 + b / 2)).sort((a, b) => a - b)
        const { estimate, low, high } = hodgesLehmann(d, 0.95)
        expectClose(estimate, quantile(walsh, 0.5), 1e-12, d, 1e-9)
        if (Number.isFinite(low)) {
          expect(walsh).toContain(low)
          expect(walsh).toContain(high)
          expectClose(-hodgesLehmann(mirrored(d), 0.95).high, low, 0)
        }
        expect(low).toBeLessThanOrEqual(estimate)
        expect(high).toBeGreaterThanOrEqual(estimate)
      }),
    )
  })
  it('holds exactly the centres that the signed-rank test does not reject', () => {
    const random = seeded(21)
    for (const n of [5, 8, 20, 45]) {
      const d = Array.from({ length: n }, () => random.normal())
      const { low, high } = hodgesLehmann(d, 0.95)
      const rejects = (centre: number, side: 'less' | 'greater') => signedRank(d.map((x) => x - centre))[side] <= 0.05
      expect(rejects(low - 1e-9, 'greater')).toBe(true)
      expect(rejects(low + 1e-9, 'greater')).toBe(false)
      expect(rejects(high + 1e-9, 'less')).toBe(true)
      expect(rejects(high - 1e-9, 'less')).toBe(false)
    }
  })
  it('needs 5 differences for 0.95, and the normal approximation goes on where the exact one ends', () => {
    expect(hodgesLehmann([1, 2, 3, 4], 0.95)).toEqual({ estimate: 2.5, low: -Infinity, high: Infinity })
    expect(hodgesLehmann([1, 2, 3, 4, 5], 0.95)).toEqual({ estimate: 3, low: 1, high: 5 })
    const random = seeded(22)
    const d = Array.from({ length: 51 }, () => random.normal())
    const width = (list: number[]) => hodgesLehmann(list, 0.95).high - hodgesLehmann(list, 0.95).low
    expect(width(d) / width(d.slice(1))).toBeGreaterThan(0.9)
    expect(width(d) / width(d.slice(1))).toBeLessThan(1.1)
    expect(() => hodgesLehmann([], 0.95)).toThrow(RangeError)
  })
})

describe('quantile', () => {
  it('agrees with numpy and R type 7 to 1e-12', () => {
    for (const { in: at, out } of reference<{ x: number[]; p: number }, { q: number }>('quantile_type7')) {
      expectClose(
        quantile(
          [...at.x].sort((a, b) => a - b),
          at.p,
        ),
        out.q,
        1e-12,
        at.p,
        1e-9,
      )
    }
    expect(() => quantile([], 0.5)).toThrow(RangeError)
  })
})

describe('quantileBounds', () => {
  const ramp = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
  it('has an upper 0.95 bound for p95 from 59 values on, and not before', () => {
    expect(quantileBounds(ramp(58), 0.95, 0.95).high).toBe(Infinity)
    expect(quantileBounds(ramp(59), 0.95, 0.95).high).toBe(59)
    expect(quantileBounds([1], 0.95, 0.95)).toEqual({ estimate: 1, low: 1, high: Infinity })
    expect(quantileBounds([1], 0.9, 0.95).low).toBe(-Infinity)
  })
  it('agrees with the binomial table: the median of 20 at 0.95', () => {
    // P(Bin(20, 1/2) <= 5) = 0.0207, <= 6: 0.0577; so the 6th and the 15th of 20.
    expect(quantileBounds(ramp(20), 0.5, 0.95)).toMatchObject({ estimate: 10.5, low: 6, high: 15 })
  })
  it('mirrors, and contains the estimate', () => {
    const sample = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(sample, (sample) => {
        const sorted = [...sample].sort((a, b) => a - b)
        const { estimate, low, high } = quantileBounds(sorted, 0.95, 0.95)
        expect(low).toBeLessThanOrEqual(estimate)
        expect(high).toBeGreaterThanOrEqual(estimate)
        const median = quantileBounds(sorted, 0.5, 0.9)
        expect(quantileBounds(mirrored(sorted).reverse(), 0.5, 0.9)).toMatchObject({ low: 0 - median.high })
      }),
    )
  })
  it('misses the true p95 at most 1 in 20 times on each side', () => {
    const random = seeded(31)
    const draws = 4000
    let below = 0
    let above = 0
    for (let i = 0; i < draws; i++) {
      const sorted = Array.from({ length: 200 }, () => random.uniform()).sort((a, b) => a - b)
      const { low, high } = quantileBounds(sorted, 0.95, 0.95)
      if (high < 0.95) below++
      if (low > 0.95) above++
    }
    // The standard error of 4,000 draws is 0.35 points.
    expect(below / draws).toBeLessThan(0.06)
    expect(above / draws).toBeLessThan(0.06)
    expect(below + above).toBeGreaterThan(draws * 0.04)
  })
})
