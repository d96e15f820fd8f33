// Sample sizes keep their promise: reference values, and error rates and power of the shipped tests at the planned size by simulation.
import { describe, expect, it } from 'vitest'
import { expectClose, reference, seeded } from '../../fixtures/reference/read.ts'
import { compareRates } from './chi-square.ts'
import { mannWhitney, superiority, tiedValues } from './mann-whitney.ts'
import { meanInterval, startMeans, stepMeans } from './mean-sequence.ts'
import { smallestEffect, superiorityOfShift, unitsForMeans, unitsForRanks, unitsForRates } from './two-arm-size.ts'
import { welch } from './welch.ts'

const wanted = { alpha: 0.05, power: 0.8 }
const runs = 1000
/** Four standard errors of a share over the runs: a seed passes or it does not, and a true miss is seen. */
const slack = (share: number) => 4 * Math.sqrt((share * (1 - share)) / runs)
const moments = (values: readonly number[]) => ({
  n: values.length,
  sum: values.reduce((a, b) => a + b, 0),
  squares: values.reduce((a, b) => a + b * b, 0),
})

it('agrees with the closed form of R power.prop.test', () => {
  type In = { p1: number; p2: number; alpha: number; power: number; alt: string }
  for (const { in: at, out } of reference<In, { n_per_arm: number; n_ceil: number }>('power_two_prop')) {
    const alpha = at.alt === 'one.sided' ? 2 * at.alpha : at.alpha
    const units = unitsForRates(at.p1, at.p2, { alpha, power: at.power })
    expectClose(units, out.n_per_arm, 1e-8, at)
    expect(Math.ceil(units)).toBe(out.n_ceil)
  }
})

it('is symmetric, grows as effects shrink, and is undone by smallestEffect', () => {
  const units = unitsForRates(0.1, 0.12, { ...wanted, ratio: 3 })
  expectClose(unitsForRates(0.12, 0.1, { ...wanted, ratio: 1 / 3 }), 3 * units, 1e-12)
  expect(unitsForRates(0.1, 0.1, wanted)).toBe(Infinity)
  expect(unitsForMeans(0, 1, wanted)).toBe(Infinity)
  expect(unitsForRanks(0.5, wanted)).toBe(Infinity)
  expectClose(
    smallestEffect(units, 0.5, (effect) => unitsForRates(0.1, 0.1 + effect, { ...wanted, ratio: 3 }))!,
    0.02,
    1e-9,
  )
  expect(smallestEffect(3, 0.5, (effect) => unitsForRates(0.1, 0.1 + effect, wanted))).toBeNull()
  expect(() => unitsForRates(0.1, 1.2, wanted)).toThrow(RangeError)
  expect(() => unitsForMeans(1, 1, { ...wanted, power: 1 })).toThrow(RangeError)
})

describe('at the planned size', () => {
  const share = (test: () => boolean) => Array.from({ length: runs }, test).filter(Boolean).length / runs
  const expectRates = (rates: { false_alarm: number; power: number }) => {
    expect(rates.false_alarm).toBeLessThan(0.05 + slack(0.05))
    expect(rates.false_alarm).toBeGreaterThan(0.05 - slack(0.05))
    expect(rates.power).toBeGreaterThan(0.8 - slack(0.8))
    expect(rates.power).toBeLessThan(0.8 + slack(0.8) + 0.02)
  }
  it('rates: 5 % false alarms, 80 % power, with unequal arms', () => {
    const draw = seeded(5)
    const ratio = 2
    const first = Math.ceil(unitsForRates(0.2, 0.3, { ...wanted, ratio }))
    const second = Math.ceil(ratio * first)
    const found = (rate: number) => () =>
      compareRates({ n: first, bad: draw.binomial(first, 0.2) }, { n: second, bad: draw.binomial(second, rate) }).p <=
      0.05
    expectRates({ false_alarm: share(found(0.2)), power: share(found(0.3)) })
  })
  it('means: 5 % and 80 % with unequal variances', () => {
    const draw = seeded(6)
    const units = Math.ceil(unitsForMeans(0.5, 1, wanted, 1.5))
    const sample = (mean: number, deviation: number) =>
      moments(Array.from({ length: units }, () => mean + deviation * draw.normal()))
    const found = (shift: number) => () => welch(sample(shift, 1.5), sample(0, 1))!.twoSided <= 0.05
    expectRates({ false_alarm: share(found(0)), power: share(found(0.5)) })
  })
  it('skewed values: 5 % and 80 %, and the interval of the effect covers', () => {
    const draw = seeded(7)
    const p = superiorityOfShift(0.5, 1)
    const units = Math.ceil(unitsForRanks(p, wanted))
    const sample = (shift: number) => Array.from({ length: units }, () => Math.exp(shift + draw.normal()))
    const found = (shift: number) => () => mannWhitney(tiedValues(sample(shift), sample(0))).twoSided <= 0.05
    expectRates({ false_alarm: share(found(0)), power: share(found(0.5)) })
    const covered = share(() => {
      const { low, high } = superiority(tiedValues(sample(0.5), sample(0)), 0.95)!
      return low <= p && p <= high
    })
    expect(covered).toBeGreaterThan(0.95 - slack(0.95) - 0.01)
  })
  it('peeking every day errs with a plain test and does not with the always-valid interval', () => {
    const draw = seeded(8)
    const world = () => {
      let state = startMeans([0, 1])
      const totals = { a: 0, b: 0, n: 0 }
      let [plain, always] = [false, false]
      for (let day = 0; day < 28; day++) {
        const [a, b] = [draw.binomial(100, 0.2), draw.binomial(100, 0.2)]
        totals.n += 100
        totals.a += a
        totals.b += b
        const arm = (bad: number) => ({ n: 100, sum: bad, squares: bad })
        state = stepMeans(state, { stratum: 'all', baseline: arm(a), candidate: arm(b) })
        const interval = meanInterval(state, 0.05)
        always ||= interval !== null && (interval.low > 0 || interval.high < 0)
        plain ||= compareRates({ n: totals.n, bad: totals.a }, { n: totals.n, bad: totals.b }).p <= 0.05
      }
      return { plain, always }
    }
    const seen = Array.from({ length: runs }, world)
    expect(seen.filter(({ plain }) => plain).length / runs).toBeGreaterThan(0.15)
    expect(seen.filter(({ always }) => always).length / runs).toBeLessThan(0.05 + slack(0.05))
  })
})
