// What an editor makes of our YAML: completion, hover and faults by the real yaml-language-server over LSP.
import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const require = createRequire(import.meta.url)
const packageFile = require.resolve('yaml-language-server/package.json')

type Message = { id?: number; method?: string; params?: unknown; result?: unknown }
type Item = { label: string; documentation?: string | { value: string } }
type Fault = { message: string; range: { start: { line: number; character: number } } }

let server: ChildProcess
let folder = ''
let nth = 0
const waiting = new Map<number, (result: unknown) => void>()
const published: { uri: string; diagnostics: Fault[] }[] = []

const send = (message: object) => {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message })
  server.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
const ask = <T>(method: string, params: object): Promise<T> => {
  const id = (nth += 1)
  send({ id, method, params })
  return new Promise((resolve) => waiting.set(id, (result) => resolve(result as T)))
}

function hear(message: Message): void {
  if (message.method === 'textDocument/publishDiagnostics') published.push(message.params as (typeof published)[number])
  // The server asks for settings and capabilities: it gets the defaults.
  else if (message.method !== undefined && message.id !== undefined)
    send({ id: message.id, result: message.method === 'workspace/configuration' ? [{ hover: true, completion: true, validate: true, schemaStore: { enable: false } }, null, null, null, null] : null }) // biome-ignore format: one message
  else if (message.id !== undefined) waiting.get(message.id)?.(message.result)
}

beforeAll(async () => {
  // Laid out as npm does it: the schema line of the files that `aigate init` writes leads here.
  folder = mkdtempSync(join(tmpdir(), 'aigate-editor-'))
  mkdirSync(join(folder, 'node_modules', 'aigate'), { recursive: true })
  cpSync(join(root, 'schema'), join(folder, 'node_modules', 'aigate', 'schema'), { recursive: true })
  server = spawn(process.execPath, [join(dirname(packageFile), 'bin', 'yaml-language-server'), '--stdio'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let buffer = Buffer.alloc(0)
  server.stdout?.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk])
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n')
      const length = Number(/Content-Length: (\d+)/.exec(buffer.subarray(0, end).toString())?.[1])
      if (end < 0 || buffer.length < end + 4 + length) return
      const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString()) as Message
      buffer = buffer.subarray(end + 4 + length)
      hear(message)
    }
  })
  const rootUri = pathToFileURL(folder).href
  await ask('initialize', {
    processId: process.pid,
    rootUri,
    workspaceFolders: [{ uri: rootUri, name: 'project' }],
    capabilities: {
      workspace: { configuration: true },
      textDocument: { completion: { completionItem: { snippetSupport: true } } },
    },
  })
  send({ method: 'initialized', params: {} })
})
afterAll(() => {
  server.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** Opens a file; `|` is the cursor. */
function open(path: string, schema: string, text: string) {
  const up = '../'.repeat(path.split('/').length - 1)
  const whole = `# yaml-language-server: $schema=${up}node_modules/aigate/schema/${schema}.schema.json\n${text}`
  const lines = whole.slice(0, whole.indexOf('|')).split('\n')
  const uri = pathToFileURL(join(folder, path)).href
  const document = { uri, languageId: 'yaml', version: 1, text: whole.replace('|', '') }
  send({ method: 'textDocument/didOpen', params: { textDocument: document } })
  const position = { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 }
  return { textDocument: { uri }, position }
}
const labels = async (path: string, schema: string, text: string) => {
  const found = await ask<{ items: Item[] }>('textDocument/completion', open(path, schema, text))
  return found.items.map(({ label }) => label)
}
const hover = async (path: string, schema: string, text: string) => {
  const found = await ask<{ contents: { value: string } } | null>('textDocument/hover', open(path, schema, text))
  return found?.contents.value ?? ''
}
async function faults(path: string, schema: string, text: string): Promise<Fault[]> {
  const { uri } = open(path, schema, text).textDocument
  for (;;) {
    const found = published.findLast((one) => one.uri === uri)
    if (found) return found.diagnostics
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const CONFIG = 'version: 1\nproviders:\n  a: {type: openai}\n'
const SUITE = 'suite: support\nversion: 1.0.0\ntarget: {prompt: a@1.0.0, model: m}\n'
const ROLLOUT = 'rollout: next\n'
const GUARD = 'guard: production\n'

describe.each([
  {
    name: 'aigate.yaml',
    schema: 'aigate',
    path: 'aigate.yaml',
    start: CONFIG,
    keys: ['models', 'suites', 'gate', 'budget', 'production'],
    wrong: 'modles: {}\n',
    key: 'modles',
  },
  {
    name: 'a suite',
    schema: 'suite',
    path: 'evals/a.suite.yaml',
    start: SUITE,
    keys: ['cases', 'cases_from', 'trials', 'assert', 'gate'],
    wrong: 'trails: 3\n',
    key: 'trails',
  },
  {
    name: 'a rollout plan',
    schema: 'rollout',
    path: 'rollouts/a.rollout.yaml',
    start: ROLLOUT,
    keys: ['stages', 'metrics', 'source'],
    wrong: 'stagse: []\n',
    key: 'stagse',
  },
  {
    name: 'a guard',
    schema: 'guard',
    path: 'guard.yaml',
    start: GUARD,
    keys: ['source', 'triggers'],
    wrong: 'trigers: {}\n',
    key: 'trigers',
  },
])('$name', ({ schema, path, start, keys, wrong, key }) => {
  // biome-ignore format: a table
  it('offers its keys', async () => {
    expect(await labels(`1/${path}`, schema, `${start}|`)).toEqual(expect.arrayContaining(keys))
  })
  it('marks a wrong key where it stands', async () => {
    const found = await faults(`2/${path}`, schema, start + wrong)
    const line = `\n${start}`.split('\n').length - 1
    expect(found.map(({ message, range }) => ({ message, line: range.start.line }))).toContainEqual({
      message: expect.stringContaining(key),
      line,
    })
  })
})

describe('values and words', () => {
  it.each([
    ['the type of a provider', 'aigate', 'version: 1\nproviders:\n  a:\n    type: |\n', ['openai', 'replay']],
    ['what an open verdict does', 'aigate', 'version: 1\ngate:\n  on_inconclusive: |\n', ['hold']],
    [
      'the kind of an assertion',
      'suite',
      `${SUITE}cases:\n  - id: c\n    assert:\n      - |\n`,
      ['contains', 'not_contains', 'json_path', 'similar'],
    ],
    [
      'the method of similarity',
      'suite',
      `${SUITE}assert:\n  - similar:\n      method: |\n`,
      ['rouge_l', 'levenshtein'],
    ],
    [
      'the evidence of a stage',
      'rollout',
      `${ROLLOUT}stages:\n  - traffic: 1%\n    gate: |\n`,
      ['no-harm', 'non-inferior', 'none'],
    ],
    ['the source of a guard', 'guard', `${GUARD}source:\n  type: |\n`, ['jsonl', 'prometheus']],
  ])('%s', async (name, schema, text, expected) => {
    // biome-ignore format: a table
    expect(await labels(`3/${name}/x.yaml`, schema, text)).toEqual(expect.arrayContaining(expected))
  })
  it('a key explains itself', async () => {
    expect(
      await hover('4/aigate.yaml', 'aigate', 'version: 1\nproviders:\n  a: {type: openai, api_key_e|nv: A}\n'),
    ).toContain('environment variable')
    expect(await hover('4/a.suite.yaml', 'suite', `${SUITE}tri|als: 3\n`)).toMatch(/\w{4}/)
  })
  it('what init writes is without a fault', async () => {
    const { scaffoldFiles } = await import('../store/scaffold.ts')
    for (const [name, schema] of [
      ['aigate.yaml', 'aigate'],
      ['evals/support.suite.yaml', 'suite'],
    ] as const) {
      const text = scaffoldFiles.find((file) => file.path === name)?.text ?? ''
      expect(await faults(`5/${name}`, schema, text.split('\n').slice(1).join('\n')), name).toEqual([])
    }
  })
})
