// The hooks of docs/hooks.md, each by a real commit and a real push: pre-commit as it installs and runs, lefthook, husky, and plain git.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { aigate, removeTemporary, root, temporary } from './commands/cli-testing.ts'
import { commit, edit, git, write } from './commands/git-testing.ts'

type Hook = { id: string; entry: string; language: string; stages?: string[]; pass_filenames: boolean }
const hooks = parse(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as Hook[]
const page = readFileSync(join(root, 'docs', 'hooks.md'), 'utf8')
/** The block of the page under a heading. */
const block = (heading: string, kind: string) =>
  new RegExp(`^## ${heading}\\n[\\s\\S]*?^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? ''

let release = ''
beforeAll(() => {
  // The tag of a release, made by the script of its workflow.
  release = temporary()
  for (const name of ['bin', 'schema', 'dist', 'package.json', '.pre-commit-hooks.yaml', '.gitignore'])
    cpSync(join(root, name), join(release, name), { recursive: true })
  git(release, 'init', '-q', '-b', 'main')
  const workflow = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')
  const made = /npm pkg delete [\w ]+/.exec(workflow)?.[0] ?? ''
  execFileSync('sh', ['-c', made], { cwd: release })
  git(release, 'add', '--force', '--all')
  git(release, 'commit', '-qm', 'the bundle')
  git(release, 'tag', 'v0.1.0')
})
afterAll(removeTemporary)

const offline = { npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' }
const plain = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|CI$|GITHUB_|VITEST|NODE_|GIT_|INIT_CWD)/.test(name)),
)
const who = { GIT_CONFIG_COUNT: '3', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Ada', GIT_CONFIG_KEY_1: 'user.email', GIT_CONFIG_VALUE_1: 'ada@example.org', GIT_CONFIG_KEY_2: 'protocol.file.allow', GIT_CONFIG_VALUE_2: 'always' } // biome-ignore format: one table

function run(cwd: string, program: string, args: string[], more: Record<string, string> = {}) {
  const env = { ...plain, ...who, ...offline, ...more }
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 150_000 })
  return { code: status, said: stdout + stderr }
}

/** A project with a baseline and a remote to push to; `aigate` is installed in it as npm would. */
async function shop(): Promise<string> {
  const folder = temporary()
  git(folder, 'init', '-q', '-b', 'main')
  expect((await aigate(['init'], folder)).code).toBe(0)
  expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
  write(folder, 'package.json', '{"private": true}\n')
  write(folder, '.gitignore', '.aigate/\nnode_modules/\n')
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
  symlinkSync(join(release, 'bin', 'aigate.js'), join(folder, 'node_modules', '.bin', 'aigate'))
  commit(folder, 'a project')
  const remote = temporary()
  git(remote, 'init', '-q', '--bare')
  git(folder, 'remote', 'add', 'origin', remote)
  return folder
}
const breakSuite = (folder: string) => {
  edit(folder, 'evals/support.suite.yaml', 'trials: 3', 'trails: 3')
  git(folder, 'add', '-A')
}
const worsen = (folder: string) => {
  git(folder, 'checkout', '-q', '--', '.')
  git(folder, 'reset', '-q', '--hard')
  edit(folder, 'evals/support.suite.yaml', 'support/answer@1.0.0', 'support/answer@1.1.0')
  git(folder, 'add', '-A')
}

/** What each set of hooks has to do. */
function works(folder: string, env: Record<string, string> = {}) {
  breakSuite(folder)
  const broken = run(folder, 'git', ['commit', '-qm', 'broken'], env)
  expect(broken.code, broken.said).not.toBe(0)
  expect(broken.said).toContain('trails')
  git(folder, 'reset', '-q', '--hard')
  write(folder, 'evals/README.md', 'the suites\n')
  git(folder, 'add', '-A')
  const good = run(folder, 'git', ['commit', '-qm', 'notes'], env)
  expect(good.code, good.said).toBe(0)
  const pushed = run(folder, 'git', ['push', '-q', 'origin', 'main'], env)
  expect(pushed.code, pushed.said).toBe(0)
  worsen(folder)
  const worse = run(folder, 'git', ['commit', '-qm', 'warmer'], env)
  expect(worse.code, worse.said).toBe(0)
  const refused = run(folder, 'git', ['push', '-q', 'origin', 'main'], env)
  expect(refused.code, refused.said).not.toBe(0)
  expect(refused.said).toContain('FAIL')
}

it('the hooks are what pre-commit reads', () => {
  expect(hooks.map(({ id }) => id)).toEqual(['aigate-check', 'aigate-eval'])
  for (const { entry, language, pass_filenames } of hooks) {
    expect(entry).toMatch(/^aigate (check|eval\b)/)
    expect({ language, pass_filenames }).toEqual({ language: 'node', pass_filenames: false })
  }
  for (const { id } of hooks) expect(page).toContain(`- id: ${id}`)
})

describe.skipIf(process.platform === 'win32')('pre-commit', () => {
  it('installs the tag with npm alone, without a network, and its entries run', async () => {
    // As the language `node` of pre-commit does: npm install, npm pack, npm install -g of the package.
    const copy = join(temporary(), 'copy')
    const prefix = temporary()
    git(release, 'clone', '-q', '--branch', 'v0.1.0', release, copy)
    const words = ['--include=dev', '--include=prod', '--ignore-prepublish', '--no-progress', '--no-save']
    expect(run(copy, 'npm', ['install', ...words])).toMatchObject({ code: 0 })
    const pack = spawnSync('npm', ['pack'], { cwd: copy, env: { ...plain, ...offline }, encoding: 'utf8' })
    // Whatever else stood there would be taken for the name of the file.
    expect(pack.stdout.trim()).toBe('aigate-0.1.0.tgz')
    const installed = run(copy, 'npm', ['install', '-g', `--prefix=${prefix}`, join(copy, pack.stdout.trim())])
    expect(installed.code, installed.said).toBe(0)
    const folder = await shop()
    const env = { PATH: [join(prefix, 'bin'), plain['PATH']].join(delimiter) }
    for (const { entry } of hooks) {
      const [program = '', ...args] = entry.split(' ')
      expect(run(folder, program, args, env)).toMatchObject({ code: 0 })
    }
  })

  const program = [process.env['AIGATE_PRE_COMMIT'], 'pre-commit'].find(
    (name) => name && spawnSync(name, ['--version']).status === 0,
  )
  it.skipIf(program === undefined)('blocks a commit and a push', async () => {
    const folder = await shop()
    const text = block('pre-commit', 'yaml').replace('https://github.com/aigate/aigate', release)
    write(folder, '.pre-commit-config.yaml', `default_language_version: {node: system}\n${text}`)
    commit(folder, 'hooks')
    const env = { PRE_COMMIT_HOME: temporary() }
    const install = run(folder, program ?? '', ['install', '--hook-type', 'pre-commit', '--hook-type', 'pre-push'], env)
    expect(install.code, install.said).toBe(0)
    works(folder, env)
  })
})

describe.skipIf(process.platform === 'win32')('hooks of git', () => {
  const shells = { 'pre-commit': 'npx --no-install aigate check', 'pre-push': 'npx --no-install aigate eval' }
  it.each([
    ['husky', 'husky'],
    ['plain git', 'Git alone'],
  ])('%s', async (_, heading) => {
    const folder = await shop()
    const lines = block(heading, 'sh').split('\n')
    const at = heading === 'husky' ? '.husky' : '.githooks'
    for (const [name, command] of Object.entries(shells)) {
      expect(lines.join('\n')).toContain(command)
      write(folder, `${at}/${name}`, `#!/bin/sh\n${command}\n`)
      chmodSync(join(folder, at, name), 0o755)
    }
    git(folder, 'config', 'core.hooksPath', at)
    git(folder, 'add', '-A')
    git(folder, '-c', 'core.hooksPath=/nowhere', 'commit', '-qm', 'hooks')
    works(folder)
  })

  it('a commit that will hold something else than the folder is told, and one that holds all of it is not', async () => {
    const folder = await shop()
    write(folder, '.githooks/pre-commit', '#!/bin/sh\nnpx --no-install aigate check\n')
    chmodSync(join(folder, '.githooks/pre-commit'), 0o755)
    commit(folder, 'hooks')
    git(folder, 'config', 'core.hooksPath', '.githooks')
    breakSuite(folder)
    // Mended in the folder, and staged as it was.
    edit(folder, 'evals/support.suite.yaml', 'trails: 3', 'trials: 3')
    const beside = run(folder, 'git', ['commit', '-m', 'broken all the same'])
    expect(beside.said).toContain('this commit will hold something else: evals/support.suite.yaml not staged as it is.')
    edit(folder, 'evals/support.suite.yaml', 'trials: 3', 'trials: 2')
    for (const args of [
      ['commit', '-am', 'all of it'],
      ['commit', '--amend', '--no-edit'],
    ]) {
      const whole = run(folder, 'git', args)
      expect(whole.code, whole.said).toBe(0)
      expect(whole.said).not.toContain('something else')
    }
    // Nobody commits here.
    edit(folder, 'evals/support.suite.yaml', 'trials: 2', 'trials: 3')
    expect((await aigate(['check'], folder)).stderr).toBe('')
  })

  it('in a linked worktree, with the project below its top, the base is found where it is', async () => {
    const inner = await shop()
    const folder = temporary()
    git(folder, 'init', '-q', '-b', 'main')
    cpSync(inner, join(folder, 'services/chat'), { recursive: true, filter: (path) => !path.endsWith('/.git') })
    write(folder, '.gitignore', '.aigate/\nnode_modules/\n')
    commit(folder, 'a monorepo')
    const remote = temporary()
    git(remote, 'init', '-q', '--bare')
    git(folder, 'remote', 'add', 'origin', remote)
    git(folder, 'push', '-q', 'origin', 'main')
    const tree = join(temporary(), 'tree')
    git(folder, 'worktree', 'add', '-q', tree, '-b', 'change')
    const program = join(inner, 'node_modules/.bin/aigate')
    const eval_ = `#!/bin/sh\ncd services/chat && CI=true ${program} eval --offline --no-frozen\n`
    write(folder, '.githooks/pre-push', eval_)
    chmodSync(join(folder, '.githooks/pre-push'), 0o755)
    git(folder, 'config', 'core.hooksPath', join(folder, '.githooks'))
    edit(tree, 'services/chat/evals/support.suite.yaml', 'support/answer@1.0.0', 'support/answer@1.1.0')
    // The change takes the bar away, and its own baseline with it: those of the base judge.
    git(tree, 'rm', '-q', '-r', 'services/chat/baselines')
    git(tree, 'add', '-A')
    git(tree, '-c', 'core.hooksPath=/nowhere', 'commit', '-qm', 'worse')
    const pushed = run(tree, 'git', ['push', '-q', 'origin', 'change'])
    expect(pushed.code, pushed.said).not.toBe(0)
    expect(pushed.said).toContain('FAIL')
    expect(pushed.said).not.toContain('has no configuration')
  })

  it('lefthook: its commands, in the hooks that it names', async () => {
    const folder = await shop()
    const config = parse(block('lefthook', 'yaml')) as Record<
      string,
      { commands?: Record<string, { run: string; glob?: string[] }> }
    >
    for (const name of ['pre-commit', 'pre-push']) {
      const [command] = Object.values(config[name]?.commands ?? {})
      write(folder, `.hooks/${name}`, `#!/bin/sh\n${command?.run}\n`)
      chmodSync(join(folder, '.hooks', name), 0o755)
    }
    git(folder, 'config', 'core.hooksPath', '.hooks')
    git(folder, 'add', '-A')
    git(folder, '-c', 'core.hooksPath=/nowhere', 'commit', '-qm', 'hooks')
    works(folder)
    expect(existsSync(join(folder, '.aigate', 'runs'))).toBe(true)
  })
})
