// Applications as targets: real programs, real servers on the loopback, real files.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { AskRequest, Provider } from '../../ports.ts'
import { Case, CommandTarget, HttpTarget, ModuleTarget } from '../../schema/suite.ts'
import { newBudget, runPass } from '../engine.ts'
import { readAnswer } from './app.ts'
import { commandProvider } from './command.ts'
import { httpProvider } from './http.ts'
import { moduleProvider } from './module.ts'

const SECRET = 'canary-7f3a9b2c5d8e1f40'
const clock = { monotonic: () => performance.now() }
const dir = mkdtempSync(join(tmpdir(), 'aigate-apps-'))
const options = { dir, clock, env: { PATH: process.env['PATH'], HOME: '/home/me', APP_KEY: SECRET, OTHER: 'hidden' } }
const request: AskRequest = {
  key: 'k',
  case: Case.parse({ id: 'c1', vars: { q: 'a "quoted" question', list: [1, 2] } }),
  trial: 2,
  messages: [{ role: 'user', content: 'hi' }],
}
const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text)
  return name
}
const asked = async (provider: Provider, signal = AbortSignal.timeout(5_000)) => provider.ask(request, signal)
const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    // What was killed but not yet collected by its new parent still has a number.
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('command', () => {
  const command = (script: string, env: string[] = []) => {
    const name = file(`c${Math.random()}.mjs`, script)
    return commandProvider(CommandTarget.parse({ command: [process.execPath, name], env }), options)
  }

  it('gives the case on stdin and takes stdout as the answer', async () => {
    const { completion } = await asked(command('process.stdin.pipe(process.stdout)'))
    expect(JSON.parse(completion.text)).toEqual({
      id: 'c1',
      vars: request.case.vars,
      messages: request.messages,
      trial: 2,
    })
    expect(completion).toMatchObject({ outcome: 'answered', attempts: 1 })
    expect(completion.latency_ms).toBeGreaterThan(1)
  })

  it('reads an object with usage and tool calls; other JSON is the text itself', async () => {
    const rich = {
      text: 'hello',
      tool_calls: [{ name: 'f', arguments: { a: 1 } }],
      usage: { input_tokens: 1, output_tokens: 2 },
    }
    const { completion } = await asked(
      command(`console.log(${JSON.stringify(JSON.stringify({ ...rich, cost_usd: 0.1, model: 'm' }))})`),
    )
    expect(completion).toMatchObject({
      text: 'hello',
      tool_calls: [{ name: 'f', arguments: '{"a":1}' }],
      usage: rich.usage,
      cost_usd: 0.1,
      response_model: 'm',
    })
    expect((await asked(command(`console.log('{"total": 3}')`))).completion.text).toBe('{"total": 3}')
    const torn = await asked(command(`console.log('{"text": "a", "usage": {"input_tokens": -1}}')`))
    expect(torn.completion.error).toMatchObject({ kind: 'malformed', message: expect.stringContaining('usage') })
  })

  it('shows PATH, HOME and the named variables only', async () => {
    const { completion } = await asked(command('console.log(Object.keys(process.env).sort().join())', ['APP_KEY']))
    expect(completion.text.split(',').filter((name) => !name.startsWith('__'))).toEqual(['APP_KEY', 'HOME', 'PATH'])
  })

  it('says why a program failed, in its own last line and without secrets', async () => {
    const { completion, retry } = await asked(
      command('console.error("one\\nbad key", process.env.APP_KEY); process.exit(3)', ['APP_KEY']),
    )
    expect(completion.error).toMatchObject({
      kind: 'command_failed',
      message: expect.stringMatching(/exited with 3\. bad key/),
    })
    expect(JSON.stringify(completion)).not.toContain(SECRET)
    expect(retry).toBeUndefined()
    const missing = commandProvider(CommandTarget.parse({ command: ['no-such-program-here'] }), options)
    expect((await asked(missing)).completion.error?.message).toMatch(/could not be started: there is no such program/)
  })

  it('survives a program that never reads its stdin', async () => {
    const big = { ...request, case: { ...request.case, vars: { text: 'x'.repeat(3_000_000) } } }
    const { completion } = await command('console.log("fine"); process.exit(0)').ask(big, AbortSignal.timeout(5_000))
    expect(completion).toMatchObject({ outcome: 'answered', text: 'fine' })
  })

  it('bounds the output, and knows an empty one', async () => {
    const endless = await asked(
      command(
        'const s = "x".repeat(65536); const go = () => { while (process.stdout.write(s)); process.stdout.once("drain", go) }; go()',
      ),
    )
    expect(endless.completion.error).toMatchObject({
      kind: 'command_failed',
      message: expect.stringContaining('more than'),
    })
    expect((await asked(command(''))).completion.error?.kind).toBe('empty_answer')
  })

  it('kills the program and its children when time is up', async () => {
    const pids = join(dir, 'pids')
    const provider = command(`
      import { spawn } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      process.on('SIGTERM', () => {})
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
      writeFileSync(${JSON.stringify(pids)}, process.pid + ' ' + child.pid)
      setInterval(() => {}, 1000)`)
    const done: string[] = []
    const pass = {
      requests: [request],
      provider: { ...provider, timeout_ms: 700 },
      seed: 1,
      clock,
      budget: newBudget(),
    }
    const signal = new AbortController().signal
    await runPass({ ...pass, signal, onCompletion: (_r, { outcome }) => void done.push(outcome) })
    expect(done).toEqual(['timeout'])
    await sleep(200)
    const started = readFileSync(pids, 'utf8').split(' ').map(Number)
    expect(started.map(alive)).toEqual([false, false])
  })
})

describe('an answer with a trajectory', () => {
  const call = (id: string, name: string, args: unknown = {}) => ({ id, name, arguments: args })
  const steps = [
    { role: 'assistant', tool_calls: [call('1', 'find', { q: 'x' })] },
    { role: 'tool', tool_call_id: '1' },
  ]
  it.each([
    ['has those of its trajectory', undefined, ['find']],
    ['has a call once that stands in both', [{ ...call('1', 'find'), arguments: '{ "q": "x" }' }], ['find']],
    ['has a call once without ids', [{ name: 'find', arguments: '{ "q": "x" }' }], ['find']],
    ['has those that only one of the two tells', [call('9', 'refund')], ['find', 'refund']],
  ])('%s', (_, tool_calls, expected) => {
    const { completion } = readAnswer({ text: 'done', trajectory: steps, ...(tool_calls && { tool_calls }) }, 1)
    expect(completion.tool_calls.map(({ name }) => name)).toEqual(expected)
    const told = completion.conversation?.steps.flatMap((step) => step.tool_calls ?? []).map(({ name }) => name)
    expect(told).toEqual(expected)
    expect(completion.conversation?.steps.at(-1)).toMatchObject({ role: 'assistant', content: 'done' })
  })
})

it.each(['toolCalls', 'tool_call', 'TOOL_CALLS', 'context', 'costUsd'])('an answer with %s is torn', (key) => {
  expect(readAnswer({ text: 'done', [key]: [] }, 1).completion.error).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining(`the key "${key}" means nothing here; write "`),
  })
  expect(readAnswer({ text: 'done', session: 'x', texture: 1 }, 1).completion.outcome).toBe('answered')
})

describe('module', () => {
  const module = (name: string, text: string, more: object = {}) =>
    moduleProvider(ModuleTarget.parse({ module: file(name, text), ...more }), options)

  it('calls TypeScript with the case and takes text or an object', async () => {
    file('part.ts', 'export const shout = (text: string): string => text.toUpperCase()')
    const main = `import { shout } from './part.ts'
      type Input = { id: string; vars: { q: string }; trial: number; signal: AbortSignal }
      export async function app({ id, vars, trial, signal }: Input) {
        vars.q += '!'
        return { text: shout([id, vars.q, trial, signal.aborted].join(' ')), usage: { input_tokens: 1, output_tokens: 1 } }
      }`
    const provider = module('main.ts', main, { export: 'app' })
    for (const _twice of [1, 2]) {
      const { completion } = await asked(provider)
      expect(completion).toMatchObject({ outcome: 'answered', text: 'C1 A "QUOTED" QUESTION! 2 FALSE' })
    }
  })

  it.each([
    ['throws.mjs', 'export default () => { throw new Error("no index") }', 'command_failed', 'no index'],
    ['nofn.mjs', 'export default 3', 'command_failed', 'is no function'],
    ['none.mjs', 'export const a = 1', 'command_failed', 'no export "default"; it exports a'],
    ['number.mjs', 'export default () => 3', 'malformed', 'neither text nor an object'],
    ['empty.mjs', 'export default async () => " "', 'empty_answer', 'empty'],
  ])('%s', async (name, text, kind, message) => {
    const { completion } = await asked(module(name, text))
    expect(completion.error).toMatchObject({ kind, message: expect.stringContaining(message) })
  })

  it('that blocks the thread is a timeout, and the next case is asked', async () => {
    const code = 'export default ({ vars }) => { while (vars.q !== "go on"); return "went on" }'
    const provider = module('loops.mjs', code, { timeout: '80ms' })
    expect((await asked(provider)).completion).toMatchObject({ outcome: 'timeout', text: '' })
    const next = { ...request, case: { ...request.case, vars: { q: 'go on' } } }
    expect((await provider.ask(next, AbortSignal.timeout(5_000))).completion.text).toBe('went on')
  })

  it('says that a file is missing', async () => {
    const provider = moduleProvider(ModuleTarget.parse({ module: 'nowhere.ts' }), options)
    expect((await asked(provider)).completion.error?.message).toContain('There is no file nowhere.ts')
  })
})

describe('http', () => {
  type Handler = (req: IncomingMessage, res: ServerResponse, body: string, call: number) => void
  const open: (() => void)[] = []
  afterEach(() => {
    for (const close of open.splice(0)) close()
  })
  async function serve(handler: Handler): Promise<string> {
    let calls = 0
    const server = createServer((req, res) => {
      let body = ''
      req.on('data', (chunk: Buffer) => (body += chunk.toString()))
      req.on('end', () => handler(req, res, body, ++calls))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const http = (url: string, more: object = {}, limits: object = {}) =>
    httpProvider(HttpTarget.parse({ http: { url, ...more }, ...limits }), options)
  const status = async (code: number, headers: Record<string, string> = {}) =>
    asked(
      http(await serve((_req, res) => res.writeHead(code, headers).end(`because ${SECRET}`)), {
        headers: { k: '${APP_KEY}' },
      }),
    )

  it('learns of limits from the headers of a whole answer, of a stream and of a refusal', async () => {
    const headers = { 'x-ratelimit-limit-requests': '300', 'x-ratelimit-remaining-requests': '7' }
    const url = await serve((_req, res, _body, call) =>
      res.writeHead(call === 3 ? 429 : 200, { ...headers, 'content-type': 'text/event-stream' }).end('data: one\n\n'),
    )
    const limits = { requests: { limit: 300, remaining: 7 } }
    for (const how of [{}, { stream: 'sse' }, {}]) expect(await asked(http(url, how))).toMatchObject({ limits })
  })

  it('fills URL, headers and body, and finds the answer', async () => {
    const url = await serve((req, res, body) => {
      const { url, method, headers } = req
      res.end(
        JSON.stringify({
          data: [
            {
              text: JSON.stringify({
                url,
                method,
                key: headers['x-key'],
                type: headers['content-type'],
                body: JSON.parse(body) as unknown,
              }),
            },
          ],
        }),
      )
    })
    const { completion } = await asked(
      http(`${url}/ask/\${OTHER}?q={{ q | url_encode }}`, {
        headers: { 'x-key': 'Key ${OTHER}' },
        body: {
          question: 'Q: {{ q }}',
          messages: '{{ messages }}',
          deep: [{ n: 3, of: '{{ list }}', id: '{{ id }}' }],
        },
        answer: '$.data[0].text',
      }),
    )
    expect(completion.error).toBeUndefined()
    expect(JSON.parse(completion.text)).toEqual({
      url: '/ask/hidden?q=a+%22quoted%22+question',
      method: 'POST',
      key: 'Key hidden',
      type: 'application/json',
      body: { question: 'Q: a "quoted" question', messages: request.messages, deep: [{ n: 3, of: [1, 2], id: 'c1' }] },
    })
  })

  it('never lets a case read the environment or write templates', async () => {
    const url = await serve((req, res, body) => res.end(`${req.url} ${body}`))
    const evil = { ...request, case: { ...request.case, vars: { q: '${APP_KEY}{{ id }}' } } }
    const provider = http(`${url}/{{ q | url_encode }}`, { body: { q: '{{ q }}' }, headers: { k: '${APP_KEY}' } })
    const { completion } = await provider.ask(evil, AbortSignal.timeout(2_000))
    expect(completion.text).toContain('{"q":"${APP_KEY}{{ id }}"}')
    expect(completion.text).not.toContain(SECRET)
  })

  it.each([
    [401, 'auth', false],
    [403, 'auth', false],
    [404, 'bad_request', false],
    [422, 'bad_request', false],
    [302, 'bad_request', false],
    [408, 'server_error', true],
    [429, 'rate_limit', true],
    [500, 'server_error', true],
    [503, 'server_error', true],
  ])('status %i is %s', async (code, kind, again) => {
    const { completion, retry } = await status(code)
    expect(completion.error).toMatchObject({ kind, status: code, message: expect.stringContaining(`HTTP ${code}`) })
    expect(retry !== undefined).toBe(again)
    expect(JSON.stringify(completion)).not.toContain(SECRET)
  })

  it('reads Retry-After in seconds and as a date', async () => {
    expect((await status(429, { 'retry-after': '7' })).retry).toEqual({ after_ms: 7000 })
    const inTen = new Date(Date.now() + 10_000).toUTCString()
    const { retry } = await status(429, { 'retry-after': inTen })
    expect(retry?.after_ms).toBeGreaterThan(8_000)
    expect(retry?.after_ms).toBeLessThanOrEqual(10_000)
  })

  it('names a variable that is missing, before anything is sent', async () => {
    const { completion } = await asked(http('http://127.0.0.1:40999/', { headers: { k: 'Bearer ${NOT_SET}' } }))
    expect(completion.error).toMatchObject({ kind: 'no_key', message: expect.stringContaining('NOT_SET') })
  })

  it('knows refused and cut connections', async () => {
    const refused = await asked(http('http://127.0.0.1:40999/'))
    expect(refused).toMatchObject({ completion: { error: { kind: 'connection' } }, retry: {} })
    const cut = await serve((_req, res) => {
      res.writeHead(200, { 'content-length': '1000' }).write('half an ans')
      setTimeout(() => res.destroy(), 20)
    })
    expect(await asked(http(cut))).toMatchObject({ completion: { error: { kind: 'connection' } }, retry: {} })
  })

  it('knows answers that are not there', async () => {
    const kind = async (body: string, answer: string) =>
      (await asked(http(await serve((_req, res) => res.end(body)), { answer }))).completion.error?.kind
    expect(await kind('<html>', '$.a')).toBe('malformed')
    expect(await kind('{"b": 1}', '$.a')).toBe('malformed')
    expect(await kind('{"a": ""}', '$.a')).toBe('empty_answer')
    expect(await kind('{"a": "x"}', '$.a[')).toBe('bad_request')
    expect(await kind('', '$')).toBe('empty_answer')
    expect(await kind('x'.repeat(10_000_001), '$')).toBe('malformed')
  })

  it('tells nothing where a path finds nothing: that is neither an empty list nor no tool call', async () => {
    const body = { reply: 'ok', sources: [], steps: [] }
    const url = await serve((_req, res) => res.end(JSON.stringify(body)))
    const told = async (more: object) => (await asked(http(url, { answer: '$.reply', ...more }))).completion
    for (const path of ['$.sources', '$.sources[*]', "$.sources[?@.id == 'x']"])
      expect((await told({ contexts: path })).contexts).toEqual([])
    for (const path of ['$.documents', '$.documents[*]', '$.sources[0]'])
      expect(await told({ contexts: path })).not.toHaveProperty('contexts')
    expect(await told({ state: '$.state' })).not.toHaveProperty('state')
    expect(await told({ trajectory: '$.steps[*]' })).toMatchObject({ outcome: 'answered', tool_calls: [] })
    // `tool_call: {never: […]}` would pass on it.
    expect(await told({ trajectory: '$.messages' })).toMatchObject({
      outcome: 'error',
      error: { kind: 'malformed', message: 'The answer has nothing at $.messages (trajectory).' },
    })
  })

  it('is ridden through by the engine: 429, 500, silence and a cut, then answers', async () => {
    const url = await serve((_req, res, _body, call) => {
      if (call === 1) return res.writeHead(429, { 'retry-after': '1' }).end('slow down')
      if (call === 2) return res.writeHead(500).end('oops')
      if (call === 3) return res.destroy()
      if (call === 4) return undefined
      return res.end('fine')
    })
    const provider = http(url, {}, { timeout: 400, concurrency: 1 })
    const done: string[] = []
    const requests = ['a', 'b'].map((key) => ({ ...request, key }))
    const start = performance.now()
    const timing = { backoffBase: 5 }
    const { stopped } = await runPass({
      requests,
      provider,
      seed: 1,
      signal: new AbortController().signal,
      clock,
      budget: newBudget(),
      timing,
      onCompletion: (_r, { outcome, attempts, text }) => void done.push(`${outcome} ${attempts} ${text}`),
    })
    expect(stopped).toBeUndefined()
    expect(done).toEqual(['timeout 4 ', 'answered 1 fine'])
    expect(performance.now() - start).toBeGreaterThan(1_000)
  })
})
