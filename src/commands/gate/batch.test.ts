// Batches at a real HTTP server of /v1/files and /v1/batches: half price, kill -9 at every step, what expires, fails or is cancelled.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { type Aimock, startAimock } from '../../../fixtures/aimock/server.ts'
import { aigate, removeTemporary, reportIn, start } from '../cli-testing.ts'
import { edit, promptProject } from '../git-testing.ts'

type Line = { custom_id: string; method: string; url: string; body: { model: string; messages: { content: string }[] } }
type Batch = {
  id: string
  status: string
  metadata: unknown
  input_file_id: string
  output_file_id?: string
  error_file_id?: string
  looks: number
  request_counts?: object
  errors?: object
}
type Given = {
  /** Looks until a batch has ended; Infinity: never. */
  looks?: number
  answer?: (user: string, batch: number) => string | number | null
  status?: (batch: number) => string
  /** The connection is cut after the batch was made, before its id is told. */
  cut?: (batch: number) => boolean
  /** Statuses of looks that fail. */
  faults?: number[]
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})
afterAll(removeTemporary)

async function bodyIn(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** The file API and the batch API, in memory. */
async function batchApi({
  looks = 1,
  answer = (user) => `right: ${user}`,
  status = () => 'completed',
  cut = () => false,
  faults = [],
}: Given = {}) {
  const files = new Map<string, string>()
  const batches: Batch[] = []
  const state = { looks, lost: 0, live: 0, gone: false }
  const end = (batch: Batch) => {
    const nth = batches.indexOf(batch) + 1
    batch.status = status(nth)
    const lines = (files.get(batch.input_file_id) ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
    const out: string[] = []
    const bad: string[] = []
    for (const { custom_id, body } of lines) {
      const content = answer(body.messages[1]?.content ?? '', nth)
      if (content === null) continue
      if (typeof content === 'number') {
        const refusal = { status_code: content, request_id: 'req_x', body: { error: { message: 'no such luck' } } }
        bad.push(JSON.stringify({ id: 'b', custom_id, response: refusal, error: null }))
        continue
      }
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 }
      const whole = { id: 'c', object: 'chat.completion', created: 0, model: body.model, choices, usage }
      out.push(
        JSON.stringify({
          id: 'b',
          custom_id,
          response: { status_code: 200, request_id: 'req_x', body: whole },
          error: null,
        }),
      )
    }
    // Answers come in any order.
    if (out.length > 0) files.set((batch.output_file_id = `out-${nth}`), `${out.reverse().join('\n')}\n`)
    if (bad.length > 0) files.set((batch.error_file_id = `bad-${nth}`), `${bad.join('\n')}\n`)
    batch.request_counts = { total: lines.length, completed: out.length, failed: bad.length }
    if (batch.status === 'failed') batch.errors = { object: 'list', data: [{ message: 'line 3 is no JSON' }] }
  }
  const server = createServer((request, response) => void serve(request, response))
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyIn(request)
    const json = (value: unknown, code = 200) =>
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const path = new URL(request.url ?? '', 'http://x').pathname
    if (request.headers.authorization !== 'Bearer canary-key') return json({ error: { message: 'no key' } }, 401)
    if (path === '/v1/files') {
      const boundary = /boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1] ?? '?'
      const [, purpose = '', file = ''] = body.split(`--${boundary}`)
      expect(purpose).toMatch(/name="purpose"\r\n\r\nbatch\r\n$/)
      const id = `file-${files.size + 1}`
      files.set(id, file.slice(file.indexOf('\r\n\r\n') + 4, -2))
      return json({ id, object: 'file' })
    }
    if (path === '/v1/batches' && request.method === 'POST') {
      const { input_file_id, endpoint, completion_window, metadata } = JSON.parse(body)
      expect([endpoint, completion_window]).toEqual(['/v1/chat/completions', '24h'])
      const batch: Batch = {
        id: `batch_${batches.length + 1}`,
        status: 'validating',
        metadata,
        input_file_id,
        looks: 0,
      }
      batches.push(batch)
      if (cut(batches.length)) return void response.destroy()
      return json(batch)
    }
    if (path === '/v1/batches') return json({ object: 'list', data: batches.toReversed(), has_more: false })
    const [, id] = /^\/v1\/batches\/(\w+)$/.exec(path) ?? []
    const batch = batches.find((one) => one.id === id)
    if (batch) {
      const fault = faults.shift()
      if (fault !== undefined) return json({ error: { message: 'busy' } }, fault)
      batch.looks += 1
      if (batch.looks > state.looks && !batch.request_counts) end(batch)
      else if (!batch.request_counts) batch.status = 'in_progress'
      return json(batch)
    }
    const content = state.gone ? undefined : files.get(/^\/v1\/files\/([\w-]+)\/content$/.exec(path)?.[1] ?? '')
    if (content !== undefined) return response.writeHead(200).end(content)
    state.live += 1
    return json({ error: { message: `nobody is asked live: ${path}` } }, 404)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const api = {
    url: `http://127.0.0.1:${port}/v1`,
    asked: [],
    batches,
    files,
    state,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  open.push(api)
  return api
}

function project(api: { url: string }, cases = 12): string {
  const folder = promptProject({ url: api.url, asked: [], close: () => undefined }, { cases })
  edit(folder, 'aigate.yaml', 'retries: 0', 'retries: 0, api_key_env: CANARY')
  edit(folder, 'aigate.yaml', 'id: m-2026-01-01', 'id: m-2026-01-01, price: {input: 1, output: 3}')
  return folder
}
const env = { CANARY: 'canary-key' }
const args = ['eval', '--batch', '--no-cache', '--reporter', 'table,json:run.json']
// Whole ones: whoever kills the process while a note is being written leaves its temporary file alone.
const noted = (folder: string) =>
  readdirSync(join(folder, '.aigate', 'batches')).filter((name) => name.endsWith('.json'))
const noteText = (folder: string) =>
  existsSync(join(folder, '.aigate', 'batches'))
    ? noted(folder)
        .map((name) => readFileSync(join(folder, '.aigate', 'batches', name), 'utf8'))
        .join()
    : ''
const until = async (done: () => boolean) => {
  while (!done()) await new Promise((go) => setTimeout(go, 5))
}

it('one file, one batch, half the price, and nothing stays on the book', { timeout: 60_000 }, async () => {
  const api = await batchApi()
  const folder = project(api)
  const { code, stderr } = await aigate(args, folder, env)
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/app: batch batch_1 is in progress\n[\s\S]*batch_1 is completed, 12 of 12/),
  ])
  const { totals, cases } = reportIn(folder).suites[0]!
  // 1,000 tokens in at $1 and 1,000 out at $3 a million are $0.004; half of that, twelve times.
  expect(totals).toMatchObject({ calls: 12, answered: 12 })
  expect(totals.cost_usd).toBeCloseTo(0.024, 10)
  expect(cases.every(({ after, id }) => after === `right: question ${id.slice(1)}`)).toBe(true)
  expect([api.batches.length, api.state.live, noted(folder)]).toEqual([1, 0, []])
  expect(readFileSync(join(folder, 'run.json'), 'utf8')).not.toContain('canary-key')
})

it('what came is in the cache, and mode: batch needs no option', { timeout: 60_000 }, async () => {
  const api = await batchApi()
  const folder = project(api)
  edit(folder, 'aigate.yaml', 'retries: 0', 'retries: 0, mode: batch')
  expect((await aigate(['eval'], folder, env)).code).toBe(0)
  expect((await aigate(['eval'], folder, env)).code).toBe(0)
  expect([api.batches.length, api.state.live]).toEqual([1, 0])
})

it.each(['--resume', 'a new run'])(
  'kill -9 while it waits: %s takes the same batch',
  { timeout: 60_000 },
  async (how) => {
    const api = await batchApi({ looks: Infinity })
    const folder = project(api)
    const { child, ended } = start(args, folder, env)
    await until(() => (api.batches[0]?.looks ?? 0) > 0)
    child.kill('SIGKILL')
    await ended
    expect(noted(folder)).toHaveLength(1)
    api.state.looks = 0
    const again = how === '--resume' ? ['eval', '--resume', '--no-cache', '--reporter', 'json:run.json'] : args
    expect((await aigate(again, folder, env)).code).toBe(0)
    expect([api.batches.length, noted(folder)]).toEqual([1, []])
    expect(reportIn(folder).suites[0]!.totals.observations).toBe(12)
  },
)

it('kill -9 before the id is written down: the batch is found by its mark', { timeout: 60_000 }, async () => {
  let cutting = true
  const api = await batchApi({ cut: () => cutting })
  const folder = project(api)
  const { child, ended } = start(args, folder, env)
  await until(() => api.batches.length > 0)
  child.kill('SIGKILL')
  await ended
  expect(readFileSync(join(folder, '.aigate', 'batches', noted(folder)[0]!), 'utf8')).toContain('"batch":null')
  cutting = false
  expect((await aigate(args, folder, env)).code).toBe(0)
  expect(api.batches).toHaveLength(1)
})

it('the answer to a submission gets lost, looks fail: one batch all the same', { timeout: 60_000 }, async () => {
  const api = await batchApi({ cut: (nth) => nth === 1, faults: [500, 429] })
  const folder = project(api)
  expect((await aigate(args, folder, env)).code).toBe(0)
  expect(api.batches).toHaveLength(1)
})

it('Ctrl-C leaves the batch, and says how to go on', { timeout: 60_000 }, async () => {
  const api = await batchApi({ looks: Infinity })
  const folder = project(api)
  const { child, ended } = start(args, folder, env)
  await until(() => (api.batches[0]?.looks ?? 0) > 0)
  child.kill('SIGINT')
  const { code, stderr } = await ended
  expect([code, stderr]).toEqual([130, expect.stringMatching(/go on: aigate eval --resume/)])
  expect(noted(folder)).toHaveLength(1)
})

it('an expired batch keeps what it has; the rest goes into another one on --resume', { timeout: 60_000 }, async () => {
  const api = await batchApi({
    status: (nth) => (nth === 1 ? 'expired' : 'completed'),
    answer: (user, nth) => (nth === 1 && /[5-9]$/.test(user) ? null : `right: ${user}`),
  })
  const folder = project(api)
  const { code, stdout } = await aigate(args, folder, env)
  expect([code, stdout]).toEqual([4, expect.stringMatching(/batch_1 ended as\s+expired; 5 of its 12\s+questions/)])
  expect((await aigate(['eval', '--resume', '--no-cache', '--reporter', 'json:run.json'], folder, env)).code).toBe(0)
  const lines = (api.files.get(api.batches[1]!.input_file_id) ?? '').trim().split('\n')
  expect([api.batches.length, lines.length, noted(folder)]).toEqual([2, 5, []])
  expect(reportIn(folder).suites[0]!.totals.calls).toBe(12)
})

it.each([
  ['cancelled', /ended as\s+cancelled/],
  ['failed', /ended as\s+failed: line 3 is\s+no\s+JSON/],
])('a batch that was %s says so, exit 4', { timeout: 60_000 }, async (status, what) => {
  const api = await batchApi({ status: () => status, answer: () => null })
  const { code, stdout } = await aigate(args, project(api), env)
  expect([code, stdout]).toEqual([4, expect.stringMatching(what)])
})

it('single failures: those that pass are asked in one more batch, the others are told', {
  timeout: 60_000,
}, async () => {
  const api = await batchApi({
    answer: (user, nth) => (user.endsWith('n 3') && nth === 1 ? 500 : user.endsWith('n 4') ? 400 : `right: ${user}`),
  })
  const folder = project(api, 40)
  await aigate(args, folder, env)
  expect(api.batches).toHaveLength(2)
  expect(reportIn(folder).suites[0]!.totals).toMatchObject({ answered: 39, errors: { bad_request: 1 } })
})

it('a wrong key, a missing one and a budget that is too small: no batch is made', { timeout: 60_000 }, async () => {
  const api = await batchApi()
  const folder = project(api)
  const says = async (more: string[], own: Record<string, string>, what: RegExp) => {
    const { code, stdout, stderr } = await aigate([...args, ...more], folder, own)
    expect([code, `${stdout}${stderr}`.replaceAll(/\s+/g, ' ')]).toEqual([4, expect.stringMatching(what)])
  }
  await says([], { CANARY: 'wrong' }, /401 no key/)
  await says([], { CANARY: '' }, /CANARY is not set/)
  await says(['--max-calls', '5'], env, /too small for a batch of 12/)
  expect([api.batches.length, noted(folder)]).toEqual([0, []])
})

it('the mock of somebody else takes our file and our batch', { timeout: 60_000 }, async () => {
  const mock: Aimock = await startAimock()
  open.push({ close: () => void mock.stop() })
  const folder = project({ url: `${mock.url}/v1` }, 3)
  edit(folder, 'evals/app.suite.yaml', 'contains: right', 'contains: Mock batch completion')
  const { code, stderr } = await aigate(args, folder, env)
  expect([code, stderr]).toEqual([0, expect.stringMatching(/is completed, 3 of 3/)])
  expect(reportIn(folder).suites[0]!.totals).toMatchObject({ calls: 3, answered: 3, input_tokens: 3 })
})

it('a gate on latency cannot be met by a batch: said before anything is paid for', { timeout: 60_000 }, async () => {
  const api = await batchApi()
  const folder = project(api)
  edit(folder, 'evals/app.suite.yaml', 'min_pass_rate: 0.1', 'min_pass_rate: 0.1, latency_p95: {max: 2s}')
  const { code, stderr } = await aigate(args, folder, env)
  expect([code, stderr]).toEqual([2, expect.stringMatching(/has a gate on latency.*a batch tells no latencies/)])
  expect([api.batches.length, api.files.size]).toEqual([0, 0])
})

it('a conversation is no single question: said before anything is paid for', { timeout: 60_000 }, async () => {
  const api = await batchApi()
  const folder = project(api)
  edit(folder, 'evals/cases.jsonl', '"id":"c0",', '"id":"c0","turns":[{"user":"And then?"}],')
  const { code, stderr } = await aigate(args, folder, env)
  expect([code, stderr]).toEqual([2, expect.stringMatching(/has conversations, and a batch holds one answer/)])
  expect([api.batches.length, api.files.size]).toEqual([0, 0])
})

it('a deployment of Azure has other batches: said before anything is paid for, by plan too', {
  timeout: 60_000,
}, async () => {
  const api = await batchApi()
  const folder = project(api)
  edit(folder, 'aigate.yaml', 'retries: 0', 'retries: 0, api_version: "2024-10-21"')
  for (const command of [args, ['plan', '--batch']]) {
    const { code, stderr } = await aigate(command, folder, env)
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/is a deployment of Azure, whose batches aigate does not/),
    ])
  }
  expect([api.batches.length, api.files.size]).toEqual([0, 0])
})

it('a batch that the provider does not know is asked anew, and so are answers that are gone', {
  timeout: 90_000,
}, async () => {
  const api = await batchApi({ looks: Infinity })
  const folder = project(api, 3)
  const killed = start(args, folder, env)
  await until(() => api.batches.length === 1 && /"batch":"batch_1"/.test(noteText(folder)))
  killed.child.kill('SIGKILL')
  await killed.ended
  // As after a month, or with the key of another account.
  Object.assign(api.batches[0]!, { id: 'elsewhere' })
  api.state.looks = 0
  const { code, stderr } = await aigate(args, folder, env)
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/batch_1 is not known to the provider, so its questions are asked anew/),
  ])
  expect(api.batches).toHaveLength(2)
  // The note may be that of another key, for a month.
  expect(noteText(folder)).toContain('batch_1')
  const [name = ''] = noted(folder)
  const note = join(folder, '.aigate', 'batches', name)
  writeFileSync(
    note,
    readFileSync(note, 'utf8').replace(/"submitted_at":"[^"]*"/, '"submitted_at":"2020-01-01T00:00:00.000Z"'),
  )
  api.state.gone = true
  const lost = await aigate(args, folder, env)
  expect([lost.code, lost.stdout]).toEqual([4, expect.stringMatching(/The answers of the batch batch_3 are gone/)])
  expect(noted(folder)).toEqual([])
  api.state.gone = false
  expect((await aigate(args, folder, env)).code).toBe(0)
  expect(api.batches).toHaveLength(4)
})

it('answers of a batch serve a live run at its price, and not where a gate looks at latencies', {
  timeout: 60_000,
}, async () => {
  const api = await batchApi()
  const folder = project(api, 3)
  const cached = ['eval', '--reporter', 'table,json:run.json']
  const costs = () => reportIn(folder).suites[0]!.cases.map(({ cost_usd }) => cost_usd)
  expect((await aigate([...cached, '--batch'], folder, env)).code).toBe(0)
  expect(costs()).toEqual([0.002, 0.002, 0.002])
  expect((await aigate(cached, folder, env)).code).toBe(0)
  expect([costs(), api.state.live]).toEqual([[0.004, 0.004, 0.004], 0])
  expect((await aigate([...cached, '--batch'], folder, env)).code).toBe(0)
  expect([costs(), api.batches.length]).toEqual([[0.002, 0.002, 0.002], 1])
  edit(folder, 'evals/app.suite.yaml', 'max_regression: 0.1', 'max_regression: 0.1, latency_p95: {max: 5s}')
  expect((await aigate(cached, folder, env)).code).toBe(4)
  expect(api.state.live).toBeGreaterThan(0)
})
