// The calls of conversations keep the ceilings of providers and models, those of the simulated user too.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { ModelPin, OpenAiProvider } from '../../schema/config.ts'
import type { Completion } from '../../schema/run.ts'
import { Case } from '../../schema/suite.ts'
import { buildProvider } from '../build-provider.ts'
import { newBudget, runPass } from '../engine.ts'

let server: Server
let base = ''
/** Tokens of each prompt, as the server counts them. */
let sent = 40
let headers: Record<string, string> = {}
/** When each call came, by its model. */
let came: { model: string; at: number }[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      const { model } = JSON.parse(text) as { model: string }
      came.push({ model, at: performance.now() })
      const message = { role: 'assistant', content: 'one thing' }
      const usage = { prompt_tokens: sent, completion_tokens: 10 }
      response.writeHead(200, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify({ model, choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  came = []
  sent = 40
  headers = {}
})

const clock = { monotonic: () => performance.now() }

async function run(
  cases: Record<string, unknown>[],
  { provider = {}, model = {}, user = {} }: { provider?: object; model?: object; user?: object },
  budget = newBudget(),
): Promise<Completion[]> {
  const config = OpenAiProvider.parse({ type: 'openai', base_url: base, concurrency: 8, retries: 0, ...provider })
  const named = (id: string, more: object) => ({
    name: id,
    pin: ModelPin.parse({ provider: 'local', id, ...more }),
    provider: { name: 'local', config },
  })
  const main = named('main', model)
  const prompt = { name: 'p', version: '1.0.0', input: [], file: 'p', hash: 'h', messages: [] }
  const target = { kind: 'prompt' as const, prompt, model: main, params: {}, provider: main.provider }
  const nothing = { find: () => undefined, add: () => undefined }
  const options = { env: {}, clock, recordings: nothing, record: false, offline: false }
  const built = await buildProvider({ target, dir: '/', users: { sim: named('sim', user) } }, options)
  const done: Completion[] = []
  const requests = cases.map((one, i) => ({
    key: `k${i}`,
    case: Case.parse({ id: `c${i}`, assert: [{ contains: 'x' }], ...one }),
    trial: 1,
    messages: [],
    model: { id: 'main', params: {} },
  }))
  const signal = new AbortController().signal
  const onCompletion = (_: unknown, completion: Completion) => void done.push(completion)
  await runPass({ requests, provider: built, seed: 1, signal, clock, budget, onCompletion })
  return done
}

const turns = Array.from({ length: 5 }, (_, i) => ({ user: `line ${i}` }))
const between = (model?: string) => {
  const times = came.filter((one) => model === undefined || one.model === model).map(({ at }) => at)
  return (times.at(-1) ?? 0) - (times[0] ?? 0)
}

// 1,200 a minute are one in 50 ms: the last of n calls comes no sooner than (n - 1) times that.
it.each([
  ['a provider', { provider: { rpm: 1200 } }],
  ['a model', { model: { rpm: 1200 } }],
])('turns keep the rpm of %s', async (_, limits) => {
  const done = await run([{ turns }, { turns }, { turns }, { turns }], limits)
  expect(done.map(({ outcome, conversation }) => [outcome, conversation?.calls])).toEqual(
    Array.from({ length: 4 }, () => ['answered', 5]),
  )
  expect(came).toHaveLength(20)
  // Before the first one there is a connection to be made.
  expect(between()).toBeGreaterThan(14 * 50)
})

const talk = { user: { model: 'sim', goal: 'x', max_turns: 4 } }
it('a simulated user keeps the rpm of its own model', async () => {
  await run([talk, talk, talk], { user: { rpm: 1200 } })
  expect(came.filter(({ model }) => model === 'sim')).toHaveLength(12)
  // The first call of each conversation was admitted with it.
  expect(between('sim')).toBeGreaterThan(5 * 50)
})

it('a simulated user and the model share what their provider allows', async () => {
  await run([talk, talk], { provider: { rpm: 1200 } })
  expect(came).toHaveLength(16)
  expect(between()).toBeGreaterThan(10 * 50)
})

it('nobody waits for ever for an answer that would tell what is left', async () => {
  const budget = newBudget()
  headers = {
    'x-ratelimit-limit-requests': '2',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '2s',
  }
  await run([{}], {}, budget)
  // The window is over after two seconds; what is left of the next one only its own answers would tell.
  headers = {}
  const done = await run([{ turns }], {}, budget)
  expect(done.map(({ outcome }) => outcome)).toEqual(['answered'])
}, 20_000)
