// Prompt and model changed together, through the built program against an API whose effects are scripted.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Report } from '../../schema/verdict.ts'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'

const CASES = 200
const truth = { prompt: -0.08, model: 0.06 }
let server: Server
let port = 0
let asked: { model: string; terse: boolean }[] = []

const unit = (text: string) => createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32

/** Right with the chance of the case, plus what the new prompt and the new model do to it; every request is a fresh draw. */
beforeAll(async () => {
  const seen = new Map<string, number>()
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { model, messages } = JSON.parse(body)
      const [system, user] = messages.map(({ content }: { content: string }) => content)
      const terse = system.includes('terse')
      asked.push({ model, terse })
      const nth = (seen.get(body) ?? 0) + 1
      seen.set(body, nth)
      const chance =
        0.3 + 0.5 * unit(`case ${user}`) + (terse ? truth.prompt : 0) + (model === 'm-2026-06-01' ? truth.model : 0)
      const content = unit(`${body} ${nth}`) < chance ? `right ${nth}` : `wrong ${nth}`
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 0, model, choices }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  removeTemporary()
})

function project(cases: number, gate = ''): string {
  const folder = temporary()
  for (const name of ['evals', 'prompts/a']) mkdirSync(join(folder, name), { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const model = (id: string, params = '') => `{provider: api, id: ${id}${params}}`
  write(
    'aigate.yaml',
    `version: 1
providers:
  api: {type: openai, base_url: "http://127.0.0.1:${port}/v1", concurrency: 16}
models:
  main: ${model('m-2026-01-01')}
  next: ${model('m-2026-06-01')}
  hot: ${model('m-2026-06-01', ', params: {temperature: 1}')}
gate: {min_pass_rate: 0${gate}}
`,
  )
  for (const [version, word] of Object.entries({ '1.0.0': 'friendly', '1.1.0': 'terse' })) {
    write(
      `prompts/a/${version}.md`,
      `---\nname: a\nversion: ${version}\ninput: [q]\n---\nsystem:\nBe ${word}.\n\nuser:\n{{ q }}\n`,
    )
  }
  const rows = Array.from(
    { length: cases },
    (_, i) => `  - {id: c${i}, vars: {q: "question ${i}"}, assert: [{contains: right}]}\n`,
  )
  write(
    'evals/s.suite.yaml',
    `suite: s\nversion: 1.0.0\ntarget: {prompt: a@1.0.0, model: main}\ntrials: 3\ncases:\n${rows.join('')}`,
  )
  return folder
}

const both = ['--prompt', 'a@1.1.0', '--model', 'next']

describe('attributing', () => {
  it('prompt -8 and model +6 are found within their intervals, and every cell is saved', async () => {
    const folder = project(CASES)
    expect((await aigate(['baseline', 'record', '--trials', '5'], folder)).code).toBe(0)
    asked = []
    const args = ['eval', '--attribute', ...both, '--reporter', 'json,table:out.txt,markdown:out.md,html:out.html']
    const { code, stdout, stderr } = await aigate(args, folder)
    expect([0, 1, 3], stderr).toContain(code)
    const [suite] = Report.parse(JSON.parse(stdout)).suites
    const { effects, cells, n, problem } = suite!.attribution!
    expect({ n, problem }).toEqual({ n: CASES, problem: null })
    expect(effects.map(({ components }) => components.join())).toEqual(['prompt', 'model', 'prompt,model'])
    for (const [i, effect] of [truth.prompt, truth.model, 0].entries()) {
      const { low, high } = effects[i]!.interval
      expect(low).toBeLessThan(effect)
      expect(high).toBeGreaterThan(effect)
      expect(high - low).toBeLessThan(i < 2 ? 0.08 : 0.16)
    }
    expect(effects[0]!.interval.high).toBeLessThan(0)
    expect(effects[1]!.interval.low).toBeGreaterThan(0)

    // The candidate, and the two missing cells mixed in one order: three trials each.
    const of = (model: string, terse: boolean) => asked.filter((one) => one.model === model && one.terse === terse)
    expect(of('m-2026-06-01', true)).toHaveLength(3 * CASES)
    expect(of('m-2026-01-01', true)).toHaveLength(3 * CASES)
    expect(of('m-2026-06-01', false)).toHaveLength(3 * CASES)
    expect(of('m-2026-01-01', false)).toHaveLength(0)
    const pass = asked.slice(3 * CASES, 5 * CASES).map(({ terse }) => terse)
    expect(pass.slice(0, 40).filter(Boolean).length).toBeGreaterThan(5)
    expect(pass.slice(0, 40).filter(Boolean).length).toBeLessThan(35)

    expect(cells.map(({ changed }) => changed.join('+'))).toEqual(['', 'prompt', 'model', 'prompt+model'])
    for (const { file } of cells.slice(1)) {
      const lines = readFileSync(file!, 'utf8').trim().split('\n')
      expect(lines).toHaveLength(1 + 2 * 3 * CASES + 1)
    }
    // `latest` is still the run of the candidate.
    // It is shown again, and judged again, from the records alone.
    asked = []
    for (const verb of ['report', 'compare']) {
      const again = await aigate([verb, 'latest', '--reporter', 'json'], folder)
      expect([verb, again.code, again.stderr]).toEqual([verb, code, ''])
      const [found] = Report.parse(JSON.parse(again.stdout)).suites
      expect(found).toMatchObject({ run: { id: suite!.run.id } })
      expect(found!.attribution).toEqual(suite!.attribution)
    }
    expect(asked).toEqual([])

    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toMatch(
      /attribution\n {2}prompt a 1\.0\.0 -> 1\.1\.0\n {2}model m-2026-01-01 -> m-2026-06-01\n {2}prompt +-\d.*worse\n {2}model +\+\d.*better\n {2}prompt x model/,
    )
    expect(readFileSync(join(folder, 'out.html'), 'utf8')).toMatch(
      /<h3>What each change did<\/h3>.*\n?.*<code>prompt<\/code><\/td><td>-\d+\.\d/s,
    )
    expect(readFileSync(join(folder, 'out.md'), 'utf8')).toMatch(/\| `prompt` \| -\d+\.\d \| -.* \| worse \|/)
  }, 60_000)
})

describe('without it', () => {
  it('stops before anything is asked, with exit 2 and both names; one change and an allowed pair go on', async () => {
    const folder = project(4)
    expect((await aigate(['baseline', 'record'], folder)).code).toBe(0)
    const stored = readdirSync(join(folder, '.aigate', 'runs'))
    asked = []
    const { code, stderr } = await aigate(['eval', ...both], folder)
    expect(code).toBe(2)
    expect(stderr).toContain(
      'prompt a 1.0.0 -> 1.1.0 and model m-2026-01-01 -> m-2026-06-01 changed together; the cause could not be told apart.',
    )
    expect(stderr).toMatch(/fix: .*--attribute/)
    expect(asked).toEqual([])
    expect(readdirSync(join(folder, '.aigate', 'runs'))).toEqual(stored)

    expect((await aigate(['eval', '--no-baseline', ...both], folder)).code).not.toBe(2)
    expect(await aigate(['compare', 'latest'], folder)).toMatchObject({ code: 2 })
    const named = await aigate(['compare', 'latest', 'baselines/s.json'], folder)
    expect(named.code).not.toBe(2)
    expect(named.stdout.replaceAll(/\s+/g, ' ')).toContain('the verdict is on all of it, not on a part')
    for (const one of [both.slice(0, 2), both.slice(2)]) {
      expect((await aigate(['eval', ...one], folder)).code).not.toBe(2)
    }
    const config = join(folder, 'aigate.yaml')
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('min_pass_rate: 0', 'min_pass_rate: 0, allow_joint_changes: true'),
    )
    expect((await aigate(['eval', ...both], folder)).code).not.toBe(2)
  }, 60_000)

  it.each([
    { say: 'no baseline', args: ['--no-baseline', ...both], change: () => {}, says: /has no baseline/ },
    {
      say: 'a published prompt was edited',
      args: both,
      change: (folder: string) => {
        const file = join(folder, 'prompts/a/1.0.0.md')
        writeFileSync(file, readFileSync(file, 'utf8').replace('friendly', 'kind'))
      },
      says: /no longer what the baseline was recorded with/,
    },
    {
      say: 'results of another tool',
      args: ['--results', 'r.json'],
      change: () => {},
      says: /--attribute.*cannot be used with.*--results/,
    },
  ])('--attribute is refused: $say', async ({ args, change, says }) => {
    const folder = project(4)
    await aigate(['baseline', 'record'], folder)
    change(folder)
    asked = []
    const { code, stderr } = await aigate(['eval', '--attribute', ...args], folder)
    expect(stderr).toMatch(says)
    expect(code).toBe(2)
    expect(asked).toEqual([])
  })

  it('three changes: all eight cells, params by themselves', async () => {
    const folder = project(3)
    await aigate(['baseline', 'record'], folder)
    const args = ['eval', '--attribute', '--prompt', 'a@1.1.0', '--model', 'hot', '--reporter', 'json']
    const { stdout } = await aigate(args, folder)
    const [suite] = Report.parse(JSON.parse(stdout)).suites
    expect(suite?.attribution?.cells).toHaveLength(8)
    expect(suite?.attribution?.effects.map(({ components }) => components.join(' x '))).toEqual([
      'prompt',
      'model',
      'params',
      'prompt x model',
      'prompt x params',
      'model x params',
      'prompt x model x params',
    ])
  })
})

describe('attributing again from the records', () => {
  const json = ['--reporter', 'json']
  const suiteOf = (stdout: string) => Report.parse(JSON.parse(stdout)).suites[0]!

  async function attributed() {
    const folder = project(6)
    await aigate(['baseline', 'record'], folder)
    const { stdout } = await aigate(['eval', '--attribute', ...both, ...json], folder)
    return { folder, before: suiteOf(stdout) }
  }
  const recordOf = (suite: ReturnType<typeof suiteOf>, changed: string) =>
    suite.attribution!.cells.find((cell) => cell.changed.join('+') === changed)!.file!

  it('compare --regrade grades every combination anew', async () => {
    const { folder, before } = await attributed()
    const file = join(folder, 'evals/s.suite.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('[{contains: right}]', '[{not_contains: right}]'))
    const { stdout, stderr } = await aigate(['compare', 'latest', '--regrade', ...json], folder)
    const { attribution } = suiteOf(stdout)
    expect(stderr).toBe('')
    // The baseline was graded by the old assertions: another ruler, so that nothing is left to compare.
    expect(attribution).toMatchObject({ n: 0, not_compared: 6, effects: [], problem: expect.any(String) })
    expect(before.attribution).toMatchObject({ n: 6, not_compared: 0, problem: null })
  })

  it('says so when a record of a combination is gone or torn; a comparison of other things shows none', async () => {
    const { folder, before } = await attributed()
    const file = recordOf(before, 'model')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.slice(0, text.trimEnd().lastIndexOf('\n') + 1))
    const torn = suiteOf((await aigate(['report', 'latest', ...json], folder)).stdout)
    expect(torn.attribution).toMatchObject({ effects: [], problem: 'interrupted' })
    rmSync(file)
    const gone = suiteOf((await aigate(['report', 'latest', ...json], folder)).stdout)
    expect(gone.attribution).toMatchObject({ effects: [], problem: 'the record of model is missing.' })
    writeFileSync(file, text)
    // Another baseline, of which these runs are no combinations: two causes, and nobody told them apart.
    await aigate(['baseline', 'record', '--model', 'hot'], folder)
    const other = await aigate(['compare', before.run.id, 'baselines/s.json', ...json], folder)
    expect(other.stderr).toBe('')
    expect(suiteOf(other.stdout).attribution).toBeUndefined()
  })
})

describe('--attribute with --against', () => {
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], { cwd })

  function branched(): string {
    const folder = project(20)
    writeFileSync(join(folder, '.gitignore'), '.aigate/\n')
    git(folder, 'init', '-q', '-b', 'main')
    git(folder, 'add', '.')
    git(folder, '-c', 'commit.gpgsign=false', 'commit', '-qm', 'base')
    const suite = join(folder, 'evals/s.suite.yaml')
    const text = readFileSync(suite, 'utf8').replace('{prompt: a@1.0.0, model: main}', '{prompt: a@1.1.0, model: next}')
    writeFileSync(suite, text)
    // The old version is gone from the change: what the commit asks is read from git.
    rmSync(join(folder, 'prompts/a/1.0.0.md'))
    return folder
  }

  it('asks all four combinations in one go, and tells the same again later', async () => {
    const folder = branched()
    asked = []
    const args = ['eval', '--against', 'main', '--attribute', '--no-base', '--reporter', 'json']
    const { stdout, stderr } = await aigate(args, folder)
    const [suite] = Report.parse(JSON.parse(stdout)).suites
    expect(stderr).not.toContain('error')
    expect(suite!.attribution).toMatchObject({ n: 20, problem: null })
    expect(suite!.attribution!.notes.join(' ')).not.toContain('its provider changed since then')
    expect(suite!.attribution!.cells.map(({ trials }) => trials)).toEqual([3, 3, 3, 3])
    const count = (model: string, terse: boolean) =>
      asked.filter((one) => one.model === model && one.terse === terse).length
    for (const model of ['m-2026-01-01', 'm-2026-06-01'])
      for (const terse of [false, true]) expect([model, terse, count(model, terse)]).toEqual([model, terse, 60])
    const again = await aigate(['report', 'latest', '--reporter', 'json'], folder)
    expect(Report.parse(JSON.parse(again.stdout)).suites[0]!.attribution).toEqual(suite!.attribution)
  }, 60_000)

  it('without it the two causes stop the run; a suite that the commit lacks is refused with a sentence', async () => {
    const folder = branched()
    asked = []
    const joint = await aigate(['eval', '--against', 'main', '--no-base'], folder)
    expect(joint).toMatchObject({ code: 2, stderr: expect.stringContaining('changed together') })
    git(folder, 'mv', 'evals/s.suite.yaml', 'evals/t.suite.yaml')
    const moved = join(folder, 'evals/t.suite.yaml')
    writeFileSync(moved, readFileSync(moved, 'utf8').replace('suite: s', 'suite: t'))
    const absent = await aigate(['eval', '--against', 'main', '--attribute', '--no-base'], folder)
    expect(absent.stderr).toContain('Suite t is not there at main, so there is nothing to attribute a change to.')
    expect(absent.code).toBe(2)
    expect(asked).toEqual([])
  })
})
