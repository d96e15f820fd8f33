// Applications that stream their answers, from real HTTP servers: events, JSON lines, plain text, and what can go wrong.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { AskRequest } from '../../ports.ts'
import { Completion } from '../../schema/run.ts'
import { Case, HttpTarget } from '../../schema/suite.ts'
import { httpProvider } from '../providers/http.ts'

const clock = { monotonic: () => performance.now() }
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Answers with the pieces, some milliseconds apart; `cut`: the connection breaks after them. */
async function app(type: string, pieces: readonly (string | Buffer)[], { cut = false, gap = 2, status = 200 } = {}) {
  const server = createServer((request, response: ServerResponse) => {
    request.resume()
    request.on('end', () => void answer(response))
  })
  const answer = async (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': type })
    response.flushHeaders()
    for (const piece of pieces) {
      await sleep(gap)
      response.write(piece)
    }
    await sleep(gap)
    if (cut) response.destroy()
    else response.end()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const request: AskRequest = { key: 'k', case: Case.parse({ id: 'c1', vars: { q: 'x' } }), trial: 1, messages: [] }
async function ask(url: string, http: Record<string, unknown>, ms = 5000) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  const target = HttpTarget.parse({ http: { url, body: { q: '{{ q }}' }, ...http } })
  const attempt = await httpProvider(target, { dir: '/', env: {}, clock }).ask(request, controller.signal)
  clearTimeout(timer)
  expect(Completion.parse(attempt.completion)).toEqual(attempt.completion)
  return attempt
}

const SSE = 'text/event-stream'
const LINES = 'application/x-ndjson'
const events = ['{"t":"Gr"}', '{"t":"öße"}', '{"t":null}', '{"done":true,"docs":["a","b"],"end":{"n":1}}']
const bytes = Buffer.from('Größe 👍')

describe('a streamed answer', () => {
  it.each([
    ['events', SSE, [': hi\n\n', ...events.map((data) => `data: ${data}\n\n`), 'data: [DONE]\n\n'], { stream: 'sse', answer: '$.t' }, 'Größe'],
    ['events as text', SSE, ['data: one\n\n', 'data:  two\ndata: three\n\n'], { stream: 'sse' }, 'one two\nthree'],
    ['JSON lines', LINES, events.map((data) => `${data}\n`), { stream: 'ndjson', answer: '$.t' }, 'Größe'],
    ['lines in one chunk, the last without an end', LINES, [events.join('\r\n')], { stream: 'ndjson', answer: '$.t' }, 'Größe'],
    ['numbers', LINES, ['{"t":1}\n{"t":[2]}\n'], { stream: 'ndjson', answer: '$.t' }, '1[2]'],
    ['plain chunks', 'text/plain', [...bytes].map((byte) => Buffer.from([byte])), { stream: 'text' }, 'Größe 👍'],
  ] as const)('%s', async (_, type, pieces, http, text) => {
    const { completion, retry } = await ask(await app(type, pieces, { gap: 4 }), http)
    expect(completion).toMatchObject({ outcome: 'answered', text })
    expect(retry).toBeUndefined()
    expect(completion.first_token_ms).toBeGreaterThan(0)
    expect(completion.first_token_ms!).toBeLessThanOrEqual(completion.latency_ms!)
  }) // biome-ignore format: a table

  it('is timed at its first piece, not at the first byte', async () => {
    const url = await app(SSE, [': wait\n\n', 'data: {"start":1}\n\n', 'data: {"t":"a"}\n\n', 'data: {"t":"b"}\n\n'], {
      gap: 40,
    })
    const { completion } = await ask(url, { stream: 'sse', answer: '$.t' })
    expect(completion.first_token_ms).toBeGreaterThanOrEqual(100)
    expect(completion.latency_ms! - completion.first_token_ms!).toBeGreaterThanOrEqual(60)
  })

  it('that tells no trajectory although the target says where it is, is torn', async () => {
    const url = await app(
      SSE,
      events.map((data) => `data: ${data}\n\n`),
    )
    const { completion, retry } = await ask(url, { stream: 'sse', answer: '$.t', trajectory: '$.steps' })
    expect(completion).toMatchObject({ outcome: 'error', error: { kind: 'malformed' } })
    expect(retry).toBeDefined()
  })

  it('tells contexts and state in whatever message has them', async () => {
    const url = await app(
      SSE,
      events.map((data) => `data: ${data}\n\n`),
    )
    const { completion } = await ask(url, { stream: 'sse', answer: '$.t', contexts: '$.docs', state: '$.end' })
    expect(completion).toMatchObject({ text: 'Größe', contexts: [{ text: 'a' }, { text: 'b' }], state: { n: 1 } })
  })
})

describe('a stream that fails', () => {
  it.each([
    ['breaks off', SSE, ['data: {"t":"Gr"}\n\n'], { stream: 'sse', answer: '$.t' }, { cut: true }, 'connection', true],
    ['breaks off as text', 'text/plain', ['Gr'], { stream: 'text' }, { cut: true }, 'connection', true],
    ['tells an error as an event', SSE, ['data: {"t":"Gr"}\n\n', 'event: error\ndata: out of memory\n\n'], { stream: 'sse', answer: '$.t' }, {}, 'server_error', true],
    ['tells an error as a line', LINES, ['{"t":"Gr"}\n{"error":"out of memory"}\n'], { stream: 'ndjson', answer: '$.t' }, {}, 'server_error', true],
    ['has a line that is no JSON', LINES, ['{"t":"Gr"}\n{"t":'], { stream: 'ndjson', answer: '$.t' }, {}, 'malformed', true],
    ['is no stream of events', 'text/html', ['<html>'], { stream: 'sse', answer: '$.t' }, {}, 'malformed', false],
    ['has nothing where the answer should be', LINES, ['{"x":1}\n'], { stream: 'ndjson', answer: '$.t' }, {}, 'empty_answer', false],
    ['is refused', 'text/plain', ['busy'], { stream: 'text' }, { status: 503 }, 'server_error', true],
    ['has a path that is none', LINES, ['{"x":1}\n'], { stream: 'ndjson', answer: 'x' }, {}, 'bad_request', false],
  ] as const)('%s', async (_, type, pieces, http, how, kind, again) => {
    const { completion, retry } = await ask(await app(type, pieces, how), http)
    expect(completion).toMatchObject({ outcome: 'error', text: '', error: { kind } })
    expect(completion.first_token_ms).toBeUndefined()
    expect(retry !== undefined).toBe(again)
  }) // biome-ignore format: a table

  it('hangs: the call is a timeout', async () => {
    const url = await app(
      SSE,
      Array.from({ length: 500 }, () => ': keep-alive\n\n'),
      { gap: 10 },
    )
    expect((await ask(url, { stream: 'sse', answer: '$.t' }, 150)).completion.outcome).toBe('timeout')
  })
})
