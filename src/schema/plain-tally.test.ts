// What the quick look takes for a plain case of a baseline the schema takes as well, and as it is.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CaseTally } from './baseline.ts'
import { isPlainTally } from './plain-tally.ts'

const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 3 })
const ordinary = fc.record(
  {
    id: fc.string(),
    hash: fc.string(),
    category: fc.string(),
    passes: fc.nat(),
    trials: fc.nat(),
    errors: fc.nat(),
    scores: numbers,
    latencies_ms: numbers,
    costs_usd: numbers,
    first_tokens_ms: numbers,
    history: fc.array(fc.constantFrom('20261121T101500Z:1/3', '20261121T101500123Z:0/1'), { maxLength: 2 }),
    answer: fc.string(),
  },
  { requiredKeys: ['id', 'hash', 'passes', 'trials', 'errors', 'scores', 'latencies_ms', 'costs_usd'] },
)
const odd = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', -1, 0.5, 1e21, 2 ** 53, true, [], {}, [null], ['1'], [[1]], 'all'),
  fc.constantFrom<unknown>({ valid: 1, of: 2 }, ['20261121T101500Z:1/'], ['x 20261121T101500Z:1/3']),
  fc.jsonValue(),
)
const keys = [...Object.keys(CaseTally.shape), 'more', '__proto__']
const change = fc.tuple(fc.constantFrom(...keys), odd)

it('says yes to nothing that the schema refuses or changes', () => {
  const seen = { plain: 0, other: 0 }
  fc.assert(
    fc.property(ordinary, fc.array(change, { maxLength: 2 }), (made, changes) => {
      const value: unknown = JSON.parse(JSON.stringify({ ...made, ...Object.fromEntries(changes) }))
      if (!isPlainTally(value)) {
        seen.other += 1
        return
      }
      seen.plain += 1
      expect(CaseTally.parse(value)).toEqual(value)
    }),
    { numRuns: 5000 },
  )
  expect(seen.plain).toBeGreaterThan(1000)
  expect(seen.other).toBeGreaterThan(1000)
})

const whole = { id: 'a', hash: 'h', passes: 1, trials: 1, errors: 0, scores: [1], latencies_ms: [2.5], costs_usd: [] }
it('knows an ordinary case, and leaves all others to the schema', () => {
  expect(isPlainTally({ ...whole, category: 'c', answer: 'x', history: ['20261121T101500Z:1/3'] })).toBe(true)
  for (const other of [null, [], 'x', { ...whole, more: 1 }, { ...whole, scores: [JSON.parse('1e999')] }, { id: 'a' }])
    expect(isPlainTally(other)).toBe(false)
})
