// The engine against providers that are scripted call by call, in real time.
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AskRequest, Attempt, Provider } from '../ports.ts'
import type { Completion, ErrorKind } from '../schema/run.ts'
import { newBudget, type PassEvent, type PassInput, runPass } from './engine.ts'

const clock = { monotonic: () => performance.now() }
const timing = { backoffBase: 2, backoffCap: 5, longestPause: 2_000, longestSpacing: 50 }

function requests(count: number): AskRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${i}`,
    case: { id: `c${i}`, tags: [], critical: false, vars: {}, assert: [] },
    trial: 1,
    messages: [],
  }))
}

function answer(more: Partial<Completion> = {}): Attempt {
  return { completion: { outcome: 'answered', text: 'ok', tool_calls: [], latency_ms: 1, attempts: 1, ...more } }
}
function failure(kind: ErrorKind, retry?: Attempt['retry']): Attempt {
  const error = { kind, message: `failed with ${kind}` }
  return { completion: { ...answer().completion, outcome: 'error', text: '', error }, ...(retry && { retry }) }
}

type Script = (request: AskRequest, call: number, signal: AbortSignal) => Attempt | Promise<Attempt>
function provider(script: Script, more: Partial<Provider> = {}): Provider & { asked: string[]; at: number[] } {
  const asked: string[] = []
  const at: number[] = []
  const ask: Provider['ask'] = async (request, signal) => {
    asked.push(request.case.id)
    at.push(performance.now())
    return script(request, asked.length, signal)
  }
  return { name: 'p', concurrency: 4, timeout_ms: 5_000, retries: 3, ask, asked, at, ...more }
}

async function run(p: Provider, count: number, more: Partial<PassInput> = {}) {
  const done: [string, Completion][] = []
  const events: PassEvent[] = []
  const budget = more.budget ?? newBudget()
  const onCompletion = (request: AskRequest, completion: Completion) => void done.push([request.case.id, completion])
  const signal = new AbortController().signal
  const base = { requests: requests(count), provider: p, seed: 1, signal, clock, timing, onCompletion }
  const result = await runPass({ ...base, onEvent: (event) => events.push(event), ...more, budget })
  return { ...result, done, events, budget }
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('order and concurrency', () => {
  it('asks in an order that the seed alone decides', async () => {
    const order = async (seed: number) => {
      const p = provider(() => answer(), { concurrency: 1 })
      await run(p, 30, { seed })
      return p.asked
    }
    expect(await order(7)).toEqual(await order(7))
    expect(await order(7)).not.toEqual(await order(8))
    expect((await order(7)).toSorted()).toEqual(
      requests(30)
        .map((one) => one.case.id)
        .toSorted(),
    )
  })

  it.each(['at first', 'later'])(
    'asks no more once it is enough, and waits for the calls under way: %s',
    async (when) => {
      const enough = new AbortController()
      if (when === 'at first') enough.abort()
      const p = provider(
        async (_, call) => {
          if (call === 4) enough.abort()
          await sleep(20)
          return answer()
        },
        { concurrency: 4 },
      )
      const { done, stopped } = await run(p, 30, { enough: enough.signal })
      const asked = when === 'later' ? 4 : 0
      expect([p.asked.length, done.length, stopped?.kind]).toEqual([asked, asked, 'interrupted'])
    },
  )

  it('hands every answer on before the call that takes its place goes out', async () => {
    let asked = 0
    let handed = 0
    const script: Script = async () => {
      asked += 1
      expect(asked - handed).toBeLessThanOrEqual(4)
      // All that are under way are answered in one turn.
      await new Promise((go) => setImmediate(go))
      return answer()
    }
    const onCompletion = () => void (handed += 1)
    expect(await run(provider(script, { concurrency: 4 }), 60, { onCompletion })).not.toHaveProperty('stopped')
    expect([asked, handed]).toEqual([60, 60])
  })

  it('hands answers on one at a time, in the order of their arrival, where that takes time', async () => {
    const arrived: string[] = []
    const done: string[] = []
    let under = 0
    const script: Script = async (request) => {
      await sleep(1 + (request.case.id.length % 2))
      arrived.push(request.case.id)
      return answer()
    }
    const onCompletion = async (request: AskRequest) => {
      expect(++under).toBe(1)
      await sleep(1)
      under -= 1
      done.push(request.case.id)
    }
    await run(provider(script, { concurrency: 4 }), 30, { onCompletion })
    expect(done).toEqual(arrived)
  })

  it('keeps as many calls under way as the provider allows, and no more', async () => {
    let now = 0
    let most = 0
    const script: Script = async () => {
      most = Math.max(most, ++now)
      await sleep(5)
      now--
      return answer()
    }
    await run(provider(script, { concurrency: 3 }), 12)
    expect(most).toBe(3)
  })

  it('hands completions on one at a time, in the order of arrival, while it goes on asking', async () => {
    const order: string[] = []
    const arrived: string[] = []
    let inside = 0
    const p = provider(async ({ case: { id } }, call) => {
      await sleep(call % 3)
      arrived.push(id)
      return answer()
    })
    await run(p, 10, {
      onCompletion: async (request) => {
        expect(++inside).toBe(1)
        await sleep(20)
        inside--
        order.push(request.case.id)
      },
    })
    expect(order).toEqual(arrived)
    expect(p.at.at(-1)! - p.at[0]!).toBeLessThan(150)
  })

  it('asks no further ahead than some answers that wait to be handed on', async () => {
    const p = provider(() => answer(), { concurrency: 4 })
    let handed = 0
    let most = 0
    const onCompletion = async () => {
      most = Math.max(most, p.asked.length - handed)
      await new Promise((go) => setImmediate(go))
      handed += 1
    }
    await run(p, 600, { onCompletion })
    expect(handed).toBe(600)
    expect(most).toBeLessThanOrEqual(24)
  })

  it('listens to signals also where every answer comes at once', async () => {
    const p = provider(() => answer(), { concurrency: 4 })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 5)
    const { stopped } = await run(p, 100_000, { signal: controller.signal })
    expect(stopped?.kind).toBe('interrupted')
    expect(p.asked.length).toBeLessThan(50_000)
  })

  it('takes an answer that came in while something kept the process busy for no timeout', async () => {
    const script: Script = async () => {
      const done = promisify(randomBytes)(8)
      const until = performance.now() + 120
      while (performance.now() < until);
      await done
      return answer()
    }
    const { done } = await run(provider(script, { concurrency: 2, timeout_ms: 50 }), 4)
    expect(done.map(([, { outcome, attempts }]) => `${outcome} ${attempts}`)).toEqual(Array(4).fill('answered 1'))
  })

  it('asks ten thousand calls in well under two seconds', async () => {
    const start = performance.now()
    const { done } = await run(
      provider(() => answer(), { concurrency: 16 }),
      10_000,
    )
    expect(done).toHaveLength(10_000)
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('stops with the fault when a completion cannot be saved', async () => {
    const p = provider(() => answer())
    const broken = run(p, 500, {
      onCompletion: async () => {
        await sleep(1)
        throw new Error('disk full')
      },
    })
    await expect(broken).rejects.toThrow('disk full')
  })
})

describe('every request is finished exactly once', () => {
  const step = fc.constantFrom<ErrorKind | 'ok' | 'hang'>(
    'ok',
    'rate_limit',
    'server_error',
    'connection',
    'malformed',
    'hang',
  )
  it('whatever fails', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.integer(),
      async (steps, seed) => {
        const script: Script = (_request, call) => {
          const what = steps[call % steps.length]!
          if (what === 'hang') return new Promise<Attempt>(() => {})
          if (what === 'ok') return answer()
          return failure(what, what === 'malformed' ? undefined : {})
        }
        const p = provider(script, { timeout_ms: 3, retries: 1 })
        const { done, stopped, budget } = await run(p, 8, {
          seed,
          timing: { backoffBase: 1, backoffCap: 1, longestSpacing: 1 },
        })
        const ids = done.map(([id]) => id)
        expect(new Set(ids).size).toBe(ids.length)
        if (!stopped) expect(ids).toHaveLength(8)
        expect(budget.calls).toBe(p.asked.length)
      },
    )
    await fc.assert(property, { numRuns: 15 })
  })
})

describe('retries', () => {
  it('tries again after transient failures and counts the attempts', async () => {
    const p = provider((_r, call) => (call < 3 ? failure('server_error', {}) : answer()))
    const { done, events } = await run(p, 1)
    expect(done[0]![1]).toMatchObject({ outcome: 'answered', attempts: 3 })
    expect(events.map(({ kind }) => kind)).toEqual(['retry', 'retry'])
  })

  it('gives up after the retries of the provider, and at once without `retry`', async () => {
    const p = provider(() => failure('server_error', {}), { retries: 2 })
    expect((await run(p, 1)).done[0]![1]).toMatchObject({ attempts: 3, error: { kind: 'server_error' } })
    expect(
      (
        await run(
          provider(() => failure('malformed')),
          1,
        )
      ).done[0]![1].attempts,
    ).toBe(1)
  })

  it('draws the jitter from the seed', async () => {
    const delays = async (seed: number) => {
      const { events } = await run(
        provider((_r, call) => (call < 4 ? failure('connection', {}) : answer())),
        1,
        { seed },
      )
      return events.map((event) => (event.kind === 'retry' ? event.delay_ms : 0))
    }
    expect(await delays(3)).toEqual(await delays(3))
    expect(await delays(3)).not.toEqual(await delays(4))
    expect(Math.max(...(await delays(5)))).toBeLessThanOrEqual(5)
  })

  it('pauses the whole provider as long as a 429 asks for', async () => {
    const p = provider(async (_r, call) => {
      if (call === 1) return failure('rate_limit', { after_ms: 150 })
      await sleep(10)
      return answer()
    })
    const { done } = await run(p, 12)
    const refusedAt = p.at[0]!
    const during = p.at.filter((at) => at > refusedAt + 5 && at < refusedAt + 145)
    expect(during).toEqual([])
    expect(done.every(([, { outcome }]) => outcome === 'answered')).toBe(true)
  })

  it('stops when the provider asks to wait longer than anybody would', async () => {
    const p = provider(() => failure('rate_limit', { after_ms: 3_600_000 }))
    const { stopped } = await run(p, 50)
    expect(stopped).toMatchObject({ kind: 'rate_limit', message: expect.stringContaining('3600 s') })
    expect(p.asked.length).toBeLessThanOrEqual(4)
  })

  it('never asks more often than rpm, over several passes', async () => {
    const p = provider(() => answer(), { rpm: 1200, concurrency: 8 })
    const budget = newBudget()
    await run(p, 4, { budget })
    await run(p, 4, { budget })
    const gaps = p.at.slice(1).map((at, i) => at - p.at[i]!)
    expect(Math.min(...gaps)).toBeGreaterThan(45)
  })
})

describe('time', () => {
  it('ends a call that does not answer, and aborts it', async () => {
    let aborted = 0
    const script: Script = (_r, _call, signal) => {
      signal.addEventListener('abort', () => aborted++)
      return new Promise<Attempt>(() => {})
    }
    const { done, events } = await run(provider(script, { timeout_ms: 30 }), 2)
    expect(done.map(([, { outcome }]) => outcome)).toEqual(['timeout', 'timeout'])
    expect(done[0]![1].latency_ms).toBeGreaterThan(25)
    expect(aborted).toBe(2)
    expect(events.map(({ kind }) => kind)).toEqual(['stalled', 'stalled'])
  })

  it('ends at once on Ctrl-C, keeping what was answered', async () => {
    const controller = new AbortController()
    const p = provider(async (_r, call) => (call > 6 ? new Promise<Attempt>(() => {}) : answer()))
    setTimeout(() => controller.abort(), 50)
    const start = performance.now()
    const { stopped, done } = await run(p, 40, { signal: controller.signal })
    expect(stopped?.kind).toBe('interrupted')
    expect(performance.now() - start).toBeLessThan(500)
    expect(done).toHaveLength(6)
    expect((await run(p, 4, { signal: controller.signal })).stopped?.kind).toBe('interrupted')
    expect(p.asked).toHaveLength(10)
  })

  it('is interrupted in the middle of a long pause too', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 30)
    const p = provider(() => failure('rate_limit', { after_ms: 1_900 }))
    const start = performance.now()
    expect((await run(p, 10, { signal: controller.signal })).stopped?.kind).toBe('interrupted')
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('early stops', () => {
  it.each(['auth', 'quota', 'unknown_model', 'no_key'] as const)('%s ends the run', async (kind) => {
    const p = provider(() => failure(kind))
    const { stopped, done } = await run(p, 100)
    expect(stopped).toEqual({ kind, message: `failed with ${kind}` })
    expect(done.length).toBeGreaterThan(0)
    expect(p.asked.length).toBeLessThanOrEqual(4)
  })

  const lasting = ['connection', 'server_error', 'rate_limit', 'bad_request'] as const
  it.each(lasting)('gives up when every call from the start ends in %s', async (kind) => {
    const p = provider(() => failure(kind, {}), { retries: 1, concurrency: 2 })
    const { stopped } = await run(p, 200)
    expect(stopped).toMatchObject({ kind, message: expect.stringContaining('5 calls in a row') })
    expect(p.asked.length).toBeLessThan(15)
  })

  it('gives up on a provider that never answers', async () => {
    const { stopped, done } = await run(
      provider(() => new Promise<Attempt>(() => {}), { timeout_ms: 10 }),
      200,
    )
    expect(stopped?.message).toContain('no answer within 10 ms')
    expect(done.length).toBeLessThan(10)
  })

  it('gives up after ten in a row later', async () => {
    const p = provider((_r, call) => (call <= 20 ? answer() : failure('server_error')), { concurrency: 1 })
    const { stopped, done } = await run(p, 200)
    expect(stopped?.kind).toBe('server_error')
    expect(done).toHaveLength(30)
  })

  it('asks on when answers are missing from the recordings, so that all are named', async () => {
    const { stopped, done, budget } = await run(
      provider(() => failure('not_recorded')),
      30,
    )
    expect(stopped).toBeUndefined()
    expect(done).toHaveLength(30)
    expect(budget.calls).toBe(0)
  })

  it('rides out a provider that fails every other call', async () => {
    const p = provider((_r, call) => (call % 2 === 0 ? failure('server_error') : answer()))
    const { stopped, done } = await run(p, 60)
    expect(stopped).toBeUndefined()
    expect(done).toHaveLength(60)
  })
})

describe('budget', () => {
  it('never sends more attempts than max_calls, retries and later passes included', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 25 }),
      fc.integer({ min: 1, max: 8 }),
      async (max, width) => {
        const budget = newBudget({ max_calls: max })
        const p = provider((_r, call) => (call % 3 === 0 ? failure('server_error', {}) : answer()), {
          concurrency: width,
        })
        const quick = { backoffBase: 0, backoffCap: 0 }
        const first = await run(p, 10, { budget, timing: quick })
        const second = await run(p, 10, { budget, timing: quick })
        expect(p.asked.length).toBeLessThanOrEqual(max)
        if (first.done.length + second.done.length < 20) expect((second.stopped ?? first.stopped)?.kind).toBe('budget')
      },
    )
    await fc.assert(property, { numRuns: 25 })
  })

  it('stops before max_cost_usd is exceeded and still waits for what is under way', async () => {
    const p = provider(async () => {
      await sleep(2)
      return answer({ cost_usd: 0.1 })
    })
    const { stopped, done, budget } = await run(p, 50, { budget: newBudget({ max_cost_usd: 0.75 }) })
    expect(stopped).toMatchObject({ kind: 'budget', message: expect.stringContaining('$0.75') })
    expect(done).toHaveLength(7)
    expect(budget.costUsd).toBeCloseTo(0.7)
  })

  it('does not count replayed answers', async () => {
    const p = provider(() => answer({ replayed: true, cost_usd: 9 }))
    const { stopped, done, budget } = await run(p, 20, { budget: newBudget({ max_calls: 1, max_cost_usd: 1 }) })
    expect(stopped).toBeUndefined()
    expect(done.map(([, { attempts }]) => attempts)).toEqual(Array.from({ length: 20 }, () => 0))
    expect(budget).toMatchObject({ calls: 0, costUsd: 0 })
  })
})
