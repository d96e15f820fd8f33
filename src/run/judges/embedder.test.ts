// Embeddings for assertions, against a real server: gathered, asked once, recorded, replayed, tried again, within the budget.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { Graders } from '../../ports.ts'
import type { Completion } from '../../schema/run.ts'
import { newBudget } from '../engine.ts'
import type { JudgeWorld } from './ask-judge.ts'
import { openEmbedder } from './embedder.ts'

let server: Server | undefined
afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))))

/** Answers each text with its length and the number of its letters e; `fails` requests are refused first. */
async function serve(fails = 0): Promise<{ url: string; batches: string[][] }> {
  const batches: string[][] = []
  let left = fails
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { input } = JSON.parse(body) as { input: string[] }
    batches.push(input)
    if (left-- > 0) {
      response.writeHead(500).end('{}')
      return
    }
    const data = input.map((text, index) => ({
      index,
      embedding: [text.length, text.split('e').length],
      object: 'embedding',
    }))
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ data, model: 'm', object: 'list' }))
  }
  server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, batches }
}

const graders = (url: string): Graders => ({
  judges: {},
  embeddings: {
    embed: {
      name: 'embed',
      pin: { provider: 'p', id: 'embed-2026-01-01', params: {} },
      provider: {
        name: 'p',
        config: { type: 'openai', base_url: url, headers: {}, concurrency: 2, timeout: 5000, retries: 0 },
      },
    },
  },
  embedding: 'embed',
})

function world(more: Partial<JudgeWorld> = {}): JudgeWorld & { kept: Map<string, Completion> } {
  const kept = new Map<string, Completion>()
  const recordings: JudgeWorld['recordings'] = {
    find: (key) => kept.get(key),
    add: ({ key, completion }) => void kept.set(key, completion),
  }
  const clock = { monotonic: () => performance.now() }
  return {
    env: {},
    clock,
    signal: new AbortController().signal,
    budget: newBudget(),
    seed: 1,
    recordings,
    record: false,
    offline: false,
    ...more,
    kept,
  }
}

it('gathers what is asked at once into one batch, each text once, and gives them in their order', async () => {
  const { url, batches } = await serve()
  const use = world()
  const embed = openEmbedder(graders(url), use)
  const [first, second] = await Promise.all([embed(['one', 'three'], undefined), embed(['three', 'one'], 'embed')])
  expect(first.vectors).toEqual([
    [3, 2],
    [5, 3],
  ])
  expect(second.vectors).toEqual([
    [5, 3],
    [3, 2],
  ])
  expect(batches).toEqual([['one', 'three']])
  expect((await embed(['one'], undefined)).vectors).toEqual([[3, 2]])
  expect(batches.length).toBe(1)
  expect(use.budget.calls).toBe(1)
})

it('records, and replays without anybody', async () => {
  const { url, batches } = await serve()
  const recorder = world({ record: true })
  await openEmbedder(graders(url), recorder)(['one'], undefined)
  const replayer = { ...recorder, record: false, offline: true }
  expect((await openEmbedder(graders(url), replayer)(['one'], undefined)).vectors).toEqual([[3, 2]])
  await expect(openEmbedder(graders(url), replayer)(['two'], undefined)).rejects.toThrow(
    /no embedding by embed is recorded/,
  )
  expect(batches.length).toBe(1)
})

it('is tried again after a failure, never beyond the budget, and refuses a model that is not named', async () => {
  const { url, batches } = await serve(1)
  const poor = world()
  const asked = await openEmbedder(graders(url), poor)(['one'], undefined)
  expect(asked).toEqual({ vectors: [[3, 2]], took: { calls: 1, input_tokens: 0, cost_usd: null } })
  // Both attempts are booked: a pass that waits for the end of calls under way must not wait for ever.
  expect(poor.budget).toMatchObject({ calls: 2, inFlight: 0 })
  expect(batches.length).toBe(2)
  const spent = world({ budget: newBudget({ max_calls: 1 }) })
  const embed = openEmbedder(graders(url), spent)
  await embed(['one'], undefined)
  await expect(embed(['two'], undefined)).rejects.toThrow(/budget of 1 calls/)
  await expect(embed(['two'], 'unknown')).rejects.toThrow(/no embedding model/)
})

it('keeps the rate of its provider, which is that of everybody who asks it', async () => {
  const { url } = await serve()
  const pace = graders(url)
  Object.assign(pace.embeddings['embed']!.provider.config, { rpm: 600 })
  const use = world()
  const embed = openEmbedder(pace, use)
  const start = performance.now()
  for (const text of ['one', 'two', 'three', 'four']) await embed([text], undefined)
  expect(performance.now() - start).toBeGreaterThan(280)
  expect(use.budget.houses.get('p')?.requests.entries).toHaveLength(4)
})

it('a request that failed for good is a call that ended: whoever waits for it goes on', async () => {
  const { url } = await serve(9)
  const use = world({ budget: newBudget({ max_calls: 9 }) })
  await expect(openEmbedder(graders(url), use)(['one'], undefined)).rejects.toThrow(/gave no embeddings/)
  expect(use.budget).toMatchObject({ calls: 3, inFlight: 0 })
})
