// Whichever rule is stricter counts: for every key, in both directions, and never looser than the base.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultPolicy, type GatePolicy } from '../../schema/gate.ts'
import { strictestPolicy } from './strictest-policy.ts'

const policy = (more: Partial<GatePolicy> = {}): GatePolicy => ({ ...defaultPolicy, ...more })

describe('strictestPolicy', () => {
  const looser: [string, Partial<GatePolicy>, Partial<GatePolicy>][] = [
    ['min_pass_rate', {}, { min_pass_rate: 0.1 }],
    ['max_regression', {}, { max_regression: false }],
    ['max_regression', {}, { max_regression: 0.2 }],
    ['category_max_regression', {}, { category_max_regression: 0.5 }],
    ['min_coverage', {}, { min_coverage: 0 }],
    ['on_inconclusive', {}, { on_inconclusive: 'pass' }],
    ['burden', { burden: 'prove-good' }, { burden: 'prove-bad' }],
    ['latency_p95.max', { latency_p95: { max: 100 } }, {}],
    ['cost_per_case.max_increase', { cost_per_case: { max_increase: 0.1 } }, { cost_per_case: { max_increase: 1 } }],
    ['mean_score.min', { mean_score: { min: 0.8 } }, { mean_score: { max_drop: 0.1 } }],
    ['categories.safety.min_pass_rate', { categories: { safety: { min_pass_rate: 1 } } }, {}],
    ['categories.safety.max_regression', {}, { categories: { safety: { max_regression: 0.9 } } }],
    ['baseline_max_age.stop', { baseline_max_age: { stop: 10 } }, { baseline_max_age: { stop: 20 } }],
    ['alpha', {}, { alpha: 0.2 }],
    ['alpha', {}, { alpha: 0.001 }],
    ['naive', {}, { naive: { min_pass_rate: false } }],
    ['allow_case_changes', {}, { allow_case_changes: true }],
    ['allow_target_changes', {}, { allow_target_changes: true }],
    ['allow_joint_changes', {}, { allow_joint_changes: true }],
    ['categories.__proto__.min_pass_rate', { categories: JSON.parse('{"__proto__":{"min_pass_rate":1}}') }, {}],
  ]
  it.each(looser)('%s of the base stays', (key, base, head) => {
    const { policy: judged, loosened } = strictestPolicy(policy(base), policy(head))
    expect(loosened).toEqual([expect.stringContaining(`${key}: `)])
    const again = strictestPolicy(policy(base), judged)
    expect(again.loosened).toEqual([])
  })

  it('takes what the head tightens, and who answers for it', () => {
    const head = policy({ min_pass_rate: 0.99, max_regression: 0.01, on_inconclusive: 'fail', owner: 'Bob' })
    expect(strictestPolicy(policy({ owner: 'Ada' }), head)).toEqual({ policy: head, loosened: [] })
  })

  it('is never looser than either side in what has an order', () => {
    const side = fc.record({
      min_pass_rate: fc.double({ min: 0, max: 1, noNaN: true }),
      max_regression: fc.oneof(fc.constant(false as const), fc.double({ min: 0, max: 1, noNaN: true })),
    })
    fc.assert(
      fc.property(side, side, (base, head) => {
        const { policy: judged } = strictestPolicy(policy(base), policy(head))
        expect(judged.min_pass_rate).toBe(Math.max(base.min_pass_rate, head.min_pass_rate))
        const margins = [base.max_regression, head.max_regression].filter((one) => one !== false)
        expect(judged.max_regression).toBe(margins.length > 0 ? Math.min(...margins) : false)
      }),
      { seed: 7, numRuns: 200 },
    )
  })
})
