// Several tests at once and 2x2 tables: reference values and properties.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { benjaminiHochberg } from './bh.ts'
import { fisherExact } from './fisher.ts'
import { weightedHolm } from './holm.ts'

type Adjusted = { adj: number[] }
const agree = (actual: number[], expected: number[], what: unknown) => {
  expect(actual.length).toBe(expected.length)
  for (const [i, value] of actual.entries()) expectClose(value, expected[i]!, 1e-10, what)
}
const ps = fc.array(fc.double({ min: 1e-300, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })

describe('weightedHolm', () => {
  it('agrees with the weighted reference to 1e-10', () => {
    for (const { in: at, out } of reference<{ p: number[]; w: number[] }, Adjusted>('weighted_holm')) {
      agree(weightedHolm(at.p, at.w), out.adj, at)
    }
  })
  it('is Holm with equal weights, to 1e-10 of statsmodels and R', () => {
    for (const { in: at, out } of reference<{ p: number[] }, Adjusted>('holm')) {
      agree(
        weightedHolm(
          at.p,
          at.p.map(() => 3),
        ),
        out.adj,
        at,
      )
    }
  })
  it('never lowers a p, keeps their order with equal weights, and follows its p wherever it stands', () => {
    const weighted = fc.array(
      fc.record({
        p: fc.double({ min: 1e-300, max: 1, noNaN: true }),
        w: fc.double({ min: 0.01, max: 10, noNaN: true }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    fc.assert(
      fc.property(weighted, (tests) => {
        const adjust = (list: typeof tests) =>
          weightedHolm(
            list.map((t) => t.p),
            list.map((t) => t.w),
          )
        const adjusted = adjust(tests)
        for (const [i, value] of adjusted.entries()) {
          expect(value).toBeGreaterThanOrEqual(tests[i]!.p * (1 - 1e-12))
          expect(value).toBeLessThanOrEqual(1)
        }
        agree(adjust([...tests].reverse()).reverse(), adjusted, tests)
      }),
    )
  })
  it('holds the family to alpha under independence', () => {
    const random = seeded(11)
    const draws = 20_000
    let any = 0
    for (let i = 0; i < draws; i++) {
      const p = [0, 1, 2, 3].map(() => random.uniform())
      if (weightedHolm(p, [3, 1, 1, 1]).some((value) => value <= 0.05)) any++
    }
    expect(any / draws).toBeLessThan(0.055)
    expect(any / draws).toBeGreaterThan(0.043)
  })
  it('refuses what is no p and no weight', () => {
    expect(() => weightedHolm([0.5], [0])).toThrow(RangeError)
    expect(() => weightedHolm([0.5], [])).toThrow(RangeError)
    expect(() => weightedHolm([Number.NaN], [1])).toThrow(RangeError)
    expect(weightedHolm([], [])).toEqual([])
  })
})

describe('benjaminiHochberg', () => {
  it('agrees with statsmodels and R p.adjust to 1e-10', () => {
    for (const { in: at, out } of reference<{ p: number[] }, Adjusted>('bh'))
      agree(benjaminiHochberg(at.p), out.adj, at)
  })
  it('never lowers a p, never exceeds Holm', () => {
    fc.assert(
      fc.property(ps, (p) => {
        const holm = weightedHolm(
          p,
          p.map(() => 1),
        )
        for (const [i, q] of benjaminiHochberg(p).entries()) {
          expect(q).toBeGreaterThanOrEqual(p[i]! * (1 - 1e-12))
          expect(q).toBeLessThanOrEqual(holm[i]! * (1 + 1e-12))
        }
      }),
    )
  })
})

describe('fisherExact', () => {
  type Table = { a: number; b: number; c: number; d: number }
  type Out = { p_two: number; p_less: number; p_greater: number }
  it('agrees with scipy and R to 1e-10', () => {
    for (const { in: at, out } of reference<Table, Out>('fisher_exact')) {
      const test = fisherExact(at.a, at.b, at.c, at.d)
      expectClose(test.less, out.p_less, 1e-10, at)
      expectClose(test.greater, out.p_greater, 1e-10, at)
      expectClose(test.twoSided, out.p_two, 1e-10, at)
    }
  })
  it('mirrors when the rows swap, does not change when the table is turned, stays in (0, 1]', () => {
    const cell = fc.nat(60)
    fc.assert(
      fc.property(cell, cell, cell, cell, (a, b, c, d) => {
        const test = fisherExact(a, b, c, d)
        const swapped = fisherExact(c, d, a, b)
        const turned = fisherExact(a, c, b, d)
        expectClose(swapped.greater, test.less, 1e-10)
        expectClose(swapped.twoSided, test.twoSided, 1e-10)
        expectClose(turned.less, test.less, 1e-10)
        for (const p of Object.values(test)) {
          expect(p).toBeGreaterThan(0)
          expect(p).toBeLessThanOrEqual(1)
        }
      }),
    )
    expect(() => fisherExact(1, 2, 3, -1)).toThrow(RangeError)
  })
})
