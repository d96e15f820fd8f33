// The provider against raw HTTP servers that do what a mock API cannot: cut, hang, send rubbish, echo keys.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AskRequest, Attempt } from '../../ports.ts'
import { OpenAiProvider } from '../../schema/config.ts'
import { Completion } from '../../schema/run.ts'
import { Case } from '../../schema/suite.ts'
import { openaiProvider } from './openai.ts'
import { retryAfter } from '../pacing/limit-headers.ts'

const KEY = 'sk-canary-7f3a9c21e5b8d046aa11'
const TENANT = 'tenant+canary/55e1d0c4=='
const env = { CANARY: `${KEY}\n`, TENANT }
const clock = { monotonic: () => performance.now() }

type Seen = { method: string; url: string; headers: Record<string, unknown>; body: Record<string, unknown> }
type Reply = (response: ServerResponse, request: IncomingMessage) => void
const closers: (() => void)[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const close of closers.splice(0)) close()
})

async function serve(reply: Reply): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>
      seen.push({ method, url, headers, body })
      reply(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Reply =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const raw =
  (status: number, type: string, body: string): Reply =>
  (response) =>
    void response.writeHead(status, { 'content-type': type }).end(body)
const message = (message: unknown, more: Record<string, unknown> = {}) =>
  json(200, { model: 'm-1', choices: [{ index: 0, finish_reason: 'stop', message, ...more }] })

function request(more: Partial<AskRequest> = {}): AskRequest {
  const ground = { key: 'k', case: Case.parse({ id: 'tc_1' }), trial: 1, model: { id: 'm', params: {} } }
  return { ...ground, messages: [{ role: 'user', content: 'hello' }], ...more }
}

async function askAt(url: string, more: Record<string, unknown> = {}, asked = request(), ms = 5000): Promise<Attempt> {
  const config = OpenAiProvider.parse({
    type: 'openai',
    base_url: `${url}/v1`,
    api_key_env: 'CANARY',
    headers: { 'X-Tenant': 'id ${TENANT}' },
    ...more,
  })
  const attempt = await openaiProvider('raw', config, { env, clock }).ask(asked, AbortSignal.timeout(ms))
  const text = JSON.stringify(attempt)
  for (const part of ['canary-7f3a', 'd046aa11', 'canary/55e1', '55e1d0c4', encodeURIComponent(TENANT)]) {
    expect(text).not.toContain(part)
  }
  expect(text).not.toContain(Buffer.from(KEY).toString('base64').slice(0, -2))
  expect(Completion.parse(attempt.completion)).toEqual(attempt.completion)
  return attempt
}

const kindOf = ({ completion, retry }: Attempt) => [
  completion.outcome,
  completion.error?.kind ?? null,
  retry === undefined ? 'stop' : 'retry',
]

describe('what is sent', () => {
  it('is the model, the messages, the params, tools and response_format, and nothing else', async () => {
    const { url, seen } = await serve(message({ content: 'hi' }))
    const asked = request({
      model: { id: 'm-exact', params: { temperature: 0.2, extra_of_vendor: { top_k: 3 } } },
      response_format: { type: 'json_object' },
    })
    await askAt(url, {}, asked)
    expect(seen[0]!.body).toEqual({
      model: 'm-exact',
      temperature: 0.2,
      extra_of_vendor: { top_k: 3 },
      messages: [{ role: 'user', content: 'hello' }],
      response_format: { type: 'json_object' },
    })
    expect(seen[0]!.url).toBe('/v1/chat/completions')
    expect(seen[0]!.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'x-tenant': `id ${TENANT}` })
  })

  it.each([
    ['plain', '', {}],
    ['below a path with a slash', '/deep/', {}],
    ['with headers over its own', '', { headers: { Authorization: 'Basic ${TENANT}', 'X-B': ' b ', Accept: '*/*' } }],
    ['of Azure', '', { api_version: '2024-10-21' }],
    ['of Azure below a deployment', '/openai/deployments/d', { api_version: '2024-10-21' }],
    ['with a query', '?route=a', {}],
  ])('goes the same way with and without the client: %s', async (_, path, more) => {
    const { url, seen } = await serve(message({ content: 'hi' }))
    const config = OpenAiProvider.parse({
      type: 'openai',
      base_url: `${url}/v1${path}`,
      api_key_env: 'CANARY',
      headers: { 'X-Tenant': 'id ${TENANT}' },
      ...more,
    })
    const provider = openaiProvider('raw', config, { env, clock })
    const asked = (stream: boolean) => request({ model: { id: 'm/1', params: stream ? { stream } : {} } })
    // What is streamed goes through the client, and all else of Azure too.
    for (const one of [asked(true), asked(false), asked(false)]) {
      const { completion } = await provider.ask(one, AbortSignal.timeout(5000))
      expect(completion).toMatchObject({ outcome: 'answered', text: 'hi' })
    }
    const ways = seen.map(({ url: to, headers }) => {
      const { accept, authorization, 'api-key': key, 'content-type': type, 'user-agent': agent, host } = headers
      return { to, host, accept, authorization, key, type, agent, tenant: headers['x-tenant'], b: headers['x-b'] }
    })
    expect(ways).toHaveLength(3)
    expect(ways[1]).toEqual(ways[0])
    expect(ways[2]).toEqual(ways[0])
  })

  it('holds nothing of the OPENAI_* and AZURE_* variables of the machine, and the console stays silent', async () => {
    const { url, seen } = await serve(message({ content: 'hi' }))
    const foreign = {
      OPENAI_BASE_URL: 'http://127.0.0.1:9/foreign',
      OPENAI_ORG_ID: 'foreign-org',
      OPENAI_PROJECT_ID: 'foreign-project',
      OPENAI_ADMIN_KEY: 'foreign-admin',
      OPENAI_API_KEY: 'foreign-key',
      OPENAI_CUSTOM_HEADERS: 'x-foreign: foreign-header\nauthorization: foreign-authorization',
      OPENAI_LOG: 'debug',
      OPENAI_API_VERSION: 'foreign-version',
      AZURE_OPENAI_API_KEY: 'foreign-azure',
      AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9/foreign',
    }
    for (const [name, value] of Object.entries(foreign)) vi.stubEnv(name, value)
    const spies = (['log', 'debug', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name))
    await askAt(url)
    await askAt(url, { api_version: '2024-10-21' })
    await askAt(url, { api_key_env: undefined, headers: {} })
    for (const spy of spies) expect(spy).not.toHaveBeenCalled()
    expect(seen).toHaveLength(3)
    expect(JSON.stringify(seen)).not.toContain('foreign')
    expect(JSON.stringify(seen)).not.toContain('x-stainless')
    expect(seen[0]!.headers['authorization']).toBe(`Bearer ${KEY}`)
    expect(seen[1]!.headers).toMatchObject({ 'api-key': KEY })
    expect(seen[1]!.headers['authorization']).toBeUndefined()
    expect(seen[1]!.url).toBe('/v1/deployments/m/chat/completions?api-version=2024-10-21')
    expect(seen[2]!.headers['authorization']).toBe('Bearer none')
  })

  it('never follows a redirect with the key', async () => {
    const other = await serve(message({ content: 'stolen' }))
    const { url } = await serve((response) => void response.writeHead(307, { location: `${other.url}/x` }).end())
    const attempt = await askAt(url, { api_version: '2024-10-21' })
    expect(kindOf(attempt)).toEqual(['error', 'bad_request', 'stop'])
    expect(attempt.completion.error?.message).toContain('redirected to')
    expect(other.seen).toEqual([])
  })
})

describe('keys', () => {
  const ask = (config: Record<string, unknown>, values: Record<string, string | undefined>) =>
    openaiProvider('raw', OpenAiProvider.parse({ type: 'openai', ...config }), { env: values, clock }).ask(
      request(),
      AbortSignal.timeout(100),
    )

  it.each([
    [{}, {}, 'OPENAI_API_KEY'],
    [{ api_key_env: 'MY_KEY' }, { MY_KEY: '  ' }, 'MY_KEY'],
    [{ base_url: 'http://127.0.0.1:1/v1', api_key_env: 'MY_KEY' }, {}, 'MY_KEY'],
    [{ base_url: 'http://127.0.0.1:1/v1', headers: { a: '${OTHER}' } }, {}, 'OTHER'],
    [{ api_key_env: 'MY_KEY' }, { MY_KEY: 'sk-canary-“curly”' }, 'MY_KEY'],
  ])('a key that is missing or broken is named: %j', async (config, values, name) => {
    const attempt = await ask(config, values)
    expect(kindOf(attempt)).toEqual(['error', 'no_key', 'stop'])
    expect(attempt.completion.error?.message).toContain(name)
    expect(JSON.stringify(attempt)).not.toContain('canary')
  })
})

describe('answers', () => {
  const usage = {
    prompt_tokens: 50,
    completion_tokens: 7,
    prompt_tokens_details: { cached_tokens: 20 },
    completion_tokens_details: { reasoning_tokens: 5 },
  }

  it('reads cached and reasoning tokens and the request id', async () => {
    const choices = [{ message: { content: 'hi' }, finish_reason: 'stop' }]
    const { url } = await serve(json(200, { choices, usage }, { 'x-request-id': 'req_9' }))
    const { completion } = await askAt(url)
    expect(completion).toMatchObject({ outcome: 'answered', text: 'hi', request_id: 'req_9' })
    const read = { input_tokens: 50, output_tokens: 7, cached_input_tokens: 20, reasoning_tokens: 5 }
    expect(completion.usage).toEqual(read)
  })

  it.each<[string, Reply, (string | null)[], string]>([
    ['refusal', message({ content: null, refusal: 'I will not.' }), ['refused', null, 'stop'], 'I will not.'],
    ['empty but cut', message({ content: '' }, { finish_reason: 'length' }), ['truncated', null, 'stop'], ''],
    ['empty', message({ content: null }), ['error', 'empty_answer', 'retry'], ''],
    [
      'text in parts',
      message({ content: [{ type: 'text', text: 'a' }, { type: 'thinking' }, { type: 'text', text: 'b' }] }),
      ['answered', null, 'stop'],
      'ab',
    ],
    ['no message', json(200, { choices: [{ index: 0 }] }), ['error', 'malformed', 'retry'], ''],
    ['no choices', json(200, { id: 'x' }), ['error', 'malformed', 'retry'], ''],
    ['empty choices', json(200, { choices: [] }), ['error', 'malformed', 'retry'], ''],
    ['null', json(200, null), ['error', 'malformed', 'retry'], ''],
    ['broken JSON', raw(200, 'application/json', '{"choices":[{"mess'), ['error', 'malformed', 'retry'], ''],
    ['an empty body', raw(200, 'application/json', ''), ['error', 'malformed', 'retry'], ''],
    ['a web page', raw(200, 'text/html', '<html><h1>Sign in</h1></html>'), ['error', 'malformed', 'retry'], ''],
    [
      'JSON called text',
      raw(200, 'text/plain', '{"choices":[{"message":{"content":"hi"}}]}'),
      ['answered', null, 'stop'],
      'hi',
    ],
    [
      'error 429 inside of 200',
      json(200, { error: { code: 429, message: 'slow' } }),
      ['error', 'rate_limit', 'retry'],
      '',
    ],
    [
      'error of a choice',
      json(200, { choices: [{ finish_reason: 'error', error: { code: 502 }, message: { content: 'ha' } }] }),
      ['error', 'server_error', 'retry'],
      '',
    ],
  ])('%s', async (_, reply, kind, text) => {
    const { url } = await serve(reply)
    const attempt = await askAt(url)
    expect(kindOf(attempt)).toEqual(kind)
    expect(attempt.completion.text).toBe(text)
  })

  it('reads tool calls of every shape', async () => {
    const calls = [
      { id: 'c1', type: 'function', function: { name: 'a', arguments: '{"x":1}' } },
      { type: 'function', function: { name: 'b', arguments: { y: 2 } } },
    ]
    const { url } = await serve(message({ content: null, tool_calls: calls }, { finish_reason: 'tool_calls' }))
    expect((await askAt(url)).completion.tool_calls).toEqual([
      { id: 'c1', name: 'a', arguments: '{"x":1}' },
      { name: 'b', arguments: '{"y":2}' },
    ])
  })

  it('takes its own key out of an answer, but leaves what a case may look for', async () => {
    const { url } = await serve(message({ content: `mine ${KEY}, theirs AKIAIOSFODNN7EXAMPLE` }))
    expect((await askAt(url)).completion.text).toBe('mine [redacted], theirs AKIAIOSFODNN7EXAMPLE')
  })
})

describe('failures', () => {
  const error = (message: string, code?: string) => ({ error: { message, type: 'invalid_request_error', code } })

  it.each<[string, Reply, (string | null)[]]>([
    ['401', json(401, error(`Incorrect API key provided: ${KEY}.`, 'invalid_api_key')), ['error', 'auth', 'stop']],
    ['403', json(403, error('Country not supported')), ['error', 'auth', 'stop']],
    ['402', json(402, error('Insufficient credits')), ['error', 'quota', 'stop']],
    ['429 quota', json(429, error('exceeded', 'insufficient_quota')), ['error', 'quota', 'stop']],
    ['429', json(429, error('slow', 'rate_limit_exceeded')), ['error', 'rate_limit', 'retry']],
    ['404', json(404, error('The model does not exist', 'model_not_found')), ['error', 'unknown_model', 'stop']],
    ['400 model_not_found', json(400, error('no such model', 'model_not_found')), ['error', 'unknown_model', 'stop']],
    ['408', json(408, error('timeout')), ['error', 'server_error', 'retry']],
    ['409', json(409, error('conflict')), ['error', 'server_error', 'retry']],
    ['503 as a web page', raw(503, 'text/html', '<h1>Bad gateway</h1>'), ['error', 'server_error', 'retry']],
    ['422', json(422, { detail: 'field required' }), ['error', 'bad_request', 'stop']],
    ['filter', json(400, error('filtered', 'content_filter')), ['refused', null, 'stop']],
    ['policy', json(400, error('flagged as violating our usage policy', 'invalid_prompt')), ['refused', null, 'stop']],
    [
      'moderation',
      json(403, { error: { code: 403, message: 'flagged', metadata: { flagged_input: 'x' } } }),
      ['refused', null, 'stop'],
    ],
  ])('%s', async (_, reply, kind) => {
    const { url } = await serve(reply)
    expect(kindOf(await askAt(url))).toEqual(kind)
  })

  it.each([
    ['an object of another shape', json(422, { detail: 'field required' }), 'field required'],
    ['a list', json(400, [{ error: { code: 400, message: 'API key not valid' } }]), '400 API key not valid'],
    ['a bare text', json(400, { error: 'model "x" is busy' }), 'is busy'],
    ['no JSON', raw(500, 'text/plain', 'upstream connect error'), 'upstream connect error'],
  ])('keeps the text of an error that is %s', async (_, reply, text) => {
    const { url } = await serve(reply)
    expect((await askAt(url)).completion.error?.message).toContain(text)
  })

  it.each([
    `Incorrect API key provided: ${KEY}. You can find it at example.com`,
    `Incorrect API key provided: ${KEY.slice(0, 8)}***********${KEY.slice(-8)}.`,
    `key ...${KEY.slice(-8)} is wrong, header ${TENANT}, url ?key=${encodeURIComponent(TENANT)}`,
    `Basic ${Buffer.from(`user:${KEY}`).toString('base64')}`,
    `${'x '.repeat(993)}${KEY}`,
  ])('an echoed key stays out of the message: %.40s', async (text) => {
    const { url } = await serve(json(401, error(text), { 'x-request-id': `echo-${KEY}` }))
    const { completion } = await askAt(url)
    expect(completion.error?.message).toContain('[redacted]')
    expect(completion.request_id).toBe('echo-[redacted]')
  })

  it('half a key at the end of what is quoted of a broken body stays out too', async () => {
    const { url } = await serve(raw(200, 'text/html', `${'x '.repeat(95)}${KEY} and so on`))
    expect((await askAt(url)).completion.error?.message).not.toContain('sk-canar')
  })

  it('a secret that is a number does not break the JSON around it', async () => {
    const { url } = await serve(json(200, { created: 17634567, choices: [{ message: { content: 'hi' } }] }))
    const config = OpenAiProvider.parse({ type: 'openai', base_url: url, headers: { a: '${NUMBER}' } })
    const provider = openaiProvider('raw', config, { env: { NUMBER: '17634567' }, clock })
    expect((await provider.ask(request(), AbortSignal.timeout(5000))).completion.text).toBe('hi')
  })

  it('cuts an error of a megabyte short', async () => {
    const { url } = await serve(raw(500, 'text/html', '<p>'.repeat(400_000)))
    expect((await askAt(url)).completion.error?.message.length).toBeLessThan(2100)
  })

  it('a connection that is refused, reset, or cut in the middle is worth another attempt', async () => {
    const refused = await askAt('http://127.0.0.1:40999')
    expect(kindOf(refused)).toEqual(['error', 'connection', 'retry'])
    expect(refused.completion.error?.message).toContain('ECONNREFUSED')
    const reset = await serve((_, { socket }) => void socket.resetAndDestroy())
    expect(kindOf(await askAt(reset.url))).toEqual(['error', 'connection', 'retry'])
    const cut = await serve((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"choices":[{"message":{"content":"hel', () => response.destroy())
    })
    expect(kindOf(await askAt(cut.url))).toEqual(['error', 'connection', 'retry'])
  })

  it('a server that never answers, or never ends its answer, is a timeout when the signal says so', async () => {
    const silent = await serve(() => undefined)
    const endless = await serve((response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"choices":[')
    })
    for (const { url } of [silent, endless]) {
      const attempt = await askAt(url, {}, request(), 150)
      expect(kindOf(attempt)).toEqual(['timeout', null, 'stop'])
      expect(attempt.completion.latency_ms).toBeGreaterThan(140)
      expect(attempt.completion.latency_ms).toBeLessThan(2000)
    }
  })
})

describe('how long to wait', () => {
  const date = 'Sat, 21 Nov 2026 10:00:00 GMT'
  it.each<[Record<string, string>, number, number | undefined]>([
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 429, 1500],
    [{ 'retry-after': '2' }, 503, 2000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT', date }, 429, 30_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT', date }, 429, 0],
    [{ 'retry-after': 'soon', 'x-ratelimit-reset-requests': '6m0s' }, 429, 360_000],
    [{ 'x-ratelimit-reset-requests': '1s' }, 429, 1000],
    [{ 'x-ratelimit-reset-requests': '20ms' }, 429, 20],
    [{ 'x-ratelimit-reset-requests': '1h2m3.5s' }, 429, 3_723_500],
    [{ 'x-ratelimit-reset-tokens': '12' }, 429, 12_000],
    [{ 'x-ratelimit-reset-requests': '1795228245' }, 429, undefined],
    [{ 'x-ratelimit-reset-requests': '1s' }, 500, undefined],
    [{}, 429, undefined],
  ])('%j at %i', (headers, status, wait) => {
    expect(retryAfter(new Headers(headers), status)).toBe(wait)
  })
})
