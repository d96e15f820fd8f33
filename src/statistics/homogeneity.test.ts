// Two series of counts: the F tail against known values, the error rate on traffic that hangs together, what a change gives.
import { describe, expect, it } from 'vitest'
import { chiSquareTail } from './chi-square.ts'
import { randomFrom } from './draws.ts'
import { fTail, stabilityIndex, twoSeries } from './homogeneity.ts'
import { tCdf } from './student-t.ts'

describe('the F tail', () => {
  it('is that of t squared with one degree of freedom, and of chi-square with endless ones', () => {
    for (const t of [0.5, 1, 2.3, 6]) expect(fTail(t * t, 1, 9)).toBeCloseTo(2 * (1 - tCdf(t, 9)), 10)
    expect(fTail(2.1, 4, 1e7)).toBeCloseTo(chiSquareTail(8.4, 4), 5)
    expect(fTail(0, 3, 5)).toBe(1)
    expect(fTail(400, 9, 300)).toBeLessThan(1e-100)
    expect(() => fTail(1, 0, 5)).toThrow(RangeError)
  })
})

/** Hours of 200 events whose mix swings with the day and by chance: far from independent. */
function hours(count: number, random: () => number, shift = 0): number[][] {
  return Array.from({ length: count }, (_, hour) => {
    const share = 0.3 + shift + 0.1 * Math.sin((hour / 12) * Math.PI) + 0.1 * (random() - 0.5)
    const first = Array.from({ length: 200 }, random).filter((draw) => draw < share).length
    return [first, 200 - first]
  })
}

describe('two series', () => {
  it('is seldom wrong though hours hang together, where a plain chi-square would be wrong most of the time', () => {
    const random = randomFrom(7)
    let [wrong, plain] = [0, 0]
    for (let run = 0; run < 300; run++) {
      const result = twoSeries([{ first: hours(168, random), second: hours(24, random) }], 2)
      if (result === null) throw new Error('nothing was compared')
      wrong += result.p <= 0.01 ? 1 : 0
      plain += result.dispersion > 2 ? 1 : 0
    }
    expect(wrong / 300).toBeLessThanOrEqual(0.02)
    expect(plain / 300).toBeGreaterThan(0.9)
  })

  it('finds a change of ten points', () => {
    const random = randomFrom(8)
    const result = twoSeries([{ first: hours(168, random), second: hours(24, random, 0.1) }], 2)
    expect(result?.p).toBeLessThan(1e-4)
    expect(result?.psi).toBeGreaterThan(0.03)
  })

  it('takes the grouping in which blocks differ most', () => {
    const calm = { first: [[50, 50], [50, 50], [50, 50]], second: [[60, 40], [60, 40], [60, 40]] } // biome-ignore format: tables
    const wild = { first: [[100, 50], [50, 100]], second: [[120, 80], [60, 40]] } // biome-ignore format: tables
    const alone = twoSeries([calm], 2)
    const both = twoSeries([calm, wild], 2)
    expect(alone?.dispersion).toBe(1)
    expect(both?.dispersion).toBeGreaterThan(5)
    expect(both?.p).toBeGreaterThan(alone?.p ?? 1)
  })

  it('says nothing of one block a side, of an empty side, of one cell', () => {
    expect(twoSeries([{ first: [[5, 5]], second: [[5, 5]] }], 2)).toBeNull()
    expect(twoSeries([{ first: [[5, 5], [5, 5]], second: [] }], 2)).toBeNull() // biome-ignore format: tables
    expect(twoSeries([{ first: [[5], [5]], second: [[5], [4]] }], 1)).toBeNull() // biome-ignore format: tables
  })
})

it('the stability index is 0 for one mix, symmetric, and finite where a cell is empty', () => {
  expect(stabilityIndex([100, 100], [100, 100])).toBe(0)
  expect(stabilityIndex([900, 100], [600, 400])).toBeCloseTo(stabilityIndex([600, 400], [900, 100]), 12)
  expect(stabilityIndex([900, 100], [1000, 0])).toBeGreaterThan(0.25)
  // Worked by hand from the definition: 0.3 ln(0.9/0.6) + 0.3 ln(0.4/0.1).
  expect(stabilityIndex([90_000, 10_000], [60_000, 40_000])).toBeCloseTo(0.3 * Math.log(1.5) + 0.3 * Math.log(4), 3)
})
