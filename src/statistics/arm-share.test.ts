// The arm-share test: a fair game under the null by enumeration, and what an interval must contain.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose } from '../../fixtures/reference/read.ts'
import { type ArmShare, harmEvidence, ratioInterval, safeEvidence, startArmShare, stepArmShare } from './arm-share.ts'
import { curveGrid } from './ratio-curve.ts'

const share = fc.double({ min: 0.001, max: 0.999, noNaN: true })
const block = fc.record({
  share,
  candidate: fc.nat(30),
  baseline: fc.nat(30),
  hours: fc.constantFrom(0, 0, 0, 1, 5),
})
type Block = { share: number; candidate: number; baseline: number; hours: number }

function after(blocks: readonly Block[], from: ArmShare = startArmShare()): ArmShare {
  let hour = 0
  return blocks.reduce((state, { hours, ...block }) => stepArmShare(state, { ...block, hour: (hour += hours) }), from)
}
const history = fc.array(block, { maxLength: 30 })

/** Expected exp(evidence) over one more bad event, when the ratio of the risks is `ratio`. */
function expected(blocks: readonly Block[], pi: number, ratio: number, evidence: (state: ArmShare) => number): number {
  const q = (pi * ratio) / (pi * ratio + 1 - pi)
  const seen = (candidate: number) => ({ share: pi, candidate, baseline: 1 - candidate, hours: 1 })
  return q * Math.exp(evidence(after([...blocks, seen(1)]))) + (1 - q) * Math.exp(evidence(after([...blocks, seen(0)])))
}

describe('evidence of harm', () => {
  it('is a fair game when the arms are alike, across restarts, and a losing one when the candidate is better', () => {
    fc.assert(
      fc.property(history, share, (blocks, pi) => {
        const now = Math.exp(harmEvidence(after(blocks)))
        expectClose(expected(blocks, pi, 1, harmEvidence), now, 1e-10)
        expect(expected(blocks, pi, 0.6, harmEvidence)).toBeLessThan(now)
      }),
    )
  })
  it('starts at 1 and never falls below what still waits', () => {
    expect(harmEvidence(startArmShare())).toBeCloseTo(0, 12)
    const better = after([{ share: 0.5, candidate: 0, baseline: 100_000, hours: 24 }])
    expectClose(harmEvidence(better), Math.log(0.25), 1e-9)
  })
  it('rises with bad events of the candidate and falls with those of the baseline', () => {
    fc.assert(
      fc.property(history, share, (blocks, pi) => {
        const at = (candidate: number, baseline: number) =>
          harmEvidence(after([...blocks, { share: pi, candidate, baseline, hours: 0 }]))
        expect(at(3, 2)).toBeGreaterThanOrEqual(at(3, 3))
        expect(at(4, 3)).toBeGreaterThanOrEqual(at(3, 3))
      }),
    )
  })
  it('takes blocks of one hour in any order and in any pieces', () => {
    fc.assert(
      fc.property(
        fc.array(
          block.map((one) => ({ ...one, hours: 0 })),
          { maxLength: 20 },
        ),
        (blocks) => {
          const whole = harmEvidence(after(blocks))
          expectClose(harmEvidence(after([...blocks].reverse())), whole, 1e-9, '', 1)
          const pieces = blocks.flatMap((one) => [
            { ...one, candidate: 0 },
            { ...one, baseline: 0 },
          ])
          expectClose(harmEvidence(after(pieces)), whole, 1e-9, '', 1)
        },
      ),
    )
  })
  it('loses nothing by hours without a block, and starts nothing again when the clock goes back', () => {
    const bad = { share: 0.2, candidate: 3, baseline: 1 }
    const step = (state: ArmShare, hour: number) => stepArmShare(state, { ...bad, hour })
    const idle = stepArmShare(stepArmShare(startArmShare(), { share: 0.2, candidate: 0, baseline: 0, hour: 1 }), {
      share: 0.2,
      candidate: 0,
      baseline: 0,
      hour: 7.5,
    })
    expectClose(harmEvidence(step(idle, 7.9)), harmEvidence(step(startArmShare(), 7)), 1e-12)
    expect(step(idle, 2)).toEqual(step(idle, 7))
  })
  it('finds a change in the middle sooner than without restarts', () => {
    const fine = { share: 0.5, candidate: 20, baseline: 20, hours: 1 }
    const worse = { share: 0.5, candidate: 45, baseline: 20, hours: 1 }
    const state = after([...Array.from({ length: 20 }, () => fine), worse, worse])
    expect(harmEvidence(state)).toBeGreaterThan(Math.log(20))
    expect(Math.max(...state.harm.from)).toBeLessThan(Math.log(20))
  })
})

describe('evidence of not worse', () => {
  const margin = fc.constantFrom(1.1, 1.2, 1.3, 1.5, 2, 3)
  it('does not grow on average at the margin, and is a fair game from the start there', () => {
    fc.assert(
      fc.property(history, share, margin, (blocks, pi, ratio) => {
        const evidence = (state: ArmShare) => safeEvidence(state, ratio)
        const tolerance = 1 + 1e-9
        const now = Math.exp(evidence(after([])))
        // One third of the margin lies off the grid, where the likelihood is bounded from below.
        expect(expected([], pi, ratio, evidence)).toBeLessThanOrEqual(now * tolerance)
        expect(expected([], pi, ratio, evidence)).toBeGreaterThan(now * 0.99)
        expect(evidence(after(blocks))).toBeLessThanOrEqual(exact(blocks, ratio) + 1e-9)
      }),
    )
  })
  it('is never more than the exact value for any margin, and hardly less', () => {
    fc.assert(
      fc.property(history, fc.double({ min: 1.01, max: 30, noNaN: true }), (blocks, ratio) => {
        const evidence = safeEvidence(after(blocks), ratio)
        expect(evidence).toBeLessThanOrEqual(exact(blocks, ratio) + 1e-9)
      }),
    )
    const many = [{ share: 0.25, candidate: 250, baseline: 750, hours: 0 }]
    for (const ratio of [1.11, 1.37, 2.2, 2.7]) {
      expect(exact(many, ratio) - safeEvidence(after(many), ratio)).toBeLessThan(0.25)
    }
    expect(safeEvidence(after(many), 1.5)).toBeGreaterThan(Math.log(20))
  })
  it('refuses a margin that is none', () => {
    expect(() => safeEvidence(startArmShare(), 1)).toThrow(RangeError)
    expect(() => safeEvidence(startArmShare(), Number.NaN)).toThrow(RangeError)
  })
})

/** The same evidence straight from its definition, without a grid. */
function exact(blocks: readonly Block[], ratio: number): number {
  const log = (d: number) =>
    blocks.reduce(
      (sum, { share, candidate, baseline }) =>
        sum + candidate * d - (candidate + baseline) * Math.log1p(share * Math.expm1(d)),
      0,
    )
  const bound = log(Math.log(ratio))
  const [same, third, better] = [1, Math.min(1 + (ratio - 1) / 3, Math.exp(3)), 0.7].map(
    (r) => log(Math.log(r)) - bound,
  )
  return Math.log(0.4 * Math.exp(same!) + 0.4 * Math.exp(third!) + 0.2 * Math.exp(better!))
}

describe('the interval of the ratio', () => {
  it('knows nothing at first, holds its estimate, and narrows with alpha', () => {
    expect(ratioInterval(startArmShare(), 0.05)).toEqual({ estimate: null, low: 0, high: null })
    fc.assert(
      fc.property(history, (blocks) => {
        const state = after(blocks)
        const wide = ratioInterval(state, 0.01)
        const narrow = ratioInterval(state, 0.2)
        expect(wide.low).toBeLessThanOrEqual(narrow.low)
        expect(wide.high ?? Infinity).toBeGreaterThanOrEqual(narrow.high ?? Infinity)
        expect(narrow.low).toBeLessThan(narrow.high ?? Infinity)
        if (narrow.estimate === null) return
        expect(narrow.estimate).toBeGreaterThanOrEqual(narrow.low)
        expect(narrow.estimate).toBeLessThanOrEqual(narrow.high ?? Infinity)
      }),
    )
  })
  it('turns over when the arms change names', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const mirrored = blocks.map((b) => ({ ...b, share: 1 - b.share, candidate: b.baseline, baseline: b.candidate }))
        // Only the even part of the grid is symmetric: the ends agree within a step between its points.
        const [one, other] = [ratioInterval(after(blocks), 0.05), ratioInterval(after(mirrored), 0.05)]
        if (one.high === null || one.low < 1 / 15 || one.high > 15) return
        expectClose(Math.log(one.low), -Math.log(other.high ?? 0), 0.25, '', 1)
      }),
    )
  })
  it('estimates the ratio from shares that change', () => {
    const blocks = [
      { share: 0.05, candidate: 100, baseline: 950, hours: 0 },
      { share: 0.5, candidate: 2000, baseline: 1000, hours: 0 },
    ]
    const { estimate, low, high } = ratioInterval(after(blocks), 0.01)
    expectClose(estimate ?? 0, (100 * 0.95 + 2000 * 0.5) / (950 * 0.05 + 1000 * 0.5), 1e-12)
    expect(low).toBeGreaterThan(1.7)
    expect(high).toBeLessThan(2.4)
  })
})

describe('the state', () => {
  it('goes through JSON unchanged and stays small', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const state = after(blocks)
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
        expect(state.curve.length + state.harm.from.length + state.harm.restarted.length).toBeLessThan(120)
        expect(state.curve.length).toBe(curveGrid.length)
      }),
    )
  })
  it('stays finite with ten million events', () => {
    const block = { share: 0.25, candidate: 50_000, baseline: 50_000, hours: 1 }
    const state = after(Array.from({ length: 100 }, () => block))
    expect(harmEvidence(state)).toBeGreaterThan(1e5)
    expect(Number.isFinite(harmEvidence(state))).toBe(true)
    expect(safeEvidence(state, 1.5)).toBeLessThan(-1e4)
    const { estimate, low, high } = ratioInterval(state, 0.01)
    expectClose(estimate ?? 0, 3, 1e-6)
    // With so many events the grid, not chance, sets the width: 3 lies on it, its neighbours are 10 % and 11 % away.
    expectClose(low, 3, 0.12)
    expectClose(high ?? 0, 3, 0.12)
  })
  it('learns nothing without a split and refuses impossible numbers', () => {
    const state = startArmShare()
    for (const share of [0, 1])
      expect(harmEvidence(stepArmShare(state, { share, candidate: 9, baseline: 0, hour: 0 }))).toBeCloseTo(0, 12)
    for (const wrong of [
      { share: 1.1 },
      { share: Number.NaN },
      { candidate: -1 },
      { baseline: Infinity },
      { hour: -1 },
    ]) {
      expect(() => stepArmShare(state, { share: 0.5, candidate: 0, baseline: 0, hour: 0, ...wrong })).toThrow(
        RangeError,
      )
    }
  })
})
