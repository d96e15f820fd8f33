// How many calls go out before anything is heard of a provider or of its limits: few of few, and more where a run has very many.
import { performance } from 'node:perf_hooks'
import { expect, it } from 'vitest'
import type { Provider } from '../../ports.ts'
import { newBudget, runPass } from '../engine.ts'

it.each([
  { calls: 100, concurrency: 50, first: 5 },
  { calls: 499, concurrency: 50, first: 5 },
  { calls: 2_000, concurrency: 50, first: 20 },
  { calls: 10_000, concurrency: 50, first: 50 },
  { calls: 10_000, concurrency: 3, first: 3 },
])(
  'of $calls calls, $concurrency at once: $first wait together for the first answer, and for the second',
  async ({ calls, concurrency, first }) => {
    const interrupt = new AbortController()
    let asked = 0
    let answer = () => {}
    const ask: Provider['ask'] = (_, signal) => {
      asked += 1
      if (asked === 1)
        return new Promise((done) => {
          answer = () =>
            done({ completion: { outcome: 'answered', text: '', tool_calls: [], latency_ms: 1, attempts: 1 } })
        })
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    const pass = runPass({
      requests: Array.from({ length: calls }, (_, i) => ({
        key: `k${i}`,
        case: { id: `c${i}`, tags: [], critical: false, vars: {}, assert: [] },
        trial: 1,
        messages: [],
      })),
      provider: { name: 'p', concurrency, timeout_ms: 5_000, retries: 0, ask },
      seed: 1,
      signal: interrupt.signal,
      clock: { monotonic: () => performance.now() },
      budget: newBudget(),
      onCompletion: () => undefined,
    })
    await new Promise((go) => setTimeout(go, 300))
    expect(asked).toBe(first)
    answer()
    await new Promise((go) => setTimeout(go, 300))
    expect(asked).toBe(1 + first)
    interrupt.abort()
    await pass
  },
)
