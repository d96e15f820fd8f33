// The distributions against mpmath: 1e-10 relative for probabilities above 1e-12, 1e-9 relative for quantiles.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference } from '../../fixtures/reference/read.ts'
import { betaQuantile } from './beta.ts'
import { hypergeometric } from './hypergeometric.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { tCdf, tQuantile } from './student-t.ts'

describe('normal', () => {
  it('cdf agrees to 1e-10 above 1e-12, to 1e-8 in the far tail', () => {
    for (const { in: at, out } of reference<{ x: number }, { v: number }>('normal_cdf')) {
      if (out.v < 1e-300) continue
      expectClose(normalCdf(at.x), out.v, out.v > 1e-12 ? 1e-10 : 1e-8, at)
    }
  })
  it('quantile agrees to 1e-9 where p is at least 1e-12, and is finite beyond', () => {
    for (const { in: at, out } of reference<{ p: number }, { v: number }>('normal_quantile')) {
      if (at.p < 1e-12) expect(normalQuantile(at.p)).toBeCloseTo(-7.034484, 5)
      else expectClose(normalQuantile(at.p), out.v, 1e-9, at, 1e-6)
    }
    expect(normalQuantile(1)).toBe(-normalQuantile(0))
    expect(normalQuantile(-0.1)).toBeNaN()
  })
  it('is antisymmetric, and cdf undoes quantile', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 0.5, noNaN: true }), (p) => {
        expectClose(normalQuantile(1 - p), -normalQuantile(p), 1e-9, p, 1e-3)
        expectClose(normalCdf(normalQuantile(p)), p, 1e-10)
      }),
    )
  })
})

describe("Student's t", () => {
  it('cdf agrees to 1e-10', () => {
    for (const { in: at, out } of reference<{ x: number; df: number }, { v: number }>('t_cdf')) {
      if (out.v > 1e-12) expectClose(tCdf(at.x, at.df), out.v, 1e-10, at)
    }
  })
  it('quantile agrees to 1e-9', () => {
    for (const { in: at, out } of reference<{ p: number; df: number }, { v: number }>('t_quantile')) {
      expectClose(tQuantile(at.p, at.df), out.v, 1e-9, at, 1e-6)
    }
  })
})

it('beta quantile agrees to 1e-9', () => {
  for (const { in: at, out } of reference<{ p: number; a: number; b: number }, { v: number }>('beta_quantile')) {
    expectClose(betaQuantile(at.p, at.a, at.b), out.v, 1e-9, at)
  }
})

describe('hypergeometric', () => {
  const choose = (n: number, k: number): bigint => {
    let value = 1n
    for (let i = 1n; i <= BigInt(k); i++) value = (value * (BigInt(n) - i + 1n)) / i
    return value
  }
  it('agrees with exact whole-number arithmetic to 1e-12', () => {
    const sizes = fc.record({ drawn: fc.nat(40), rest: fc.nat(40), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    fc.assert(
      fc.property(sizes, ({ drawn, rest, share }) => {
        const successes = Math.round(share * (drawn + rest))
        const { low, pmf } = hypergeometric(drawn, rest, successes)
        expect(low).toBe(Math.max(0, successes - rest))
        expect(low + pmf.length - 1).toBe(Math.min(drawn, successes))
        for (const [j, p] of pmf.entries()) {
          const ways = choose(drawn, low + j) * choose(rest, successes - low - j)
          expectClose(p, Number((ways * 10n ** 40n) / choose(drawn + rest, successes)) / 1e40, 1e-12, [j, p])
        }
      }),
    )
  })
})
