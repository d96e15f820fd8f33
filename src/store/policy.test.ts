// Layers of policies: `strict` is a word for an alpha, and the alpha beside it wins; raw thresholds are laid over each other.
import { describe, expect, it } from 'vitest'
import { GatePolicy, GatePolicyInput } from '../schema/gate.ts'
import { mergePolicy } from './policy.ts'

const merged = (...layers: unknown[]) => mergePolicy(layers.map((layer) => GatePolicyInput.parse(layer)))

describe('strict', () => {
  it.each([
    ['alone', [{ strict: true }], 0.01],
    ['of the repository', [{ strict: true }, { min_pass_rate: 0.9 }], 0.01],
    ['beside an alpha', [{ strict: true, alpha: 0.02 }], 0.02],
    ['under an alpha of the suite', [{ strict: true }, { alpha: 0.1 }], 0.1],
    ['over an alpha of the repository', [{ alpha: 0.1 }, { strict: true }], 0.01],
    ['taken back by the suite', [{ strict: true }, { strict: false }], 0.05],
    ['nowhere', [{}], 0.05],
  ] as const)('%s', (_, layers, alpha) => {
    const policy = merged(...layers)
    expect(policy.alpha).toBe(alpha)
    // The record of a run holds the alpha; the word is gone.
    expect(GatePolicy.parse(policy)).toEqual(policy)
  })
})

it('raw thresholds of a suite change one and keep the others', () => {
  expect(merged({ naive: { max_drop: '3%', max_category_drop: false } }, { naive: { max_drop: 0.01 } }).naive).toEqual({
    max_drop: 0.01,
    max_category_drop: false,
  })
})

it('a floor laid over raw thresholds is their floor, unless it names its own', () => {
  const threshold = { min_pass_rate: 0.99 }
  expect(merged({ naive: { max_drop: 0.01 } }, threshold)).toMatchObject({
    min_pass_rate: 0.99,
    naive: { min_pass_rate: 0.99, max_drop: 0.01 },
  })
  expect(merged({ naive: {} }, {}, threshold).naive).toEqual(threshold)
  expect(merged({ naive: {} }, { ...threshold, naive: { min_pass_rate: 0.7 } }).naive).toEqual({ min_pass_rate: 0.7 })
  expect(merged({}, threshold).naive).toBeUndefined()
})
