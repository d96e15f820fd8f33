// aigate cases through the built program: a flaky case is found, quarantined, released, and counts again by itself.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { Baseline } from '../schema/baseline.ts'
import { Report } from '../schema/verdict.ts'

const bin = join(import.meta.dirname, '..', '..', 'bin', 'aigate.js')
const folders: string[] = []
let folder = ''

type Result = { code: number; stdout: string; stderr: string }
function aigate(...args: string[]): Promise<Result> {
  const env = { ...process.env, CI: '', NO_COLOR: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}
const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const dayFromNow = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
const listed = (days: number, more = '') =>
  `- {suite: app, case: c003, owner: Ada, reason: flaky upstream, until: ${dayFromNow(days)}${more}}\n`

/** Twelve cases under a floor of 100 %; c003 fails every second trial, c005 always passes and is critical. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aigate-cases-'))
  folders.push(folder)
  mkdirSync(join(folder, 'evals'))
  write('aigate.yaml', 'version: 1\n')
  write('app.mjs', "export default ({ id, trial }) => (id === 'c003' && trial % 2 === 1 ? 'wrong' : 'right')\n")
  const cases = Array.from({ length: 12 }, (_, i) => {
    const critical = i === 5 ? ', critical: true' : ''
    return `  - {id: c${String(i).padStart(3, '0')}, vars: {q: "${i}"}, assert: [{contains: right}]${critical}}\n`
  })
  write(
    'evals/app.suite.yaml',
    `suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ntrials: 2\ngate: {min_pass_rate: 1.0, max_regression: 0.3}\ncases:\n${cases.join('')}`,
  )
})
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true })
})

const evaluated = async (): Promise<{ code: number; report: Report }> => {
  const { code, stdout } = await aigate('eval', '--reporter', 'json')
  return { code, report: Report.parse(JSON.parse(stdout)) }
}

describe('a flaky case', () => {
  it('blocks, does not count in quarantine, and counts again when the quarantine has expired', async () => {
    expect(await aigate('baseline', 'record')).toMatchObject({ code: 0 })
    expect((await evaluated()).code).toBe(1)

    const args = ['--owner', 'Ada', '--reason', 'flaky upstream', '--until', '14d']
    const done = await aigate('cases', 'quarantine', 'app', 'c003', ...args)
    expect(done.stdout).toContain(
      `app/c003 is quarantined until ${dayFromNow(14)} (14 days), owner Ada: flaky upstream`,
    )
    expect(done.code).toBe(0)
    const { code, report } = await evaluated()
    const [suite] = report.suites
    expect(code).toBe(0)
    expect(suite?.verdict.warnings).toContain('1 case is quarantined and does not count: c003.')
    expect(suite?.cases.find(({ id }) => id === 'c003')).toMatchObject({ quarantined: true, passes: 1, trials: 2 })
    expect(suite?.cases.filter(({ quarantined }) => quarantined)).toHaveLength(1)
    expect(suite?.verdict.gates.find(({ id }) => id === 'floor')).toMatchObject({ n: 11, outcome: 'pass' })

    write('quarantine.yaml', listed(-1))
    const late = await evaluated()
    expect(late.code).toBe(1)
    expect(late.report.suites[0]?.verdict.warnings).toContain(
      `The quarantine of c003 expired on ${dayFromNow(-1)} (owner Ada): it counts again.`,
    )
    expect(late.report.suites[0]?.verdict.gates.find(({ id }) => id === 'floor')).toMatchObject({ n: 12 })
  })

  it('`report` keeps the quarantine of the run, `compare` takes that of today', async () => {
    await aigate('baseline', 'record')
    write('app.mjs', "export default ({ id }) => (id === 'c003' ? 'wrong' : 'right')\n")
    write('quarantine.yaml', listed(30))
    const first = await aigate('eval')
    expect(first.stdout).toMatch(/c003.*\(quarantined\)/)
    expect(first.stdout).toContain('Quarantined, run but not counted (1)')
    expect(first.code).toBe(0)
    const markdown = await aigate('report', 'latest', '--reporter', 'markdown')
    expect(markdown.stdout).toContain('(quarantined)')
    const junit = await aigate('report', 'latest', '--reporter', 'junit')
    expect(junit.stdout).toMatch(/name="c003".*\n.*<skipped message="quarantined: /)
    expect(junit.stdout).toMatch(/failures="0" errors="0" skipped="1"/)

    rmSync(join(folder, 'quarantine.yaml'))
    expect(await aigate('report', 'latest')).toMatchObject({ code: 0, stdout: first.stdout })
    expect((await aigate('compare', 'latest')).code).toBe(1)
    write('quarantine.yaml', listed(30))
    expect((await aigate('compare', 'latest')).code).toBe(0)
  })

  it('is listed with its rate and since when, and the others are counted', async () => {
    await aigate('baseline', 'record')
    await aigate('eval')
    const { code, stdout } = await aigate('cases', 'flaky')
    // Accepted: fails in trials 1, 3 and 5; stored: in trial 1 of 2. The accepted run is stored as well and counts once.
    expect(stdout).toMatch(/c003 {2}3\/7 {2}42\.9 % \(90 % interval \d+\.\d % to \d+\.\d %\) {2}since \d{4}-/)
    expect(stdout).toContain('1 flaky case')
    expect(stdout).toContain('11 never failed · 0 always failed')
    expect(code).toBe(0)
    write('quarantine.yaml', listed(30))
    const { suites } = JSON.parse((await aigate('cases', 'flaky', 'app', '--json')).stdout)
    expect(suites[0].cases[0]).toMatchObject({
      id: 'c003',
      steadiness: 'flaky',
      passes: 3,
      trials: 7,
      quarantine: { owner: 'Ada', expired: false },
    })
  })

  it('keeps its history when the baseline is recorded anew, until its content changes', async () => {
    await aigate('baseline', 'record')
    await aigate('baseline', 'record', '--trials', '4')
    const history = () =>
      Baseline.parse(JSON.parse(read('baselines/app.json'))).cases.find(({ id }) => id === 'c003')?.history
    expect(history()?.map((entry) => entry.split(':')[1])).toEqual(['2/5', '2/4'])
    const shown = await aigate('cases', 'history', 'app', 'c003')
    expect(shown.stdout).toMatch(/ 2\/5 {2}accepted .*\n.* 2\/4 {2}accepted /)
    const { case: found } = JSON.parse((await aigate('cases', 'history', 'app', 'c003', '--json')).stdout)
    expect(await aigate('report', found.runs[0].run)).toMatchObject({ stderr: '' })

    write('evals/app.suite.yaml', read('evals/app.suite.yaml').replace('q: "3"', 'q: "three"'))
    await aigate('baseline', 'record')
    expect(history()?.map((entry) => entry.split(':')[1])).toEqual(['2/5'])
  })
})

describe('the list', () => {
  it('is changed entry by entry, and its comments stay', async () => {
    write('quarantine.yaml', `# Talk to the eval guild first.\n\n# upstream ticket 17\n${listed(30)}`)
    const args = ['--owner', 'Bob: on call', '--reason', 'index is rebuilt', '--until', dayFromNow(20)]
    expect(await aigate('cases', 'quarantine', 'app', 'c007', ...args)).toMatchObject({ code: 0 })
    expect(read('quarantine.yaml')).toContain(`# upstream ticket 17\n${listed(30)}- suite: app\n  case: c007\n`)
    const removed = await aigate('cases', 'release', 'app', 'c003')
    expect(removed.stdout).toContain('app/c003 counts again')
    expect(read('quarantine.yaml')).toMatch(/^# Talk to the eval guild first\.\n\n- suite: app\n {2}case: c007\n/)
    expect(await aigate('cases', 'release', 'app', 'c007')).toMatchObject({ code: 0 })
    expect(read('quarantine.yaml')).toContain('# Talk to the eval guild first.')
    expect(await aigate('check')).toMatchObject({ code: 0 })
    expect(await aigate('cases', 'quarantine', 'app', 'c007', ...args)).toMatchObject({ code: 0 })
    expect(await aigate('check')).toMatchObject({ code: 0 })
  })

  it('is made when there is none, and --json says what was done', async () => {
    const args = ['--owner', 'Ada', '--reason', 'r', '--until', '0d', '--json']
    const { stdout } = await aigate('cases', 'quarantine', 'app', 'c003', ...args)
    expect(JSON.parse(stdout)).toMatchObject({ action: 'quarantined', file: 'quarantine.yaml', days: 0 })
    expect(await aigate('check')).toMatchObject({ code: 0 })
    write('quarantine.yaml', listed(-5))
    const again = await aigate('cases', 'quarantine', 'app', 'c003', ...args)
    expect(JSON.parse(again.stdout)).toMatchObject({ action: 'renewed' })
    expect(read('quarantine.yaml').match(/c003/g)).toHaveLength(1)
  })

  it.each([
    { list: listed(30).replace('app', 'apq'), says: /quarantine\.yaml:1:\d+ error: unknown suite "apq".*"app"/ },
    { list: listed(30).replace('c003', 'c03'), says: /quarantine\.yaml:1:\d+ error: .*no case "c03".*"c003"/ },
    { list: listed(91), says: /quarantine\.yaml:1:\d+ error: until: .* more than 90 days ahead/ },
    { list: listed(30).replace('c003', 'c005'), says: /quarantine\.yaml:1:\d+ error: c005 is critical/ },
    { list: listed(30) + listed(20), says: /quarantine\.yaml:2:\d+ error: app\/c003 stands in the list twice/ },
    { list: listed(30).replace('owner', 'ownr'), says: /quarantine\.yaml:1:\d+ error: .*"ownr".*"owner"/ },
    { list: listed(30).replace(dayFromNow(30), 'soon'), says: /quarantine\.yaml:1:\d+ error: .*until/ },
  ])('$says: exit 2 from check and eval, and nothing is asked', async ({ list, says }) => {
    write('quarantine.yaml', list)
    for (const verb of ['check', 'eval']) {
      const { code, stderr } = await aigate(verb)
      expect(stderr).toMatch(says)
      expect(stderr).toMatch(/fix: /)
      expect(code).toBe(2)
    }
    expect(existsSync(join(folder, '.aigate'))).toBe(false)
  })

  it.each([
    { args: ['quarantine', 'app', 'c03'], says: /no case "c03".*"c003"/ },
    { args: ['quarantine', 'apq', 'c003'], says: /"apq".*"app"/ },
    { args: ['quarantine', 'app', 'c005'], says: /critical.*\n.*--allow-critical/ },
    { args: ['quarantine', 'app', 'c003', '--until', '91d'], says: /more than 90 days ahead/ },
    { args: ['quarantine', 'app', 'c003', '--until', '2026-02-30'], says: /no day/ },
    { args: ['quarantine', 'app', 'c003', '--until', '2020-01-01'], says: /is over/ },
    { args: ['quarantine', 'app', 'c003', '--owner', 'two\nlines'], says: /--owner/ },
    { args: ['quarantine', 'app', 'c001'], says: /already quarantined/ },
    { args: ['release', 'app', 'c003'], says: /not in quarantine\.yaml.*"app c001"/ },
    { args: ['history', 'app', 'c03'], says: /no case "c03"/ },
    { args: ['flaky', 'apq'], says: /"apq".*"app"/ },
  ])('refuses $args', async ({ args, says }) => {
    const before = listed(30).replace('c003', 'c001')
    write('quarantine.yaml', before)
    const [verb = ''] = args
    const defaults = verb === 'quarantine' ? ['--owner', 'Ada', '--reason', 'r', '--until', '14d'] : []
    const { code, stderr } = await aigate('cases', verb, ...defaults, ...args.slice(1))
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(code).toBe(2)
    expect(read('quarantine.yaml')).toBe(before)
  })
})

it.each(['flaky', 'history', 'quarantine', 'release'])('%s --help shows examples', async (verb) => {
  const { code, stdout } = await aigate('cases', verb, '--help')
  expect(stdout).toMatch(/Examples:\n {2}\$ aigate cases /)
  expect(code).toBe(0)
})

describe('docs/flaky-cases.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/flaky-cases.md'), 'utf8')

  it('its commands do what it says, in its order', async () => {
    await aigate('baseline', 'record')
    await aigate('eval')
    const commands = [...page.matchAll(/^\$ aigate (.+)\n((?:(?!```).+\n)*)/gm)]
    expect(commands).toHaveLength(4)
    for (const [, line = '', shown = ''] of commands) {
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
      const { code, stdout } = await aigate(...args)
      expect(code).toBe(0)
      const undated = (text: string) => text.replace(/\d{4}-\d\d-\d\d/g, 'DAY').replace('1 stored run', '2 stored runs')
      if (shown !== '') expect(undated(stdout)).toBe(undated(shown))
    }
  })

  it('its list is read', async () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    write('quarantine.yaml', yaml.replace('2026-12-05', dayFromNow(14)))
    expect(await aigate('check')).toMatchObject({ code: 0 })
  })
})

it('a critical case does not block while it is quarantined, and that is said aloud', async () => {
  write('app.mjs', "export default ({ id }) => (id === 'c005' ? 'wrong' : 'right')\n")
  expect((await evaluated()).code).toBe(1)
  const args = ['--owner', 'Ada', '--reason', 'r', '--until', '14d', '--allow-critical']
  const { stdout } = await aigate('cases', 'quarantine', 'app', 'c005', ...args)
  expect(stdout).toContain('It is critical: until then a break of c005 blocks nothing.')
  const { code, report } = await evaluated()
  expect(code).toBe(0)
  expect(report.suites[0]?.verdict.warnings).toContain(
    `Critical case c005 is quarantined until ${dayFromNow(14)} (owner Ada): a break of it would not block.`,
  )
})
