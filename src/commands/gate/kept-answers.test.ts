// What a kept answer may stand for: nobody else's word, no other code, address or judge; at the price of today. Counted at a real API.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'
import { commit, edit, git, promptProject, write } from '../git-testing.ts'

type Message = { role: string; content: string | null }
type Reply = { content: string; calls?: string[] }
type Asked = { model: string; messages: Message[]; input?: string[] }

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})
afterAll(removeTemporary)

const vectorsOf = (model: string, input: string[]) => ({
  data: input.map((text, index) => ({ index, embedding: [text.length, 1], object: 'embedding' })),
  model,
  object: 'list',
})

function chatOf({ model }: Asked, said: string | Reply) {
  const { content, calls = [] } = typeof said === 'string' ? { content: said } : said
  const tool_calls = calls.map((name, i) => ({ id: `t${i}`, type: 'function', function: { name, arguments: '{}' } }))
  const message = { role: 'assistant', content, ...(calls.length > 0 && { tool_calls }) }
  const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  return { id: 'r', object: 'chat.completion', created: 0, model, choices, usage }
}

/** A chat API whose answers are scripted, with usage and tool calls; embeddings of a text are its length. */
async function api(answer: (asked: Asked) => string | Reply) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => (body += data))
    request.on('end', () => {
      const question = JSON.parse(body) as Asked
      asked.push(question)
      const value = question.input ? vectorsOf(question.model, question.input) : chatOf(question, answer(question))
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  open.push({ close })
  return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v1`, asked, close }
}
type Api = Awaited<ReturnType<typeof api>>

const project = ({ url }: Api, cases = 3, more: { config?: string; suite?: string } = {}) =>
  promptProject({ url, asked: [], close: () => undefined }, { cases, ...more })
const run = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  aigate(['eval', '--reporter', 'table,json:run.json', ...args], folder, env)
/** How many questions a run costs. */
async function cost({ asked }: Api, folder: string, args: string[] = [], env: Record<string, string> = {}) {
  const before = asked.length
  const { code, stderr } = await run(folder, args, env)
  if (code === null || code === 2) throw new Error(stderr)
  return asked.length - before
}
const warnings = (folder: string) => reportIn(folder).suites[0]!.verdict.warnings.join()

describe('answers that the author of a change could have written are not taken', () => {
  it('from a folder that a committed link leads to', async () => {
    const server = await api(() => 'right')
    const folder = project(server)
    await run(folder)
    renameSync(join(folder, '.aigate'), join(folder, 'notes'))
    symlinkSync('notes', join(folder, '.aigate'), 'junction')
    commit(folder, 'a head start')
    expect(await cost(server, folder)).toBe(3)
    expect(warnings(folder)).toMatch(/\.aigate\/cache is committed: nothing is taken from it/)
  })

  it('from a folder of the repository above the project, and from a submodule', async () => {
    const server = await api(() => 'right')
    const whole = temporary()
    const folder = join(whole, 'packages', 'bot')
    mkdirSync(join(whole, 'packages'))
    cpSync(project(server, 3, { config: 'cache: {folder: ../../kept}\n' }), folder, { recursive: true })
    renameSync(join(folder, '.git'), join(whole, '.git'))
    await run(folder)
    expect(await cost(server, folder)).toBe(0)
    commit(whole, 'a head start')
    expect(await cost(server, folder)).toBe(3)
    expect(warnings(folder)).toMatch(/\.\.\/\.\.\/kept is committed/)
    const other = temporary()
    git(other, 'init', '-q', '-b', 'main')
    cpSync(join(whole, 'kept'), join(other, 'kept'), { recursive: true })
    commit(other, 'kept')
    git(whole, 'rm', '-rq', '--cached', 'kept')
    git(whole, 'submodule', 'add', '-q', other, 'vendor')
    edit(folder, 'aigate.yaml', '../../kept', '../../vendor/kept')
    commit(whole, 'a submodule')
    expect(await cost(server, folder)).toBe(3)
    expect(warnings(folder)).toMatch(/\.\.\/\.\.\/vendor\/kept is committed/)
  })
})

it('costs what it would cost today', async () => {
  const server = await api(() => 'right')
  const folder = project(server)
  edit(folder, 'aigate.yaml', 'id: m-2026-01-01', 'id: m-2026-01-01, price: {input: 1, output: 3}')
  await run(folder)
  expect(reportIn(folder).suites[0]!.cases[0]!.cost_usd).toBeCloseTo(0.004)
  edit(folder, 'aigate.yaml', 'price: {input: 1, output: 3}', 'price: {input: 10, output: 30}')
  expect(await cost(server, folder)).toBe(0)
  const { totals, cases } = reportIn(folder).suites[0]!
  expect(cases.map(({ cost_usd }) => cost_usd)).toEqual([0.04, 0.04, 0.04])
  expect([totals.cost_usd, totals.saved_usd]).toEqual([0, expect.closeTo(0.12)])
})

it('a variable in a header that says where to is a part of the question, one that says who asks is not', async () => {
  const server = await api(() => 'right')
  const folder = project(server)
  edit(folder, 'aigate.yaml', 'retries: 0', 'retries: 0, headers: {x-route: "${ROUTE}", x-gate-token: "${GATE}"}')
  expect(await cost(server, folder, [], { ROUTE: 'north', GATE: 'one' })).toBe(3)
  expect(await cost(server, folder, [], { ROUTE: 'north', GATE: 'two' })).toBe(0)
  expect(await cost(server, folder, [], { ROUTE: 'south', GATE: 'two' })).toBe(3)
  expect(await cost(server, folder, [], { ROUTE: 'north', GATE: 'two' })).toBe(0)
})

it('live tools: what they import and read is a part of the question', async () => {
  const server = await api(({ messages }) => {
    const told = messages.find(({ role }) => role === 'tool')?.content
    return told === undefined ? { content: '', calls: ['stock'] } : `right: ${told}`
  })
  const folder = project(server, 2, {
    suite: 'tools: {stock: {module: stock.mjs}}\n',
  })
  write(folder, 'evals/stock.mjs', "import { count } from './count.mjs'\nexport default () => `there are ${count}`\n")
  write(folder, 'evals/count.mjs', 'export const count = 5\n')
  expect(await cost(server, folder)).toBe(4)
  expect(await cost(server, folder)).toBe(0)
  edit(folder, 'evals/count.mjs', '5', '6')
  expect(await cost(server, folder)).toBe(4)
  expect(readFileSync(reportIn(folder).suites[0]!.run.file, 'utf8')).toContain('there are 6')
  // What aigate itself reads is in the key by its content, or in none.
  edit(folder, 'evals/app.suite.yaml', 'contains: right', 'contains: there')
  expect(await cost(server, folder)).toBe(0)
})

it('segments of many runs are joined before they are too many open files', async () => {
  const server = await api(() => 'right')
  const folder = project(server)
  await run(folder)
  const cache = join(folder, '.aigate', 'cache')
  const text = readFileSync(join(cache, readdirSync(cache)[0]!), 'utf8')
  for (let nth = 0; nth < 70; nth += 1) writeFileSync(join(cache, `2026-${nth}.jsonl`), text)
  expect(await cost(server, folder)).toBe(0)
  expect(readdirSync(cache).filter((name) => name.endsWith('.jsonl'))).toHaveLength(1)
  expect(await cost(server, folder)).toBe(0)
})

describe('judges and embeddings', () => {
  const judged = (server: Api, assert: string, config = '') => {
    const folder = project(server, 3, { config: `judges: {default: {model: next, votes: 2}}\n${config}` })
    edit(folder, 'evals/app.suite.yaml', 'contains: right', assert)
    edit(folder, 'aigate.yaml', 'id: m-2026-06-01', 'id: m-2026-06-01, price: {input: 10, output: 10}')
    return folder
  }

  it('a second run asks no judge either: the same verdict, at no cost', async () => {
    const server = await api(({ model }) =>
      model === 'm-2026-06-01' ? JSON.stringify({ reason: `the ${server.asked.length}th`, score: 4 }) : 'right',
    )
    const folder = judged(server, 'rubric: is it right')
    expect(await cost(server, folder)).toBe(3 + 2 * 3)
    const first = reportIn(folder).suites[0]!
    expect(first.totals.judge_cost_usd).toBeCloseTo(0.12)
    expect(await cost(server, folder)).toBe(0)
    const second = reportIn(folder).suites[0]!
    expect(second.verdict).toEqual(first.verdict)
    expect(second.totals).toMatchObject({ calls: 0, judge_calls: 0, judge_cost_usd: 0 })
    const reasons = ({ run: { file } }: typeof first) =>
      readFileSync(file, 'utf8')
        .match(/the \d+th/g)
        ?.sort()
    expect(reasons(second)).toEqual(reasons(first))
    // Another answer is another question; --refresh asks all; another judge answers for itself.
    edit(folder, 'evals/cases.jsonl', 'question 1"', 'question one"')
    expect(await cost(server, folder)).toBe(1 + 2)
    expect(await cost(server, folder, ['--refresh'])).toBe(9)
    edit(folder, 'aigate.yaml', 'id: m-2026-06-01', 'id: m-2026-06-01, params: {temperature: 1}')
    expect(await cost(server, folder)).toBe(6)
    expect(await cost(server, folder, ['--no-cache'])).toBe(9)
  })

  it('what was no verdict is asked again, however well-formed it was', async () => {
    let score = 50
    const server = await api(({ model }) =>
      model === 'm-2026-06-01' ? JSON.stringify({ reason: 'seen', score }) : 'right',
    )
    const folder = judged(server, 'rubric: is it right')
    expect((await run(folder)).code).toBe(4)
    score = 5
    expect(await cost(server, folder)).toBe(6)
    expect(reportIn(folder).outcome).toBe('pass')
    expect(await cost(server, folder)).toBe(0)
  })

  it('embeddings are kept', async () => {
    const server = await api(() => 'right')
    const folder = judged(server, 'similar: {to: right, method: cosine}', 'embeddings: next\n')
    const first = await cost(server, folder)
    expect(first).toBeGreaterThan(3)
    expect(await cost(server, folder)).toBe(0)
  })
})
