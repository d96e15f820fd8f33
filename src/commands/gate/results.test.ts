// Results of other tools through the built program: compare without a project, eval --results with one.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Report } from '../../schema/verdict.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'aigate-results-'))
beforeAll(() => cpSync(join(root, 'fixtures', 'imports'), folder, { recursive: true }))
afterAll(() => rmSync(folder, { recursive: true }))

function aigate(args: string[], cwd = folder) {
  const env = { ...process.env, CI: '', NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin', 'aigate.js'), ...args], {
    cwd,
    env,
  })
  return { code: status, stdout: stdout.toString(), stderr: stderr.toString() }
}

describe('compare, in a folder without aigate.yaml', () => {
  it.each([
    ['promptfoo/same.jsonl', 'promptfoo/before.jsonl', 0],
    ['promptfoo/worse.json', 'promptfoo/before.jsonl', 1],
    ['pytest/same.xml', 'pytest/before.xml', 0],
    ['pytest/worse.xml', 'pytest/before.xml', 1],
    ['promptfoo/two-providers.json#quiz-model-mini', 'promptfoo/two-providers.json#quiz-model', 4],
    ['promptfoo/two-providers.json', 'promptfoo/before.jsonl', 2],
    ['ctrf/report.json', 'promptfoo/SOURCE.md', 2],
    ['missing.xml', 'pytest/before.xml', 2],
  ])('%s against %s: exit %i', (candidate, baseline, code) => {
    const ended = aigate(['compare', candidate, baseline, '--reporter', 'json:report.json,table'])
    expect(ended.code, ended.stderr).toBe(code)
    expect(ended.stderr).not.toContain('aigate itself failed')
  })
  it('pairs all cases, and says what the result is of', () => {
    aigate(['compare', 'promptfoo/worse.json', 'promptfoo/before.jsonl', '--reporter', 'json:report.json'])
    const report = Report.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')))
    const [suite] = report.suites
    expect(suite?.cases).toHaveLength(34)
    expect(suite?.cases.filter(({ status }) => ['added', 'removed', 'changed'].includes(status))).toEqual([])
    expect(suite?.baseline?.target).toMatchObject({
      kind: 'results',
      label: 'quiz-model | Answer in one sentence: {{question}}',
    })
    expect(suite?.verdict.gates.find(({ id }) => id === 'regression')).toMatchObject({ outcome: 'fail', n: 34 })
  })
})

describe('eval --results, in a project', () => {
  const project = join(folder, 'project')
  beforeAll(() => {
    mkdirSync(join(project, 'evals'), { recursive: true })
    writeFileSync(join(project, 'aigate.yaml'), 'version: 1\n')
    const suite = `suite: quiz\nversion: 1.0.0\ntarget: {command: [node, answer.mjs]}\ngate: {min_pass_rate: 0.5}\ncases:\n  - {id: what-is-3-9-a0124e90, assert: [{contains: "12"}]}\n`
    writeFileSync(join(project, 'evals', 'quiz.suite.yaml'), suite)
  })
  it('judges by the suite, saves a run, accepts it as the baseline, and blocks what is worse', () => {
    const first = aigate(['eval', 'quiz', '--results', '../promptfoo/before.jsonl'], project)
    expect(first.code, first.stderr).toBe(0)
    expect(first.stdout).toContain('quiz 1.0.0')
    expect(first.stdout).toMatch(/aigate baseline accept \S+ --reason/)
    expect(first.stdout).not.toMatch(/next[^]*aigate baseline record/)
    expect(readdirSync(join(project, '.aigate', 'runs'))).toHaveLength(1)
    const accepted = aigate(['baseline', 'accept', 'latest', '--reason', 'first results'], project)
    expect(accepted.code, accepted.stderr).toBe(0)
    expect(accepted.stdout).toContain('34 cases, 1 to 2 trials a case')
    expect(aigate(['eval', 'quiz', '--results', '../promptfoo/same.jsonl'], project).code).toBe(0)
    const worse = aigate(['eval', 'quiz', '--results', '../promptfoo/worse.json'], project)
    expect(worse.code, worse.stderr).toBe(1)
    // The floor of the suite (0.5) holds, so that the regression alone blocks.
    expect(worse.stdout).toMatch(/floor .*≥ 50 %.*pass/)
    expect(aigate(['report', 'latest'], project).code).toBe(1)
    expect(aigate(['compare', '../promptfoo/worse.json', 'baselines/quiz.json'], project).code).toBe(1)
    expect(aigate(['compare', '../promptfoo/same.jsonl', '--suite', 'quiz'], project).code).toBe(0)
  }, 30_000)
  const write = (name: string, text: string) => writeFileSync(join(project, name), text)
  const rows = (from: number, to: number, passed = true) =>
    Array.from({ length: to - from }, (_, i) => `{"case_id":"c${from + i}","category":"b","passed":${passed}}`).join(
      '\n',
    )
  it('takes a case of the suite that the results lack as not measured, and says what the results have instead', () => {
    const cases = Array.from(
      { length: 40 },
      (_, i) => `  - {id: c${i}, assert: [{contains: x}], critical: ${i === 39}}`,
    )
    const head = 'version: 1.0.0\ntarget: {command: [node, answer.mjs]}\n'
    write('evals/crit.suite.yaml', `suite: crit\n${head}cases:\n${cases.join('\n')}\n`)
    write('part.jsonl', rows(0, 39))
    const part = aigate(['eval', 'crit', '--results', 'part.jsonl', '--no-baseline'], project)
    expect(part.code, part.stderr).toBe(4)
    expect(part.stdout.replace(/\s+/g, ' ')).toContain('Critical case c39 was not measured.')
    const floor = `gate: {categories: {safety: {min_pass_rate: 1}}}\n`
    const safety = `  - {id: s, category: safety, assert: [{contains: x}]}\n`
    write('evals/saf.suite.yaml', `suite: saf\n${head}${floor}cases:\n${cases.slice(0, 39).join('\n')}\n${safety}`)
    const saf = aigate(['eval', 'saf', '--results', 'part.jsonl', '--no-baseline'], project)
    expect(saf.code, saf.stderr).toBe(4)
    expect(saf.stdout.replace(/\s+/g, ' ')).toContain('Category safety: pass rate unknown: not one of 1 case')
    write('foreign.jsonl', rows(100, 140))
    const foreign = aigate(['eval', 'crit', '--results', 'foreign.jsonl', '--no-baseline'], project)
    expect(foreign.code).toBe(2)
    expect(foreign.stderr).toContain('they have c100, c101, c102, …, the suite c0, c1, c2, …')
  })
  it('counts cases of the baseline that the results lack, up to 5 % of them', () => {
    write('all.jsonl', rows(0, 100))
    write('most.jsonl', rows(0, 96))
    expect(aigate(['compare', 'part.jsonl', 'all.jsonl'], project).code).toBe(4)
    const most = aigate(['compare', 'most.jsonl', 'all.jsonl'], project)
    expect(most.stdout).not.toContain('could be measured')
    expect(most.code).not.toBe(4)
  })
  it('counts a skipped test where the baseline measured it', () => {
    const junit = (skipped: number) => {
      const cases = Array.from(
        { length: 40 },
        (_, i) => `<testcase name="t${i}">${i < skipped ? '<skipped/>' : ''}</testcase>`,
      )
      return `<testsuite name="t">${cases.join('')}</testsuite>`
    }
    for (const skipped of [0, 8, 40]) write(`skip${skipped}.xml`, junit(skipped))
    expect(aigate(['compare', 'skip8.xml', 'skip0.xml'], project).code).toBe(4)
    expect(aigate(['compare', 'skip8.xml', 'skip8.xml'], project).stdout).toContain('32 cases')
    expect(aigate(['compare', 'skip8.xml', 'skip8.xml'], project).code).not.toBe(4)
    expect(aigate(['compare', 'skip40.xml'], project).code).toBe(4)
  })
  it('names the command that saves what was only compared, and none that needs a saved run', () => {
    write('bad.jsonl', rows(0, 100, false))
    const { stdout } = aigate(['compare', 'bad.jsonl', 'all.jsonl'], project)
    expect(stdout.replace(/\s+/g, ' ')).toContain(`aigate eval --results ${join(project, 'bad.jsonl')}`)
    expect(stdout).not.toMatch(/aigate (?:report|explain|baseline accept) /)
  })
  it('the same files give the same bytes', () => {
    const bytes = () => {
      aigate(['compare', 'bad.jsonl', 'all.jsonl', '--reporter', 'json:same.json'], project)
      return readFileSync(join(project, 'same.json'), 'utf8')
    }
    const before = bytes()
    for (const name of ['bad.jsonl', 'all.jsonl']) utimesSync(join(project, name), 0, 1_000_000_000)
    expect(bytes()).toBe(before)
  })
  it.each([
    [['eval', 'quiz', '--results', '../promptfoo/before.jsonl', '--model', 'x'], '--model changes what is asked'],
    [['eval', 'quiz', 'other', '--results', '../promptfoo/before.jsonl'], 'by one suite'],
    [['eval', 'nobody', '--results', '../promptfoo/before.jsonl'], 'nobody'],
    [['eval', 'quiz', '--results', 'nothing.json'], 'no results file'],
    [['eval', 'quiz', '--results', '../rows/results.csv', '--pass-score', '7'], 'no score between 0 and 1'],
    [['compare', '../pytest/before.xml', '--regrade'], '--regrade'],
  ])('refuses %j', (args, said) => {
    const { code, stderr } = aigate(args, project)
    expect(code).toBe(2)
    expect(stderr).toContain(said)
  })
})
