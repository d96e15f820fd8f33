// The gates on the time to first token and on valid output: kept, broken, unknown, and against a baseline.
import { describe, expect, it } from 'vitest'
import type { CaseTally } from '../../schema/baseline.ts'
import { defaultPolicy, type GatePolicy } from '../../schema/gate.ts'
import { firstTokenGates } from './latency.ts'
import { lookAt } from './look.ts'
import { joinedExtras } from './tally.ts'
import { validOutputGates } from './valid-output.ts'

const look = lookAt(1, { min: 1, max: 1 }, 0.05)
const tallyOf = (id: string, over: Partial<CaseTally>): CaseTally => ({
  id,
  hash: id,
  passes: 1,
  trials: 1,
  errors: 0,
  scores: [1],
  latencies_ms: [5000],
  costs_usd: [],
  ...over,
})
const cases = (n: number, of: (nth: number) => Partial<CaseTally>) =>
  Array.from({ length: n }, (_, nth) => tallyOf(`c${nth}`, of(nth)))

describe('time to first token', () => {
  const gate = (limits: GatePolicy['time_to_first_token_p95'], now: CaseTally[], before: CaseTally[] | null = null) => {
    const policy = { ...defaultPolicy, time_to_first_token_p95: limits }
    const pairs = before && now.map((candidate, i) => ({ info: {} as never, candidate, baseline: before[i]! }))
    return firstTokenGates({ tallies: now, pairs, policy, look }).gates.map(({ result }) => result)
  }
  const fast = cases(300, (nth) => ({ first_tokens_ms: [200 + (nth % 50)] }))

  it('is held to its limit, whatever the whole answer takes', () => {
    expect(gate({ max: 300 }, fast)).toMatchObject([
      { id: 'first_token', kind: 'first_token', outcome: 'pass', unit: 'ms' },
    ])
    const [broken] = gate({ max: 100 }, fast)
    expect(broken).toMatchObject({ outcome: 'fail' })
    expect(broken?.sentence).toMatch(/^p95 time to first token 2\d\d ms over 300 calls.*The limit is broken\.$/)
  })
  it('is compared with the baseline, case by case', () => {
    const slow = fast.map((one) => ({ ...one, first_tokens_ms: one.first_tokens_ms!.map((ms) => 2 * ms) }))
    expect(gate({ max_increase: 0.2 }, slow, fast)).toMatchObject([{ id: 'first_token/increase', outcome: 'fail' }])
    expect(gate({ max_increase: 0.2 }, fast, slow)).toMatchObject([{ outcome: 'pass' }])
  })
  it('is unknown, not kept, where nothing was streamed', () => {
    const [unknown] = gate(
      { max: 300 },
      cases(300, () => ({})),
    )
    expect(unknown).toMatchObject({ outcome: 'invalid' })
    expect(unknown?.sentence).toMatch(/no answer was streamed.*stream: true/)
    expect(
      gate(
        { max_increase: 0.2 },
        fast,
        cases(300, () => ({})),
      ),
    ).toMatchObject([{ outcome: 'inconclusive' }])
  })
  it('is no gate where none is asked for', () => {
    expect(gate(undefined, fast)).toEqual([])
  })
})

describe('valid output', () => {
  const gate = (min: number, tallies: CaseTally[], over: Partial<GatePolicy> = {}) =>
    validOutputGates({ tallies, policy: { ...defaultPolicy, ...over, valid_output: { min } }, look }).gates[0]!.result
  const good = (n: number, bad = 0) => cases(n, (nth) => ({ forms: { valid: nth < bad ? 0 : 1, of: 1 } }))

  it.each([
    [0.9, good(300), 'pass', /Valid output in 300 of 300 answers/],
    [0.9, good(300, 100), 'fail', /The limit is broken/],
    [0.9, good(20, 3), 'pass', /looks broken, but that is not proven/],
    [1, good(300, 1), 'fail', /299 of 300/],
    [1, good(300), 'pass', /kept/],
  ] as const)('a floor of %d', (min, tallies, outcome, sentence) => {
    const found = gate(min, tallies)
    expect(found).toMatchObject({ id: 'valid_output', outcome, unit: 'share', limit: min })
    expect(found.sentence).toMatch(sentence)
  })
  it('is unknown where nothing was checked, and undecided where proof is wanted', () => {
    expect(
      gate(
        0.9,
        cases(9, () => ({})),
      ),
    ).toMatchObject({ outcome: 'invalid' })
    expect(gate(0.9, good(20, 3), { burden: 'prove-good' })).toMatchObject({ outcome: 'inconclusive' })
  })
})

it('two runs of a case are joined, also when only one knows', () => {
  const [a, b] = [tallyOf('a', { first_tokens_ms: [1], forms: { valid: 1, of: 2 } }), tallyOf('a', {})]
  expect(joinedExtras(a, a)).toEqual({ first_tokens_ms: [1, 1], forms: { valid: 2, of: 4 } })
  expect(joinedExtras(b, a)).toEqual({ first_tokens_ms: [1], forms: { valid: 1, of: 2 } })
  expect(joinedExtras(b, b)).toEqual({})
})
