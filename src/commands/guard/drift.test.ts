// aigate drift, in process against a real HTTP API whose model can be swapped and made worse behind its name.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { recordCommand } from '../versions/baseline.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { driftCommand } from './drift.ts'
import { contextOf as contextAt } from './watch-testing.ts'

let server: Server
let port = 0
/** What answers: its name, and which of the questions it gets wrong. */
let model = { answers: 'm-2026-01-01', wrong: (_question: string): boolean => false, fingerprint: 'fp_1', down: false }
let asked: string[] = []

beforeAll(async () => {
  let count = 0
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString())
      const question: string = body.messages.at(-1).content
      asked.push(`${body.model}: ${body.messages[0].content}`)
      if (model.down) return response.writeHead(401).end('{"error":{"message":"no"}}')
      const content = `${model.wrong(question) ? 'wrong' : 'right'} ${(count += 1)}`
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      const { answers, fingerprint: system_fingerprint } = model
      const answer = { id: 'x', object: 'chat.completion', created: 0, model: answers, system_fingerprint, choices }
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
beforeEach(() => {
  model = { answers: 'm-2026-01-01', wrong: () => false, fingerprint: 'fp_1', down: false }
  asked = []
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  removeTemporary()
})

/** Calls are paced by a clock that goes. */
function contextOf(folder: string) {
  const made = contextAt(folder)
  made.context.monotonic = () => performance.now()
  return made
}

/** A project whose baseline was recorded with prompt 1.0.0, and that has moved on to 1.1.0 since. */
async function project(cases = 40): Promise<string> {
  const folder = temporary()
  for (const name of ['evals', 'prompts/a']) mkdirSync(join(folder, name), { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write(
    'aigate.yaml',
    `version: 1
providers: {api: {type: openai, base_url: "http://127.0.0.1:${port}/v1", concurrency: 16, retries: 0}}
models: {main: {provider: api, id: m-2026-01-01}}
`,
  )
  for (const [version, word] of [['1.0.0', 'friendly'], ['1.1.0', 'terse']]) // biome-ignore format: two versions
    write(
      `prompts/a/${version}.md`,
      `---\nname: a\nversion: ${version}\ninput: [q]\n---\nsystem:\nBe ${word}.\n\nuser:\n{{ q }}\n`,
    )
  const rows = Array.from({ length: cases }, (_, i) => {
    const category = i % 4 === 0 ? 'hard' : 'easy'
    return `  - {id: c${i}, category: ${category}, vars: {q: "${category} ${i}"}, assert: [{contains: right}]}\n`
  })
  const suite = (prompt: string) =>
    `suite: s\nversion: 1.0.0\ntarget: {prompt: a@${prompt}, model: main}\ntrials: 3\ncases:\n${rows.join('')}`
  write('evals/s.suite.yaml', suite('1.0.0'))
  expect(await recordCommand(contextOf(folder).context, [], { trials: 5, reason: 'test' })).toBe('pass')
  write('evals/s.suite.yaml', suite('1.1.0'))
  asked = []
  return folder
}

async function drift(folder: string, options: { results?: string } = {}) {
  const { context, out, err } = contextOf(folder)
  const ending = await driftCommand(context, [], { json: true, ...options })
  const { suites } = JSON.parse(out.join(''))
  return { ending, suite: suites[0], err: err.join('') }
}

it('asks the prompt of the baseline, not that of today, and proves that nothing moved', async () => {
  const folder = await project()
  const { ending, suite } = await drift(folder)
  expect(suite.reasons).toEqual([expect.stringContaining('No drift')])
  expect(ending).toBe('pass')
  expect(new Set(asked)).toEqual(new Set(['m-2026-01-01: Be friendly.']))
  expect(asked).toHaveLength(120)
  // The record of what was asked stands where no other verb takes it for an evaluation.
  expect(suite.record).toContain(join('.aigate', 'drift'))
  expect(readFileSync(suite.record, 'utf8').split('\n').length).toBeGreaterThan(120)
})

it('proves drift in one category, and names it', async () => {
  const folder = await project()
  model.wrong = (question) => question.startsWith('hard')
  const { ending, suite } = await drift(folder)
  expect(ending).toBe('fail')
  expect(suite.categories.hard.drifted).toBe(true)
  expect(suite.categories.easy.drifted).toBe(false)
  expect(suite.reasons.join(' ')).toContain('Category hard')
})

it('proves drift to the better too: the test has two sides', async () => {
  model.wrong = (question) => question.startsWith('easy')
  const folder = await project()
  model.wrong = () => false
  const { ending, suite } = await drift(folder)
  expect(ending).toBe('fail')
  expect(suite.rate.difference).toBeGreaterThan(0.5)
})

it('names a silent swap at once, and a new system only as a warning', async () => {
  const folder = await project()
  model.fingerprint = 'fp_2'
  const renewed = await drift(folder)
  expect(renewed.ending).toBe('pass')
  expect(renewed.suite.warnings.join(' ')).toContain('fp_2')
  model.answers = 'm-2026-06-01'
  const swapped = await drift(folder)
  expect(swapped.ending).toBe('fail')
  expect(swapped.suite.swaps).toEqual([expect.stringContaining('m-2026-06-01')])
  expect(swapped.err.match(/m-2026-06-01/g)).toHaveLength(1)
})

it('says open where a few cases cannot tell, and not measured where nobody answers', async () => {
  const folder = await project(3)
  const open = await drift(folder)
  expect(open.ending).toBe('inconclusive')
  model.down = true
  const gone = await drift(folder)
  expect(gone.ending).toBe('invalid')
  expect(gone.suite.outcome).toBe('invalid')
})

it('reads what was answered from a run, and refuses a run that asked something else', async () => {
  const folder = await project()
  const first = await drift(folder)
  const before = asked.length
  const again = await drift(folder, { results: first.suite.record })
  expect(again.ending).toBe('pass')
  expect(again.suite.rate).toEqual(first.suite.rate)
  expect(asked).toHaveLength(before)
  const other = readFileSync(first.suite.record, 'utf8').replace('"id":"m-2026-01-01"', '"id":"m-other"')
  writeFileSync(join(folder, 'other.jsonl'), other)
  await expect(drift(folder, { results: 'other.jsonl' })).rejects.toThrow(/asked something else/)
})

it('refuses what cannot be asked as it was', async () => {
  const folder = await project()
  writeFileSync(join(folder, 'prompts/a/1.0.0.md'), '---\nname: a\nversion: 1.0.0\ninput: [q]\n---\nuser:\n{{ q }}!\n')
  await expect(drift(folder)).rejects.toThrow(/no longer what the baseline was recorded with/)
  expect(asked).toEqual([])
})

it('stops at the budget of the command line, and says that it was not measured', async () => {
  const folder = await project()
  const { context, out } = contextOf(folder)
  expect(await driftCommand(context, [], { json: true, maxCalls: 7 })).toBe('invalid')
  expect(asked).toHaveLength(7)
  expect(out.join('')).toContain('The budget of 7 calls (max_calls) is spent')
})
