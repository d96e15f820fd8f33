// When a run is frozen, and what a silent swap is.
import { describe, expect, it } from 'vitest'
import type { TargetSnapshot } from '../../schema/run.ts'
import { isFrozen, outdatedLock } from './frozen.ts'
import { baselineFrom } from '../baseline/accept-baseline.ts'
import { baselineOf, casesOf, observe, passesOf, runOf, target } from '../run-testing.ts'
import { swapWarnings } from './silent-swap.ts'

describe('isFrozen', () => {
  const rows: [option: boolean | undefined, ci: string | undefined, frozen: boolean][] = [
    [undefined, undefined, false], [undefined, '', false], [undefined, ' ', false], [undefined, '0', false],
    [undefined, 'false', false], [undefined, 'FALSE', false], [undefined, 'true', true], [undefined, '1', true],
    [undefined, 'yes', true], [true, undefined, true], [true, 'false', true], [false, 'true', false],
  ] // biome-ignore format: a table
  it.each(rows)('option %s, CI=%s: %s', (option, ci, frozen) => expect(isFrozen(option, ci)).toBe(frozen))
})

it('says at most 20 changes of a lock, and how many more there are', () => {
  const { problem } = outdatedLock(Array.from({ length: 23 }, (_, i) => `model m${i}: added`))
  expect(problem.split('\n')).toHaveLength(22)
  expect(problem).toContain('… and 3 more')
})

describe('silent swap', () => {
  const cases = casesOf(2)
  const asked: TargetSnapshot = { ...target, model: { name: 'main', provider: 'api', id: 'm', params: {} } }
  const baseline = { ...baselineOf(cases), target: asked, response_models: ['m-1'], fingerprints: ['fp_1'] }
  const answers = (response_model: string, fingerprint?: string) =>
    passesOf(cases, 1, () => ({ response_model, ...(fingerprint !== undefined && { fingerprint }) }))

  it('names who answers and who did', () => {
    expect(swapWarnings(answers('m-2', 'fp_2'), baseline, asked)).toEqual([
      'The provider answered with m-2, the baseline with m-1: a silent swap.',
      'The provider answered with the system fp_2, the baseline with the system fp_1: a silent swap.',
    ])
  })
  it('is one stranger among many', () => {
    const mixed = [...answers('m-1', 'fp_1'), observe('c000', 2, { response_model: 'm-9' })]
    expect(swapWarnings(mixed, baseline, asked)).toHaveLength(1)
  })
  it('is nothing when the same answers, nobody tells, there is no baseline, or another model is asked on purpose', () => {
    expect(swapWarnings(answers('m-1', 'fp_1'), baseline, asked)).toEqual([])
    expect(swapWarnings(passesOf(cases, 1), baseline, asked)).toEqual([])
    expect(swapWarnings(answers('m-2'), { ...baseline, response_models: [] }, asked)).toEqual([])
    expect(swapWarnings(answers('m-2'), null, asked)).toEqual([])
    const other = { ...asked, model: { name: 'main', provider: 'api', id: 'm2', params: {} } }
    expect(swapWarnings(answers('m-2', 'fp_2'), baseline, other)).toEqual([])
    expect(swapWarnings(answers('m-2', 'fp_2'), baseline, { ...asked, kind: 'results' })).toEqual([])
  })
  it('is found because a baseline keeps its fingerprints', () => {
    const accepted = { at: '2026-01-01T00:00:00.000Z', by: 'somebody', reason: 'first' }
    const run = runOf(cases, [...answers('m-1', 'fp_2'), ...answers('m-1', 'fp_1').map((o) => ({ ...o, trial: 2 }))])
    const kept = baselineFrom({ run: { ...run, header: { ...run.header, trials: { min: 1, max: 2 } } }, accepted })
    expect(kept.fingerprints).toEqual(['fp_1', 'fp_2'])
    expect(baselineFrom({ run: runOf(cases, passesOf(cases, 1)), accepted })).not.toHaveProperty('fingerprints')
  })
})
