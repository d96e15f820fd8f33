// The tail of subset sums by its generating function, against counting every sum.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectClose, seeded } from '../../fixtures/reference/read.ts'
import { signFlip } from './sign-flip.ts'
import { subsetSumTail } from './subset-sum-tail.ts'

function counted(sizes: readonly number[], reach: number): { point: number; below: number } {
  let pmf = new Float64Array(1).fill(1)
  for (const size of sizes) {
    const next = new Float64Array(pmf.length + size)
    for (const [j, p] of pmf.entries()) {
      next[j] = (next[j] ?? 0) + p / 2
      next[j + size] = (next[j + size] ?? 0) + p / 2
    }
    pmf = next
  }
  return { point: pmf[reach] ?? 0, below: pmf.slice(0, reach).reduce((a, b) => a + b, 0) }
}

describe('subsetSumTail', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 120 })
  it('agrees with counting, in the middle and far out', () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const reach = Math.floor((share * all.reduce((a, b) => a + b, 0)) / 2)
        const [found, wanted] = [subsetSumTail(all, reach), counted(all, reach)]
        expectClose(found.point + found.below, wanted.point + wanted.below, 1e-10, { all, reach })
        // A sum that no subset has is 0 up to the rounding of its neighbours.
        expect(Math.abs(found.point - wanted.point)).toBeLessThan(1e-10 * (wanted.point + wanted.below) + 1e-300)
      }),
    )
  })
  it.each([
    ['one size many times', Array.from({ length: 900 }, () => 7), 7 * 380],
    ['mostly even sizes and one odd', [...Array.from({ length: 300 }, () => 20), 1], 2401],
    ['a few large ones among many small', [...Array.from({ length: 300 }, () => 1), 400, 500, 600], 640],
  ])('agrees where the sums stand in combs: %s', (_, all, reach) => {
    const [found, wanted] = [subsetSumTail(all, reach), counted(all, reach)]
    expectClose(found.below, wanted.below, 1e-10)
    expect(Math.abs(found.point - wanted.point)).toBeLessThan(1e-10 * (wanted.point + wanted.below))
  })
  it('is what signFlip takes for many fine values: two halves that add up', () => {
    const random = seeded(11)
    const fine = Array.from({ length: 3000 }, () => Math.round(2000 * random.uniform() - 1000 - 20))
    const [worse, better] = [signFlip(fine), signFlip(fine.map((d) => -d))]
    expect(worse.midp + better.midp).toBeCloseTo(1, 10)
    expect(worse.p).toBeGreaterThan(worse.midp)
  })
})
