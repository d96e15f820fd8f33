// Each folder of fixtures/scenarios through the built program: exit code, JSON report, and what a person reads.
import { createServer, type Server } from 'node:http'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Report } from '../../schema/verdict.ts'
import { aigate, removeTemporary, reportIn, root, start, temporary } from '../cli-testing.ts'

const fixtures = join(root, 'fixtures')
const servers: Server[] = []

/** A copy of the scenario; PORT in its configuration becomes the port of the server. */
function scenario(name: string, port = 0): string {
  const folder = temporary()
  cpSync(join(fixtures, 'scenarios', name), folder, { recursive: true })
  const config = join(folder, 'aigate.yaml')
  writeFileSync(config, readFileSync(config, 'utf8').replace('PORT', String(port)))
  return folder
}

const evalArgs = ['eval', '--reporter', 'table,json:run.json']

/** An API that answers as `reply` says. */
async function api(reply: (question: string) => { status: number; body: unknown; wait?: number }): Promise<number> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(chunks).toString())
      const { status, body, wait = 0 } = reply(messages.at(-1).content)
      setTimeout(() => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }, wait)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
const chat = (content: string) => ({
  id: 'x',
  object: 'chat.completion',
  created: 0,
  model: 'test-model-2026-01-01',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
})

beforeAll(() => expect(readdirSync(join(root, 'dist'))).toContain('main.cjs'))
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})
afterAll(removeTemporary)

describe('verdicts', () => {
  const verdicts = [
    { name: 'pass', code: 0, says: [/PASS/], gate: ['regression', 'pass'] },
    {
      name: 'regressed',
      code: 1,
      says: [/FAIL/, /c000/, /I would rather not say/, /"right" is missing/],
      gate: ['regression', 'fail'],
    },
    { name: 'improved', code: 0, says: [/PASS/, /[Ii]mproved/], gate: ['regression', 'pass'] },
    {
      name: 'inconclusive',
      code: 3,
      says: [/INCONCLUSIVE/, /more|trials|cases/],
      gate: ['regression', 'inconclusive'],
    },
    { name: 'floor-missed', code: 1, says: [/FAIL/, /85/], gate: ['floor', 'fail'] },
    { name: 'critical-broken', code: 1, says: [/FAIL/, /critical/i, /c007/], gate: ['critical/c007', 'fail'] },
    { name: 'category-regressed', code: 1, says: [/FAIL/, /alpha/], gate: ['regression/alpha', 'fail'] },
  ]
  it.each(verdicts)('$name ends in exit $code', async ({ name, code, says, gate }) => {
    const folder = scenario(name)
    const recorded = await aigate(['baseline', 'record'], folder, { SIDE: 'before' })
    expect(recorded).toMatchObject({ code: 0 })
    const { stdout, stderr, ...result } = await aigate(evalArgs, folder, { SIDE: 'after' })
    expect(stderr).not.toMatch(/\n\s+at /)
    for (const pattern of says) expect(stdout).toMatch(pattern)
    const report = reportIn(folder)
    expect(report.suites[0]?.verdict.gates.find(({ id }) => id === gate[0])?.outcome).toBe(gate[1])
    expect(result.code).toBe(code)

    const again = await aigate(['compare', 'latest', '--reporter', 'json'], folder)
    expect(again.code).toBe(code)
    expect(Report.parse(JSON.parse(again.stdout)).suites[0]?.verdict).toEqual(report.suites[0]?.verdict)
    const rendered = await aigate(['report', 'latest'], folder)
    expect(rendered).toMatchObject({ code, stdout })
  })

  it('asks no second pass when the first decides, and all of them when they are needed', async () => {
    const folder = scenario('pass')
    await aigate(['baseline', 'record'], folder, { SIDE: 'before' })
    await aigate(evalArgs, folder, { SIDE: 'after' })
    expect(reportIn(folder).suites[0]?.verdict.passes).toBe(1)
    const small = scenario('inconclusive')
    await aigate(['baseline', 'record'], small, { SIDE: 'before' })
    await aigate(evalArgs, small, { SIDE: 'after' })
    expect(reportIn(small).suites[0]?.verdict.passes).toBe(3)
  })

  it('no baseline: absolute gates only, said aloud', async () => {
    const folder = scenario('no-baseline')
    const { code, stdout } = await aigate(evalArgs, folder)
    expect(stdout).toMatch(/[Nn]o baseline/)
    expect(stdout).toMatch(/aigate baseline record/)
    expect(reportIn(folder).suites[0]?.baseline).toBeNull()
    expect(code).toBe(0)
  })

  it('changed, added and removed cases are named and not compared', async () => {
    const folder = scenario('changed-cases')
    await aigate(['baseline', 'record'], folder)
    const file = join(folder, 'evals', 'cases.jsonl')
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    lines[0] = (lines[0] ?? '').replace('question 0', 'another question')
    lines[65] = (lines[65] ?? '').replace('c065', 'c900')
    writeFileSync(file, `${lines.join('\n')}\n`)
    const { code, stdout } = await aigate(evalArgs, folder)
    const status = (id: string) => reportIn(folder).suites[0]?.cases.find((each) => each.id === id)?.status
    expect([status('c000'), status('c900'), status('c065')]).toEqual(['changed', 'added', 'removed'])
    for (const id of ['c000', 'c900', 'c065']) expect(stdout).toContain(id)
    expect(reportIn(folder).suites[0]?.verdict.gates.find(({ id }) => id === 'regression')?.n).toBe(64)
    expect(code).toBe(0)
  })
})

describe('not measured is neither failed nor passed', () => {
  it('a provider that is down', async () => {
    const folder = scenario('provider-down', 40999)
    const { code, stdout } = await aigate(evalArgs, folder, { SCENARIO_KEY: 'canary-key-0123456789' })
    expect(stdout).toMatch(/NOT MEASURED/)
    expect(reportIn(folder).outcome).toBe('invalid')
    expect(code).toBe(4)
  })

  it('half of the calls fail', async () => {
    const port = await api((question) =>
      Number(question.split(' ')[1]) % 2 === 0
        ? { status: 500, body: { error: { message: 'overloaded' } } }
        : { status: 200, body: chat('right') },
    )
    const folder = scenario('half-failing', port)
    const { code, stdout } = await aigate(evalArgs, folder, { SCENARIO_KEY: 'canary-key-0123456789' })
    expect(stdout).toMatch(/NOT MEASURED/)
    expect(reportIn(folder).suites[0]?.totals.errors).toEqual({ server_error: 20 })
    expect(code).toBe(4)
  })

  it('a missing key is said before anything else, by name', async () => {
    const folder = scenario('half-failing', 40999)
    const { code, stdout, stderr } = await aigate(evalArgs, folder)
    expect(stdout + stderr).toContain('SCENARIO_KEY')
    expect(code).toBe(4)
  })

  it.each([
    { what: 'quota', status: 429, error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } },
    { what: 'unknown model', status: 404, error: { message: 'The model does not exist', code: 'model_not_found' } },
  ])('$what stops the run at once', async ({ status, error }) => {
    let calls = 0
    const port = await api(() => {
      calls += 1
      return { status, body: { error } }
    })
    const folder = scenario('half-failing', port)
    const { code, stdout } = await aigate(evalArgs, folder, { SCENARIO_KEY: 'canary-key-0123456789' })
    expect(stdout).toContain(error.message)
    expect(calls).toBeLessThanOrEqual(8)
    expect(code).toBe(4)
  })
})

describe('secrets', () => {
  it('never reach a file, a log, a run, a report or an error message', async () => {
    const key = 'sk-canary-7f3e9a1b2c4d5e6f7a8b'
    let calls = 0
    const port = await api(() => {
      calls += 1
      return calls < 20
        ? { status: 200, body: chat(`right, and your key is ${key}`) }
        : { status: 401, body: { error: { message: `Incorrect API key provided: ${key}`, code: 'invalid_api_key' } } }
    })
    const folder = scenario('secrets', port)
    const reporters = 'table,json:run.json,junit:junit.xml,markdown:summary.md'
    const { code, stdout, stderr } = await aigate(['eval', '--record', '--reporter', reporters], folder, {
      SCENARIO_KEY: key,
    })
    expect(code).toBe(4)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((one) =>
      one.isFile(),
    )
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['run.json', 'junit.xml', 'summary.md', 'app.jsonl']),
    )
    const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
    for (const text of [stdout, stderr, ...written]) {
      expect(text).not.toContain(key)
      expect(text).not.toContain('7f3e9a1b2c4d')
    }
    expect(written.join('')).toContain('[redacted]')
  })
})

describe('interruption', () => {
  const slow = () => api((question) => ({ status: 200, body: chat(`right ${question}`), wait: 40 }))

  function manyCases(folder: string, count: number): void {
    const line = (i: number) =>
      JSON.stringify({ id: `c${i}`, vars: { question: `question ${i}` }, assert: [{ contains: 'right' }] })
    writeFileSync(
      join(folder, 'evals', 'cases.jsonl'),
      Array.from({ length: count }, (_, i) => `${line(i)}\n`).join(''),
    )
  }
  const journalOf = (folder: string) => {
    const name = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((one) => one.endsWith('app.jsonl'))
    return name ? readFileSync(join(folder, name), 'utf8') : ''
  }
  const answersIn = (folder: string) =>
    journalOf(folder)
      .split('\n')
      .filter((line) => line.includes('"type":"answer"')).length
  async function untilAnswers(folder: string, count: number): Promise<void> {
    const deadline = Date.now() + 20_000
    while (Date.now() < deadline) {
      if (answersIn(folder) >= count) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('no answers')
  }

  it('kill -9 in the middle of 200 cases loses no finished answer', async () => {
    const folder = scenario('half-failing', await slow())
    manyCases(folder, 200)
    const { child, ended } = start(evalArgs, folder, { SCENARIO_KEY: 'canary-key-0123456789' })
    await untilAnswers(folder, 60)
    child.kill('SIGKILL')
    await ended
    const saved = answersIn(folder)
    const { code, stdout } = await aigate(['compare', 'latest', '--reporter', 'json'], folder)
    const report = Report.parse(JSON.parse(stdout))
    expect(report.suites[0]?.totals.answered).toBe(saved)
    expect(saved).toBeGreaterThanOrEqual(60)
    expect(code).toBe(4)
  })

  it.skipIf(process.platform === 'win32')(
    'Ctrl-C ends in exit 130 within two seconds and keeps the answers',
    async () => {
      const folder = scenario('half-failing', await slow())
      manyCases(folder, 200)
      const { child, ended } = start(evalArgs, folder, { SCENARIO_KEY: 'canary-key-0123456789' })
      await untilAnswers(folder, 40)
      const before = Date.now()
      child.kill('SIGINT')
      const { code, stderr } = await ended
      expect(code).toBe(130)
      expect(Date.now() - before).toBeLessThan(2000)
      expect(stderr).toMatch(/saved/)
      expect(answersIn(folder)).toBeGreaterThanOrEqual(40)
    },
  )
})

describe('bad input: exit 2, the place, the mend, and no stack trace', () => {
  const bad = [
    { name: 'syntax', says: /evals\/app\.suite\.yaml:\d+:\d+ error/ },
    { name: 'unknown-key', says: /evals\/app\.suite\.yaml:6:5 error: .*"vrs".*"vars"/s },
    { name: 'unknown-assertion', says: /evals\/app\.suite\.yaml:7:\d+ error: .*"contain".*"contains"/s },
    { name: 'wrong-type', says: /evals\/app\.suite\.yaml:4:\d+ error: .*trials/ },
    { name: 'missing-variable', says: /evals\/app\.suite\.yaml:5.* error: .*one.*question/s },
    { name: 'unused-variable', says: /evals\/app\.suite\.yaml:6:44 error: .*tone/s },
    { name: 'duplicate-id', says: /evals\/app\.suite\.yaml:8.* error: .*one/s },
    { name: 'unknown-model', says: /evals\/app\.suite\.yaml:3:\d+ error: .*"mian".*"main"/s },
    { name: 'unknown-provider', says: /aigate\.yaml:5:\d+ error: .*"apl".*"api"/s },
    { name: 'unknown-prompt-version', says: /evals\/app\.suite\.yaml:3:\d+ error: .*1\.0\.1.*1\.0\.0/s },
    { name: 'alias-bomb', says: /evals\/app\.suite\.yaml.* error: .*alias/is },
    { name: 'tabs', says: /evals\/app\.suite\.yaml:\d+:\d+ error: .*tab/is },
    { name: 'unquoted-version', says: /evals\/app\.suite\.yaml:2:\d+ error: .*"1\.10"/s },
    { name: 'empty-file', says: /evals\/app\.suite\.yaml.* error: .*empty/is },
    { name: 'bad-regex', says: /evals\/app\.suite\.yaml:7:14 error: .*\(two/s },
    { name: 'template-variable', says: /prompts\/ask\/1\.0\.0\.md:\d+.* error: .*qestion/s },
    { name: 'template-syntax', says: /prompts\/ask\/1\.0\.0\.md:\d+.* error/s },
    { name: 'no-assertions', says: /evals\/app\.suite\.yaml:5.* error: .*assert/s },
  ]
  it('has a test for every folder', () => {
    const names = readdirSync(join(fixtures, 'bad-config')).filter((name) => name !== 'good')
    expect(bad.map(({ name }) => name).sort()).toEqual(names.sort())
  })
  it.each(bad)('$name', async ({ name, says }) => {
    const folder = temporary()
    cpSync(join(fixtures, 'bad-config', 'good'), folder, { recursive: true })
    expect(await aigate(['check'], folder)).toMatchObject({ code: 0 })
    cpSync(join(fixtures, 'bad-config', name), folder, { recursive: true })
    for (const verb of ['check', 'eval']) {
      const { code, stderr } = await aigate([verb], folder)
      expect(stderr).toMatch(says)
      expect(stderr).toMatch(/fix: /)
      expect(stderr).not.toMatch(/\n\s+at /)
      expect(code).toBe(2)
    }
  })

  it.each([
    { args: ['evil'], says: /Did you mean eval/ },
    { args: ['eval', '--trails', '3'], says: /Did you mean --trials/ },
    { args: ['eval', '--trials', 'many'], says: /no count/ },
    { args: ['eval', '--threshold', '85'], says: /no rate/ },
    { args: ['eval', '--reporter', 'html5'], says: /no reporter "html5"/ },
    { args: ['eval', 'ap'], says: /"ap"|"app"/ },
    { args: ['eval', '--case', 'two'], says: /no case two/ },
    { args: ['eval', '--tag', 'smoke'], says: /tag smoke/ },
    { args: ['compare', 'latest'], says: /run/ },
    { args: ['eval', '--baseline', 'nowhere.json'], says: /nowhere\.json/ },
    { args: ['eval', '--config', 'nowhere.yaml'], says: /nowhere\.yaml/ },
  ])('$args', async ({ args, says }) => {
    const { code, stderr } = await aigate(args, join(fixtures, 'bad-config', 'good'))
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(code).toBe(2)
  })
})

describe('first steps', () => {
  it('init writes a project that gives a verdict at once, and never overwrites', async () => {
    const folder = temporary()
    expect(await aigate(['init'], folder)).toMatchObject({ code: 0 })
    expect(await aigate(['check'], folder)).toMatchObject({ code: 0 })
    const first = await aigate(['eval'], folder)
    expect(first.stdout).toMatch(/PASS/)
    expect(first.code).toBe(0)
    expect(await aigate(['baseline', 'record'], folder)).toMatchObject({ code: 0 })
    expect(await aigate(['eval'], folder)).toMatchObject({ code: 0 })
    const again = await aigate(['init'], folder)
    expect(again.stderr).toMatch(/aigate\.yaml/)
    expect(again.code).toBe(2)
  })

  it('--help of each verb shows examples, --version the version', async () => {
    for (const verb of [
      ['eval'],
      ['compare'],
      ['report'],
      ['check'],
      ['init'],
      ['baseline', 'record'],
      ['baseline', 'accept'],
    ]) {
      const { code, stdout } = await aigate([...verb, '--help'], root)
      expect(stdout).toMatch(/Examples:\n {2}\$ aigate/)
      expect(code).toBe(0)
    }
    const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
    expect(await aigate(['--version'], root)).toMatchObject({ code: 0, stdout: `${version}\n` })
  })
})
