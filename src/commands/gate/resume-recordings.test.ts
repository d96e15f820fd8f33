// A recording run that is killed by kill -9 and gone on with: its recordings are those of an unbroken run, and nobody is asked twice.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, start } from '../cli-testing.ts'
import { edit, promptProject } from '../git-testing.ts'

const CASES = 40
const KEY = 'sk-gate-0123456789abcdef'
const env = { GATE_KEY: KEY }
const args = ['--record', '--no-cache', '--reporter', 'table,json:run.json']

/** What was asked, by words that are in the answer as well. `holds`: by pattern, how many are answered before it falls silent. */
let asked: string[] = []
let holds: Record<string, number> = {}
let server: Server
let url = ''

/** What was asked, by number: embeddings tell it again. */
const known: string[] = []
const wordIn = (text: string) => (/question \d+ as [\w-]+/.exec(text) ?? /question \d+/.exec(text))?.[0] ?? 'reference'
const numberOf = (word: string) => (known.includes(word) ? known.indexOf(word) : known.push(word) - 1)

/** Target, judge and embeddings: the same answer to the same question, always. The judge tells the key, as a gateway would in an error. */
function reply(path: string, sent: { model: string; messages: { content: string }[]; input: string[] }) {
  if (path.endsWith('/embeddings')) {
    const embedding = (text: string) => [1, numberOf(wordIn(text)) / 1000]
    const data = sent.input.map((text, index) => ({ index, embedding: embedding(text), object: 'embedding' }))
    const words = sent.input.map((text) => `vector ${wordIn(text)}`)
    return { words, body: { data, model: 'e', object: 'list', usage: { prompt_tokens: 5, total_tokens: 5 } } }
  }
  const text = sent.messages.map(({ content }) => content).join('\n')
  const judges = sent.model.startsWith('j-')
  const terse = text.includes('Be terse') ? '-terse' : ''
  const other = !judges && (terse || sent.model !== 'm-2026-01-01') ? ` as ${sent.model}${terse}` : ''
  const kind = judges ? (text.includes('polite') ? 'polite' : 'short') : 'right:'
  const word = `${kind} ${wordIn(text)}${other}`
  const content = judges ? JSON.stringify({ reason: `${word}, by ${KEY}`, score: 5 }) : word
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
  const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }
  return { words: [word], body: { id: 'x', object: 'chat.completion', created: 1, model: sent.model, choices, usage } }
}

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (part) => (text += String(part)))
    request.on('end', () => {
      const { words, body } = reply(request.url ?? '', JSON.parse(text))
      asked.push(...words)
      const held = Object.keys(holds).find((pattern) => words.some((word) => new RegExp(pattern).test(word)))
      if (held !== undefined && (holds[held] = (holds[held] ?? 0) - 1) < 0) return
      const head = { 'content-type': 'application/json' }
      setTimeout(() => response.writeHead(200, head).end(JSON.stringify(body)), 5)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
beforeEach(() => {
  asked = []
  holds = {}
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  removeTemporary()
})

/** Every answer goes to the judge twice, and its embedding is compared: a case whose grade is whole takes three replies. */
function judgedProject(): string {
  const config = 'judges: {default: {model: judge}}\nembeddings: vectors\n'
  const folder = promptProject({ url, asked: [], close: () => undefined }, { cases: CASES, config })
  edit(folder, 'aigate.yaml', 'concurrency: 8', 'concurrency: 8, api_key_env: GATE_KEY')
  const models = '  judge: {provider: api, id: j-2026-01-01}\n  vectors: {provider: api, id: e-2026-01-01}\n'
  edit(folder, 'aigate.yaml', '  main:', `${models}  main:`)
  const asserted =
    '[{contains: right}, {rubric: is it polite}, {rubric: is it short}, {similar: {to: right, method: cosine}}]'
  edit(folder, 'evals/app.suite.yaml', '[{contains: right}]', asserted)
  return folder
}

const runFolder = (folder: string) => {
  const runs = join(folder, '.aigate', 'runs')
  return join(runs, readdirSync(runs).sort().at(-1) ?? '')
}
const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(1, -1) : [])
const unsaved = (folder: string, name: string) => linesOf(join(runFolder(folder), 'recordings', `${name}.jsonl`))
/** In all records of the run. */
const grades = (folder: string) =>
  readdirSync(runFolder(folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .reduce(
      (sum, name) =>
        sum + linesOf(join(runFolder(folder), name)).filter((line) => line.startsWith('{"type":"score"')).length,
      0,
    )
/** Nobody measures the same latency twice. */
const recorded = (folder: string, name: string) =>
  readFileSync(join(folder, 'recordings', `${name}.jsonl`), 'utf8').replace(/"latency_ms":[\d.]+/g, '"latency_ms":0')
/** What the lines say, in the words of `asked`. */
const said = (lines: readonly string[]) =>
  lines.map((line) => {
    const { text } = (JSON.parse(line) as { completion: { text: string } }).completion
    const [, vector] = /^\[1,([\d.]+)\]$/.exec(text) ?? []
    if (vector !== undefined) return `vector ${known[Math.round(Number(vector) * 1000)]}`
    return /(?:polite|short|right:) question \d+(?: as [\w-]+)?/.exec(text)?.[0] ?? text
  })

/** Runs until the server falls silent, and ends it then. @returns all that it had been told by then */
async function stopWhenSilent(
  folder: string,
  command: string[],
  silent: Record<string, number>,
  signal: NodeJS.Signals = 'SIGKILL',
) {
  holds = silent
  const { child, ended } = start(command, folder, env)
  let before = -1
  while (before !== asked.length || Object.values(holds).every((left) => left >= 0)) {
    expect(child.exitCode).toBeNull()
    before = asked.length
    await new Promise((go) => setTimeout(go, 250))
  }
  child.kill(signal)
  const { code } = await ended
  expect([child.signalCode, code]).toEqual(signal === 'SIGINT' ? [null, 130] : ['SIGKILL', null])
  holds = {}
  return [...unsaved(folder, 'app'), ...unsaved(folder, 'app.judges')]
}

const both = ['eval', '--attribute', '--prompt', 'a@1.1.0', '--model', 'next']
type Row = {
  what: string
  first: string[]
  resume: string[]
  offline: string[]
  sides?: number
  silent: Record<string, number>[]
}
// Another one of those who grade falls silent each time: replies of grades that never came to their end are there.
const rows: Row[] = [
  {
    what: 'eval',
    first: ['eval', ...args],
    resume: ['eval', '--resume', ...args.slice(1)],
    offline: ['eval'],
    silent: [{ '^right:': 15, '^short': 5 }, { '^short': 9 }, { '^vector': 0 }],
  },
  {
    what: 'baseline record',
    first: ['baseline', 'record', '--trials', '1', '--record'],
    resume: ['baseline', 'record', '--resume'],
    offline: ['eval', '--no-baseline'],
    silent: [{ '^right:': 15, '^short': 5 }, { '^vector': 9 }],
  },
  {
    what: 'eval --attribute, in the middle of what it asks besides',
    first: [...both, ...args],
    resume: ['eval', '--resume', ...args.slice(1)],
    offline: both,
    sides: 3,
    silent: [{ '^short.*-06-01-terse$': 9 }, { '^short.*-01-01-terse$': 5 }, { '^vector.*-06-01$': 3 }],
  },
]

it.each(rows)(
  '$what: the same recordings, nothing asked twice, and all of it replays',
  { timeout: 120_000 },
  async (row) => {
    const { first, resume, offline, sides = 1, silent } = row
    const made = async () => {
      const folder = judgedProject()
      const before = ['baseline', 'record', '--trials', '1']
      if (sides > 1) expect(await aigate(before, folder, env)).toMatchObject({ code: 0 })
      asked = []
      return folder
    }
    const calm = await made()
    expect(await aigate(first, calm, env)).toMatchObject({ code: 0 })
    const whole = asked.toSorted()
    expect(new Set(whole).size).toBe(whole.length)
    expect(whole).toHaveLength(4 * CASES * sides + 1)
    expect(existsSync(join(runFolder(calm), 'recordings'))).toBe(false)

    const folder = await made()
    let told: string[] = []
    for (const [nth, silence] of silent.entries()) {
      const from = asked.length
      const signal = nth === 1 ? 'SIGINT' : 'SIGKILL'
      const now = await stopWhenSilent(folder, nth === 0 ? first : resume, silence, signal)
      expect(asked.slice(from).filter((word) => said(told).includes(word))).toEqual([])
      expect(now.filter((line) => told.includes(line))).toHaveLength(told.length)
      expect(now.length).toBeGreaterThan(told.length)
      told = now
    }
    // The crux: more verdicts than grades that they could stand in.
    expect(said(told).filter((word) => word.startsWith('polite')).length).toBeGreaterThan(grades(folder))
    expect(told.join('\n')).not.toContain(KEY)

    const from = asked.length
    expect(await aigate(resume, folder, env)).toMatchObject({ code: 0 })
    expect(asked.slice(from).toSorted()).toEqual(whole.filter((word) => !said(told).includes(word)))
    for (const name of ['app', 'app.judges']) {
      expect(recorded(folder, name)).toBe(recorded(calm, name))
      expect(recorded(folder, name)).not.toContain(KEY)
    }
    // Those of before the kill as they were, latencies too.
    const final = ['app', 'app.judges'].flatMap((name) => linesOf(join(folder, 'recordings', `${name}.jsonl`)))
    expect(told.filter((line) => !final.includes(line))).toEqual([])
    expect(existsSync(join(runFolder(folder), 'recordings'))).toBe(false)

    const calls = asked.length
    const replay = [...offline, '--offline', '--reporter', 'table,json:run.json']
    expect(await aigate(replay, folder)).toMatchObject({ code: 0 })
    expect(asked).toHaveLength(calls)
    const totals = { observations: CASES, replayed: CASES, calls: 0, judge_calls: 0, errors: {} }
    expect(reportIn(folder).suites[0]?.totals).toMatchObject(totals)
    const { attribution } = reportIn(folder).suites[0]!
    expect([attribution?.problem, attribution?.n]).toEqual(sides > 1 ? [null, CASES] : [undefined, undefined])
  },
)

it('an answer of a judge that was no verdict is asked for again, a line that was cut off too, and nothing is written without --record', {
  timeout: 60_000,
}, async () => {
  const folder = judgedProject()
  const told = await stopWhenSilent(folder, ['eval', ...args], { '^short': 5 })
  expect(told.length).toBeGreaterThan(CASES)
  const file = join(runFolder(folder), 'recordings', 'app.judges.jsonl')
  const [head = '', ...lines] = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  // Of grades that never came to their end.
  const [spoilt, torn] = [...lines.keys()].filter((i) => lines[i]?.includes('polite ')).slice(-2) as [number, number]
  const [bad = '', last = ''] = [lines[spoilt], lines[torn]]
  const { completion, ...about } = JSON.parse(bad)
  const kept = lines.filter((_, i) => i !== spoilt && i !== torn)
  const no = JSON.stringify({ ...about, completion: { ...completion, text: 'I would rather not say.' } })
  writeFileSync(file, `${[head, ...kept, no].join('\n')}\n${last.slice(0, -30)}`)
  const from = asked.length
  expect(await aigate(['eval', '--resume', ...args.slice(1)], folder, env)).toMatchObject({ code: 0 })
  const again = asked.slice(from)
  expect(again).toEqual(expect.arrayContaining(said([bad, last])))
  expect(again.filter((word) => said(kept).includes(word))).toEqual([])
  expect(recorded(folder, 'app.judges')).not.toContain('rather not')

  const plain = judgedProject()
  await stopWhenSilent(plain, ['eval', ...args.slice(1)], { '^short': 5 })
  expect(existsSync(join(runFolder(plain), 'recordings'))).toBe(false)
})
