// What the quick look takes for a plain completion the schema takes as well, and as it is.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isPlainCompletion } from './plain-completion.ts'
import { Completion } from './run.ts'

const amount = fc.double({ min: 0, max: 1e9, noNaN: true })
const usage = fc.record(
  { input_tokens: fc.nat(), output_tokens: fc.nat(), cached_input_tokens: fc.nat(), reasoning_tokens: fc.nat() },
  { requiredKeys: ['input_tokens', 'output_tokens'] },
)
const ordinary = fc.record(
  {
    outcome: fc.constantFrom('answered', 'refused', 'truncated', 'error', 'timeout'),
    text: fc.string(),
    tool_calls: fc.constant([]),
    latency_ms: amount,
    first_token_ms: amount,
    attempts: fc.nat(),
    usage,
    cost_usd: amount,
    finish_reason: fc.string(),
    response_model: fc.string(),
    fingerprint: fc.string(),
    request_id: fc.string(),
    replayed: fc.boolean(),
    cached: fc.boolean(),
  },
  { requiredKeys: ['outcome', 'text', 'tool_calls', 'attempts'] },
)
const odd = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'answered', -1, 0.5, 1e21, 2 ** 53, true, [], {}, [1]),
  fc.constantFrom<unknown>({ input_tokens: 1 }, { input_tokens: 1, output_tokens: 1, more: 1 }, [
    { name: 'a', arguments: '' },
  ]),
  fc.jsonValue(),
)
const keys = [...Object.keys(Completion.shape), 'more', '__proto__']
const change = fc.tuple(fc.constantFrom(...keys), odd)

it('says yes to nothing that the schema refuses or changes', () => {
  const seen = { plain: 0, other: 0 }
  fc.assert(
    fc.property(ordinary, fc.array(change, { maxLength: 2 }), (made, changes) => {
      const text = JSON.stringify({ ...made, ...Object.fromEntries(changes) })
      const value: unknown = JSON.parse(text)
      if (!isPlainCompletion(value)) {
        seen.other += 1
        return
      }
      seen.plain += 1
      expect(Completion.parse(value)).toEqual(value)
    }),
    { numRuns: 5000 },
  )
  expect(seen.plain).toBeGreaterThan(1000)
  expect(seen.other).toBeGreaterThan(1000)
})

const whole = {
  outcome: 'answered',
  text: 'x',
  tool_calls: [],
  latency_ms: 1.5,
  attempts: 1,
  usage: { input_tokens: 1, output_tokens: 2 },
}
it('knows an ordinary answer, and leaves all others to the schema', () => {
  expect(isPlainCompletion({ ...whole, cost_usd: 0.1, replayed: true, cached: true })).toBe(true)
  for (const other of [
    { ...whole, attempts: undefined },
    { ...whole, attempts: 1.5 },
    { ...whole, attempts: 2 ** 53 },
    { ...whole, usage: { input_tokens: 1 } },
    { ...whole, outcome: 'answer' },
    { ...whole, latency_ms: -1 },
    { ...whole, tool_calls: [{ name: 'a', arguments: '' }] },
    { ...whole, colour: 'red' },
    [],
    null,
  ])
    expect(isPlainCompletion(other)).toBe(false)
})
