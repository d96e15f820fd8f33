// Conversations in a run: every call of them keeps the limits of whoever is asked, and none goes beyond the budget.
import { performance } from 'node:perf_hooks'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AskRequest, Attempt, Provider } from '../ports.ts'
import { ModelPin } from '../schema/config.ts'
import type { Completion } from '../schema/run.ts'
import { Case } from '../schema/suite.ts'
import { conversationProvider } from './agents/conversation.ts'
import { simulatedUser } from './agents/simulated-user.ts'
import type { BudgetState } from './budget.ts'
import { newBudget, type PassInput, runPass } from './engine.ts'

const clock = { monotonic: () => performance.now() }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const PRICE = 0.1
const usage = { input_tokens: 90, output_tokens: 10 }
const answered = (more: Partial<Completion> = {}): Attempt => ({
  completion: { outcome: 'answered', text: 'ok', tool_calls: [], latency_ms: 1, attempts: 1, usage, ...more },
})

type Asked = { id: string; at: number; user: boolean }
/** Who answers, with the moment of every call and how many were under way at most. */
function model(script: (call: number) => Attempt = () => answered(), more: Partial<Provider> = {}, ms = 2) {
  const asked: Asked[] = []
  const most = { calls: 0, now: 0 }
  const ask: Provider['ask'] = async ({ case: { id } }) => {
    const nth = asked.push({ id, at: performance.now(), user: id.startsWith('user:') })
    most.calls = Math.max(most.calls, ++most.now)
    await sleep(ms)
    most.now -= 1
    return script(nth)
  }
  const provider: Provider = { name: 'p', concurrency: 4, timeout_ms: 5_000, retries: 1, ask, ...more }
  return { provider, asked, most }
}

const dialogue = (turns: number) => ({ turns: Array.from({ length: turns }, (_, i) => ({ user: `turn ${i}` })) })
/** A model that calls its tool for ever. */
const calling = () => answered({ text: '', tool_calls: [{ id: 'x', name: 'look', arguments: '{}' }] })
const looping = (max_steps: number) => ({ tools: { look: { results: [{ result: 'nothing' }] } }, max_steps })

function questions(count: number, written: Record<string, unknown>): AskRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${i}`,
    case: Case.parse({ id: `c${i}`, assert: [{ contains: 'ok' }], ...written }),
    trial: 1,
    messages: [{ role: 'user' as const, content: 'hello' }],
    model: { id: 'm', params: {} },
  }))
}

async function run(inner: Provider, requests: AskRequest[], more: Partial<PassInput> = {}, simulate?: unknown) {
  const world = { dir: '.', env: {}, clock, price: () => PRICE, simulate: simulate as never }
  const budget = more.budget ?? newBudget()
  const done: Completion[] = []
  const onCompletion = (_: AskRequest, completion: Completion) => void done.push(completion)
  const signal = new AbortController().signal
  const provider = conversationProvider(inner, world)
  const frame = { requests, provider, seed: 1, signal, clock, onCompletion, ...more, budget }
  const { stopped } = await runPass({ ...frame, timing: { backoffBase: 1, backoffCap: 2 } })
  const whole = done.filter(({ outcome }) => outcome === 'answered' || outcome === 'truncated')
  return { stopped, done, whole, budget }
}
const gapsOf = (asked: readonly Asked[]) => asked.slice(1).map(({ at }, i) => at - (asked[i]?.at ?? 0))
function atRest({ inFlight, talks, houses, passes }: BudgetState) {
  const lanes = [...houses.values()].flatMap((house) => [...house.lanes.values()])
  return {
    calls: inFlight,
    talks: talks.open.size + [...houses.values()].reduce((sum, house) => sum + house.talks + house.inFlight, 0),
    lanes: lanes.reduce((sum, lane) => sum + lane.inFlight + lane.waiting + lane.reserved, 0),
    passes: passes.size,
  }
}
const REST = { calls: 0, talks: 0, lanes: 0, passes: 0 }

describe('limits', () => {
  it('rpm holds for every call, first and further ones together', async () => {
    const { provider, asked } = model(undefined, { rpm: 1_200 })
    const { budget } = await run(provider, questions(5, dialogue(4)))
    expect(asked).toHaveLength(20)
    expect(Math.min(...gapsOf(asked))).toBeGreaterThan(45)
    expect(budget.houses.get('p')?.requests.entries).toHaveLength(20)
    expect(atRest(budget)).toEqual(REST)
  })

  it('tpm is charged for every call, with what it really took', async () => {
    const { provider, asked } = model(undefined, { tpm: 1_000_000 })
    const { budget } = await run(provider, questions(3, dialogue(4)))
    expect(asked).toHaveLength(12)
    expect(budget.houses.get('p')?.tokens.sum).toBe(1_200)
    expect(budget).toMatchObject({ calls: 12, tokens: 1_200 })
  })

  it('a refusal within a conversation is tried again, and no call goes out before the pause is over', async () => {
    const refusal: Attempt = {
      completion: {
        outcome: 'error',
        text: '',
        tool_calls: [],
        attempts: 1,
        error: { kind: 'rate_limit', message: 'slow down' },
      },
      retry: { after_ms: 300 },
    }
    const { provider, asked } = model((call) => (call === 4 ? refusal : answered()), { retries: 3 })
    const { whole, budget } = await run(provider, questions(4, dialogue(3)))
    expect(whole).toHaveLength(4)
    expect(asked).toHaveLength(13)
    // Those that were on their way come right after it.
    expect(gapsOf(asked).filter((gap) => gap > 280)).toHaveLength(1)
    expect(atRest(budget)).toEqual(REST)
  })

  it('no more conversations than calls are under way, and what is begun comes to its end first', async () => {
    const { provider, asked, most } = model(undefined, { concurrency: 2 })
    await run(provider, questions(6, dialogue(3)))
    expect(most.calls).toBeLessThanOrEqual(2)
    const open = new Map<string, number>()
    const together = asked.map(({ id }) => {
      open.set(id, (open.get(id) ?? 0) + 1)
      return [...open.values()].filter((calls) => calls < 3).length
    })
    expect(Math.max(...together)).toBeLessThanOrEqual(2)
  })

  it('a simulated user keeps the limits of its own model, and takes no slot from the target', async () => {
    const { provider, asked } = model(undefined, { concurrency: 1 })
    const pin = ModelPin.parse({ provider: 'q', id: 'u', rpm: 600, price: { input: 1, output: 1 } })
    const speaking = { ...provider, name: 'q', concurrency: 1 }
    const simulate = await simulatedUser(speaking, { name: 'sim', pin, provider: { name: 'q', config: {} as never } })
    const user = { model: 'sim', goal: 'g', max_turns: 2 }
    const { whole, budget } = await run(provider, questions(3, { user }), {}, simulate)
    expect(whole).toHaveLength(3)
    const spoken = asked.filter((one) => one.user)
    expect(spoken).toHaveLength(6)
    expect(Math.min(...gapsOf(spoken))).toBeGreaterThan(90)
    expect(budget.calls).toBe(12)
    expect(budget.costUsd).toBeCloseTo(6 * PRICE + 6 * 100e-6)
    expect(atRest(budget)).toEqual(REST)
  })
})

describe('budget', () => {
  it.each([
    ['max_calls', { max_calls: 9 }],
    ['max_cost_usd', { max_cost_usd: 0.95 }],
    ['max_tokens', { max_tokens: 950 }],
  ])('%s: no conversation goes beyond it, however long it would be', async (limit, written) => {
    const { provider, asked } = model(calling)
    const { stopped, budget, done } = await run(provider, questions(1, looping(20)), { budget: newBudget(written) })
    expect(asked).toHaveLength(9)
    expect(stopped).toMatchObject({ kind: 'budget', message: expect.stringContaining(limit) })
    expect(budget.spent?.limit).toBe(limit)
    expect(done).toMatchObject([{ outcome: 'error', error: { kind: 'budget' }, conversation: { calls: 9 } }])
    expect(atRest(budget)).toEqual(REST)
  })

  it('max_duration ends a conversation as well', async () => {
    const { provider, asked } = model(calling, {}, 30)
    const { stopped } = await run(provider, questions(1, looping(40)), { budget: newBudget({ max_duration: 300 }) })
    expect(stopped?.message).toContain('max_duration')
    expect(asked.length).toBeLessThan(15)
  })

  it.each([1, 4])('none is begun that would be torn: %i at once', async (concurrency) => {
    const { provider, asked } = model(undefined, { concurrency })
    const { stopped, whole } = await run(provider, questions(5, dialogue(4)), { budget: newBudget({ max_calls: 11 }) })
    expect(asked).toHaveLength(8)
    expect(whole).toHaveLength(2)
    expect(stopped?.message).toContain('the next conversation is expected to take 4')
  })

  it('the length of conversations that nobody can know is learnt from those that ended', async () => {
    const script = (call: number) => (call % 5 === 0 ? answered() : calling())
    const { provider, asked } = model(script, { concurrency: 1 })
    const { whole } = await run(provider, questions(6, looping(20)), { budget: newBudget({ max_cost_usd: 1.75 }) })
    expect(asked).toHaveLength(15)
    expect(whole).toHaveLength(3)
  })

  it('whatever is asked, and by how many, nothing exceeds it and nothing is left open', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 8 }),
      async (max_calls, concurrency, steps, count) => {
        const script = (call: number) => (call % (steps + 1) === 0 ? answered() : calling())
        const { provider, asked } = model(script, { concurrency }, 0)
        const all = [
          ...questions(count, looping(steps)),
          ...questions(count, {}).map((one) => ({ ...one, key: 'one' })),
        ]
        const { stopped, done, budget } = await run(provider, all, { budget: newBudget({ max_calls }) })
        expect(asked.length).toBeLessThanOrEqual(max_calls)
        expect(budget.calls).toBe(asked.length)
        if (done.length < all.length) expect(stopped?.kind).toBe('budget')
        expect(atRest(budget)).toEqual(REST)
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })
})

it('an interruption ends what waits for its turn as well', async () => {
  const { provider, asked } = model(undefined, { rpm: 60 })
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 100)
  const before = performance.now()
  const { stopped, budget } = await run(provider, questions(3, dialogue(3)), { signal: controller.signal })
  expect(stopped?.kind).toBe('interrupted')
  expect(performance.now() - before).toBeLessThan(900)
  expect(asked.length).toBe(1)
  await sleep(20)
  expect(atRest(budget)).toEqual(REST)
})
