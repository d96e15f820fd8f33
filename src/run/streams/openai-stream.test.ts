// Streamed answers from real HTTP servers: whole, cut at any byte, torn, with errors in the middle, slow, aborted.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Aimock, startAimock } from '../../../fixtures/aimock/server.ts'
import type { AskRequest } from '../../ports.ts'
import { OpenAiProvider } from '../../schema/config.ts'
import { Completion } from '../../schema/run.ts'
import { Case } from '../../schema/suite.ts'
import type { Json } from '../../schema/values.ts'
import { newBudget, runPass } from '../engine.ts'
import { openaiProvider } from '../providers/openai.ts'

const SECRET = 'sk-canary-7f3a9c21e5b8d046aa11'
const clock = { monotonic: () => performance.now() }
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Reply = (response: ServerResponse, body: Record<string, unknown>, nth: number) => void | Promise<void>
async function serve(reply: Reply) {
  const bodies: Record<string, unknown>[] = []
  let aborted = 0
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    response.on('close', () => void (response.writableFinished || (aborted += 1)))
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>)
      void reply(response, bodies.at(-1)!, bodies.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, aborted: () => aborted }
}

const head = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req_1' })
const event = (chunk: unknown) => `data: ${JSON.stringify(chunk)}\n\n`
const delta = (delta: unknown, more: Record<string, unknown> = {}) =>
  event({ id: 'c', model: 'm-2026', system_fingerprint: 'fp_1', choices: [{ index: 0, delta, ...more }] })
const usage = event({
  choices: [],
  usage: { prompt_tokens: 20, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 8 } },
})
const stop = delta({}, { finish_reason: 'stop' })
const DONE = 'data: [DONE]\n\n'
const text = 'Gerne! Größe 42 kostet 99 € 👍🏽 全部'
const plain = [delta({ role: 'assistant', content: '' }), ...Array.from(text, (content) => delta({ content })), stop, usage, DONE].join('') // biome-ignore format: one stream

function request(more: Record<string, unknown> = {}, trial = 1): AskRequest {
  return {
    key: `k${trial}`,
    case: Case.parse({ id: 'tc_1' }),
    trial,
    messages: [{ role: 'user', content: 'hello' }],
    model: { id: 'm', params: { stream: true, ...(more as Record<string, Json>) } },
  }
}
const providerAt = (url: string, more: Record<string, unknown> = {}) =>
  openaiProvider(
    'raw',
    OpenAiProvider.parse({ type: 'openai', base_url: `${url}/v1`, api_key_env: 'KEY', retries: 2, ...more }),
    { env: { KEY: SECRET }, clock },
  )
async function ask(url: string, params: Record<string, unknown> = {}, signal = AbortSignal.timeout(5000)) {
  const attempt = await providerAt(url).ask(request(params), signal)
  expect(JSON.stringify(attempt)).not.toContain('canary-7f3a')
  expect(Completion.parse(attempt.completion)).toEqual(attempt.completion)
  return attempt
}
/** As a run asks: with retries. */
async function run(url: string) {
  const found: Completion[] = []
  await runPass({
    requests: [request()],
    provider: providerAt(url),
    seed: 1,
    signal: new AbortController().signal,
    clock,
    budget: newBudget(),
    onCompletion: (_, completion) => void found.push(completion),
    timing: { backoffBase: 1, backoffCap: 2 },
  })
  return found[0]!
}

describe('a whole stream', () => {
  it('is the answer with its usage, and says when its first piece came', async () => {
    const { url, bodies } = await serve(async (response) => {
      head(response).write(delta({ role: 'assistant', content: '' }))
      await sleep(60)
      response.write(delta({ content: 'Hel' }))
      await sleep(60)
      response.end(delta({ content: 'lo' }) + stop + usage + DONE)
    })
    const { completion, retry } = await ask(url)
    expect(retry).toBeUndefined()
    expect(completion).toMatchObject({
      outcome: 'answered',
      text: 'Hello',
      usage: { input_tokens: 20, output_tokens: 4, cached_input_tokens: 8 },
      response_model: 'm-2026',
      fingerprint: 'fp_1',
      finish_reason: 'stop',
      request_id: 'req_1',
    })
    // The role alone is no piece of the answer.
    expect(completion.first_token_ms).toBeGreaterThanOrEqual(50)
    expect(completion.latency_ms! - completion.first_token_ms!).toBeGreaterThanOrEqual(50)
    expect(bodies[0]).toMatchObject({ stream: true, stream_options: { include_usage: true } })
  })

  it.each([
    [{ stream_options: null }, undefined],
    [{ stream_options: { include_usage: false } }, { include_usage: false }],
    [{ stream_options: { include_obfuscation: false } }, { include_usage: true, include_obfuscation: false }],
    [{ stream: false }, undefined],
  ])('%j is sent as it is meant', async (params, sent) => {
    const { url, bodies } = await serve((response) => void head(response).end(plain))
    await ask(url, params)
    expect(bodies[0]!['stream_options']).toEqual(sent)
  })

  it('is the same however its bytes are cut: inside of characters, and between CR and LF', async () => {
    let cuts: number[] = []
    let sent = Buffer.from('')
    const { url } = await serve(async (response) => {
      head(response).flushHeaders()
      response.socket?.setNoDelay(true)
      for (const [i, from] of [0, ...cuts].entries()) {
        response.write(sent.subarray(from, cuts[i]))
        await new Promise(setImmediate)
      }
      response.end()
    })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(4000), { maxLength: 40 }),
        fc.boolean(),
        async (end, places, bom) => {
          sent = Buffer.from(`${bom ? '\uFEFF' : ''}: keep-alive\n\n${plain}`.replaceAll('\n', end))
          cuts = [...new Set(places.map((place) => place % sent.length))].sort((a, b) => a - b)
          const { completion } = await ask(url)
          expect(completion).toMatchObject({ outcome: 'answered', text, usage: { output_tokens: 4 } })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('puts tool calls together, by number, without one, and with the number 0 for each', async () => {
    const piece = (id: string | undefined, name: string | undefined, args: string, index?: number) => ({
      ...(index !== undefined && { index }),
      ...(id && { id }),
      function: { ...(name && { name }), arguments: args },
    })
    const streams = [
      [[piece('a', 'find', '', 0)], [piece(undefined, undefined, '{"q":', 0)], [piece('b', 'open', '{}', 1)], [piece(undefined, undefined, '1}', 0)]],
      [[piece('a', 'find', '{"q":')], [piece(undefined, undefined, '1}')], [piece('b', 'open', '{}')]],
      [[piece('a', 'find', '{"q":1}', 0)], [piece('b', 'open', '{}', 0)]],
      [[piece('a', 'find', '{"q":1}', 0), piece('b', 'open', '{}', 1)]],
    ] // biome-ignore format: a table
    let nth = 0
    const { url } = await serve((response) => {
      const calls = streams[nth]!.map((tool_calls) => delta({ tool_calls })).join('')
      head(response).end(calls + delta({}, { finish_reason: 'tool_calls' }) + DONE)
    })
    for (; nth < streams.length; nth++) {
      const { completion } = await ask(url)
      expect(completion.tool_calls).toEqual([
        { id: 'a', name: 'find', arguments: '{"q":1}' },
        { id: 'b', name: 'open', arguments: '{}' },
      ])
      expect(completion.first_token_ms).toBeDefined()
    }
  })

  it.each([
    ['a refusal', delta({ refusal: 'I ' }) + delta({ refusal: 'cannot.' }) + stop + DONE, { outcome: 'refused', text: 'I cannot.' }],
    ['a cut answer', delta({ content: 'Hel' }) + delta({}, { finish_reason: 'length' }) + DONE, { outcome: 'truncated', text: 'Hel' }],
    ['reasoning apart', delta({ reasoning_content: 'hm' }) + delta({ content: 'ok' }) + stop + DONE, { outcome: 'answered', text: 'ok' }],
    ['no [DONE]', delta({ content: 'ok' }) + stop, { outcome: 'answered', text: 'ok' }],
    ['no last empty line', delta({ content: 'ok' }) + stop.trimEnd(), { outcome: 'answered', text: 'ok' }],
    ['comments and other events', `: ping\n\nevent: ping\n\n${delta({ content: 'ok' })}:\n\nretry: 10\nid: 1\n${stop}`, { outcome: 'answered', text: 'ok' }],
    ['an event in several lines', `data: {"choices":[{"delta":\ndata:{"content":"ok"},"finish_reason":"stop"}]}\n\n`, { outcome: 'answered', text: 'ok' }],
    ['a running count of tokens', event({ choices: [{ delta: { content: 'ok' } }], usage: { prompt_tokens: 9, completion_tokens: 1 } }) + stop + usage + DONE, { text: 'ok', usage: { input_tokens: 20, output_tokens: 4, cached_input_tokens: 8 } }],
  ])('%s', async (_, sent, expected) => {
    const { url } = await serve((response) => void head(response).end(sent))
    expect((await ask(url)).completion).toMatchObject(expected)
  }) // biome-ignore format: a table

  it('may come in one piece from a server that does not stream', async () => {
    const { url } = await serve((response) => {
      const choices = [{ message: { content: 'whole' }, finish_reason: 'stop' }]
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ choices }))
    })
    const { completion } = await ask(url)
    expect(completion).toMatchObject({ outcome: 'answered', text: 'whole' })
    expect(completion.first_token_ms).toBeUndefined()
  })
})

describe('a stream that fails', () => {
  const started = delta({ content: 'Half an ans' })
  it.each([
    ['ends early', started, 'connection', true],
    ['ends early behind a proxy that says [DONE]', started + DONE, 'connection', true],
    ['ends with the reason "error"', started + delta({}, { finish_reason: 'error' }) + DONE, 'server_error', true],
    ['ends in the middle of a chunk', started + delta({ content: 'wer' }).slice(0, 40), 'malformed', true],
    ['has an error in it', started + event({ error: { message: 'overloaded', type: 'server_error', code: null } }), 'server_error', true],
    ['has an error with a code', started + event({ error: { message: 'slow down', code: 429 } }), 'rate_limit', true],
    ['has an error as text', started + event({ error: 'out of memory' }), 'server_error', true],
    ['has an event of the kind error', `${started}event: error\ndata: {"message": "overloaded"}\n\n`, 'server_error', true],
    ['has an error in its choice', started + event({ choices: [{ error: { code: 502, message: 'upstream' }, delta: {} }] }), 'server_error', true],
    ['has spent its quota', started + event({ error: { message: 'no money', code: 'insufficient_quota' } }), 'quota', false],
    ['is no JSON', `${started}data: ${SECRET} is your key\n\n`, 'malformed', true],
    ['is empty', '', 'connection', true],
    ['says nothing', delta({ role: 'assistant' }) + stop + DONE, 'empty_answer', true],
  ])('%s', async (_, sent, kind, again) => {
    const { url } = await serve((response) => void head(response).end(sent))
    const { completion, retry } = await ask(url)
    expect(completion).toMatchObject({ outcome: 'error', text: '', error: { kind } })
    expect(completion.first_token_ms).toBeUndefined()
    expect(retry !== undefined).toBe(again)
  }) // biome-ignore format: a table

  it('breaks off: asked again, and only the whole answer counts', async () => {
    const { url, bodies } = await serve(async (response, _, nth) => {
      if (nth > 2) head(response).end(plain)
      if (nth > 2) return
      head(response).write(started)
      await sleep(20)
      if (nth === 1) response.destroy()
      else response.end(event({ error: { message: 'overloaded', code: 503 } }))
    })
    expect(await run(url)).toMatchObject({ outcome: 'answered', text, attempts: 3 })
    expect(bodies).toHaveLength(3)
  })

  it('hangs: the call is a timeout, and the connection is closed', async () => {
    const { url, aborted } = await serve(async (response) => {
      head(response).write(started)
      while (!response.destroyed) {
        response.write(': keep-alive\n\n')
        await sleep(10)
      }
    })
    const { completion, retry } = await ask(url, {}, AbortSignal.timeout(200))
    expect(completion).toMatchObject({ outcome: 'timeout', text: '' })
    expect(retry).toBeUndefined()
    while (aborted() === 0) await sleep(5)
  })

  it('never ends: it is cut at the longest answer there is', async () => {
    const piece = Buffer.from(delta({ content: 'x'.repeat(60_000) }))
    const { url } = await serve(async (response) => {
      head(response)
      while (!response.destroyed) if (!response.write(piece)) await sleep(1)
    })
    expect((await ask(url)).completion.error).toMatchObject({
      kind: 'malformed',
      message: expect.stringMatching(/longer than/),
    })
  })
})

describe('against a model API of somebody else', () => {
  let mock: Aimock
  beforeAll(async () => void (mock = await startAimock()))
  afterAll(() => mock.stop())

  it('gives what the same question gives in one piece', async () => {
    const one = async (stream: boolean) => {
      const asked = request({ stream })
      const { completion } = await providerAt(mock.url).ask(
        {
          ...asked,
          messages: [{ role: 'user', content: 'all the facts' }],
          model: { id: 'gpt-4o', params: { stream } },
        },
        AbortSignal.timeout(10_000),
      )
      return completion
    }
    const [streamed, whole] = [await one(true), await one(false)]
    expect(streamed.outcome).toBe('answered')
    expect(streamed.text).toBe(whole.text)
    expect(streamed.usage).toEqual(whole.usage)
    expect(streamed.first_token_ms).toBeGreaterThan(0)
    expect(streamed.first_token_ms!).toBeLessThanOrEqual(streamed.latency_ms!)
    expect(whole.first_token_ms).toBeUndefined()
  })
})
