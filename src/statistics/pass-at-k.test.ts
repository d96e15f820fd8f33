// pass@k and pass^k against counting every choice of k trials, and against values that others publish.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { passAtK, passHatK } from './pass-at-k.ts'

/** Every choice of k of n trials, the first c of which passed. */
function counted(n: number, c: number, k: number) {
  let all = 0
  let any = 0
  let every = 0
  for (let mask = 0; mask < 1 << n; mask++) {
    const chosen = Array.from({ length: n }, (_, i) => i).filter((i) => mask & (1 << i))
    if (chosen.length !== k) continue
    all += 1
    if (chosen.some((i) => i < c)) any += 1
    if (chosen.every((i) => i < c)) every += 1
  }
  return { at: any / all, hat: every / all }
}

describe('pass@k and pass^k', () => {
  it('are the share of all choices', () => {
    for (let n = 1; n <= 8; n++)
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) {
          const { at, hat } = counted(n, c, k)
          expect(passAtK(n, c, k)).toBeCloseTo(at, 12)
          expect(passHatK(n, c, k)).toBeCloseTo(hat, 12)
        }
  })

  // Chen et al. 2021, figure 3, give the same by numpy: 1 - prod(1 - k / arange(n - c + 1, n + 1)).
  it.each([
    [200, 10, 10],
    [100, 1, 100],
    [100, 37, 5],
    [5000, 3, 100],
  ])('agrees with the formula of the paper at n %i, c %i, k %i', (n, c, k) => {
    let product = 1
    for (let i = n - c + 1; i <= n; i++) product *= Math.max(0, 1 - k / i)
    expect(passAtK(n, c, k)).toBeCloseTo(1 - product, 10)
  })

  const trials = fc
    .integer({ min: 1, max: 60 })
    .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n }), fc.integer({ min: 1, max: n })))
  it('lie in [0, 1], meet at k = 1 in c/n, and move apart as k grows', () => {
    fc.assert(
      fc.property(trials, ([n, c, k]) => {
        const [at, hat] = [passAtK(n, c, k), passHatK(n, c, k)]
        expect(hat).toBeGreaterThanOrEqual(0)
        expect(at).toBeLessThanOrEqual(1)
        expect(passAtK(n, c, 1)).toBeCloseTo(c / n, 12)
        expect(passHatK(n, c, 1)).toBeCloseTo(c / n, 12)
        expect(at).toBeGreaterThanOrEqual(c / n - 1e-12)
        expect(hat).toBeLessThanOrEqual(c / n + 1e-12)
        // All fail is not: at least one passes, seen from the other side.
        expect(passAtK(n, c, k)).toBeCloseTo(1 - passHatK(n, n - c, k), 12)
      }),
    )
  })

  it('refuses more tries than trials', () => {
    expect(() => passAtK(2, 1, 3)).toThrow(RangeError)
    expect(() => passHatK(2, 3, 1)).toThrow(RangeError)
    expect(() => passHatK(2, 1, 0)).toThrow(RangeError)
  })
})
