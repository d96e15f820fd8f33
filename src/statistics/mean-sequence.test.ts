// Confidence sequences of means and logarithmic histograms: reference values, properties, and coverage by simulation.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { bucketOf, histogramQuantile, valueOf } from './log-histogram.ts'
import {
  type MeanSequence,
  type Moments,
  meanInterval,
  sequenceHalfWidth,
  startMeans,
  stepMeans,
} from './mean-sequence.ts'

describe('confidence sequence of means', () => {
  const moments = (values: readonly number[]): Moments => ({
    n: values.length,
    sum: values.reduce((a, b) => a + b, 0),
    squares: values.reduce((a, b) => a + b * b, 0),
  })
  type In = { n: number; sd: number; alpha: number; t_opt: number }
  it('agrees with the closed form to 1e-12', () => {
    for (const { in: at, out } of reference<In, { two_sided_halfwidth: number }>('asymp_cs')) {
      expect(at.t_opt).toBe(1000)
      expectClose(sequenceHalfWidth(at.n, at.sd, at.alpha), out.two_sided_halfwidth, 1e-12, at)
    }
    expect(() => sequenceHalfWidth(10, 1, 1)).toThrow(RangeError)
  })
  it('with one stratum and equal arms is the sequence of pairs', () => {
    const baseline = Array.from({ length: 400 }, (_, i) => (i % 7) / 7)
    const candidate = Array.from({ length: 400 }, (_, i) => (i % 5) / 5)
    const state = stepMeans(startMeans(), { stratum: 's', baseline: moments(baseline), candidate: moments(candidate) })
    const variance = (values: readonly number[]) => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length
      return values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)
    }
    const half = sequenceHalfWidth(400, Math.sqrt(variance(baseline) + variance(candidate)), 0.05)
    const seen = meanInterval(state, 0.05)!
    expectClose(seen.high - seen.estimate, half, 1e-10)
    expectClose(seen.estimate - seen.low, half, 1e-10)
    expectClose(seen.candidate - seen.baseline, seen.estimate, 1e-10)
  })
  it('does not mistake a change of traffic for a difference: strata are compared within', () => {
    const scaled = (n: number, mean: number): Moments => ({ n, sum: n * mean, squares: n * (mean * mean + 0.1) })
    let state = stepMeans(startMeans(), { stratum: '0/0', baseline: scaled(9500, 0.5), candidate: scaled(500, 0.5) })
    state = stepMeans(state, { stratum: '1/5', baseline: scaled(5000, 0.9), candidate: scaled(5000, 0.9) })
    const { estimate, low, high } = meanInterval(state, 0.05)!
    expectClose(estimate, 0, 1e-12, '', 1)
    expect(low).toBeLessThan(0)
    expect(high).toBeGreaterThan(0)
  })
  it('weighs the differences of closed and open strata by their harmonic sizes', () => {
    const spread = (n: number, mean: number): Moments => ({
      n,
      sum: n * mean,
      squares: n * mean * mean + (n - 1) * 0.04,
    })
    let state = stepMeans(startMeans(), { stratum: 'a', baseline: spread(300, 0.5), candidate: spread(100, 0.6) })
    state = stepMeans(state, { stratum: 'b', baseline: spread(1, 0.5), candidate: spread(500, 0.9) })
    state = stepMeans(state, { stratum: 'c', baseline: spread(50, 0.4), candidate: spread(50, 0.7) })
    const seen = meanInterval(state, 0.05)!
    // h = 75 and 25; the stratum with a single value of the baseline compares nothing.
    expectClose(seen.estimate, (75 * 0.1 + 25 * 0.3) / 100, 1e-10)
    expectClose(seen.baseline, (75 * 0.5 + 25 * 0.4) / 100, 1e-10)
    // Every value varies by 0.04, so the sum of h x difference varies by 0.04 x (75 + 25): as 200 pairs of variance 0.08.
    expectClose(seen.high - seen.estimate, sequenceHalfWidth(200, Math.sqrt(0.08), 0.05), 1e-9)
  })
  it('says nothing with too few or nothing but zeros, and little where no variance was seen', () => {
    const same = (n: number): Moments => ({ n, sum: n, squares: n })
    expect(meanInterval(startMeans(), 0.05)).toBeNull()
    const few = { stratum: 's', baseline: moments([0, 1, 0.5]), candidate: moments([1, 0, 1]) }
    expect(meanInterval(stepMeans(startMeans(), few), 0.05)).toBeNull()
    const alike = { stratum: 's', baseline: same(500), candidate: same(500) }
    const zeros: Moments = { n: 500, sum: 0, squares: 0 }
    expect(meanInterval(stepMeans(startMeans(), { ...alike, baseline: zeros, candidate: zeros }), 0.05)).toBeNull()
    const between = meanInterval(stepMeans(startMeans(), alike), 0.05)!
    expect(between.low).toBeLessThan(0)
    const eightfold = { stratum: 's', baseline: same(500), candidate: { n: 500, sum: 4000, squares: 32_000 } }
    const found = meanInterval(stepMeans(startMeans(), eightfold), 0.001)!
    expect(found.low).toBeGreaterThan(6)
    expect(found.low).toBeLessThan(7)
    const bounded = meanInterval(stepMeans(startMeans([0, 1]), alike), 0.05)
    expect(bounded?.estimate).toBe(0)
    expect(bounded?.high).toBeGreaterThan(0)
  })
  it('goes through JSON unchanged and does not see the pieces of a stratum', () => {
    const piece = fc
      .array(
        fc.integer({ min: 0, max: 8 }).map((x) => x / 8),
        { maxLength: 60 },
      )
      .map(moments)
    fc.assert(
      fc.property(fc.array(fc.tuple(piece, piece), { maxLength: 8 }), (pieces) => {
        const feed = (state: MeanSequence, [baseline, candidate]: [Moments, Moments]) =>
          stepMeans(state, { stratum: 's', baseline, candidate })
        const one = pieces.reduce(feed, startMeans())
        expect(JSON.parse(JSON.stringify(one))).toEqual(one)
        expect(meanInterval([...pieces].reverse().reduce(feed, startMeans()), 0.05)).toEqual(meanInterval(one, 0.05))
      }),
    )
  })
  it('covers at all looks in at least 95 % of the days, with 5 % of the traffic at the candidate', () => {
    const random = seeded(23)
    let misses = 0
    for (let day = 0; day < 300; day++) {
      let state = startMeans([0, 1])
      for (let look = 0; look < 144; look++) {
        const drift = 0.2 * Math.sin(look / 20)
        const draw = (n: number) =>
          moments(Array.from({ length: n }, () => 0.6 + drift + 0.2 * (random.uniform() - 0.5)))
        const block = { stratum: `${Math.floor(look / 6)}`, baseline: draw(57), candidate: draw(3) }
        state = stepMeans(state, block)
        const seen = meanInterval(state, 0.05)
        if (seen !== null && (seen.low > 0 || seen.high < 0)) {
          misses++
          break
        }
      }
    }
    expect(misses).toBeLessThanOrEqual(15)
  })
})

describe('histogram', () => {
  const value = fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((x) => x === 0 || Math.abs(x) > 1e-9)
  it('gives every value back within 1 %', () => {
    fc.assert(
      fc.property(value, (x) => {
        expect(Math.abs(valueOf(bucketOf(x)) - x)).toBeLessThanOrEqual(Math.abs(x) * 0.0100001)
      }),
    )
    expect(bucketOf(0)).toBe('0')
    expect(valueOf(bucketOf(1))).toBeCloseTo(1, 1)
    expect(valueOf(bucketOf(1e-300))).toBe(0)
    expect(Number.isFinite(valueOf(bucketOf(1e300)))).toBe(true)
  })
  it('finds any quantile within 1 %, in any order, with negatives', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (xs, q) => {
          const counts: Record<string, number> = {}
          for (const x of xs) counts[bucketOf(x)] = (counts[bucketOf(x)] ?? 0) + 1
          const sorted = [...xs].sort((a, b) => a - b)
          const truth = sorted[Math.max(0, Math.ceil(q * xs.length - 1e-9) - 1)]!
          const found = histogramQuantile(counts, q)!
          expect(Math.abs(found - truth)).toBeLessThanOrEqual(Math.abs(truth) * 0.0100001)
        },
      ),
    )
  })
  it('has no quantile of nothing, and refuses what is no value', () => {
    expect(histogramQuantile({}, 0.5)).toBeNull()
    expect(histogramQuantile({ p3: 0 }, 0.5)).toBeNull()
    for (const x of [Number.NaN, Infinity]) expect(() => bucketOf(x)).toThrow(RangeError)
    for (const bucket of ['', 'p', 'q3', 'p1.5']) expect(() => valueOf(bucket)).toThrow(RangeError)
    expect(() => histogramQuantile({}, 1.1)).toThrow(RangeError)
  })
})
