// Conversations against a chat API that calls tools, over HTTP: loops end, and whatever breaks is an answer to the model.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Case } from '../../schema/suite.ts'
import { ModelPin, OpenAiProvider } from '../../schema/config.ts'
import { openaiProvider } from '../providers/openai.ts'
import { conversationProvider } from './conversation.ts'
import { simulatedUser } from './simulated-user.ts'

type Said = { role: string; content: string | null; tool_call_id?: string; tool_calls?: { id: string }[] }
type Answer = {
  content?: string
  calls?: [name: string, args: string, id?: string | undefined][]
  status?: number
  /** Seconds for Retry-After. */
  after?: string
  refuse?: true
  hang?: true
}
type Body = { messages: Said[]; seed?: number; random_seed?: number }

let server: Server
let base = ''
let dir = ''
let script: (messages: Said[], n: number) => Answer = () => ({ content: 'nothing' })
let seen: Said[][] = []
let bodies: Body[] = []

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'aigate-agents-'))
  writeFileSync(
    join(dir, 'tools.mjs'),
    `export const refund = ({ order }, { state }) => { state.refunds.push(order); return { ok: true } }
export const crash = () => { throw new Error('the database is on fire') }
export const leak = () => { throw new Error('401 for sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34') }
export const loop = () => { for (;;); }
export const hang = () => new Promise(() => {})
export const half = (_, { state }) => { state.refunds.push('half'); throw new Error('half way') }
`,
  )
  writeFileSync(
    join(dir, 'tool.mjs'),
    `let text = ''
for await (const chunk of process.stdin) text += chunk
const { arguments: args, state } = JSON.parse(text)
if (args.break) { console.error('broken'); process.exit(3) }
console.log(JSON.stringify({ result: 'seen ' + args.q, state: { ...state, q: args.q } }))
`,
  )
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      const body = JSON.parse(text) as Body
      const { messages } = body
      bodies.push(body)
      seen.push(messages)
      const { content, calls, status = 200, hang, after, refuse } = script(messages, seen.length)
      if (hang) return
      const tool_calls = calls?.map(([name, args, id], i) => ({
        ...(id === '' ? {} : { id: id ?? `c${seen.length}_${i}` }),
        type: 'function',
        function: { name, arguments: args },
      }))
      response.writeHead(status, { 'content-type': 'application/json', ...(after && { 'retry-after': after }) })
      response.end(
        JSON.stringify(
          status === 200
            ? {
                model: 'm-1',
                choices: [
                  {
                    message: { role: 'assistant', content: content ?? null, tool_calls },
                    finish_reason: refuse ? 'content_filter' : 'stop',
                  },
                ],
                usage: { prompt_tokens: 10, completion_tokens: 2 },
              }
            : { error: { message: 'try later' } },
        ),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true, force: true })
})
afterEach(() => {
  seen = []
})

const clock = { monotonic: () => performance.now() }

async function talk(written: Record<string, unknown>, settings: Record<string, unknown> = {}) {
  const config = OpenAiProvider.parse({ type: 'openai', base_url: base, retries: 2, ...settings })
  const inner = openaiProvider('local', config, { env: {}, clock })
  const provider = conversationProvider(inner, { dir, env: process.env, clock })
  const testCase = Case.parse({ id: 'c', assert: [{ contains: 'x' }], ...written })
  const messages = testCase.turns ? [] : [{ role: 'user' as const, content: 'refund order 7' }]
  const request = { key: 'k', case: testCase, trial: 1, messages, model: { id: 'm', params: {} } }
  return (await provider.ask(request, new AbortController().signal)).completion
}

const results = (messages: Said[]) => messages.filter(({ role }) => role === 'tool').map(({ content }) => content)

describe('the loop', () => {
  it('runs model, tool, model with recorded results, chosen by arguments', async () => {
    script = (messages) => {
      const told = results(messages)
      if (told.length === 0) return { calls: [['find', '{"order": 7, "lang": "en"}']] }
      return { content: `it is ${told[0]}` }
    }
    const tools = {
      find: {
        results: [
          { arguments: { order: 8 }, result: 'wrong' },
          { arguments: { order: 7 }, result: { status: 'paid' } },
        ],
      },
    }
    const completion = await talk({ tools })
    expect(completion).toMatchObject({
      outcome: 'answered',
      text: 'it is {"status":"paid"}',
      tool_calls: [{ name: 'find', arguments: '{"order": 7, "lang": "en"}' }],
      usage: { input_tokens: 20, output_tokens: 4 },
      conversation: { calls: 2, ended: 'answered' },
    })
    expect(completion.conversation?.steps.map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant'])
  })

  it('answers parallel calls one by one, each by its id, also where the server gives none', async () => {
    for (const id of ['', undefined]) {
      seen = []
      script = (messages) =>
        results(messages).length === 0
          ? {
              calls: [
                ['a', '{}', id],
                ['b', '', id],
                ['a', '{}', id],
              ],
            }
          : { content: results(messages).join(' ') }
      const tools = { a: { results: [{ result: 'A' }] }, b: { results: [{ result: 'B' }] } }
      expect((await talk({ tools })).text).toBe('A B A')
      const [, second = []] = seen
      const asked = second.find(({ tool_calls }) => tool_calls)?.tool_calls?.map((call) => call.id)
      expect(asked).toHaveLength(3)
      expect(new Set(asked).size).toBe(3)
      expect(second.filter(({ role }) => role === 'tool').map((one) => one.tool_call_id)).toEqual(asked)
    }
  })

  it('ends a loop without end after max_steps, as an answer that is cut off', async () => {
    script = () => ({ calls: [['again', '{}']] })
    const completion = await talk({ tools: { again: { results: [{ result: 'no' }] } }, max_steps: 4 })
    expect(seen).toHaveLength(4)
    expect(completion).toMatchObject({
      outcome: 'truncated',
      finish_reason: 'max_steps',
      conversation: { calls: 4, ended: 'max_steps' },
    })
    expect(completion.tool_calls).toHaveLength(4)
  })

  it.each([
    ['a tool that nobody knows', {}, 'nobody', '{}', /there is no tool nobody/],
    ['a name of Object', {}, 'constructor', '{}', /there is no tool constructor/],
    ['arguments that are no JSON', { t: { results: [{ result: 'x' }] } }, 't', '{"order": ', /not valid JSON/],
    ['arguments that are no object', { t: { results: [{ result: 'x' }] } }, 't', '[1]', /not a JSON object/],
    [
      'no result for these arguments',
      { t: { results: [{ arguments: { a: 1 }, result: 'x' }] } },
      't',
      '{"a": 2}',
      /no result is recorded/,
    ],
    ['a recorded error', { t: { results: [{ error: 'down' }] } }, 't', '{}', /^Error: down$/],
    ['a function that throws', { t: { module: 'tools.mjs', export: 'crash' } }, 't', '{}', /database is on fire/],
    [
      'a function that hangs',
      { t: { module: 'tools.mjs', export: 'hang', timeout: '100ms' } },
      't',
      '{}',
      /within 100 ms/,
    ],
    [
      'a function that loops',
      { t: { module: 'tools.mjs', export: 'loop', timeout: '100ms' } },
      't',
      '{}',
      /within 100 ms, and was broken off/,
    ],
    ['no such export', { t: { module: 'tools.mjs', export: 'none' } }, 't', '{}', /no export "none"/],
    [
      'a program that fails',
      { t: { command: [process.execPath, 'tool.mjs'] } },
      't',
      '{"break": true}',
      /exited with 3: broken/,
    ],
    [
      'a program that is not there',
      { t: { command: ['./nowhere'] } },
      't',
      '{}',
      /no such program|could not be started/,
    ],
  ])('tells the model of %s', async (_, tools, name, args, said) => {
    script = (messages) => (results(messages).length === 0 ? { calls: [[name, args]] } : { content: 'sorry' })
    const completion = await talk({ tools: { other: { results: [{ result: 'x' }] }, ...tools } })
    expect(completion).toMatchObject({ outcome: 'answered', text: 'sorry' })
    const step = completion.conversation?.steps[1]
    expect(step).toMatchObject({ role: 'tool', error: true, name })
    expect(step?.content).toMatch(said)
  })

  it('tells nobody a key that a tool repeats in its error', async () => {
    script = (messages) => (results(messages).length === 0 ? { calls: [['leak', '{}']] } : { content: 'sorry' })
    const completion = await talk({ tools: { leak: { module: 'tools.mjs', export: 'leak' } } })
    expect(JSON.stringify([seen, completion])).toContain('401 for [redacted]')
    expect(JSON.stringify([seen, completion])).not.toContain('sk-proj-')
  })

  it('keeps the state that live tools leave, and not what a failed one half did', async () => {
    script = (messages) => {
      const turn = results(messages).length
      const calls: Answer[] = [
        { calls: [['refund', '{"order": 7}']] },
        { calls: [['half', '{}']] },
        { calls: [['note', '{"q": "z"}']] },
      ]
      return calls[turn] ?? { content: 'done' }
    }
    const tools = {
      refund: { module: 'tools.mjs', export: 'refund' },
      half: { module: 'tools.mjs', export: 'half' },
      note: { command: [process.execPath, 'tool.mjs'] },
    }
    const completion = await talk({ tools, state: { refunds: [] } })
    expect(completion.state).toEqual({ refunds: [7], q: 'z' })
  })

  it('tries a failed step again without running tools twice', async () => {
    script = (messages, n) =>
      n === 2
        ? { status: 503 }
        : results(messages).length === 0
          ? { calls: [['refund', '{"order": 1}']] }
          : { content: 'ok' }
    const completion = await talk({
      tools: { refund: { module: 'tools.mjs', export: 'refund' } },
      state: { refunds: [] },
    })
    expect(completion).toMatchObject({ text: 'ok', state: { refunds: [1] }, conversation: { calls: 3 } })
  })

  it('is an error, and no wrong answer, when the provider stays away', async () => {
    script = (messages) => (results(messages).length === 0 ? { calls: [['a', '{}']] } : { status: 500 })
    const completion = await talk({ tools: { a: { results: [{ result: 'A' }] } } }, { retries: 0 })
    expect(completion).toMatchObject({ outcome: 'error', error: { kind: 'server_error' }, conversation: { calls: 2 } })
  })

  it('gives each step its own time', async () => {
    script = (messages) => (results(messages).length === 0 ? { calls: [['a', '{}']] } : { hang: true })
    const completion = await talk({ tools: { a: { results: [{ result: 'A' }] } } }, { retries: 0, timeout: '300ms' })
    expect(completion.outcome).toBe('timeout')
  })
})

describe('turns', () => {
  it('are said one after the other, with all that was said before', async () => {
    script = (messages) => ({ content: `${messages.length}: ${messages.at(-1)?.content}` })
    const completion = await talk({ turns: [{ user: 'hello' }, { user: 'again' }, { user: 'bye' }] })
    expect(completion.text).toBe('5: bye')
    expect(completion.conversation?.steps.map(({ role, turn }) => `${role} ${turn}`)).toEqual([
      'user 1',
      'assistant 1',
      'user 2',
      'assistant 2',
      'user 3',
      'assistant 3',
    ])
  })
})

describe('an application that tells its way', () => {
  const call = (id: string) => ({
    role: 'assistant' as const,
    turn: 1,
    content: '',
    tool_calls: [{ id, name: 'find', arguments: '{}' }],
  })
  const said = (role: 'user' | 'assistant', content: string) => ({ role, turn: 1, content })
  it.each([
    ['of this turn only', (n: number) => [call(`k${n}`), said('assistant', `answer ${n}`)]],
    [
      'of the whole conversation each time',
      (n: number) =>
        Array.from({ length: n }, (_, i) => [
          said('user', 'again'),
          call(`k${i + 1}`),
          said('assistant', `answer ${i + 1}`),
        ]).flat(),
    ],
  ])('%s', async (_, told) => {
    let n = 0
    const ask = async () => {
      n += 1
      const tool_calls = [{ id: `k${n}`, name: 'find', arguments: '{}' }]
      const conversation = { steps: told(n), calls: 1, ended: 'answered' as const }
      return {
        completion: { outcome: 'answered' as const, text: `answer ${n}`, tool_calls, attempts: 1, conversation },
      }
    }
    const inner = { name: 'app', concurrency: 1, timeout_ms: 1000, retries: 0, ask }
    const provider = conversationProvider(inner, { dir, env: {}, clock })
    const testCase = Case.parse({ id: 'c', turns: [{ user: 'again' }, { user: 'again' }, { user: 'again' }] })
    const request = { key: 'k', case: testCase, trial: 1, messages: [] }
    const { completion } = await provider.ask(request, new AbortController().signal)
    expect(completion.tool_calls.map(({ id }) => id)).toEqual(['k1', 'k2', 'k3'])
    expect(completion.conversation?.steps.map(({ role, turn }) => `${turn} ${role}`)).toEqual([
      '1 user', '1 assistant', '1 assistant', '2 user', '2 assistant', '2 assistant', '3 user', '3 assistant', '3 assistant',
    ]) // biome-ignore format: three turns
  })
})

describe('a simulated user', () => {
  const pin = ModelPin.parse({ provider: 'local', id: 'u', price: { input: 1, output: 1 } })
  const play = async (written: Record<string, unknown>, { trial = 1, params = {} } = {}) => {
    const config = OpenAiProvider.parse({ type: 'openai', base_url: base, retries: 1 })
    const inner = openaiProvider('local', config, { env: {}, clock })
    const model = { name: 'sim', pin: { ...pin, params }, provider: { name: 'local', config } }
    const simulate = await simulatedUser(inner, model)
    const provider = conversationProvider(inner, { dir, env: {}, clock, simulate })
    const testCase = Case.parse({ id: 'c', assert: [{ contains: 'x' }], ...written })
    const request = { key: 'k', case: testCase, trial, messages: [], model: { id: 'm', params: {} } }
    return (await provider.ask(request, new AbortController().signal)).completion
  }
  const isUser = (messages: Said[]) => messages[0]?.content?.startsWith('You play a person') === true
  const user = { model: 'sim', goal: 'a refund for order 7' }

  it('talks until it is done, sees its own side only, and is counted apart', async () => {
    const lines = ['I want a refund', 'order 7', 'thanks ###DONE###']
    script = (messages) => {
      if (!isUser(messages)) return { content: `reply ${messages.length}` }
      return { content: lines[messages.filter(({ role }) => role === 'assistant').length] ?? 'too late' }
    }
    const completion = await play({ user })
    expect(completion).toMatchObject({
      text: 'reply 3',
      conversation: { calls: 2, ended: 'stopped', user: { calls: 3 } },
      usage: { input_tokens: 20, output_tokens: 4 },
    })
    expect(completion.conversation?.user?.cost_usd).toBeCloseTo(36e-6, 12)
    expect(completion.conversation?.steps.map(({ content }) => content)).toEqual([
      'I want a refund',
      'reply 1',
      'order 7',
      'reply 3',
    ])
    const last = seen.filter(isUser).at(-1) ?? []
    expect(last.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'assistant', 'user'])
  })

  it('is another in each trial, and the same one whenever a trial is asked again', async () => {
    script = (messages) => ({ content: isUser(messages) ? 'one thing ###DONE###' : 'no' })
    const seeds = async (trial: number, params: Record<string, unknown>) => {
      bodies = []
      await play({ user: { ...user, first: 'hello' } }, { trial, params })
      return bodies.filter(({ messages }) => isUser(messages)).map(({ seed, random_seed }) => seed ?? random_seed)
    }
    expect(await seeds(1, { seed: 40 })).toEqual([40])
    expect(await seeds(2, { seed: 40 })).toEqual([41])
    expect(await seeds(2, { seed: 40 })).toEqual([41])
    expect(await seeds(3, { random_seed: 7 })).toEqual([9])
    expect(await seeds(2, { seed: 2 ** 31 - 1 })).toEqual([0])
    // What nobody seeded is not sent a seed, which some servers refuse.
    expect(await seeds(2, { temperature: 1 })).toEqual([undefined])
  })

  it('that refuses to play says nothing about the assistant', async () => {
    script = (messages) => (isUser(messages) ? { content: 'I cannot', refuse: true } : { content: 'x' })
    expect(await play({ user })).toMatchObject({
      outcome: 'error',
      error: { message: 'simulated user: the model refused to play' },
    })
  })

  it('that is throttled is asked again when it may be', async () => {
    let refused = 0
    script = (messages) => {
      if (!isUser(messages)) return { content: 'x' }
      if (refused++ === 0) return { status: 429, after: '1' }
      return { content: '###DONE###' }
    }
    const begun = performance.now()
    expect(await play({ user: { ...user, first: 'hello' } })).toMatchObject({ outcome: 'answered', text: 'x' })
    expect(refused).toBe(2)
    expect(performance.now() - begun).toBeGreaterThan(950)
  })

  it('that is never done ends after max_turns', async () => {
    script = (messages) => ({ content: isUser(messages) ? 'more' : 'no' })
    const completion = await play({ user: { ...user, first: 'hello', max_turns: 3 } })
    expect(completion).toMatchObject({
      outcome: 'answered',
      conversation: { calls: 3, ended: 'max_turns', user: { calls: 2 } },
    })
  })

  it('that fails makes the case an error, and not a failure of the assistant', async () => {
    script = (messages) => (isUser(messages) ? { status: 500 } : { content: 'x' })
    expect(await play({ user })).toMatchObject({
      outcome: 'error',
      error: { message: expect.stringMatching(/^simulated user: /) },
    })
  })
})
