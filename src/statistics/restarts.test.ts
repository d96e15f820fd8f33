// Capital with restarts: the running sum is the same as keeping every restart apart, and all of them together own half.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { expectClose } from '../../fixtures/reference/read.ts'
import { capitalEvidence, growCapital, startCapital } from './restarts.ts'

const factor = fc.double({ min: -3, max: 3, noNaN: true })
const steps = fc.array(fc.record({ factors: fc.tuple(factor, factor), pause: fc.constantFrom(0, 0, 0.4, 1, 2, 30) }), {
  maxLength: 40,
})

/** Every restart apart: that of hour h owns half of 24 / ((24 + h - 1)(24 + h)) and multiplies what comes from h on. */
function apart(path: readonly { hour: number; factors: readonly number[] }[], weights: readonly number[]): number {
  const horizon = 200_000
  const wealthFrom = (hour: number) =>
    weights.reduce((sum, weight, j) => {
      const log = path
        .filter((step) => Math.floor(step.hour) >= hour)
        .reduce((total, { factors }) => total + factors[j]!, 0)
      return sum + weight * Math.exp(log)
    }, 0)
  const last = Math.floor(path.at(-1)?.hour ?? 0)
  let total = 0.5 * wealthFrom(0)
  for (let hour = 1; hour <= last; hour++) total += (0.5 * 24 * wealthFrom(hour)) / ((23 + hour) * (24 + hour))
  for (let hour = last + 1; hour <= horizon; hour++) total += (0.5 * 24) / ((23 + hour) * (24 + hour))
  return total
}

it.each([[[0.5, 0.5]], [[0.2, 0.8]]])('is what separate restarts own together, with weights %j', (weights) => {
  fc.assert(
    fc.property(steps, (steps) => {
      let hour = 0
      const path = steps.map(({ factors, pause }) => ({ factors, hour: (hour += pause) }))
      const capital = path.reduce((capital, { factors, hour }) => growCapital(capital, factors, hour), startCapital(2))
      // What lies beyond the horizon of the sum is 24 / 200,024 of a half.
      expectClose(Math.exp(capitalEvidence(capital, weights)), apart(path, weights), 1e-4, path, 1)
    }),
    { numRuns: 30 },
  )
})

it('weighs the alternatives alike unless told, and holds 1 before anything', () => {
  const capital = growCapital(startCapital(2), [1, -1], 5)
  expectClose(capitalEvidence(capital), capitalEvidence(capital, [0.5, 0.5]), 1e-14)
  expect(capitalEvidence(startCapital(3))).toBeCloseTo(0, 14)
  expect(capitalEvidence(growCapital(startCapital(3), [0, 0, 0], 1000))).toBeCloseTo(0, 12)
})
