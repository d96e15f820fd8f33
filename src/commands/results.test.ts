// Results of other tools through the built program: compare without a project, eval --results with one.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Report } from '../schema/verdict.ts'

const root = join(import.meta.dirname, '..', '..')
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
    const suite = `suite: quiz\nversion: 1.0.0\ntarget: {command: [node, answer.mjs]}\ngate: {min_pass_rate: 0.5}\ncases:\n  - {id: sum, assert: [{contains: "4"}]}\n`
    writeFileSync(join(project, 'evals', 'quiz.suite.yaml'), suite)
  })
  it('judges by the suite, saves a run, accepts it as the baseline, and blocks what is worse', () => {
    const first = aigate(['eval', 'quiz', '--results', '../promptfoo/before.jsonl'], project)
    expect(first.code, first.stderr).toBe(0)
    expect(first.stdout).toContain('quiz 1.0.0')
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
