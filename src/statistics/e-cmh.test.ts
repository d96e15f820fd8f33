// e-CMH: reference values, a fair game under the null by enumeration, and error rates by simulation.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, type Random, reference, seeded } from '../../fixtures/reference/read.ts'
import {
  oddsFactor,
  oddsHarm,
  oddsInterval,
  oddsSafe,
  type StratifiedOdds,
  startStratifiedOdds,
  stepStratifiedOdds,
} from './e-cmh.ts'
import { hypergeometric } from './hypergeometric.ts'
import { logMean } from './log-space.ts'

/** Bad and all of the baseline, bad and all of the candidate. */
type Block = readonly [number, number, number, number]
function after(blocks: readonly Block[], riskRatio = 1.5, hour = 0): StratifiedOdds {
  return blocks.reduce(
    (state, [ya, na, yb, nb]) =>
      stepStratifiedOdds(state, { baseline: { n: na, bad: ya }, candidate: { n: nb, bad: yb }, hour }),
    startStratifiedOdds(riskRatio),
  )
}
const arm = fc.nat(40).chain((n) => fc.record({ n: fc.constant(n), bad: fc.nat(n) }))
const block = fc.tuple(arm, arm).map(([a, b]): Block => [a.bad, a.n, b.bad, b.n])
const history = fc.array(block, { maxLength: 15 })

describe('reference values', () => {
  type In = { blocks: Block[]; grid: number[] }
  type Out = { log_e_each: number[]; log_e_mixture: number; 'log_e_mixture_r0_1.2_grid_1.6_2_3_5': number }
  it('agrees with the products in 40 digits to 1e-10', () => {
    for (const { in: at, out } of reference<In, Out>('ecmh')) {
      const product = (ratio: number) =>
        at.blocks.reduce(
          (sum, [ya, na, yb, nb]) => sum + oddsFactor({ n: na, bad: ya }, { n: nb, bad: yb }, Math.log(ratio)),
          0,
        )
      const each = at.grid.map(product)
      for (const [i, log] of each.entries()) expectClose(log, out.log_e_each[i]!, 1e-10, at.grid, 1)
      expectClose(logMean(each), out.log_e_mixture, 1e-10, '', 1)
      const against = [1.6, 2, 3, 5].map((ratio) => product(ratio) - product(1.2))
      expectClose(logMean(against), out['log_e_mixture_r0_1.2_grid_1.6_2_3_5'], 1e-10, '', 1)
      const { from } = after(at.blocks).harm
      for (const [i, log] of from.entries()) expectClose(log, out.log_e_each[i]!, 1e-10, at.grid, 1)
    }
  })
})

describe('a fair game', () => {
  /** Expected exp(evidence) over one more block whose total of bad events is known, at the given odds ratio. */
  function expected(
    blocks: readonly Block[],
    [ya, na, yb, nb]: Block,
    odds: number,
    see: (s: StratifiedOdds) => number,
  ) {
    const { low, pmf } = hypergeometric(nb, na, ya + yb)
    const tilted = [...pmf].map((p, i) => p * odds ** (low + i))
    const total = tilted.reduce((a, b) => a + b, 0)
    return tilted.reduce((sum, p, i) => {
      const j = low + i
      const state = blocks.length === 0 ? startStratifiedOdds(1.5) : after(blocks)
      const next = stepStratifiedOdds(state, {
        baseline: { n: na, bad: ya + yb - j },
        candidate: { n: nb, bad: j },
        hour: 3,
      })
      return sum + (p / total) * Math.exp(see(next))
    }, 0)
  }
  it('of harm when the arms are alike, and a losing one when the candidate is better', () => {
    fc.assert(
      fc.property(history, block, (blocks, next) => {
        const now = Math.exp(oddsHarm(after(blocks)))
        expectClose(expected(blocks, next, 1, oddsHarm), now, 1e-9)
        expect(expected(blocks, next, 0.5, oddsHarm)).toBeLessThanOrEqual(now * (1 + 1e-9))
      }),
      { numRuns: 50 },
    )
  })
  it('of "not worse" at the margin, from the start, where a third of it is bounded from below', () => {
    fc.assert(
      fc.property(block, (next) => {
        expect(expected([], next, 1.5, oddsSafe)).toBeLessThanOrEqual(1 + 1e-9)
        expect(expected([], next, 2, oddsSafe)).toBeLessThanOrEqual(1 + 1e-9)
      }),
    )
  })
})

describe('the state', () => {
  it('learns nothing from a block without two arms or without a bad event', () => {
    const seen = after([[3, 50, 5, 50]])
    const nothing: Block[] = [
      [0, 50, 0, 50],
      [4, 10, 0, 0],
      [0, 0, 4, 10],
      [10, 10, 10, 10],
    ]
    for (const block of nothing) expect(oddsHarm(after([[3, 50, 5, 50], block]))).toBe(oddsHarm(seen))
  })
  it('turns over when the arms change names', () => {
    fc.assert(
      fc.property(block, fc.double({ min: -3, max: 3, noNaN: true }), ([ya, na, yb, nb], d) => {
        const one = oddsFactor({ n: na, bad: ya }, { n: nb, bad: yb }, d)
        expectClose(oddsFactor({ n: nb, bad: yb }, { n: na, bad: ya }, -d), one, 1e-10, '', 1)
      }),
    )
  })
  it('goes through JSON unchanged, and its interval holds its estimate', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const state = after(blocks, 1.5, 2)
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
        const { estimate, low, high } = oddsInterval(state, 0.05)
        expect(low).toBeLessThan(high ?? Infinity)
        if (estimate === null) return
        expect(estimate).toBeGreaterThanOrEqual(low)
        expect(estimate).toBeLessThanOrEqual(high ?? Infinity)
      }),
    )
  })
  it('stays finite and exact with ten million events in one block', () => {
    const alike = oddsFactor({ n: 5e6, bad: 1e5 }, { n: 5e6, bad: 1e5 }, Math.log(5))
    // Equal arms with equal counts: five times and a fifth are the same distance away.
    const there = oddsFactor({ n: 5e6, bad: 1e5 }, { n: 5e6, bad: 1e5 }, Math.log(1 / 5))
    expectClose(alike, there, 1e-9)
    expect(oddsHarm(after([[1e5, 5e6, 2e5, 5e6]]))).toBeGreaterThan(1e4)
    expect(oddsSafe(after([[1e5, 5e6, 1e5, 5e6]]))).toBeGreaterThan(1e3)
  })
  it('brings counters that were read a moment apart into range, and refuses impossible numbers', () => {
    expect(after([[3, 2, 1, 5]])).toEqual(after([[2, 2, 1, 5]]))
    expect(after([[1.2, 9.8, 1, 5]])).toEqual(after([[1, 10, 1, 5]]))
    expect(() => after([[-1, 2, 1, 5]])).toThrow(RangeError)
    expect(() => after([[1, Number.NaN, 1, 5]])).toThrow(RangeError)
    for (const ratio of [1, 0.5, Number.NaN, Infinity]) expect(() => startStratifiedOdds(ratio)).toThrow(RangeError)
  })
})

describe('error rates over a day', () => {
  /** Looks every 20 minutes at 20 requests a minute in each arm; the base rate swings over the day and differs from block to block. */
  function day(random: Random, odds: number, see: (state: StratifiedOdds) => boolean): boolean {
    let state = startStratifiedOdds(1.5)
    for (let minute = 0; minute < 1440; minute += 20) {
      const rate = 0.05 * (1 + 0.8 * Math.sin((2 * Math.PI * minute) / 1440))
      const worse = (rate * odds) / (1 - rate + rate * odds)
      const count = (p: number) => ({ n: 400, bad: random.binomial(400, p) })
      state = stepStratifiedOdds(state, { baseline: count(rate), candidate: count(worse), hour: minute / 60 })
      if (see(state)) return true
    }
    return false
  }
  const share = (odds: number, draws: number, see: (state: StratifiedOdds) => boolean) => {
    const random = seeded(11)
    return Array.from({ length: draws }, () => day(random, odds, see)).filter(Boolean).length / draws
  }
  it('rolls back a good canary in at most 5 % at alpha 0.05, promotes a bad one in at most 5 %', () => {
    expect(share(1, 150, (state) => oddsHarm(state) >= Math.log(20))).toBeLessThanOrEqual(0.05)
    expect(share(1.5, 150, (state) => oddsSafe(state) >= Math.log(20))).toBeLessThanOrEqual(0.05)
  })
  it('finds twice the odds, and proves an equal one', () => {
    expect(share(2, 30, (state) => oddsHarm(state) >= Math.log(100))).toBe(1)
    expect(share(1, 30, (state) => oddsSafe(state) >= Math.log(20))).toBe(1)
  })
})
