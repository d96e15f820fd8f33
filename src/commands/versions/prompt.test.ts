// Prompts as code through the program itself, in real git repositories: list, diff, new, bump, and what check refuses.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

const quiet = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
}
const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...quiet },
  }).trim()
const tool = (cwd: string, args: string[], env: Record<string, string> = {}) =>
  aigate(args, cwd, { GITHUB_BASE_REF: '', ...quiet, ...env })
const check = async (cwd: string, env?: Record<string, string>) => {
  const { code, stderr } = await tool(cwd, ['check'], env)
  return { code, stderr }
}

const prompt = (version: string, text = 'Answer briefly.', head = '') =>
  `---\nname: support/answer\nversion: ${version}\ninput: [question]\n${head}---\nsystem:\n${text}\n\nuser:\n{{ question }}\n`
const config = `version: 1
providers: {openai: {type: openai}}
models: {main: {provider: openai, id: gpt-4o-2024-11-20}}
`
const suite = `suite: support
version: 1.0.0
target: {prompt: support/answer@1.0.0, model: main}
cases:
  - {id: refund, vars: {question: "Can I get a refund?"}, assert: [{contains: refund}]}
  - {id: hours, vars: {question: "When are you open?"}, assert: [{contains: "9"}]}
`
const at = (version: string) => `prompts/support/answer/${version}.md`
function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}
function commit(folder: string, files: Record<string, string> = {}): void {
  write(folder, files)
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'change')
}
/** A repository with a published prompt, on a branch. */
function project(files: Record<string, string> = {}): string {
  const folder = temporary()
  git(folder, 'init', '--quiet', '--initial-branch', 'main')
  commit(folder, { 'aigate.yaml': config, 'evals/support.suite.yaml': suite, [at('1.0.0')]: prompt('1.0.0'), ...files })
  git(folder, 'checkout', '--quiet', '-b', 'work')
  return folder
}
const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8')

describe('check and published prompts', () => {
  it('refuses a changed one with the mend, committed or not, and takes the mend', async () => {
    const folder = project()
    write(folder, { [at('1.0.0')]: prompt('1.0.0', 'Answer at length.') })
    for (const step of ['not committed', 'committed']) {
      if (step === 'committed') commit(folder)
      const { code, stderr } = await check(folder)
      expect(code, step).toBe(2)
      expect(stderr).toContain(`${at('1.0.0')} error: support/answer@1.0.0 is published (`)
      expect(stderr).toContain('fix: Run `aigate prompt bump support/answer`')
    }
    const { code, stdout } = await tool(folder, ['prompt', 'bump', 'support/answer'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      `Wrote ${at('1.1.0')} (MINOR) from support/answer@1.0.0.\nRestored ${at('1.0.0')} as it was published; your edit is in 1.1.0.\nThese suites still ask support/answer@1.0.0: support.\n`,
    )
    expect(read(folder, at('1.0.0'))).toBe(prompt('1.0.0'))
    expect(read(folder, at('1.1.0'))).toBe(prompt('1.1.0', 'Answer at length.'))
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
  })
  it('lets equal content move with its folder and change its line ends, and finds a change that moves along', async () => {
    const folder = project()
    git(folder, 'mv', 'prompts', 'texts')
    commit(folder, { 'aigate.yaml': `${config}prompts: texts\n` })
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
    const moved = at('1.0.0').replace('prompts', 'texts')
    write(folder, { [moved]: prompt('1.0.0').replaceAll('\n', '\r\n') })
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
    write(folder, { [moved]: prompt('1.0.0', 'Changed.') })
    expect((await check(folder)).code).toBe(2)
  })
  it('refuses to lose a version, and to publish too small a step', async () => {
    const folder = project({ [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.') })
    rmSync(join(folder, at('1.1.0')))
    write(folder, {
      [at('1.0.1')]: prompt('1.0.1', 'Answer kindly.'),
      [at('1.2.0')]: prompt('1.2.0', 'x', 'output: {format: json}\n'),
    })
    const { code, stderr } = await check(folder)
    expect(code).toBe(2)
    expect(stderr).toContain('support/answer@1.1.0 is published (')
    expect(stderr).toContain(`fix: Restore it: git checkout `)
    expect(stderr).toContain(
      'support/answer@1.0.1 is too small a step from 1.0.0: MINOR is needed (other instructions)',
    )
    expect(stderr).toContain(
      'support/answer@1.2.0 is too small a step from 1.0.1: MAJOR is needed (another output format',
    )
    expect(stderr).toContain('3 problems.')
  })
  it('asks for a changelog entry when the configuration says so, now or at the base', async () => {
    const folder = project({ 'aigate.yaml': `${config}prompt_changelog: true\n` })
    write(folder, { [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.'), 'aigate.yaml': config })
    const { code, stderr } = await check(folder)
    expect(code).toBe(2)
    expect(stderr).toContain('no entry for support/answer@1.1.0')
    write(folder, { 'prompts/support/answer/CHANGELOG.md': '# Changes\n\n## 1.1.0\n\nKinder.\n' })
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
  })
  it('sees through merge commits: what main published meanwhile is published, what a branch changes is not', async () => {
    const folder = project()
    commit(folder, { [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.') })
    write(folder, { [at('1.1.0')]: prompt('1.1.0', 'Answer very kindly.') })
    expect((await check(folder)).code).toBe(0)
    commit(folder)
    git(folder, 'checkout', '--quiet', 'main')
    commit(folder, { [at('1.0.1')]: prompt('1.0.1', ' Answer  briefly.') })
    git(folder, 'checkout', '--quiet', 'work')
    git(folder, 'merge', '--quiet', '--no-edit', 'main')
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
    write(folder, { [at('1.0.1')]: prompt('1.0.1') })
    expect((await check(folder)).stderr).toContain('support/answer@1.0.1 is published')
  })
})

describe('check without a base', () => {
  const clone = (folder: string, ...options: string[]) => {
    const copy = join(temporary(), 'clone')
    execFileSync('git', ['clone', '--quiet', ...options, `file://${folder}`, copy], { stdio: 'ignore' })
    return copy
  }
  it('stops a shallow clone in CI with the mend, and only notes it elsewhere', async () => {
    const shallow = clone(project(), '--depth', '1', '--single-branch', '--branch', 'work')
    const pull = { GITHUB_BASE_REF: 'main' }
    const strict = await check(shallow, { ...pull, CI: 'true' })
    expect(strict.code).toBe(2)
    expect(strict.stderr).toContain(
      'error: published prompts cannot be compared: GITHUB_BASE_REF is "main", but this clone has no origin/main.',
    )
    expect(strict.stderr).toContain('`fetch-depth: 0`')
    const lenient = await check(shallow, pull)
    expect(lenient.code).toBe(0)
    expect(lenient.stderr).toMatch(/^note: published prompts cannot be compared/)
  })
  it('compares a detached HEAD of a full clone, as CI checks it out', async () => {
    const folder = project()
    commit(folder, { [at('1.0.0')]: prompt('1.0.0', 'Changed.') })
    const full = clone(folder)
    git(full, 'checkout', '--quiet', '--detach', 'origin/work')
    const { code, stderr } = await check(full, { GITHUB_BASE_REF: 'main', CI: 'true' })
    expect(code).toBe(2)
    expect(stderr).toContain('support/answer@1.0.0 is published')
  })
  it('says nothing before the first commit and outside git', async () => {
    const folder = temporary()
    write(folder, { 'aigate.yaml': config, 'evals/support.suite.yaml': suite, [at('1.0.0')]: prompt('1.0.0') })
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
    git(folder, 'init', '--quiet')
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
  })
  it('compares the prompts of a submodule with the commit that the base names', async () => {
    const library = temporary()
    git(library, 'init', '--quiet', '--initial-branch', 'main')
    commit(library, { 'support/answer/1.0.0.md': prompt('1.0.0') })
    const folder = temporary()
    git(folder, 'init', '--quiet', '--initial-branch', 'main')
    git(folder, 'submodule', '--quiet', 'add', `file://${library}`, 'prompts')
    commit(folder, { 'aigate.yaml': config, 'evals/support.suite.yaml': suite })
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
    git(folder, 'checkout', '--quiet', '-b', 'work')
    commit(join(folder, 'prompts'), { 'support/answer/1.0.0.md': prompt('1.0.0', 'Changed.') })
    commit(folder)
    expect((await check(folder)).stderr).toContain('support/answer@1.0.0 is published')
  })
})

describe('prompt', () => {
  it('lists versions with their suites, as a table and as data', async () => {
    const folder = project()
    write(folder, { [at('1.10.0')]: prompt('1.10.0', 'x'), [at('1.9.0')]: prompt('1.9.0', 'y') })
    const { stdout } = await tool(folder, ['prompt', 'list'])
    expect(stdout.split('\n').map((line) => line.replace(/[0-9a-f]{12}/, 'HASH').split(/ {2,}/))).toEqual([
      ['prompt', 'version', 'hash', 'suites'],
      ['support/answer', '1.0.0', 'HASH', 'support'],
      ['support/answer', '1.9.0', 'HASH', '-', 'not published yet'],
      ['support/answer', '1.10.0', 'HASH', '-', 'newest, not published yet'],
      [''],
    ])
    const { prompts } = JSON.parse((await tool(folder, ['prompt', 'list', 'support/answer', '--json'])).stdout)
    expect(prompts[0]).toMatchObject({
      version: '1.0.0',
      newest: false,
      published: true,
      suites: ['support'],
      status: null,
    })
    const unknown = await tool(folder, ['prompt', 'list', 'support/answr'])
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "support/answer"?') })
  })
  it('shows the template and real questions of two versions', async () => {
    const folder = project({ [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.') })
    const refs = ['support/answer@1.0.0', 'support/answer@1.1.0']
    const { code, stdout } = await tool(folder, ['prompt', 'diff', ...refs, '--case', 'hours'])
    expect(code).toBe(0)
    expect(stdout).toContain(`--- ${at('1.0.0')}\n+++ ${at('1.1.0')}\n@@ -1,10 +1,10 @@\n`)
    expect(stdout).toContain('-Answer briefly.\n+Answer kindly.\n')
    expect(stdout).toContain('MINOR: other instructions.')
    expect(stdout).toMatch(/support\/hours\n/)
    expect(stdout).toMatch(/^Answer briefly\. {2,}\| Answer kindly\.$/m)
    expect(stdout).toMatch(/^When are you open\? {2,}When are you open\?$/m)
    expect(stdout).not.toContain('refund')
    const json = JSON.parse((await tool(folder, ['prompt', 'diff', ...refs, '--suite', 'support', '--json'])).stdout)
    expect(json).toMatchObject({ bump: 'minor', cases: [{ case: 'refund' }, { case: 'hours' }], more: 0 })
    expect(json.cases[0].after[0]).toEqual({ role: 'system', content: 'Answer kindly.' })
    // git itself reads the patch: with it, the one version becomes the other.
    writeFileSync(join(folder, 'change.patch'), json.patch.replace(at('1.1.0'), at('1.0.0')))
    git(folder, 'apply', '-p0', 'change.patch')
    expect(read(folder, at('1.0.0'))).toBe(read(folder, at('1.1.0')))
    git(folder, 'checkout', '--quiet', '.')
    const coloured = await tool(folder, ['prompt', 'diff', ...refs], { NO_COLOR: '', FORCE_COLOR: '1' })
    expect(coloured.stdout).toContain(`${String.fromCharCode(27)}[7mkindly`)
    for (const wrong of [
      ['--case', 'nope'],
      ['--suite', 'nope'],
    ])
      expect((await tool(folder, ['prompt', 'diff', ...refs, ...wrong])).code).toBe(2)
  })
  it('says which side of a question cannot be rendered', async () => {
    const wider = prompt('2.0.0', '{{ tone }}').replace('[question]', '[question, tone]')
    const folder = project({ [at('2.0.0')]: wider })
    const { code, stdout } = await tool(folder, ['prompt', 'diff', 'support/answer@1.0.0', 'support/answer@2.0.0'])
    expect(code).toBe(0)
    expect(stdout).toContain('MAJOR: new variable "tone", other instructions.')
    expect(stdout).toContain('cannot be rendered:')
  })
  it('makes a prompt that check accepts, and never twice', async () => {
    const folder = project()
    const first = await tool(folder, ['prompt', 'new', 'sales/offer'])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
    const before = read(folder, 'prompts/sales/offer/1.0.0.md')
    expect(await tool(folder, ['prompt', 'new', 'sales/offer'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('aigate prompt bump sales/offer'),
    })
    expect(read(folder, 'prompts/sales/offer/1.0.0.md')).toBe(before)
    expect((await tool(folder, ['prompt', 'new', '../evil'])).code).toBe(2)
  })
  it('bumps as told, from the newest or a named version, and writes over nothing', async () => {
    const folder = project()
    const bump = async (...args: string[]) => (await tool(folder, ['prompt', 'bump', ...args])).code
    expect(await bump('support/answer')).toBe(0)
    expect(await bump('support/answer', '--major')).toBe(0)
    expect(await bump('support/answer@1.0.0', '--patch')).toBe(0)
    for (const version of ['1.1.0', '2.0.0', '1.0.1']) expect(read(folder, at(version))).toBe(prompt(version))
    expect(await bump('support/answer@1.0.0', '--minor')).toBe(2)
    expect(await bump('support/answer@1.0.0')).toBe(0)
    expect(read(folder, at('2.0.1'))).toBe(prompt('2.0.1'))
    expect(await bump('support/answer', '--major', '--patch')).toBe(2)
    expect(await bump('support/answer@9.9.9')).toBe(2)
    expect(existsSync(join(folder, at('9.10.0')))).toBe(false)
  })
  it('goes on from the newest version where the next number is taken', async () => {
    const folder = project({ [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.') })
    write(folder, { [at('1.0.0')]: prompt('1.0.0', 'Answer at length.') })
    const { stdout } = await tool(folder, ['prompt', 'bump', 'support/answer@1.0.0'])
    expect(stdout).toContain(`Wrote ${at('1.2.0')} (MINOR) from support/answer@1.0.0.\nRestored ${at('1.0.0')}`)
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
  })
  it('takes the size of the step from the edit of a published file', async () => {
    const folder = project({ [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.') })
    write(folder, { [at('1.0.0')]: prompt('1.0.0', 'Answer  briefly.') })
    const { stderr } = await check(folder)
    expect(stderr).toContain('aigate prompt bump support/answer@1.0.0`')
    const { stdout } = await tool(folder, ['prompt', 'bump', 'support/answer@1.0.0', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ bump: 'patch', to: { version: '1.0.1' }, restored: true })
    write(folder, { [at('1.1.0')]: prompt('1.1.0', 'Answer kindly.', 'output: {format: json}\n') })
    expect((await tool(folder, ['prompt', 'bump', 'support/answer'])).stdout).toContain(`Wrote ${at('2.0.0')} (MAJOR)`)
    expect(await check(folder)).toEqual({ code: 0, stderr: '' })
  })
})
