// Inputs of the action that ask nobody: a change that touches nothing of weight, and results of another tool.
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary } from '../cli-testing.ts'
import { type Api, clone, commit, edit, git, promptProject, startApi, write } from '../git-testing.ts'
import { payloads, runAction, type Step } from './action-testing.ts'
import { startGithub } from '../../act/github-testing.ts'

const KEY = 'sk-test-abcdefghijklmnop0123456789'
let api: Api
let origin = ''
let base = ''
const closing: (() => void)[] = []
beforeAll(async () => {
  api = await startApi(() => 'right')
  origin = promptProject(api, { cases: 20 })
  edit(origin, 'aigate.yaml', 'retries: 0', 'retries: 0, api_key_env: GATE_KEY')
  write(origin, 'src/app.js', 'one\n')
  write(origin, 'src/app.test.js', 'one\n')
  write(origin, 'graders/grade.mjs', 'export default () => ({ passed: true })\n')
  write(origin, 'graders/grade.py', '')
  const graders = '{module: {path: ../graders/grade.mjs}}, {command: {run: ["true", ../graders/grade.py]}}'
  edit(origin, 'evals/app.suite.yaml', 'assert: [', `assert: [${graders}, `)
  write(origin, 'data/more.jsonl', '{"id": "more", "vars": {"q": "more?"}}\n')
  edit(origin, 'evals/app.suite.yaml', '[cases.jsonl]', '[cases.jsonl, ../data/more.jsonl]')
  expect((await aigate(['baseline', 'record', '--reason', 'first'], origin, { GATE_KEY: KEY })).code).toBe(0)
  base = commit(origin, 'a baseline')
})
afterAll(() => {
  api.close()
  for (const close of closing) close()
  removeTemporary()
})

const PATHS = 'src/**\n# tests decide nothing\n!**/*.test.js\n!**/*.md\n'
/** A pull request that changes these files. */
function change(from: string, ...paths: string[]): string {
  const folder = clone(from)
  for (const path of paths) write(folder, path, 'changed\n')
  commit(folder, 'a change')
  return folder
}
const step = (workspace: string, more: Partial<Step> = {}): Step => ({
  event: 'pull_request',
  payload: payloads.pull_request(base),
  workspace,
  ...more,
  inputs: { frozen: 'false', comment: 'false', 'relevant-paths': PATHS, ...more.inputs },
  env: { GITHUB_BASE_REF: 'main', GATE_KEY: KEY, ...more.env },
})

describe('relevant-paths', () => {
  it('a change beside them passes at once, without a key, and says that nothing was asked', async () => {
    const before = api.asked.length
    const folder = change(origin, 'docs/a.md', 'src/app.test.js')
    const payload = payloads.pull_request(base, 'mallory/octo-repo')
    const found = await runAction(step(folder, { payload, env: { GATE_KEY: '' } }))
    expect(found.code, found.stdout).toBe(0)
    expect(found.outputs).toMatchObject({ outcome: 'pass', 'exit-code': '0', evaluated: 'false', 'pass-rate': '' })
    expect(found.summary).toContain('✅ aigate: no relevant change')
    expect(found.summary).toContain('None of the 2 changed files')
    expect(found.commands.map(({ command }) => command)).not.toContain('error')
    expect(api.asked).toHaveLength(before)
  })

  it.each([
    ['the application', 'src/app.js'],
    ['a prompt, although *.md is taken out', 'prompts/a/1.0.1.md'],
    ['a case file elsewhere', 'data/more.jsonl'],
    ['the lock', 'aigate.lock'],
    ['a workflow', '.github/workflows/x.yml'],
    ['a new suite', 'evals/new.suite.yaml'],
    ['a file beside the suites', 'evals/grader.mjs'],
    ['a grader elsewhere', 'graders/grade.mjs'],
    ['a program that grades elsewhere', 'graders/grade.py'],
    ['what is known about a judge', 'calibrations/default.json'],
    ['a configuration that is nearer', 'docs/inner/aigate.yaml'],
  ])('%s counts', async (_, path) => {
    const found = await runAction(step(change(origin, 'docs/a.md', path), { env: { GATE_KEY: '' } }))
    // Not evaluated for want of a key, or refused for what is wrong in the file: but never passed over.
    expect(found.code, found.stdout).toBeGreaterThan(0)
    expect(found.summary).not.toContain('no relevant change')
  })

  it('files behind links of the gate count, wherever they lie', async () => {
    const linked = clone(origin)
    git(linked, 'mv', 'prompts', 'shared')
    symlinkSync('shared', join(linked, 'prompts'))
    const before = commit(linked, 'prompts for all')
    git(linked, 'update-ref', 'refs/remotes/origin/main', before)
    write(linked, 'shared/a/1.0.1.md', 'changed\n')
    commit(linked, 'a change')
    const found = await runAction(step(linked, { payload: payloads.pull_request(before), env: { GATE_KEY: '' } }))
    expect(found.code, found.stdout).toBeGreaterThan(0)
    expect(found.summary).not.toContain('no relevant change')
  })

  it('a file that was moved away counts, and so does one that was deleted', async () => {
    const folder = clone(origin)
    git(folder, 'mv', 'src/app.js', 'docs-app.js')
    commit(folder, 'moved')
    const env = { GATE_KEY: '' }
    expect((await runAction(step(folder, { env }))).code).toBe(4)
    const gone = clone(origin)
    rmSync(join(gone, 'src', 'app.js'))
    commit(gone, 'deleted')
    expect((await runAction(step(gone, { env }))).code).toBe(4)
  })

  it('everything is evaluated where the base is not there, and on other events', async () => {
    const env = { GATE_KEY: '' }
    const folder = change(origin, 'docs/a.md')
    const unknown = payloads.pull_request('0123456789012345678901234567890123456789')
    expect((await runAction(step(folder, { payload: unknown, env }))).code).toBe(4)
    expect((await runAction(step(folder, { event: 'push', payload: payloads.push(base), env }))).code).toBe(4)
    for (const glob of ['../../**', '/src/**', ':(exclude)src', '!../x'])
      expect((await runAction(step(folder, { env, inputs: { 'relevant-paths': glob } }))).code, glob).toBe(2)
    expect((await runAction(step(folder, { env, inputs: { 'relevant-paths': '' } }))).code).toBe(4)
    const queue = { event: 'merge_group', payload: payloads.merge_group(base), env }
    expect(await runAction(step(folder, queue))).toMatchObject({ code: 0, outputs: { evaluated: 'false' } })
  })

  it('a comment that says FAIL is not left standing, and none is made', async () => {
    const server = await startGithub()
    closing.push(server.close)
    const inputs = { comment: 'true' }
    const folder = change(origin, 'docs/a.md')
    await runAction(step(folder, { api: server.url, inputs }))
    expect(server.comments).toEqual([])
    const worse = change(origin, 'evals/new.suite.yaml')
    expect((await runAction(step(worse, { api: server.url, inputs }))).code).toBe(2)
    expect(server.comments).toHaveLength(1)
    const found = await runAction(step(folder, { api: server.url, inputs, env: { GITHUB_RUN_ID: '7002' } }))
    expect(server.comments).toHaveLength(1)
    expect(server.comments[0]!.body).toContain('no relevant change')
    expect(found.outputs['comment-url']).toBe(server.comments[0]!.html_url)
  })
})

describe('changed', () => {
  let plain = ''
  let first = ''
  beforeAll(async () => {
    // Nobody grades by a program here, which could use any file.
    plain = promptProject(api, { cases: 21 })
    edit(plain, 'aigate.yaml', 'retries: 0', 'retries: 0, api_key_env: GATE_KEY')
    expect((await aigate(['baseline', 'record', '--reason', 'first'], plain, { GATE_KEY: KEY })).code).toBe(0)
    first = commit(plain, 'a baseline')
  })
  const ofPlain = (folder: string, more: Partial<Step>) =>
    step(folder, { payload: payloads.pull_request(first), ...more })
  const only = (changed: string) => ({ 'relevant-paths': '', changed })
  /** The questions that reached the model meanwhile. */
  async function asking(of: Step) {
    const before = api.asked.length
    const found = await runAction(of)
    return { ...found, asked: api.asked.length - before }
  }

  it('a pull request that reaches no suite passes without a question, and says so', async () => {
    const folder = change(plain, 'docs/a.md', 'src/app.js')
    const { code, stdout, outputs, summary, asked } = await asking(ofPlain(folder, { inputs: only('true') }))
    expect({ code, asked }, stdout).toEqual({ code: 0, asked: 0 })
    expect(outputs).toMatchObject({ outcome: 'pass', evaluated: 'false', 'pass-rate': '', calls: '0' })
    expect(summary).toMatch(/Nothing to do, .*: app/)
    const queue = { event: 'merge_group', payload: payloads.merge_group(first), inputs: only('true') }
    expect(await asking(ofPlain(folder, queue))).toMatchObject({ code: 0, asked: 0 })
  })

  it('one that reaches it is evaluated; so is every other event, and everything where it is false', async () => {
    const folder = clone(plain)
    edit(folder, 'evals/app.suite.yaml', 'a@1.0.0', 'a@1.1.0')
    commit(folder, 'shorter')
    const reached = await asking(ofPlain(folder, { inputs: only('true') }))
    expect(reached, reached.stdout).toMatchObject({ code: 0, asked: 21, outputs: { evaluated: 'true' } })
    const other = change(plain, 'docs/a.md')
    const pushed = { event: 'push', payload: payloads.push(first), inputs: only('true') }
    expect((await asking(ofPlain(other, pushed))).asked).toBe(21)
    const all = change(plain, 'docs/b.md')
    expect((await asking(ofPlain(all, { inputs: only('false') }))).asked).toBe(21)
  })

  it('a ref that it names counts on every event; one that git does not know is a usage error', async () => {
    const folder = change(plain, 'docs/a.md')
    const pushed = { event: 'push', payload: payloads.push(first), inputs: only('HEAD~1') }
    expect(await asking(ofPlain(folder, pushed))).toMatchObject({ code: 0, asked: 0 })
    expect(await asking(ofPlain(folder, { inputs: only('no-such-branch') }))).toMatchObject({ code: 2, asked: 0 })
    expect(await asking(ofPlain(folder, { inputs: only('--offline') }))).toMatchObject({ code: 2, asked: 0 })
  })
})

describe('results of another tool', () => {
  const rows = (right: number) =>
    Array.from({ length: 200 }, (_, i) => JSON.stringify({ case_id: `c${i}`, passed: i < right, output: 'x' })).join(
      '\n',
    )

  it.each([
    ['as good', 200, 0],
    ['worse', 120, 1],
  ])('%s', async (_, right, code) => {
    const folder = change(origin, 'docs/a.md')
    write(folder, 'new.jsonl', rows(right))
    write(folder, 'old.jsonl', rows(200))
    const before = api.asked.length
    const inputs = { results: 'new.jsonl', baseline: 'old.jsonl', base: 'none', 'relevant-paths': '' }
    const found = await runAction(step(folder, { inputs, env: { GATE_KEY: '' } }))
    expect(found.code, found.stdout + found.stderr).toBe(code)
    expect(found.outputs).toMatchObject({ evaluated: 'true', 'pass-rate': String(right / 200) })
    expect(api.asked).toHaveLength(before)
  })

  it('a file that is not there is told, with exit 2', async () => {
    const found = await runAction(
      step(change(origin, 'docs/a.md'), { inputs: { results: 'none.json', 'relevant-paths': '' } }),
    )
    expect(found.code).toBe(2)
    expect(found.summary).toContain('none.json')
  })
})
