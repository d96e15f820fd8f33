// aigate health against real HTTP servers: one that answers, one dead, one slow, one wrong, and an application.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { HealthRow } from '../../schema/health.ts'
import { appendRecord } from '../../store/ledger-append.ts'
import { bench } from '../rollout/canary-testing.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { healthCommand, type HealthOptions } from './health.ts'
import { manifest } from './rollback-testing.ts'

const KEY = 'sk-canary-7f3a9c21e5b8d046aa11'
let server: Server
let url = ''
let open = 0
let most = 0
const asked: string[] = []

/** Answers as the model that is asked: right, wrong, slow, or after one failure; `/app` is an application. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const body = JSON.parse(text) as { model?: string; messages?: { content: string }[]; question?: string }
      const model = body.model ?? 'app'
      asked.push(`${model}: ${body.messages?.at(-1)?.content ?? body.question ?? ''}`)
      open += 1
      most = Math.max(most, open)
      const answer = (status: number, value: object) =>
        setTimeout(
          () => {
            open -= 1
            response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
          },
          model.startsWith('slow') ? 600 : 20,
        )
      if (request.url === '/app') return answer(200, { text: `four, says the application to ${KEY}` })
      if (model.startsWith('shy') && asked.filter((one) => one.startsWith('shy')).length === 1)
        return answer(503, { error: { message: 'come again' } })
      const content = model.startsWith('wrong') ? `It is 5, and the key is ${KEY}.` : 'It is 4.'
      return answer(200, {
        id: 'c1',
        model,
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
        usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  removeTemporary()
})

const suite = (name: string, target: string, expected = '"4"') =>
  `suite: ${name}\nversion: 1.0.0\ntarget: ${target}\nassert: [{contains: ${expected}}]\n` +
  `cases:\n  - {id: other, vars: {question: other}}\n  - {id: sum, tags: [smoke], vars: {question: What is 2 + 2?}}\n`

function folderWith(models: string[], more: Record<string, string> = {}, health = ''): string {
  const folder = temporary()
  const pin = (name: string) =>
    `  ${name}: {provider: ${name === 'dead' ? 'dead' : 'live'}, id: ${name}-2026-01-01, status: production, price: {input: 1, output: 2}}\n`
  const files: Record<string, string> = {
    'aigate.yaml':
      `version: 1\nproviders:\n  live: {type: openai, base_url: "${url}/v1", api_key_env: LIVE_KEY}\n` +
      `  dead: {type: openai, base_url: "http://127.0.0.1:9/v1", api_key_env: LIVE_KEY}\nmodels:${models.length === 0 ? ' {}' : ''}\n${models.map(pin).join('')}${health}`,
    'prompts/ask/1.0.0.md': '---\nname: ask\nversion: 1.0.0\ninput: [question]\n---\nuser:\n{{ question }}\n',
    ...more,
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

async function health(folder: string, env: Record<string, string> = { LIVE_KEY: KEY }, options: HealthOptions = {}) {
  const made = await bench(folder, env)
  const context = { ...made.context, monotonic: () => performance.now() }
  const ending = await healthCommand(context, { ...options, json: true })
  const value = JSON.parse(made.out.join('')) as { outcome: string; rows: HealthRow[] }
  await healthCommand(context, options)
  return {
    ending,
    value,
    text: made.out.join(''),
    err: made.err.join(''),
    row: (name: string) => value.rows.find((one) => one.name === name),
  }
}

const question = 'health: {question: What is 2 + 2?, expect: [{contains: "4"}], max_latency: 400ms, concurrency: 2}\n'

it('finds the dead, the slow and the wrong one, asks the shy one again, and gives no key away', async () => {
  most = 0
  const { ending, value, text, row } = await health(folderWith(['good', 'dead', 'slow', 'wrong', 'shy'], {}, question))
  expect(ending).toBe('fail')
  expect(value.rows.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'good pass',
    'dead fail',
    'slow fail',
    'wrong fail',
    'shy pass',
  ])
  expect(row('good')).toMatchObject({ input_tokens: 12, output_tokens: 5, response_model: 'good-2026-01-01' })
  expect(row('good')?.cost_usd).toBeCloseTo((12 + 2 * 5) / 1e6, 12)
  expect(row('dead')?.said).toMatch(/^connection: /)
  expect(row('slow')?.said).toMatch(/^Too slow: \d+ ms, 400 ms are allowed/)
  expect(row('wrong')?.said).toContain('A wrong answer')
  expect(text).not.toContain(KEY)
  expect(text).toContain('2 of 5 healthy')
  expect(most).toBe(2)
})

it('asks the smoke case of its suite, each application once, and where one would roll back to', async () => {
  asked.length = 0
  const models = `models:\n  main: {provider: live, id: main-2026-01-01, rollback_to: before}\n  before: {provider: live, id: before-2026-01-01}\n  unused: {provider: live, id: unused-2026-01-01}\n`
  const folder = folderWith([], {
    'evals/model.suite.yaml': suite('model', '{prompt: ask@1.0.0, model: main}'),
    'evals/app.suite.yaml': suite(
      'app',
      `{http: {url: "${url}/app", body: {question: "{{ question }}"}, answer: $.text}}`,
      'four',
    ),
    'evals/same.suite.yaml': suite(
      'same',
      `{http: {url: "${url}/app", body: {question: "{{ question }}"}, answer: $.text}}`,
      'four',
    ),
  })
  const config = `version: 1\nproviders:\n  live: {type: openai, base_url: "${url}/v1", api_key_env: LIVE_KEY}\n${models}`
  writeFileSync(join(folder, 'aigate.yaml'), config)
  const { ending, value } = await health(folder)
  expect(ending).toBe('pass')
  expect(value.rows.map(({ kind, name, question: from }) => [kind, name, from])).toEqual([
    ['model', 'main', 'case sum'],
    ['model', 'before', 'case sum'],
    ['application', 'app', 'case sum'],
  ])
  expect(asked.slice(0, 3).toSorted()).toEqual([
    'app: What is 2 + 2?',
    'before-2026-01-01: What is 2 + 2?',
    'main-2026-01-01: What is 2 + 2?',
  ])
})

it('says which key is missing before it asks, and is invalid then, not unhealthy', async () => {
  asked.length = 0
  const { ending, err, row } = await health(folderWith(['good'], {}, question), {})
  expect(ending).toBe('invalid')
  expect(err).toContain('not set in the environment: LIVE_KEY')
  expect(row('good')?.said).toContain('LIVE_KEY')
  expect(asked).toEqual([])
})

it('a model without a question, and a project without models, are not healthy', async () => {
  const bare = await health(folderWith(['good']))
  expect(bare.ending).toBe('invalid')
  expect(bare.row('good')?.said).toContain('health: {question')
  expect((await health(folderWith([]))).ending).toBe('invalid')
})

it('--env asks what the current release of that environment holds, not what is pinned today', async () => {
  const folder = folderWith(['main'])
  const releases = join(folder, 'releases')
  for (const [n, env] of [
    [1, 'staging'],
    [2, 'production'],
  ] as const) {
    const models = [{ name: 'main', provider: 'live', id: `released-${n}-2026-01-01`, params: {} }]
    const made = manifest(n, { env, models, prompts: [], suites: [] })
    await appendRecord(releases, { at: made.at, by: 'Ada' }, () => ({ kind: 'release', manifest: made }))
  }
  const of = async (env: string) => {
    asked.length = 0
    const { value } = await health(folder, { LIVE_KEY: KEY }, { env })
    return value.rows.map(({ asked: id }) => id)
  }
  expect(await of('staging')).toContain('released-1-2026-01-01')
  expect(await of('production')).toContain('released-2-2026-01-01')
  expect(await of('staging')).not.toContain('main-2026-01-01')
  await expect(of('nowhere')).rejects.toThrow(/nowhere/)
})
