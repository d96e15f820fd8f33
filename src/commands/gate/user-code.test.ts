// What a module of the user may do to the process, and what was found out too late once: through the built program.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Report } from '../../schema/verdict.ts'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

/** A project of one suite a module; each suite asks `export default` of the file of its name. */
function project(modules: Record<string, string>): string {
  const folder = temporary()
  mkdirSync(join(folder, 'evals'))
  writeFileSync(join(folder, 'aigate.yaml'), 'version: 1\n')
  for (const [name, code] of Object.entries(modules)) {
    writeFileSync(join(folder, `${name}.mjs`), code)
    writeFileSync(
      join(folder, 'evals', `${name}.suite.yaml`),
      `suite: ${name}\nversion: 1.0.0\ntarget: {module: ../${name}.mjs}\ntrials: 1\n` +
        'cases: [{id: a, assert: [{contains: right}]}, {id: b, assert: [{contains: right}]}]\n',
    )
  }
  return folder
}
const right = "export default () => 'right'\n"

describe('a module', () => {
  it('that calls process.exit(0) is an error of its own, and the other suite still has its verdict', async () => {
    const folder = project({ one: 'export default () => process.exit(0)\n', two: right })
    const { code, stdout } = await aigate(['eval', '--reporter', 'table,junit:junit.xml'], folder)
    expect(stdout).toMatch(/process\.exit\(0\)/)
    expect(stdout).toMatch(/two 1\.0\.0/)
    expect(existsSync(join(folder, 'junit.xml'))).toBe(true)
    expect(code).toBe(4)
  })
  it('that never answers and leaves nothing to wait for does not pass', async () => {
    const folder = project({ one: 'export default () => new Promise(() => {})\n' })
    writeFileSync(
      join(folder, 'evals', 'one.suite.yaml'),
      readFileSync(join(folder, 'evals', 'one.suite.yaml'), 'utf8').replace('one.mjs}', 'one.mjs, timeout: 300ms}'),
    )
    expect(await aigate(['eval'], folder)).toMatchObject({ code: 4 })
  })
  it('or a program whose answer repeats a key: it is not in the recordings either', async () => {
    const key = 'sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34'
    const folder = project({ one: "export default () => 'right ' + process.env.MY_KEY\n", two: right })
    const named = 'version: 1\nproviders: {api: {type: openai, api_key_env: MY_KEY}}\n'
    writeFileSync(join(folder, 'aigate.yaml'), named)
    const suite = join(folder, 'evals', 'two.suite.yaml')
    const program = `{command: [node, -e, "console.log('right', process.env.MY_KEY, process.env.SHOP_TOKEN, process.env.TONE)"], env: [MY_KEY, SHOP_TOKEN, TONE]}`
    writeFileSync(suite, readFileSync(suite, 'utf8').replace('{module: ../two.mjs}', program))
    const env = { MY_KEY: key, SHOP_TOKEN: 's3cr3t-of-a-shop', TONE: 'friendly' }
    expect(await aigate(['eval', '--record'], folder, env)).toMatchObject({ code: 0 })
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'))
    expect(files).toHaveLength(4)
    for (const name of files) {
      const written = readFileSync(join(folder, name), 'utf8')
      expect(written).toContain(
        name.endsWith('two.jsonl') ? 'right [redacted] [redacted] friendly' : 'right [redacted]',
      )
      for (const secret of [key, env.SHOP_TOKEN]) expect(written).not.toContain(secret)
    }
    expect(await aigate(['eval', '--offline'], folder)).toMatchObject({ code: 0 })
  })
  it('that throws outside of every call is no failure', async () => {
    const late = "setTimeout(() => { throw new Error('late ' + process.env.MY_TOKEN) }, 20)\n"
    const folder = project({
      one: `${late}export default () => new Promise((done) => setTimeout(done, 500, 'right'))\n`,
    })
    const { code, stderr } = await aigate(['eval'], folder, { MY_TOKEN: 't0ken-of-mine' })
    expect(stderr).toMatch(/outside of every call: late \[redacted\]/)
    expect(code).toBe(4)
  })
  it('that leaves a timer open does not keep the pipeline waiting', async () => {
    const folder = project({ one: `setInterval(() => {}, 1000)\n${right}` })
    expect(await aigate(['eval'], folder)).toMatchObject({ code: 0 })
  })
  it('whose errors repeat a key, as a target, a tool or a grader: the key is nowhere', async () => {
    const key = 'sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34'
    const throws =
      '() => { throw new Error(`401 Incorrect API key provided: ${process.env.MY_KEY}, and s3cr3t-of-a-shop`) }'
    const folder = project({ one: `export default ${throws}\n`, two: right, tools: `export default ${throws}\n` })
    const grader = '{module: {path: ../tools.mjs}}'
    const suite = (name: string) => join(folder, 'evals', `${name}.suite.yaml`)
    writeFileSync(suite('two'), readFileSync(suite('two'), 'utf8').replaceAll('{contains: right}', grader))
    rmSync(suite('tools'))
    const env = { MY_KEY: key, SHOP_PASSWORD: 's3cr3t-of-a-shop' }
    const { stdout, stderr } = await aigate(['eval', '--reporter', 'table,json:run.json'], folder, env)
    const runs = join(folder, '.aigate', 'runs')
    const records = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'))
    const all = [
      stdout,
      stderr,
      readFileSync(join(folder, 'run.json'), 'utf8'),
      ...records.map((name) => readFileSync(join(runs, name), 'utf8')),
    ].join('\n')
    expect(all).toMatch(/401 Incorrect API key provided: \[redacted\]/)
    expect(all).not.toContain(key)
    expect(all).not.toContain('s3cr3t-of-a-shop')
  })
  it('that prints does not spoil the report', async () => {
    const folder = project({ one: "export default () => { console.log('noise'); return 'right' }\n" })
    const { stdout, stderr } = await aigate(['eval', '--reporter', 'json'], folder)
    expect(Report.parse(JSON.parse(stdout)).outcome).toBe('pass')
    expect(stderr).toMatch(/noise/)
  })
})

describe('found out before anything is asked', () => {
  const counting =
    "import { appendFileSync } from 'node:fs'\nexport default () => { appendFileSync('asked', '.'); return 'right' }\n"

  it('a torn baseline: by check, eval and baseline record', async () => {
    const folder = project({ one: counting })
    mkdirSync(join(folder, 'baselines'))
    writeFileSync(join(folder, 'baselines', 'one.json'), '{"a":')
    for (const args of [['check'], ['eval'], ['baseline', 'record']]) {
      const { code, stderr } = await aigate(args, folder)
      expect(stderr).toMatch(/baselines\/one\.json/)
      expect(code).toBe(2)
    }
    expect(existsSync(join(folder, 'asked'))).toBe(false)
  })
  it('a report that cannot be written', async () => {
    const folder = project({ one: counting })
    const { code, stderr } = await aigate(['eval', '--reporter', 'table,json:evals'], folder)
    expect(stderr).toMatch(/it is a folder/)
    expect(code).toBe(2)
    expect(existsSync(join(folder, 'asked'))).toBe(false)
  })
  it('a baseline without a reason', async () => {
    const folder = project({ one: counting })
    expect(await aigate(['baseline', 'record', '--reason', ' '], folder)).toMatchObject({ code: 2 })
    expect(existsSync(join(folder, 'asked'))).toBe(false)
  })
})

describe('a run judged again', () => {
  const toggled = "export default ({ id }) => (process.env.SIDE === 'bad' && id === 'a' ? 'wrong' : 'right')\n"

  it('says the same after another baseline was accepted, and after --no-baseline', async () => {
    const folder = project({ one: toggled })
    await aigate(['baseline', 'record'], folder)
    const first = await aigate(['eval', '--reporter', 'json:run.json'], folder, { SIDE: 'bad' })
    const report = readFileSync(join(folder, 'run.json'), 'utf8')
    expect(await aigate(['baseline', 'accept', 'latest', '--reason', 'meant'], folder)).toMatchObject({ code: 0 })
    const again = await aigate(['report', 'latest', '--reporter', 'json'], folder)
    expect(again).toMatchObject({ code: first.code, stdout: report })
    const itself = await aigate(['compare', 'latest'], folder)
    expect(itself.stderr).toMatch(/compared with itself/)
    const alone = await aigate(['eval', '--no-baseline'], folder)
    expect(await aigate(['report', 'latest'], folder)).toMatchObject({ code: alone.code, stdout: alone.stdout })
  })
  it('an invocation that was killed between two suites does not pass', async () => {
    const folder = project({ one: right, two: right })
    expect(await aigate(['eval'], folder)).toMatchObject({ code: 0 })
    const runs = join(folder, '.aigate', 'runs')
    const [run = ''] = readdirSync(runs)
    rmSync(join(runs, run, 'two.jsonl'))
    for (const verb of ['report', 'explain', 'compare']) {
      const { code, stderr } = await aigate([verb, 'latest'], folder)
      expect(stderr).toMatch(/two was never reached/)
      expect(code).toBe(4)
    }
  })
  it('a run that lacks the suite is nothing to compare with', async () => {
    const folder = project({ one: right, two: right })
    await aigate(['eval', 'one'], folder)
    await aigate(['eval', 'two'], folder)
    const [older = ''] = readdirSync(join(folder, '.aigate', 'runs')).sort()
    const { code, stderr } = await aigate(['compare', 'latest', older], folder)
    expect(stderr).toMatch(/has no suite two/)
    expect(code).toBe(2)
  })
})
