// What `exact`, `scope` and a stricter alpha change at the gate, on the same counts.
import { describe, expect, it } from 'vitest'
import type { GatePolicy } from '../../schema/gate.ts'
import { baselineOf, casesOf, judged, passesOf, policyOf } from '../run-testing.ts'

const cases = casesOf(40)
const baseline = baselineOf(cases)
/** The first `failing` cases fail all of their three trials. */
const at = (failing: number, changes: Partial<GatePolicy> = {}) =>
  judged({
    cases,
    baseline,
    observations: passesOf(cases, 3, (i) => ({ passed: i >= failing })),
    trials: { min: 3, max: 3 },
    policy: policyOf({ min_pass_rate: 0, ...changes }),
  })

describe('exact', () => {
  it('counts the whole probability of what was seen, mid-p half of it', () => {
    const [mid, exact] = [at(1).gate('regression'), at(1, { exact: true }).gate('regression')]
    // One case 0 of 3 against 5 of 5: 1 / C(8, 3).
    expect(exact?.p).toBeCloseTo(1 / 56, 12)
    expect(mid?.p).toBeCloseTo(1 / 112, 12)
    expect([mid?.test, exact?.test]).toEqual(['exact stratified mid-p', 'exact stratified'])
  })

  it('can turn a block into an undecided verdict, never the other way', () => {
    const alpha = 0.01
    const wide = { alpha, max_regression: 0.01 }
    expect(at(1, wide).verdict.measured).toBe('fail')
    expect(at(1, { ...wide, exact: true }).verdict.measured).toBe('inconclusive')
  })
})

describe('scope: population', () => {
  it('asks about new cases: the sign-flip test, and an interval that more trials alone do not narrow', () => {
    const suite = at(2).gate('regression')
    const population = at(2, { scope: 'population' }).gate('regression')
    expect(population?.test).toBe('exact sign-flip mid-p')
    // Two cases that broke wholly: 1/4 by sign flips, half of it for mid-p; the trials of each prove far more of the suite.
    expect(population?.p).toBeCloseTo(1 / 8, 12)
    expect(suite?.p).toBeLessThan(0.001)
    expect([suite?.outcome, population?.outcome]).toEqual(['fail', 'inconclusive'])
    expect(population?.difference).toBe(suite?.difference)
  })

  it('finds what breaks in many cases', () => {
    expect(at(8, { scope: 'population' }).verdict.outcome).toBe('fail')
  })
})

describe('alpha', () => {
  it('0.01 (`strict: true`) wants ten times less chance than 0.1', () => {
    const policy = { max_regression: 0.001, exact: true }
    expect(at(1, { ...policy, alpha: 0.1 }).verdict.measured).toBe('fail')
    expect(at(1, { ...policy, alpha: 0.01 }).verdict.measured).toBe('inconclusive')
    expect(at(2, { ...policy, alpha: 0.01 }).verdict.measured).toBe('fail')
  })
})
