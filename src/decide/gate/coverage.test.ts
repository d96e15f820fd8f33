// What results of another tool lack: they name no case that their tool never came to.
import { expect, it } from 'vitest'
import { judge } from './judge.ts'
import { baselineOf, casesOf, passesOf } from '../run-testing.ts'
import { defaultPolicy } from '../../schema/gate.ts'

const all = casesOf(100)
const lacking = (n: number, imported: boolean) => {
  const cases = all.slice(n)
  const trials = { min: 1, max: 1 }
  const input = { cases, observations: passesOf(cases, 1), baseline: baselineOf(all), policy: defaultPolicy, trials }
  const { verdict } = judge({ ...input, partial: false, imported })
  return verdict.gates.find(({ id }) => id === 'coverage')
}

it('cases of the baseline that imported results lack were not measured', () => {
  expect(lacking(6, true)).toMatchObject({ outcome: 'invalid', estimate: 0.94 })
  expect(lacking(6, true)?.sentence).toMatch(/^Only 94 of 100 cases .*the results lack c000, .* of the baseline/)
  expect(lacking(5, true)).toMatchObject({ outcome: 'pass', estimate: 0.95 })
})

it('cases that were taken out of a suite of our own are no loss', () => {
  expect(lacking(15, false)).toMatchObject({ outcome: 'pass', estimate: 1 })
})
