// --frozen, the lock and silent swaps through the built program, with a real API on the loopback.
import { createServer, type Server } from 'node:http'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, root, temporary } from '../cli-testing.ts'

let server: Server
let port = 0
let asked = 0
let answers = { model: 'test-2026-01-01', fingerprint: 'fp_1' }

beforeEach(async () => {
  asked = 0
  answers = { model: 'test-2026-01-01', fingerprint: 'fp_1' }
  server = createServer((request, response) => {
    asked++
    request.resume()
    const message = { role: 'assistant', content: 'right' }
    const body = {
      id: `r${asked}`,
      object: 'chat.completion',
      created: 0,
      model: answers.model,
      system_fingerprint: answers.fingerprint,
      choices: [{ index: 0, message, finish_reason: 'stop' }],
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})
afterAll(removeTemporary)

const write = (folder: string, file: string, text: string) => {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}
const edit = (folder: string, file: string, from: string, to: string) => {
  const text = readFileSync(join(folder, file), 'utf8')
  expect(text).toContain(from)
  writeFileSync(join(folder, file), text.replace(from, to))
}
const promptOf = (version: string, text: string) =>
  `---\nname: ask\nversion: ${version}\ninput: [question]\n---\nuser:\n${text}: {{ question }}\n`
const cases = ['one', 'two', 'three'].map((id) => `  - {id: ${id}, vars: {question: ${id}}, assert: [contains: right]}`)
const suiteOf = (name: string, prompt = 'ask@1.0.0') =>
  `suite: ${name}\nversion: 1.0.0\ntarget: {prompt: ${prompt}, model: main}\ntrials: 1\ngate: {min_pass_rate: 0.1}\ncases:\n${cases.join('\n')}\n`

/** A project whose model is `id`; `provider` stands in for the API of this test. */
function project({ id = 'test-2026-01-01', more = '', prompt = 'ask@1.0.0', provider = '' } = {}): string {
  const folder = temporary()
  const api = provider || `{type: openai, base_url: "http://127.0.0.1:${port}/v1", retries: 0}`
  write(
    folder,
    'aigate.yaml',
    `version: 1\nproviders:\n  api: ${api}\nmodels:\n  main: {provider: api, id: "${id}", params: {temperature: 0.2}${more}}\ncomponents: {index: {version: kb-10}}\n`,
  )
  write(folder, 'prompts/ask/1.0.0.md', promptOf('1.0.0', 'Answer'))
  write(folder, 'prompts/ask/1.1.0.md', promptOf('1.1.0', 'Answer well'))
  write(folder, 'evals/app.suite.yaml', suiteOf('app', prompt))
  return folder
}
const run = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  aigate(['eval', '--reporter', 'table,json:run.json', ...args], folder, env)
const warningsIn = (folder: string) => reportIn(folder).suites.flatMap(({ verdict }) => verdict.warnings)

describe('pins under --frozen', () => {
  it('refuses an alias with the pinned names that are known, and asks nobody', async () => {
    const folder = project({ id: 'gpt-4o' })
    const { code, stderr } = await run(folder, ['--frozen'])
    expect(code).toBe(2)
    expect(stderr).toContain('gpt-4o is an alias')
    expect(stderr).toContain('gpt-4o-2024-11-20, gpt-4o-2024-08-06')
    expect(asked).toBe(0)
  })

  it('is the default where CI is set, unless CI says no or --no-frozen does', async () => {
    const folder = project({ id: 'my-model' })
    expect((await run(folder, [], { CI: 'true' })).code).toBe(2)
    expect(asked).toBe(0)
    expect((await run(folder, [], { CI: 'false' })).code).toBe(0)
    expect((await run(folder, ['--no-frozen'], { CI: 'true' })).code).toBe(0)
    expect(warningsIn(folder).join()).toMatch(/my-model is not known to be a pin .*--frozen refuses it/)
  })

  it('lets pass what has a reason, and shows the reason in every report', async () => {
    const folder = project({ id: 'my-model', more: ', allow_unpinned: "served by ourselves"' })
    const first = await run(folder, ['--frozen'])
    expect(first.code).toBe(0)
    expect(warningsIn(folder).join()).toContain('allowed, because: served by ourselves')
    for (const command of ['report', 'compare'])
      expect((await aigate([command, 'latest'], folder)).stdout).toContain('served by ourselves')
  })

  it('refuses @latest, in the suite and on the command line', async () => {
    const written = await run(project({ prompt: 'ask@latest' }), ['--frozen'])
    expect(written.code).toBe(2)
    expect(written.stderr).toContain('Write ask@1.1.0')
    expect((await run(project(), ['--frozen', '--prompt', 'ask@latest'])).code).toBe(2)
    expect(asked).toBe(0)
  })

  it('looks through recordings at the provider that --record asks', async () => {
    const ollama = '{type: replay, of: {type: openai, base_url: "http://127.0.0.1:11434/v1"}}'
    const behind = await run(project({ id: 'llama-2026-01-01', provider: ollama }), ['--frozen'])
    expect(behind).toMatchObject({ code: 2 })
    expect(behind.stderr).toContain('a tag is moved')
    const nobody = await run(project({ id: 'llama-2026-01-01', provider: '{type: replay}' }), ['--frozen'])
    expect(nobody.code).toBe(4) // nothing is recorded, but the name is a pin
  })
})

describe('the lock', () => {
  it('is missed aloud, but does not stop, where there is none', async () => {
    const folder = project()
    expect((await run(folder, ['--frozen'])).code).toBe(0)
    expect(warningsIn(folder).join()).toContain('There is no aigate.lock')
    expect((await aigate(['lock', '--check'], folder)).code).toBe(2)
  })

  const changes: [what: string, file: string, from: string, to: string, says: RegExp][] = [
    ['a prompt', 'prompts/ask/1.0.0.md', 'Answer', 'Reply', /prompt ask@1\.0\.0: [0-9a-f]{12} -> [0-9a-f]{12}/],
    ['a prompt version', 'evals/app.suite.yaml', 'ask@1.0.0', 'ask@1.1.0', /suite app target\.prompt: ask@1\.0\.0 -> ask@1\.1\.0/],
    ['a model', 'aigate.yaml', 'test-2026-01-01', 'test-2026-02-01', /model main id: test-2026-01-01 -> test-2026-02-01/],
    ['the kind of a provider', 'aigate.yaml', 'api: {type: openai, base_url', 'api: {type: replay}\n  old: {type: openai, base_url', /model main type: openai -> replay/],
    ['a header', 'aigate.yaml', 'retries: 0}', 'retries: 0, headers: {X-Model: b}}', /model main headers\.0: \(not set\) -> x-model/],
    ['params', 'aigate.yaml', '0.2', '0.9', /model main params\.temperature: 0\.2 -> 0\.9/],
    ['an index', 'aigate.yaml', 'kb-10', 'kb-11', /component index version: kb-10 -> kb-11/],
    ['the policy', 'evals/app.suite.yaml', '0.1}', '0.05}', /suite app policy\.min_pass_rate: 0\.1 -> 0\.05/],
    ['an assertion', 'evals/app.suite.yaml', 'contains: right', 'contains: r', /suite app cases\.hash: /],
    ['a case less', 'evals/app.suite.yaml', `${cases[2]}\n`, '', /suite app cases\.count: 3 -> 2/],
    ['a tool', 'evals/app.suite.yaml', 'main}', 'main, tools: [{name: t}]}', /suite app target\.tools: \(not set\) -> /],
  ] // biome-ignore format: a table
  it.each(changes)('%s that changed is exit 2', async (_, file, from, to, says) => {
    const folder = project()
    await aigate(['lock'], folder)
    edit(folder, file, from, to)
    const { code, stderr } = await run(folder, ['--frozen'])
    expect(code).toBe(2)
    expect(stderr).toMatch(says)
    expect(asked).toBe(0)
  })

  it('holds again once it is written again', async () => {
    const folder = project()
    await aigate(['lock'], folder)
    edit(folder, 'aigate.yaml', '0.2', '0.9')
    const says = /params\.temperature: 0\.2 -> 0\.9/
    const refused = await aigate(['lock', '--check'], folder)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(says)
    expect((await aigate(['lock'], folder)).stdout).toMatch(says)
    expect((await aigate(['lock', '--check'], folder)).code).toBe(0)
    expect((await run(folder, ['--frozen'])).code).toBe(0)
    expect(warningsIn(folder).join()).not.toContain('aigate.lock')
  })

  it('does not hold for what the command line chooses, which is said', async () => {
    const folder = project()
    await aigate(['lock'], folder)
    expect((await run(folder, ['--prompt', 'ask@1.1.0', '--trials', '2'], { CI: 'true' })).code).toBe(0)
    const said = warningsIn(folder).join()
    expect(said).toContain('--prompt ask@1.1.0 was chosen')
    expect(said).toContain('--trials 2 was chosen')
    // A choice is no way around a lock that is out of date elsewhere.
    edit(folder, 'evals/app.suite.yaml', '0.1}', '0.05}')
    expect((await run(folder, ['--prompt', 'ask@1.1.0'], { CI: 'true' })).code).toBe(2)
  })

  it('is looked at for the suites that are asked for', async () => {
    const folder = project()
    write(folder, 'evals/other.suite.yaml', suiteOf('other'))
    await aigate(['lock'], folder)
    edit(folder, 'evals/other.suite.yaml', 'contains: right', 'contains: r')
    expect((await run(folder, ['app', '--frozen'])).code).toBe(0)
    expect((await run(folder, ['other', '--frozen'])).code).toBe(2)
    expect((await run(folder, ['--frozen'])).code).toBe(2)
  })

  it('that cannot be read is exit 2 with its place', async () => {
    const folder = project()
    await aigate(['lock'], folder)
    edit(folder, 'aigate.lock', 'suites:\n', '<<<<<<< ours\nsuites:\n')
    const { code, stderr } = await run(folder, ['--frozen'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/aigate\.lock:\d+:\d+ error:/)
  })
})

it('our own lock holds', async () => {
  expect(await aigate(['lock', '--check'], root)).toMatchObject({ code: 0, stderr: '' })
})

it('tells a silent swap: the same pin, another model or system behind it', async () => {
  const folder = project()
  expect((await aigate(['baseline', 'record', '--trials', '1'], folder)).code).toBe(0)
  expect(readFileSync(join(folder, 'baselines/app.json'), 'utf8')).toContain('"fingerprints": ["fp_1"]')
  await run(folder)
  expect(warningsIn(folder).join()).not.toContain('silent swap')
  answers = { model: 'test-2026-06-06', fingerprint: 'fp_2' }
  await run(folder, ['--refresh'])
  const said = warningsIn(folder).join('\n')
  expect(said).toContain('answered with test-2026-06-06, the baseline with test-2026-01-01: a silent swap')
  expect(said).toContain('answered with the system fp_2, the baseline with the system fp_1: a silent swap')
  expect((await aigate(['compare', 'latest'], folder)).stdout).toMatch(/silent\s+swap/)
})
