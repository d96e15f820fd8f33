// eval --changed: only what differs from the base runs, in a real repository and against a real API.
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn } from '../cli-testing.ts'
import { type Api, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'

let api: Api
beforeEach(async () => {
  api = await startApi(() => 'right')
})
afterEach(() => api.close())
afterAll(removeTemporary)

const evalChanged = (folder: string, args: string[] = ['--changed'], env: Record<string, string> = {}) =>
  aigate(['eval', ...args, '--no-cache', '--reporter', 'table,json:run.json'], folder, env)

/** Two suites: `app` asks a@1.0.0 of main, `other` asks a@1.1.0 of next. */
function project(): string {
  const folder = promptProject(api, { cases: 4 })
  write(
    folder,
    'evals/other.suite.yaml',
    'suite: other\nversion: 1.0.0\ntarget: {prompt: a@1.1.0, model: next}\ntrials: 1\nassert: [{contains: right}]\ncases: [{id: x, vars: {q: hello}}]\n',
  )
  commit(folder, 'two suites')
  git(folder, 'checkout', '-qb', 'change')
  return folder
}
const suitesRun = (folder: string) => reportIn(folder).suites.map(({ suite }) => suite)

it('nothing to do is a pass that says so, and what was looked at', async () => {
  const folder = project()
  appendFileSync(join(folder, 'aigate.yaml'), '# only a comment\n')
  write(folder, 'README.md', 'unrelated')
  const { code, stdout, stderr } = await evalChanged(folder)
  expect(code).toBe(0)
  expect(api.asked).toEqual([])
  expect(stderr).toMatch(
    /^app is as it is at main \([0-9a-f]{12}\): suite, cases and assertions, policy, prompt, model, provider, components, baseline, quarantine list\.$/m,
  )
  expect(stderr).toMatch(/nothing to do: no suite differs from main/)
  expect(stdout).toMatch(/PASS: nothing to do/)
  const report = reportIn(folder)
  expect(report).toMatchObject({ outcome: 'pass', suites: [] })
  expect(report.unchanged?.map(({ suite, base }) => [suite, base])).toEqual([
    ['app', git(folder, 'rev-parse', 'main')],
    ['other', git(folder, 'rev-parse', 'main')],
  ])
})

it('who judges, and what is known of that judge, reaches the suites that are judged', async () => {
  const folder = project()
  const provider = `  judging: {type: openai, base_url: "${api.url}"}\n`
  edit(folder, 'aigate.yaml', 'models:\n', `${provider}models:\n  judge: {provider: judging, id: j-2026-01-01}\n`)
  appendFileSync(join(folder, 'aigate.yaml'), 'judges: {default: {model: judge}}\n')
  edit(folder, 'evals/other.suite.yaml', 'assert: [{contains: right}]', 'assert: [{rubric: kind}]')
  git(folder, 'checkout', '-q', 'main')
  commit(folder, 'a judge')
  git(folder, 'checkout', '-qB', 'change')
  expect((await evalChanged(folder)).stderr).toMatch(/nothing to do: no suite differs/)
  edit(folder, 'aigate.yaml', provider, provider.replace('}', ', headers: {x-a: b}}'))
  expect((await evalChanged(folder)).stderr).toMatch(/^other runs: changed since .*: judges and their calibrations\.$/m)
  git(folder, 'checkout', '-q', '.')
  write(folder, 'calibrations/default.json', '{}\n')
  const { stderr } = await evalChanged(folder)
  expect(stderr).toMatch(/^other runs: changed since .*: judges and their calibrations\.$/m)
  expect(stderr).toMatch(/^app is as it is/m)
})

describe('runs the suite that a change reaches, and says by what', () => {
  const changes: [string, (folder: string) => void, RegExp, string[]][] = [
    ['a case', (f) => edit(f, 'evals/cases.jsonl', 'question 2"', 'question two"'), /app runs: changed since main .*: cases and assertions \(c2\)/, ['app']],
    ['a prompt', (f) => edit(f, 'prompts/a/1.0.0.md', 'friendly', 'kind'), /app runs: .*: prompt\./, ['app']],
    ['a pin', (f) => edit(f, 'aigate.yaml', 'm-2026-06-01', 'm-2026-07-01'), /other runs: .*: model\./, ['other']],
    ['the address', (f) => edit(f, 'aigate.yaml', 'retries: 0', 'retries: 0, headers: {x-a: b}'), /app runs: .*: provider\./, ['app', 'other']],
    ['an assertion of a suite', (f) => edit(f, 'evals/other.suite.yaml', 'contains: right', 'icontains: right'), /other runs: .*assertions \(x\)/, ['other']],
    ['the policy of all', (f) => appendFileSync(join(f, 'aigate.yaml'), 'gate: {max_regression: 0.2}\n'), /other runs: .*: policy\./, ['other']],
    ['components', (f) => appendFileSync(join(f, 'aigate.yaml'), 'components: {index: {version: kb-2}}\n'), /components/, ['app', 'other']],
    ['a new suite', (f) => write(f, 'evals/new.suite.yaml', 'suite: new\nversion: 1.0.0\ntarget: {prompt: a@1.0.0, model: main}\ntrials: 1\nassert: [{contains: right}]\ncases: [{id: y, vars: {q: hi}}]\n'), /new runs: it is new since main/, ['new']],
    ['quarantine', (f) => write(f, 'quarantine.yaml', `- {suite: app, case: c1, owner: me, reason: flaky, until: ${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)}}\n`), /app runs: .*: quarantine list\./, ['app']],
  ] // biome-ignore format: a table
  it.each(changes)('%s', async (_name, change, said, expected) => {
    const folder = project()
    change(folder)
    const { stderr, code } = await evalChanged(folder)
    expect(stderr).toMatch(said)
    expect(code).not.toBe(2)
    expect(suitesRun(folder)).toEqual(expected)
  })
})

it('a suite that vanished is said; in CI the guard decides', async () => {
  const folder = project()
  rmSync(join(folder, 'evals/other.suite.yaml'))
  const local = await evalChanged(folder)
  expect(local.code).toBe(0)
  expect(local.stderr).toMatch(/other is gone since main/)
  commit(folder, 'gone')
  const inCi = await evalChanged(folder, ['--changed', '--base', 'main'], { CI: 'true' })
  expect(inCi.code).toBe(3)
  expect(inCi.stderr).toMatch(/app runs: this change is held by the gate of its base/)
  expect(inCi.stdout).toMatch(/other of the base is gone/)
})

it('names its base, and runs everything where there is none', async () => {
  const folder = project()
  edit(folder, 'prompts/a/1.0.0.md', 'friendly', 'kind')
  commit(folder, 'edit')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(/nothing to do/)
  expect((await evalChanged(folder, ['--changed=HEAD~1'])).stderr).toMatch(/app runs: .*prompt/)
  const unknown = await evalChanged(folder, ['--changed=nowhere'])
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toMatch(/--changed: git knows no revision "nowhere"/)
  rmSync(join(folder, '.git'), { recursive: true })
  const outside = await evalChanged(folder)
  expect(outside.code).toBe(0)
  expect(outside.stderr).toMatch(/cannot tell what changed, because git knows no repository here.*every suite runs/)
  expect(suitesRun(folder)).toEqual(['app', 'other'])
})

it('an application runs when its code changed, or when it does not say what it is made of', async () => {
  const folder = project()
  write(folder, 'src/answer.mjs', "export default () => 'right'\n")
  edit(
    folder,
    'evals/app.suite.yaml',
    '{prompt: a@1.0.0, model: main}',
    '{module: ../src/answer.mjs, depends_on: ["../src/**"]}',
  )
  edit(folder, 'evals/other.suite.yaml', '{prompt: a@1.1.0, model: next}', '{module: ../src/answer.mjs}')
  commit(folder, 'applications')
  const first = await evalChanged(folder, ['--changed=HEAD'])
  expect(first.stderr).toMatch(/app is as it is at HEAD/)
  expect(first.stderr).toMatch(
    /other runs: whether it changed cannot be told: its target does not say what it `depends_on`/,
  )
  expect(suitesRun(folder)).toEqual(['other'])
  write(folder, 'src/deep/table.json', '{}')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(
    /app runs: .*: code \(\.\.\/src\/deep\/table\.json\)/,
  )
})

it('a suite with graders runs when a file changed that they may use', async () => {
  const folder = project()
  write(folder, 'evals/grade.mjs', "import { ok } from './lib.mjs'\nexport default () => ok\n")
  write(folder, 'evals/lib.mjs', 'export const ok = true\n')
  edit(folder, 'evals/app.suite.yaml', 'assert: [{contains: right}]', 'assert: [{module: {path: grade.mjs}}]')
  commit(folder, 'graders')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(/nothing to do/)
  edit(folder, 'evals/lib.mjs', 'true', 'false')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(
    /app runs: files changed that its graders may use: evals\/lib\.mjs/,
  )
  edit(folder, 'evals/lib.mjs', 'false', 'true')
  write(folder, 'README.md', 'for people')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(/nothing to do/)
  write(folder, 'evals/handbook.md', 'what is true')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(
    /app runs: files changed that its graders may use: evals\/handbook\.md/,
  )
  edit(folder, 'evals/grade.mjs', '() => ok', '() => !ok')
  expect((await evalChanged(folder, ['--changed=HEAD'])).stderr).toMatch(
    /app runs: changed since HEAD .*: graders \(c0, c1, c2 and 1 other\)/,
  )
})
