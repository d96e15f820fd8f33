// A pass of which some answers are known: whichever they are, every request gets its own answer, once, and only the others are asked.
import { performance } from 'node:perf_hooks'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AskRequest, Provider } from '../ports.ts'
import type { Completion, Observation } from '../schema/run.ts'
import { tally } from '../decide/gate/tally.ts'
import { newBudget } from './budget.ts'
import { runKnowing } from './known-answers.ts'

const clock = { monotonic: () => performance.now() }
const answerTo = ({ case: { id }, trial }: AskRequest): Completion => ({
  outcome: 'answered',
  text: `${id} ${trial} ${(id.length * 7 + trial * 3) % 5}`,
  tool_calls: [],
  latency_ms: 1,
  attempts: 1,
})
const requestsOf = (cases: number, trials: number): AskRequest[] =>
  Array.from({ length: cases * trials }, (_, i) => ({
    key: `k${i}`,
    case: { id: `c${i % cases}`, tags: [], critical: false, vars: {}, assert: [] },
    trial: 1 + Math.floor(i / cases),
    messages: [],
  }))

it('whatever is known, in whatever order: the same tallies, each request once, and only the unknown are asked', async () => {
  const given = fc.record({
    cases: fc.integer({ min: 1, max: 8 }),
    trials: fc.integer({ min: 1, max: 3 }),
    known: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
    seed: fc.nat(1000),
    concurrency: fc.integer({ min: 1, max: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(given, async ({ cases, trials, known, seed, concurrency }) => {
      const requests = requestsOf(cases, trials)
      const asked: string[] = []
      const provider: Provider = {
        name: 'p',
        concurrency,
        timeout_ms: 5000,
        retries: 0,
        ask: async (request) => {
          asked.push(request.key)
          return { completion: answerTo(request) }
        },
      }
      const run = async (isKnown: (request: AskRequest) => boolean) => {
        asked.length = 0
        const observations: Observation[] = []
        const onCompletion = ({ case: { id }, trial }: AskRequest, completion: Completion) => {
          const passed = /[01]$/.test(completion.text)
          observations.push({ case: id, trial, purpose: 'pass', completion, scores: [], passed, score: Number(passed) })
        }
        const { signal } = new AbortController()
        const pass = { requests, provider, seed, signal, clock, budget: newBudget(), onCompletion }
        const { stopped } = await runKnowing(pass, (request) => (isKnown(request) ? answerTo(request) : undefined))
        expect(stopped).toBeUndefined()
        const infos = Array.from({ length: cases }, (_, i) => ({
          id: `c${i}`,
          hash: 'h',
          tags: [],
          critical: false,
          file: 'f',
          line: 1,
        }))
        return { tallies: tally(observations, infos), asked: asked.toSorted() }
      }
      const isKnown = ({ key }: AskRequest) => known[Number(key.slice(1))] === true
      const fresh = await run(() => false)
      const helped = await run(isKnown)
      expect(helped.tallies).toEqual(fresh.tallies)
      expect(helped.asked).toEqual(
        requests
          .filter((one) => !isKnown(one))
          .map(({ key }) => key)
          .toSorted(),
      )
    }),
    { numRuns: 60 },
  )
})

it('an interruption while known answers are handed on stops there', async () => {
  const controller = new AbortController()
  const requests = requestsOf(500, 1)
  let handed = 0
  const provider: Provider = {
    name: 'p',
    concurrency: 4,
    timeout_ms: 5000,
    retries: 0,
    ask: () => Promise.reject(new Error('asked')),
  }
  const onCompletion = () => {
    handed += 1
    if (handed === 100) controller.abort()
  }
  const pass = { requests, provider, seed: 1, signal: controller.signal, clock, budget: newBudget(), onCompletion }
  expect((await runKnowing(pass, answerTo)).stopped?.kind).toBe('interrupted')
  expect(handed).toBe(100)
})
