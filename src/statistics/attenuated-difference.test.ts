// What errors of a judge do to a difference, undone: exact cases, properties, and how often the gate errs with and without it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  attenuatedDifference,
  foundShare,
  type JudgedStratum,
  shownShare,
  upperBehind,
} from './attenuated-difference.ts'
import { betaDraw, binomialDraw, type Random, randomFrom } from './draws.ts'
import { populationDifference } from './population-difference.ts'
import { suiteDifference } from './suite-difference.ts'

const certain = { estimate: 1, low: 1, high: 1 }
const stratum = fc
  .record({ trials: fc.integer({ min: 1, max: 5 }), baseTrials: fc.integer({ min: 1, max: 5 }) })
  .chain(({ trials, baseTrials }) =>
    fc.record({
      trials: fc.constant(trials),
      baseTrials: fc.constant(baseTrials),
      passes: fc.integer({ min: 0, max: trials }),
      basePasses: fc.integer({ min: 0, max: baseTrials }),
      judged: fc.boolean(),
    }),
  )
const strata = fc.array(stratum, { minLength: 2, maxLength: 40 })

describe('the difference behind a judge', () => {
  it('is the plain one, with its bounds, where the judge never errs', () => {
    fc.assert(
      fc.property(strata, (all) => {
        for (const scope of ['suite', 'population'] as const) {
          const found = attenuatedDifference(all, certain, { level: 0.95, scope })
          const changes = all.map((one) => one.passes / one.trials - one.basePasses / one.baseTrials)
          const plain = scope === 'suite' ? suiteDifference(all, 0.95) : populationDifference(changes, 0.95)
          expect(found.difference).toBeCloseTo(plain.difference, 9)
          expect(found.low).toBeCloseTo(Math.min(1, Math.max(-1, plain.low)), 9)
          expect(found.high).toBeCloseTo(Math.min(1, Math.max(-1, plain.high)), 9)
        }
      }),
    )
  })
  it('is the judged one divided by the share that is shown, bounds and all, where that share is known', () => {
    const all = Array.from({ length: 60 }, (_, i) => ({
      passes: i % 4 === 0 ? 2 : 3,
      trials: 3,
      basePasses: i % 7 === 0 ? 4 : 5,
      baseTrials: 5,
      judged: true,
    }))
    const plain = suiteDifference(all, 0.95)
    const found = attenuatedDifference(all, { estimate: 0.8, low: 0.8, high: 0.8 }, { level: 0.95, scope: 'suite' })
    expect(found.difference).toBeCloseTo(plain.difference / 0.8, 12)
    expect(found.low).toBeCloseTo(plain.low / 0.8, 12)
    expect(found.high).toBeCloseTo(plain.high / 0.8, 12)
  })
  it('grows wider with the doubt about the judge, holds its estimate, and mirrors when the sides change places', () => {
    const shares = fc.tuple(fc.double({ min: 0.3, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.25, noNaN: true }))
    fc.assert(
      fc.property(strata, shares, (all, [estimate, doubt]) => {
        for (const scope of ['suite', 'population'] as const) {
          const options = { level: 0.95, scope }
          const known = attenuatedDifference(all, { estimate, low: estimate, high: estimate }, options)
          const doubted = { estimate, low: estimate - doubt, high: Math.min(1, estimate + doubt) }
          const found = attenuatedDifference(all, doubted, options)
          expect(found.low).toBeLessThanOrEqual(known.low + 1e-9)
          expect(found.high).toBeGreaterThanOrEqual(known.high - 1e-9)
          if (scope === 'suite') {
            expect(found.low).toBeLessThanOrEqual(found.difference + 1e-9)
            expect(found.high).toBeGreaterThanOrEqual(found.difference - 1e-9)
          }
          const swapped = all.map(({ passes, trials, basePasses, baseTrials, judged }) => ({
            passes: basePasses,
            trials: baseTrials,
            basePasses: passes,
            baseTrials: trials,
            judged,
          }))
          const mirrored = attenuatedDifference(swapped, doubted, options)
          expect(mirrored.low).toBeCloseTo(-found.high, 7)
          expect(mirrored.high).toBeCloseTo(-found.low, 7)
        }
      }),
    )
  })
  it('its bound is where the margin on the scale of the judge is just not kept', () => {
    const all = Array.from({ length: 100 }, (_, i) => ({
      passes: i < 85 ? 1 : 0,
      trials: 1,
      basePasses: i < 88 ? 1 : 0,
      baseTrials: 1,
      judged: true,
    }))
    const shown = shownShare({ truePass: 90, falseFail: 10, falsePass: 12, trueFail: 68 }, 0.95)
    if (!shown) expect.fail('no share')
    const { low } = attenuatedDifference(all, shown, { level: 0.95, scope: 'suite' })
    const plain = suiteDifference(all, 0.95)
    // difference + M J, with M = -low, lies its own joint reach above 0.
    const reach = Math.hypot(plain.difference - plain.low, low * (shown.estimate - shown.low))
    expect(plain.difference - low * shown.estimate).toBeCloseTo(reach, 9)
    expect(low).toBeLessThan(plain.low / shown.estimate)
  })
  it('tells nothing where the judge may be a coin, and refuses one that is', () => {
    const all: JudgedStratum[] = [{ passes: 1, trials: 1, basePasses: 1, baseTrials: 1, judged: true }]
    const options = { level: 0.95, scope: 'suite' as const }
    expect(attenuatedDifference(all, { estimate: 0.2, low: -0.1, high: 0.5 }, options)).toMatchObject({
      low: -1,
      high: 1,
    })
    expect(() => attenuatedDifference(all, { estimate: 0, low: 0, high: 0 }, options)).toThrow(RangeError)
    expect(() => attenuatedDifference([], certain, options)).toThrow(RangeError)
  })
})

describe('the share of people’s no that a judge finds', () => {
  it('makes the bound of what was not found wider, and none of it where nothing may be found', () => {
    expect(upperBehind(0, 0.058, certain)).toBeCloseTo(0.058, 12)
    expect(upperBehind(0, 0.058, { estimate: 0.8, low: 0.8, high: 0.8 })).toBeCloseTo(0.058 / 0.8, 12)
    const found = foundShare(40, 10, 0.95)
    if (!found) expect.fail('no share')
    expect(upperBehind(0, 0.058, found)).toBeGreaterThan(0.058 / 0.8)
    expect(upperBehind(0.02, 0.09, found)).toBeGreaterThan(0.09 / 0.8)
    expect(upperBehind(0, 0.058, { estimate: 0.3, low: 0, high: 0.6 })).toBe(1)
    expect(foundShare(0, 0, 0.95)).toBeNull()
  })
})

type World = { n: number; k: number; m: number; se: number; sp: number; labels: number; margin: number }

/** Runs of a suite whose true pass rate falls by the margin at every call; how often the gate lets that pass. */
function passedThrough({ n, k, m, se, sp, labels, margin }: World, draws: number, seed: number) {
  const random = randomFrom(seed)
  const said = (rate: number) => rate * se + (1 - rate) * (1 - sp)
  let [plain, corrected, held] = [0, 0, 0]
  for (let draw = 0; draw < draws; draw++) {
    const all: JudgedStratum[] = []
    let before = 0
    const rates = Array.from({ length: n }, () => betaDraw(0.85, 0.15, random))
    for (const rate of rates) before += rate / n
    // Every answer that was good fails with the same chance, so that the suite falls by just the margin.
    const kept = 1 - margin / before
    for (const rate of rates) {
      const passes = binomialDraw(k, said(rate * kept), random)
      all.push({ passes, trials: k, basePasses: binomialDraw(m, said(rate), random), baseTrials: m, judged: true })
    }
    if (suiteDifference(all, 0.95).low > -margin) plain++
    const shown = shownShare(tableOf({ se, sp, labels }, random), 0.95)
    if (!shown || !(shown.estimate > 0)) continue
    const { low, high } = attenuatedDifference(all, shown, { level: 0.95, scope: 'suite' })
    if (low > -margin) corrected++
    if (low <= -margin && -margin <= high) held++
  }
  return { plain: plain / draws, corrected: corrected / draws, held: held / draws }
}

function tableOf({ se, sp, labels }: Pick<World, 'se' | 'sp' | 'labels'>, random: Random) {
  const good = binomialDraw(labels, 0.7, random)
  const truePass = binomialDraw(good, se, random)
  const trueFail = binomialDraw(labels - good, sp, random)
  return { truePass, falseFail: good - truePass, trueFail, falsePass: labels - good - trueFail }
}

describe('a true drop as large as the margin, 2000 draws a world: it passes at most once in twenty', () => {
  it.each([
    { n: 200, k: 3, m: 5, se: 0.92, sp: 0.85, labels: 150, margin: 0.05 },
    { n: 200, k: 3, m: 5, se: 0.85, sp: 0.75, labels: 150, margin: 0.05 },
    { n: 100, k: 1, m: 5, se: 0.95, sp: 0.8, labels: 60, margin: 0.1 },
    { n: 400, k: 3, m: 5, se: 0.9, sp: 0.8, labels: 40, margin: 0.05 },
  ])('judged at $se / $sp, $n cases, $labels labels', (world) => {
    const { plain, corrected, held } = passedThrough(world, 2000, 11)
    // The standard error of 5 % over 2000 draws is 0.5 points; with one trial a case the interval itself misses 6 % of the time.
    expect(corrected).toBeLessThanOrEqual(world.k === 1 ? 0.07 : 0.06)
    expect(held).toBeGreaterThanOrEqual(0.88)
    // Held against the margin as it stands, what the judge hides passes far more often.
    expect(plain).toBeGreaterThan(2 * corrected)
  })
})
