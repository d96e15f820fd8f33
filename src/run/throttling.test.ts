// The shipped provider and engine against real HTTP servers that throttle, fail, hang and cut connections.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { afterEach, describe, expect, it } from 'vitest'
import type { AskRequest } from '../ports.ts'
import { OpenAiProvider } from '../schema/config.ts'
import type { Completion } from '../schema/run.ts'
import { newBudget, type PassInput, runPass } from './engine.ts'
import { interleave } from './interleave.ts'
import { openaiProvider } from './providers/openai.ts'

const clock = { monotonic: () => performance.now() }
const servers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((close) => close()))
})

type Call = {
  nth: number
  at: number
  question: string
  attempt: number
  response: ServerResponse
  request: IncomingMessage
}
type Answer = { status?: number; headers?: Record<string, string>; body?: unknown } | 'hang' | 'drop' | 'fine'

/** A server that answers by a script; `seen` has what was asked, and when. */
async function serve(script: (call: Call) => Answer | Promise<Answer>) {
  const seen: { at: number; question: string }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { messages: { content: string }[] }
      const question = body.messages.at(-1)?.content ?? ''
      const attempt = seen.filter((one) => one.question === question).length + 1
      seen.push({ at: performance.now(), question })
      void Promise.resolve(
        script({ nth: seen.length, at: performance.now(), question, attempt, response, request }),
      ).then((answer) => {
        if (answer === 'hang') return
        if (answer === 'drop') {
          request.socket.destroy()
          return
        }
        const fine = {
          model: 'm',
          choices: [{ message: { role: 'assistant', content: `answer to ${question}` }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 10, completion_tokens: 10 },
        }
        const { status = 200, headers = {}, body: said = fine } = answer === 'fine' ? {} : answer
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(JSON.stringify(said))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, seen }
}

const refuse = (headers: Record<string, string> = {}, code = 'rate_limit_exceeded'): Answer => ({
  status: 429,
  headers,
  body: { error: { message: 'Rate limit reached.', type: 'requests', code } },
})
const broken: Answer = { status: 500, body: { error: { message: 'trouble', type: 'server_error' } } }

function requests(count: number, params: Record<string, number> = {}): AskRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${i}`,
    case: { id: `c${i}`, tags: [], critical: false, vars: {}, assert: [] },
    trial: 1,
    messages: [{ role: 'user', content: `question ${i}` }],
    model: { id: 'm', params },
  }))
}

const providerAt = (url: string, config: object = {}, name = 'p') =>
  openaiProvider(name, OpenAiProvider.parse({ type: 'openai', base_url: url, concurrency: 16, ...config }), {
    env: {},
    clock,
  })

async function run(url: string, count: number, config: object = {}, more: Partial<PassInput> = {}) {
  const done: Completion[] = []
  const start = performance.now()
  const budget = more.budget ?? newBudget()
  const { stopped } = await runPass({
    requests: requests(count),
    provider: providerAt(url, config),
    seed: 1,
    signal: new AbortController().signal,
    clock,
    onCompletion: (_request, completion) => void done.push(completion),
    ...more,
    budget,
  })
  const answered = done.filter(({ outcome }) => outcome === 'answered').length
  return { stopped, done, answered, took: performance.now() - start, budget }
}

/** A bucket of `burst` requests that refills `rpm` times a minute. */
function bucket(rpm: number, burst: number) {
  let [level, at] = [burst, performance.now()]
  return () => {
    const now = performance.now()
    level = Math.min(burst, level + ((now - at) * rpm) / 60_000)
    at = now
    const admitted = level >= 1
    if (admitted) level -= 1
    const headers = {
      'x-ratelimit-limit-requests': String(rpm),
      'x-ratelimit-remaining-requests': String(Math.floor(level)),
      'x-ratelimit-reset-requests': `${(((burst - level) / rpm) * 60).toFixed(3)}s`,
    }
    return { admitted, headers, wait: ((1 - level) * 60_000) / rpm }
  }
}

describe('429', () => {
  it('a bucket told by headers: nothing is lost, nearly nothing is refused', async () => {
    const take = bucket(3_000, 20)
    let refused = 0
    const { url } = await serve(() => {
      const { admitted, headers, wait } = take()
      if (admitted) return { headers }
      refused += 1
      return refuse({ ...headers, 'retry-after-ms': String(Math.ceil(wait)) })
    })
    const { answered, stopped } = await run(url, 200, { concurrency: 50 })
    expect(stopped).toBeUndefined()
    expect(answered).toBe(200)
    expect(refused).toBeLessThanOrEqual(8)
  })

  it.each<[string, Record<string, string>]>([
    ['without a word', {}],
    ['with Retry-After in seconds', { 'retry-after': '1' }],
    ['with Retry-After as a date in the past', { 'retry-after': 'Sat, 21 Nov 2020 09:00:00 GMT' }],
    [
      'with values that make no sense',
      { 'retry-after': '-7', 'retry-after-ms': 'NaN', 'x-ratelimit-reset-requests': '1e99' },
    ],
    [
      'with remaining 0 and a reset in the past',
      { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1000000001' },
    ],
  ])('%s is ridden out', async (_how, headers) => {
    const take = bucket(1_800, 10)
    const { url, seen } = await serve(() => (take().admitted ? 'fine' : refuse(headers)))
    const { answered, stopped } = await run(url, 60, { concurrency: 20 })
    expect(stopped).toBeUndefined()
    expect(answered).toBe(60)
    expect(seen.length).toBeLessThan(60 * 2)
  })

  it('with Retry-After as a date pauses that long, by the clock of the server', async () => {
    let first = 0
    const { url, seen } = await serve(({ nth, at }) => {
      if (nth > 1) return 'fine'
      first = at
      return refuse({ 'retry-after': 'Sat, 21 Nov 2020 10:00:01 GMT', date: 'Sat, 21 Nov 2020 10:00:00 GMT' })
    })
    const { answered } = await run(url, 4, { concurrency: 1 })
    expect(answered).toBe(4)
    expect((seen[1]?.at ?? 0) - first).toBeGreaterThan(900)
  })

  it('a wait of a year ends the run instead', async () => {
    const { url, seen } = await serve(() => refuse({ 'retry-after': '31536000' }))
    const { stopped } = await run(url, 100)
    expect(stopped).toMatchObject({ kind: 'rate_limit', message: expect.stringContaining('31536000 s') })
    expect(seen.length).toBeLessThanOrEqual(5)
  })

  it('insufficient_quota is no limit that passes: the run ends at once', async () => {
    const { url, seen } = await serve(() => refuse({ 'retry-after': '1' }, 'insufficient_quota'))
    const { stopped } = await run(url, 100)
    expect(stopped?.kind).toBe('quota')
    expect(seen.length).toBeLessThanOrEqual(5)
  })

  it('a limit that begins in the middle slows down and loses nothing', async () => {
    const take = bucket(1_200, 5)
    const { url, seen } = await serve(({ nth }) =>
      nth <= 60 || take().admitted ? 'fine' : refuse({ 'retry-after-ms': '50' }),
    )
    const { answered, stopped } = await run(url, 120, { concurrency: 16 })
    expect(stopped).toBeUndefined()
    expect(answered).toBe(120)
    expect(seen.length).toBeLessThan(200)
  })

  it('calls under way at most: learnt from the header', async () => {
    let [under, most] = [0, 0]
    const { url } = await serve(async () => {
      most = Math.max(most, ++under)
      await new Promise((resolve) => setTimeout(resolve, 10))
      under -= 1
      return { headers: { 'x-ratelimit-limit-concurrent': '6' } }
    })
    const { answered } = await run(url, 60, { concurrency: 40 })
    expect(answered).toBe(60)
    expect(most).toBeLessThanOrEqual(6)
  })

  it('a provider that refuses does not hold up another in the same pass', async () => {
    const slow = await serve(({ nth }) => (nth % 2 ? refuse({ 'retry-after-ms': '400' }) : 'fine'))
    const quick = await serve(() => 'fine')
    const parts = [
      { requests: requests(6), provider: providerAt(slow.url, { concurrency: 1 }, 'slow') },
      { requests: requests(40), provider: providerAt(quick.url, {}, 'quick') },
    ]
    const both = interleave(parts)
    const { answered } = await run(quick.url, 0, {}, both)
    expect(answered).toBe(46)
    const last = (seen: { at: number }[]) => seen.at(-1)?.at ?? 0
    expect(last(slow.seen) - last(quick.seen)).toBeGreaterThan(1_000)
  })
})

describe('ceilings of aigate.yaml', () => {
  it('rpm holds over two passes, and a promise of the provider does not raise it', async () => {
    const headers = {
      'x-ratelimit-limit-requests': '10000',
      'x-ratelimit-remaining-requests': '9999',
      'x-ratelimit-reset-requests': '6ms',
    }
    const { url, seen } = await serve(() => ({ headers }))
    const budget = newBudget()
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 700)
    await run(url, 6, { rpm: 10 }, { budget })
    await run(url, 6, { rpm: 10 }, { budget, signal: controller.signal })
    expect(seen).toHaveLength(10)
  })

  it('a request that can never fit under tpm is not sent, and says why', async () => {
    const { url, seen } = await serve(() => 'fine')
    const { done } = await run(url, 2, { tpm: 500 }, { requests: requests(2, { max_tokens: 800 }) })
    expect(seen).toHaveLength(0)
    expect(done[0]?.error?.message).toMatch(/800 of the answer.*limited to 500 a minute \(tpm\)/)
  })

  it('tpm: what was reserved is given back when the answer was short', async () => {
    const { url, seen } = await serve(() => 'fine')
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 1_000)
    const asked = requests(40, { max_tokens: 300 })
    await run(url, 40, { tpm: 1_000, concurrency: 8 }, { requests: asked, signal: controller.signal })
    // Each takes 20 in truth; reserved at once they would be 3.
    expect(seen.length).toBeGreaterThan(20)
    expect(seen.length * 20).toBeLessThanOrEqual(1_000)
  })
})

describe('half down', () => {
  it.each([0.05, 0.5])('%f of the answers are 500s', async (share) => {
    const failing = (question: string, attempt: number) =>
      ((Number(question.slice(9)) * 7 + attempt * 31) % 100) / 100 < share
    const { url } = await serve(({ question, attempt }) => (failing(question, attempt) ? broken : 'fine'))
    const { answered, stopped } = await run(url, 100, { retries: 6 }, { timing: { backoffBase: 20 } })
    expect(stopped).toBeUndefined()
    expect(answered).toBe(100)
  })

  it('connections that are cut, and sockets that hang, are asked again', async () => {
    const { url } = await serve(({ question, attempt }) => {
      const nth = Number(question.slice(9))
      if (attempt === 1 && nth % 5 === 0) return 'drop'
      return attempt === 1 && nth % 7 === 3 ? 'hang' : 'fine'
    })
    const { answered, stopped } = await run(url, 60, { timeout: 300 }, { timing: { backoffBase: 20 } })
    expect(stopped).toBeUndefined()
    expect(answered).toBe(60)
  })
})

describe('down', () => {
  it('a connection that is refused ends the run after a handful of calls', async () => {
    const { stopped, done, budget, took } = await run('http://127.0.0.1:40993/v1', 500)
    expect(stopped).toMatchObject({ kind: 'connection', message: expect.stringContaining('in a row to p') })
    expect(budget.calls).toBeLessThanOrEqual(25)
    expect(done.length).toBeLessThan(10)
    expect(took).toBeLessThan(20_000)
  })

  it('a server that only hangs costs its timeout once, not once a case', async () => {
    const { url, seen } = await serve(() => 'hang')
    const { stopped, took } = await run(url, 500, { timeout: 500 })
    expect(stopped?.message).toContain('no answer within 500 ms')
    expect(seen.length).toBeLessThanOrEqual(10)
    expect(took).toBeLessThan(2_000)
  })

  it('500s without end are noticed, at the start and in the middle', async () => {
    const first = await serve(() => broken)
    const start = await run(first.url, 500, {}, { timing: { backoffBase: 50 } })
    expect(start.stopped?.kind).toBe('server_error')
    expect(first.seen.length).toBeLessThanOrEqual(30)
    const second = await serve(({ nth }) => (nth <= 40 ? 'fine' : broken))
    const middle = await run(second.url, 500, {}, { timing: { backoffBase: 50 } })
    expect(middle.stopped?.kind).toBe('server_error')
    expect(middle.answered).toBe(40)
    expect(second.seen.length).toBeLessThanOrEqual(40 + 70)
  })

  it('the next pass does not ask it again', async () => {
    const { url, seen } = await serve(() => ({ status: 401, body: { error: { message: 'no such key' } } }))
    const budget = newBudget()
    await run(url, 20, {}, { budget })
    const before = seen.length
    const { stopped } = await run(url, 20, {}, { budget })
    expect(stopped?.kind).toBe('auth')
    expect(seen).toHaveLength(before)
  })

  it('maintenance that says how long it takes is waited for, and nobody is asked meanwhile', async () => {
    let since = 0
    const { url, seen } = await serve(({ nth, at }) => {
      if (nth === 30) since = at
      const left = 2_000 - (at - since)
      return since > 0 && left > 0
        ? { status: 503, headers: { 'retry-after-ms': String(left) }, body: { error: { message: 'busy' } } }
        : 'fine'
    })
    const { answered, stopped } = await run(url, 80)
    expect([answered, stopped]).toEqual([80, undefined])
    expect(seen.filter(({ at }) => at > since + 300 && at < since + 1_900)).toEqual([])
  })

  it('an outage of two seconds in the middle is ridden out', async () => {
    let since = 0
    const { url } = await serve(({ nth, at }) => {
      if (nth === 30) since = at
      return since > 0 && at - since < 2_000 ? broken : 'fine'
    })
    const { answered, stopped } = await run(url, 80)
    expect(stopped).toBeUndefined()
    expect(answered).toBe(80)
  })
})

describe('budgets', () => {
  it('tokens: stops before they are exceeded, keeps what was answered', async () => {
    const { url } = await serve(() => 'fine')
    const { stopped, answered, budget } = await run(
      url,
      100,
      { concurrency: 4 },
      { budget: newBudget({ max_tokens: 510 }) },
    )
    expect(stopped).toMatchObject({ kind: 'budget', message: expect.stringContaining('max_tokens') })
    expect(budget.tokens).toBe(20 * answered)
    expect(answered).toBeGreaterThanOrEqual(20)
    expect(budget.tokens).toBeLessThanOrEqual(510)
  })

  it('time: stops when it is up, also in the middle of a pause', async () => {
    const { url } = await serve(({ nth }) => (nth <= 5 ? 'fine' : refuse({ 'retry-after': '30' })))
    const { stopped, answered, took, budget } = await run(url, 100, {}, { budget: newBudget({ max_duration: 800 }) })
    expect(stopped).toMatchObject({ kind: 'budget', message: expect.stringContaining('0.8 s (max_duration)') })
    expect(budget.spent?.limit).toBe('max_duration')
    expect(answered).toBe(5)
    expect(took).toBeLessThan(3_000)
  })
})
