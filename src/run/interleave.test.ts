// Two targets in one pass: each request reaches its own provider, in one mixed order, under the narrowest limits.
import { expect, it } from 'vitest'
import type { AskRequest, Provider } from '../ports.ts'
import type { Case } from '../schema/suite.ts'
import { newBudget, runPass } from './engine.ts'
import { interleave } from './interleave.ts'

const requestsOf = (name: string): AskRequest[] =>
  Array.from({ length: 50 }, (_, i) => {
    const id = `${name}${i}`
    return { key: id, case: { id } as Case, trial: 1, messages: [] }
  })

it('asks each provider its own, mixed by the seed', async () => {
  const order: string[] = []
  const provider = (name: string, limits: Partial<Provider>): Provider => ({
    name,
    concurrency: 4,
    timeout_ms: 1000,
    retries: 2,
    ...limits,
    ask: async ({ key }) => {
      order.push(`${name} ${key}`)
      return { completion: { outcome: 'answered', text: name, tool_calls: [], attempts: 1 } }
    },
  })
  const parts = [
    { requests: requestsOf('a'), provider: provider('a', { concurrency: 1, rpm: 1e9 }) },
    { requests: requestsOf('b'), provider: provider('b', { timeout_ms: 5000, retries: 1 }) },
  ]
  const one = interleave(parts)
  expect(one.provider).toMatchObject({ name: 'a and b', concurrency: 1, rpm: 1e9, timeout_ms: 5000, retries: 1 })
  const run = async () => {
    order.length = 0
    const signal = new AbortController().signal
    await runPass({
      ...one,
      seed: 3,
      signal,
      clock: { monotonic: () => performance.now() },
      budget: newBudget(undefined),
      onCompletion: () => {},
    })
    return [...order]
  }
  const first = await run()
  expect(first).toHaveLength(100)
  expect(first.every((line) => line[0] === line[2])).toBe(true)
  expect(first.slice(0, 20).filter((line) => line.startsWith('a')).length).toBeGreaterThan(3)
  expect(first.slice(0, 20).filter((line) => line.startsWith('b')).length).toBeGreaterThan(3)
  expect(await run()).toEqual(first)
  expect(() => interleave([])).toThrow(RangeError)
})

it('mixes two sides that share the limits of one provider, or its slots, in the order of the pass', async () => {
  for (const lanes of [
    ['m', 'm'],
    ['m', 'n'],
  ]) {
    let order = ''
    const side = (name: string, key = ''): Provider => ({
      name: 'p',
      lane: { key },
      concurrency: 1,
      timeout_ms: 1000,
      retries: 0,
      ask: async () => {
        order += name
        return { completion: { outcome: 'answered', text: name, tool_calls: [], attempts: 1 } }
      },
    })
    await runPass({
      ...interleave([
        { requests: requestsOf('a'), provider: side('a', lanes[0]) },
        { requests: requestsOf('b'), provider: side('b', lanes[1]) },
      ]),
      seed: 3,
      signal: new AbortController().signal,
      clock: { monotonic: () => performance.now() },
      budget: newBudget(),
      onCompletion: () => {},
    })
    expect(order).toHaveLength(100)
    expect(order.match(/ab|ba/g)?.length).toBeGreaterThan(20)
  }
})
