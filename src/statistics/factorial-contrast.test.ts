// The contrasts of a 2^k design: worked by hand, equal to the plain difference for one change, and right as often as they say.
import { describe, expect, it } from 'vitest'
import { binomialDraw, randomFrom } from './draws.ts'
import { factorialContrast } from './factorial-contrast.ts'
import { suiteDifference } from './suite-difference.ts'

const count = (passes: number, trials = 10) => ({ passes, trials })

describe('by hand', () => {
  // Cells 00, 10, 01, 11 of two cases.
  const cases = [
    [count(8), count(6), count(9), count(5)],
    [count(6), count(6), count(10), count(4)],
  ]
  it.each([
    // First: ((6-8) + (5-9)) / 20 = -0.3 and ((6-6) + (4-10)) / 20 = -0.3.
    { members: 1, effect: -0.3 },
    // Second: ((9-8) + (5-6)) / 20 = 0 and ((10-6) + (4-6)) / 20 = 0.1.
    { members: 2, effect: 0.05 },
    // Together beyond their sum: (5 - 6 - 9 + 8) / 10 = -0.2 and (4 - 6 - 10 + 6) / 10 = -0.6.
    { members: 3, effect: -0.4 },
  ])('$members: $effect', ({ members, effect }) => {
    expect(factorialContrast(cases, members, 0.975).difference).toBeCloseTo(effect, 12)
  })

  it('the standard error of a main effect', () => {
    // Variances x(1-x)/9 of the eight cells, over 2^2, and the pseudo-count: 8 cells of 1/10, over 2^2, over 2 cases.
    const own = [0.8, 0.6, 0.9, 0.5, 0.6, 0.6, 1, 0.4].reduce((sum, x) => sum + (x * (1 - x)) / 9, 0) / 4
    const pseudo = 0.8 / 4 / 2
    expect(factorialContrast(cases, 1, 0.975).standardError).toBeCloseTo(Math.sqrt(own + pseudo) / 2, 12)
  })

  it('with two changes the main effects add up to the whole difference', () => {
    const whole = suiteDifference(
      cases.map(([a, , , d]) => ({ ...d!, basePasses: a!.passes, baseTrials: a!.trials })),
      0.95,
    )
    const [first, second] = [1, 2].map((members) => factorialContrast(cases, members, 0.95).difference)
    expect(first! + second!).toBeCloseTo(whole.difference, 12)
  })

  it('the third order of eight cells', () => {
    const one = [1, 2, 3, 4, 5, 6, 7, 9].map((passes) => count(passes))
    // Only the last cell is out of line with the sum of three effects: by one in ten.
    expect(factorialContrast([one], 7, 0.95).difference).toBeCloseTo(0.1, 12)
    expect(factorialContrast([one], 4, 0.95).difference).toBeCloseTo((5 + 6 + 7 + 9 - 1 - 2 - 3 - 4) / 40, 12)
  })
})

it('one change alone is the plain difference of the suite, tried often or once', () => {
  const random = randomFrom(3)
  for (let draw = 0; draw < 200; draw++) {
    const strata = Array.from({ length: 1 + Math.floor(random() * 30) }, () => {
      const [trials, baseTrials] = [1 + Math.floor(random() * 4), 1 + Math.floor(random() * 6)]
      const passes = binomialDraw(trials, 0.8, random)
      return { passes, trials, basePasses: binomialDraw(baseTrials, 0.8, random), baseTrials }
    })
    const cells = strata.map(({ passes, trials, basePasses, baseTrials }) => [
      { passes: basePasses, trials: baseTrials },
      { passes, trials },
    ])
    const [found, wanted] = [factorialContrast(cells, 1, 0.9), suiteDifference(strata, 0.9)]
    for (const key of ['difference', 'standardError', 'low', 'high'] as const) {
      expect(found[key]).toBeCloseTo(wanted[key], 12)
    }
  }
})

describe('refuses', () => {
  it.each([
    { cases: [], members: 1 },
    { cases: [[count(1), count(1), count(1)]], members: 1 },
    { cases: [[count(1), count(1)], [count(1)]], members: 1 },
    { cases: [[count(1), count(1)]], members: 0 },
    { cases: [[count(1), count(1)]], members: 2 },
    { cases: [[count(2, 1), count(1)]], members: 1 },
  ])('$cases.length cases, members $members', ({ cases, members }) => {
    expect(() => factorialContrast(cases, members, 0.95)).toThrow(RangeError)
  })
})
