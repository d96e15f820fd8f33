// Draws: the same for the same seed, within their ranges, with the moments that their distributions have.
import { describe, expect, it } from 'vitest'
import { betaDraw, binomialDraw, normalDraw, randomFrom } from './draws.ts'

const N = 20_000
const moments = (draw: () => number) => {
  const values = Array.from({ length: N }, draw)
  const mean = values.reduce((a, b) => a + b, 0) / N
  return { values, mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / (N - 1) }
}

describe('uniform numbers', () => {
  it('are those of mulberry32', () => {
    const random = randomFrom(1)
    expect([random(), random(), random()].map((value) => value.toFixed(6))).toEqual([
      '0.627074',
      '0.002736',
      '0.527447',
    ])
  })

  it('lie in [0, 1), spread evenly, and differ by seed', () => {
    const { values, mean, variance } = moments(randomFrom(7))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThan(1)
    // Four standard errors of the mean, and the same for the variance.
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / N))
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / N))
    expect(randomFrom(8)()).not.toBe(values[0])
    expect(randomFrom(7)()).toBe(values[0])
  })
})

it('normal draws have mean 0 and variance 1', () => {
  const random = randomFrom(2)
  const { mean, variance } = moments(() => normalDraw(random))
  expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(N))
  expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / N))
})

describe('beta draws', () => {
  it.each([
    [0.9, 0.1],
    [0.0909, 0.0091],
    [3, 5],
    [200, 2],
  ])('of %f and %f have their mean and variance and lie in [0, 1]', (a, b) => {
    const random = randomFrom(3)
    const { values, mean, variance } = moments(() => betaDraw(a, b, random))
    const expected = a / (a + b)
    const spread = (a * b) / ((a + b) ** 2 * (a + b + 1))
    expect(Math.abs(mean - expected)).toBeLessThan(4 * Math.sqrt(spread / N))
    expect(Math.abs(variance / spread - 1)).toBeLessThan(0.15)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThanOrEqual(1)
  })

  it.each([
    [0, 1],
    [1, 0],
    [Number.NaN, 1],
    [1, Infinity],
  ])('of %f and %f are refused', (a, b) => {
    expect(() => betaDraw(a, b, randomFrom(1))).toThrow(RangeError)
  })
})

it('binomial draws count passes', () => {
  const random = randomFrom(4)
  expect([binomialDraw(5, 0, random), binomialDraw(5, 1, random), binomialDraw(0, 0.5, random)]).toEqual([0, 5, 0])
  const { mean } = moments(() => binomialDraw(10, 0.3, random))
  expect(Math.abs(mean - 3)).toBeLessThan(4 * Math.sqrt(2.1 / N))
})
