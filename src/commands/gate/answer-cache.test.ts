// eval twice: what was answered is not asked again, counted at a real API; and what must be asked is.
import { appendFileSync, chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs' // biome-ignore format: one line
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'
import { type Api, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'

let api: Api
beforeEach(async () => {
  api = await startApi(({ user }, nth) => `${user.endsWith('7') ? 'no idea' : 'right'} ${nth}`)
})
afterEach(() => api.close())
afterAll(removeTemporary)

const CASES = 30
const run = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  aigate(['eval', '--reporter', 'table,json:run.json', ...args], folder, env)
/** How many questions a run costs. */
async function cost(folder: string, args: string[] = [], env: Record<string, string> = {}): Promise<number> {
  const before = api.asked.length
  const { code, stderr } = await run(folder, args, env)
  if (code === null || code === 2 || code === 4) throw new Error(stderr)
  return api.asked.length - before
}
const verdictOf = (folder: string) => reportIn(folder).suites[0]!.verdict
const segments = (folder: string) => readdirSync(join(folder, '.aigate', 'cache')).sort()

describe('a second run', () => {
  it('asks nothing, comes to the same verdict, and says what was saved', async () => {
    const folder = promptProject(api, { cases: CASES })
    expect(await cost(folder)).toBe(CASES)
    const first = reportIn(folder).suites[0]!
    expect(first.totals).toMatchObject({ calls: CASES, replayed: 0 })
    expect(first.totals.cached).toBeUndefined()
    const { code, stdout } = await run(folder)
    expect(code).toBe(0)
    expect(api.asked.length).toBe(CASES)
    const second = reportIn(folder).suites[0]!
    expect(second.totals).toMatchObject({ calls: 0, replayed: CASES, cached: CASES })
    expect(second.verdict).toEqual(first.verdict)
    expect(second.cases).toEqual(first.cases)
    expect(stdout).toMatch(/no calls · 30 calls saved by the cache/)
    const record = readFileSync(second.run.file, 'utf8')
    expect(record.match(/"cached":true/g)).toHaveLength(CASES)
    expect(record.match(/"replayed":true/g)).toHaveLength(CASES)
  })

  it('asks only what an edit feeds: one case, one more trial, another parameter', async () => {
    const folder = promptProject(api, { cases: CASES })
    await run(folder)
    edit(folder, 'evals/cases.jsonl', 'question 3"', 'question three"')
    expect(await cost(folder)).toBe(1)
    expect(await cost(folder, ['--trials', '2'])).toBe(CASES)
    expect(await cost(folder, ['--prompt', 'a@1.1.0'])).toBe(CASES)
    expect(await cost(folder, ['--prompt', 'a@1.1.0'])).toBe(0)
    edit(folder, 'aigate.yaml', 'm-2026-01-01}', 'm-2026-01-01, params: {temperature: 0.5}}')
    expect(await cost(folder)).toBe(CASES)
    expect(await cost(folder)).toBe(0)
  })

  it('asks again where somebody else would answer, and where components changed', async () => {
    const folder = promptProject(api, { cases: 5 })
    await run(folder)
    edit(folder, 'aigate.yaml', 'concurrency: 8', 'concurrency: 8, headers: {x-tenant: b}')
    expect(await cost(folder)).toBe(5)
    appendFileSync(join(folder, 'aigate.yaml'), 'components: {index: {version: kb-2}}\n')
    expect(await cost(folder)).toBe(5)
    expect(await cost(folder)).toBe(0)
  })

  it('grades kept answers with the assertions of now', async () => {
    const folder = promptProject(api, { cases: CASES })
    await run(folder)
    edit(folder, 'evals/app.suite.yaml', 'contains: right', 'contains: [no idea]')
    expect(await cost(folder)).toBe(0)
    expect(verdictOf(folder).gates.find(({ id }) => id === 'floor')?.estimate).toBeCloseTo(3 / CASES)
  })

  it('never lets two cases with one question share an answer', async () => {
    const folder = promptProject(api, { cases: 2 })
    edit(folder, 'evals/cases.jsonl', 'question 1', 'question 0')
    expect(await cost(folder)).toBe(2)
    edit(folder, 'evals/cases.jsonl', 'c1', 'c2')
    expect(await cost(folder)).toBe(1)
  })

  it('--no-cache asks and keeps nothing, --refresh asks and keeps', async () => {
    const folder = promptProject(api, { cases: 5 })
    expect(await cost(folder, ['--no-cache'])).toBe(5)
    expect(await cost(folder)).toBe(5)
    expect(await cost(folder, ['--no-cache'])).toBe(5)
    const before = readFileSync(join(folder, '.aigate', 'cache', segments(folder)[0]!), 'utf8')
    expect(before).toContain('right 6')
    expect(await cost(folder, ['--refresh'])).toBe(5)
    expect(await cost(folder)).toBe(0)
    expect(readFileSync(reportIn(folder).suites[0]!.run.file, 'utf8')).toContain('right 16')
  })

  it('errors are never kept', async () => {
    api.close()
    let down = true
    api = await startApi((_question, nth) => (down && nth % 5 === 0 ? 503 : `right ${nth}`))
    const folder = promptProject(api, { cases: CASES })
    await run(folder)
    down = false
    const missing = reportIn(folder).suites[0]!.totals.errors['server_error'] ?? 0
    expect(missing).toBeGreaterThan(0)
    expect(await cost(folder)).toBe(missing)
    expect(await cost(folder)).toBe(0)
  })

  it('a baseline is recorded from fresh answers, and keeps none', async () => {
    const folder = promptProject(api, { cases: 5 })
    expect(await cost(folder)).toBe(5)
    const record = ['baseline', 'record', '--reason', 'x', '--trials', '1']
    expect((await aigate(record, folder)).code).toBe(0)
    expect(api.asked.length).toBe(10)
    expect(await cost(folder, ['--trials', '1'])).toBe(0)
    expect(readFileSync(reportIn(folder).suites[0]!.run.file, 'utf8')).not.toMatch(/right ([6-9]|10)"/)
  })
})

describe('applications', () => {
  const app = (folder: string, target: string) => {
    edit(folder, 'evals/app.suite.yaml', 'target: {prompt: a@1.0.0, model: main}', `target: ${target}`)
    write(
      folder,
      'src/answer.mjs',
      "import { word } from './word.mjs'\nexport default ({ vars }) => `${word} ${vars.q}`\n",
    )
    write(
      folder,
      'src/word.mjs',
      "import { appendFileSync } from 'node:fs'\nappendFileSync('asked.log', 'x')\nexport const word = 'right'\n",
    )
    write(
      folder,
      'src/answer.cjs',
      "require('node:fs').appendFileSync('../count', 'x'); process.stdin.on('data', (d) => console.log('right', process.env.TONE, JSON.parse(d).vars.q))\n",
    )
    commit(folder, 'app')
  }
  const ran = (folder: string) => reportIn(folder).suites[0]!.totals.calls

  it('are cached by their code, and by the variables that they may see', async () => {
    const folder = promptProject(api, { cases: 4 })
    app(folder, '{command: [node, ../src/answer.cjs], env: [TONE], depends_on: ["../src/**"]}')
    const calls = async (env = { TONE: 'kind' }) => (await run(folder, [], env), ran(folder))
    expect([await calls(), await calls()]).toEqual([4, 0])
    write(folder, 'src/deep/prompt.txt', 'new')
    expect([await calls(), await calls()]).toEqual([4, 0])
    expect([await calls({ TONE: 'rude' }), await calls()]).toEqual([4, 0])
    const kept = segments(folder).map((name) => readFileSync(join(folder, '.aigate', 'cache', name), 'utf8'))
    expect(kept.join()).not.toMatch(/TONE/)
  })

  it('without depends_on they are asked every time, and that is said', async () => {
    const folder = promptProject(api, { cases: 4 })
    app(folder, '{module: ../src/answer.mjs}')
    await run(folder)
    const { stderr, code } = await run(folder)
    expect(code).toBe(0)
    expect(ran(folder)).toBe(4)
    expect(stderr).toMatch(/app: no answers are kept for the next run: its target does not say what it `depends_on`/)
    edit(folder, 'evals/app.suite.yaml', 'answer.mjs}', 'answer.mjs, depends_on: [../lib/**]}')
    expect((await run(folder)).stderr).toMatch(/"\.\.\/lib\/\*\*" of its `depends_on` matches no file/)
    edit(folder, 'evals/app.suite.yaml', '../lib/**', '../src/*.mjs')
    await run(folder)
    await run(folder)
    expect(ran(folder)).toBe(0)
  })
})

describe('what is wrong with the cache never stops a run', () => {
  it('torn, changed and poisoned lines are asked again', async () => {
    const folder = promptProject(api, { cases: CASES })
    await run(folder)
    const file = join(folder, '.aigate', 'cache', segments(folder)[0]!)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    lines[1] = lines[1]!.replace('right', 'wrong')
    lines[2] = lines[2]!.slice(0, 100)
    writeFileSync(file, lines.join('\n').slice(0, -5))
    const before = api.asked.length
    const { code, stderr } = await run(folder)
    expect(code).toBe(0)
    expect(api.asked.length - before).toBe(3)
    expect(stderr).toMatch(/cache: 3 lines in .* are torn or changed/)
    expect(await cost(folder)).toBe(0)
  })

  it('a segment of a newer aigate, and foreign files, are left out with a sentence and left alone', async () => {
    const folder = promptProject(api, { cases: 3 })
    await run(folder)
    const file = join(folder, '.aigate', 'cache', segments(folder)[0]!)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version":1', '"version":2'))
    write(folder, '.aigate/cache/other.jsonl', '{"mine": true}\n')
    const { code, stderr } = await run(folder)
    expect(code).toBe(0)
    expect(stderr).toMatch(/written by a newer aigate and is left out/)
    expect(stderr).toMatch(/other\.jsonl is no segment of the answer cache/)
    expect(api.asked.length).toBe(6)
    await aigate(['cache', 'gc', '--max-mb', '0'], folder)
    await aigate(['cache', 'clear'], folder)
    expect(segments(folder)).toEqual(expect.arrayContaining(['other.jsonl']))
    expect(segments(folder)).toHaveLength(2)
  })

  it('a folder that cannot be written is said, and the run goes on', async () => {
    const folder = promptProject(api, { cases: 3 })
    write(folder, 'blocked', 'a file')
    const { code, stderr } = await run(folder, ['--cache-dir', 'blocked/cache'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/cache: Answers are not kept for the next run: .*blocked.cache cannot be written/)
    if (process.getuid?.() === 0) return
    mkdirSync(join(folder, 'locked'))
    chmodSync(join(folder, 'locked'), 0o555)
    expect((await run(folder, ['--cache-dir', 'locked'])).stderr).toMatch(/permission denied/)
  })

  it('answers that the change itself commits are not taken', async () => {
    const folder = promptProject(api, { cases: 3 })
    await run(folder)
    git(folder, 'add', '-f', '.aigate/cache')
    commit(folder, 'a head start')
    expect(await cost(folder)).toBe(3)
    expect(verdictOf(folder).warnings.join()).toMatch(/\.aigate\/cache is committed: nothing is taken from it/)
  })

  it.each([
    ['behind a link', 'kept', '.aigate/cache'],
    ['beside the project', '../kept', '../kept/cache'],
  ])('nor those that it commits %s', async (_, place, shown) => {
    const top = temporary()
    const folder = join(top, 'services/chat')
    cpSync(promptProject(api, { cases: 3 }), folder, { recursive: true, filter: (path) => !path.endsWith('.git') })
    await run(folder)
    renameSync(join(folder, '.aigate'), join(folder, place))
    if (place === 'kept') symlinkSync('kept', join(folder, '.aigate'))
    else
      write(
        folder,
        'aigate.yaml',
        `${readFileSync(join(folder, 'aigate.yaml'), 'utf8')}cache: {folder: ../kept/cache}\n`,
      )
    git(top, 'init', '-q', '-b', 'main')
    git(top, 'add', '-f', '.')
    git(top, 'commit', '-qm', 'a head start')
    expect(await cost(folder)).toBe(3)
    expect(verdictOf(folder).warnings.join()).toContain(`${shown} is committed: nothing is taken from it`)
  })

  it('no key reaches it', async () => {
    api.close()
    api = await startApi(() => 'right: your key is sk-very-secret-0123456789abcdef')
    const folder = promptProject(api, { cases: 3 })
    await run(folder, [], { OPENAI_API_KEY: 'sk-very-secret-0123456789abcdef' })
    const kept = segments(folder).map((name) => readFileSync(join(folder, '.aigate', 'cache', name), 'utf8'))
    expect(kept.join()).toContain('your key is [redacted]')
    expect(kept.join()).not.toContain('very-secret')
  })
})

it('two runs at once on one cache both end well, and the third asks nothing', async () => {
  api.close()
  // One run has five calls under way before its first answer: nobody is answered before both are asking.
  api = await startApi(async (_, nth) => {
    while (api.asked.length < 6) await new Promise((go) => setTimeout(go, 5))
    return `right ${nth}`
  })
  const folder = promptProject(api, { cases: CASES })
  const both = await Promise.all([run(folder, ['--reporter', 'table']), run(folder, ['--reporter', 'table'])])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(segments(folder).length).toBe(2)
  expect(await cost(folder)).toBe(0)
  expect((await aigate(['cache', 'gc'], folder)).code).toBe(0)
  expect(segments(folder)).toHaveLength(1)
  expect(await cost(folder)).toBe(0)
})

it('stats, show, gc and clear', async () => {
  const folder = promptProject(api, { cases: 12 })
  expect((await aigate(['cache', 'stats'], folder)).stdout).toMatch(/^\.aigate.cache: 0 answers in 0 segments/)
  await run(folder)
  await run(folder, ['--refresh'])
  const stats = await aigate(['cache', 'stats'], folder)
  expect(stats.stdout).toMatch(/12 answers in 2 segments, the oldest 0 min old/)
  expect(stats.stdout).toMatch(/12 lines replaced by newer ones: `aigate cache gc` drops them/)
  const { stdout } = await aigate(['cache', 'show', 'c3'], folder)
  expect(stdout).toMatch(
    /^app c3 · a@1\.0\.0 with main · trial 1 · 0 min old · answered · \d+ ms\n {2}key [0-9a-f]{64}\n {2}│ right \d+\n$/,
  )
  const key = /key ([0-9a-f]{8})/.exec(stdout)?.[1] ?? ''
  expect((await aigate(['cache', 'show', key], folder)).stdout).toBe(stdout)
  expect(await aigate(['cache', 'show', 'nobody'], folder)).toMatchObject({ code: 1 })
  expect((await aigate(['cache', 'gc'], folder)).stdout).toMatch(/12 answers kept, 12 dropped/)
  expect((await aigate(['cache', 'gc', '--max-mb', '0.002'], folder)).stdout).toMatch(/[1-9] answers kept, \d+ dropped/)
  expect(await cost(folder)).toBeGreaterThan(2)
  expect((await aigate(['cache', 'clear'], folder)).stdout).toMatch(/2 segments removed/)
  expect(await cost(folder)).toBe(12)
})

it('is bounded by itself: what the configuration allows, and no older', async () => {
  const folder = promptProject(api, { cases: 20, config: 'cache: {max_mb: 0.004, max_age: 1h}\n' })
  await run(folder)
  const bytes = segments(folder).map((name) => readFileSync(join(folder, '.aigate', 'cache', name)).length)
  expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(4000)
  edit(folder, 'aigate.yaml', 'cache: {max_mb: 0.004, max_age: 1h}', 'cache: {folder: kept, max_age: 1ms}')
  expect(await cost(folder)).toBe(20)
  expect(await cost(folder)).toBe(20)
  edit(folder, 'aigate.yaml', 'max_age: 1ms', 'max_mb: 0')
  expect(await cost(folder)).toBe(20)
  expect(readdirSync(join(folder, 'kept'))).toHaveLength(2)
})
