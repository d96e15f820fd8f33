// A batch beside calls that are made live: both spend one budget, and neither waits for the other for ever.
import { performance } from 'node:perf_hooks'
import { expect, it } from 'vitest'
import type { AskRequest, Attempt, BatchBook, BatchDoor, Provider } from '../../ports.ts'
import { newBudget } from '../budget.ts'
import { interleave } from '../interleave.ts'
import { runWithBatches } from './batch-pass.ts'

const clock = { monotonic: () => performance.now() }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const answer = (): Attempt => ({
  completion: { outcome: 'answered', text: 'ok', tool_calls: [], latency_ms: 1, attempts: 1, cost_usd: 0.1 },
})
const questions = (name: string, count: number): AskRequest[] =>
  Array.from({ length: count }, (_, i) => ({
    key: `${name}${i}`,
    case: { id: `${name}${i}`, tags: [], critical: false, vars: {}, assert: [] },
    trial: 1,
    messages: [],
  }))

/** A batch that is ended after so many milliseconds, with an answer to everything. */
function door(ms: number): BatchDoor {
  let ids: string[] = []
  let submitted = 0
  return {
    address: 'loopback',
    find: async () => ({ batch: null }),
    submit: async (asked) => {
      ids = asked.map(({ id }) => id)
      submitted = performance.now()
      return { batch: 'b1' }
    },
    look: async () => {
      const ended = performance.now() - submitted >= ms
      return { ended, status: ended ? 'completed' : 'in_progress', done: 0, total: ids.length, files: [] }
    },
    answers: async () => ({ answers: new Map(ids.map((id) => [id, answer()])) }),
  }
}
const book: BatchBook = { pending: async () => [], put: async () => undefined, drop: async () => undefined }

it('what is asked live goes on when the batch that held up the budget has ended', async () => {
  const asked: string[] = []
  const live: Provider = {
    name: 'live',
    concurrency: 1,
    timeout_ms: 5_000,
    retries: 0,
    ask: async (request) => {
      asked.push(request.case.id)
      await sleep(20)
      return answer()
    },
  }
  const batched: Provider = { ...live, name: 'batched', batch: door(100) }
  const parts = interleave([
    { requests: questions('live', 6), provider: live },
    { requests: questions('batch', 5), provider: batched },
  ])
  const done: string[] = []
  const { stopped } = await runWithBatches({
    ...parts,
    seed: 1,
    signal: new AbortController().signal,
    clock,
    budget: newBudget({ max_cost_usd: 0.75 }),
    onCompletion: ({ case: { id } }) => void done.push(id),
    batches: { book, now: () => new Date(0), timing: { first: 10, longest: 20 } },
  })
  expect(stopped?.kind).toBe('budget')
  // Five of the batch, and as many live ones as the rest pays for.
  expect(done.filter((id) => id.startsWith('batch'))).toHaveLength(5)
  expect(asked).toHaveLength(2)
})
