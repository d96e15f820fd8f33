// The base of a change in real repositories: branches, merges, renames, shallow clones, detached HEAD, submodules, forks.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { AigateError } from '../errors.ts'
import { baseCommit, findBase } from './base-commit.ts'
import { commitOf, fileAt, filesAt, textsAt } from './git-objects.ts'

let top = ''
let repo = ''
let count = 0
const gitIn = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
const git = (...args: string[]) => gitIn(repo, ...args)

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'aigate-objects-'))
})
afterAll(() => rmSync(top, { recursive: true, force: true }))
beforeEach(() => {
  vi.stubEnv('GIT_CEILING_DIRECTORIES', top)
  vi.stubEnv('GIT_CONFIG_GLOBAL', '/dev/null')
  vi.stubEnv('GIT_CONFIG_SYSTEM', '/dev/null')
  for (const who of ['AUTHOR', 'COMMITTER']) {
    vi.stubEnv(`GIT_${who}_NAME`, 'Ada')
    vi.stubEnv(`GIT_${who}_EMAIL`, 'ada@example.org')
  }
  repo = fresh('main')
})
afterEach(() => vi.unstubAllEnvs())

function folder(): string {
  return join(top, `repo-${(count += 1)}`)
}
function fresh(branch: string): string {
  const path = folder()
  mkdirSync(path)
  gitIn(path, 'init', '--quiet', '--initial-branch', branch)
  return path
}
function commitIn(cwd: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  gitIn(cwd, 'add', '--all')
  gitIn(cwd, 'commit', '--quiet', '--allow-empty', '-m', 'change')
  return gitIn(cwd, 'rev-parse', 'HEAD')
}
const commit = (files: Record<string, string>) => commitIn(repo, files)
/** A clone of the repository, in which the tests go on. */
function clone(...options: string[]): void {
  const path = folder()
  execFileSync('git', ['clone', '--quiet', ...options, `file://${repo}`, path], { stdio: 'ignore' })
  repo = path
}
const none = { env: {} }
const pull = (base: string) => ({ env: { GITHUB_BASE_REF: base } })

describe('findBase', () => {
  it('is the commit where the branch left main, however far main has gone', async () => {
    const left = commit({ a: '1' })
    git('checkout', '--quiet', '-b', 'work')
    commit({ a: '2' })
    git('checkout', '--quiet', 'main')
    commit({ b: '1' })
    git('checkout', '--quiet', 'work')
    expect(await findBase(repo, none)).toEqual({ commit: left, ref: 'main' })
    expect(await findBase(repo, { env: { GITHUB_BASE_REF: '' } })).toEqual({ commit: left, ref: 'main' })
  })
  it('moves on when main is merged into the branch', async () => {
    commit({ a: '1' })
    git('checkout', '--quiet', '-b', 'work')
    commit({ b: '2' })
    git('checkout', '--quiet', 'main')
    const merged = commit({ a: '3' })
    git('checkout', '--quiet', 'work')
    git('merge', '--quiet', '--no-edit', 'main')
    expect(await baseCommit(repo, none)).toEqual({ commit: merged, ref: 'main' })
  })
  it('is the tip of the base for the merge commit that a pull request is tested as, detached', async () => {
    commit({ a: '1' })
    git('checkout', '--quiet', '-b', 'work')
    commit({ b: '2' })
    git('checkout', '--quiet', 'main')
    const tip = commit({ a: '3' })
    clone()
    git('checkout', '--quiet', '--detach', 'origin/main')
    git('merge', '--quiet', '--no-ff', '--no-edit', 'origin/work')
    expect(await findBase(repo, pull('main'))).toEqual({ commit: tip, ref: 'origin/main' })
  })
  it('takes the branch of the pull request, not the main branch', async () => {
    commit({ a: '1' })
    git('checkout', '--quiet', '-b', 'release/1')
    const release = commit({ b: '1' })
    git('checkout', '--quiet', '-b', 'work')
    commit({ b: '2' })
    clone()
    expect(await findBase(repo, pull('release/1'))).toEqual({ commit: release, ref: 'origin/release/1' })
  })
  it('takes what GitLab names: the branch, else the commit that the merge request started from', async () => {
    const left = commit({ a: '1' })
    git('checkout', '--quiet', '-b', 'release/1')
    const release = commit({ b: '1' })
    git('checkout', '--quiet', '-b', 'work')
    commit({ b: '2' })
    clone()
    const env = { CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'release/1', CI_MERGE_REQUEST_DIFF_BASE_SHA: left }
    expect(await findBase(repo, { env })).toEqual({ commit: release, ref: 'origin/release/1' })
    git('update-ref', '-d', 'refs/remotes/origin/release/1')
    expect(await findBase(repo, { env })).toEqual({ commit: left, ref: left.slice(0, 12) })
    expect(await findBase(repo, { env: { ...env, CI_MERGE_REQUEST_DIFF_BASE_SHA: 'HEAD' } })).toMatchObject({
      kind: 'no_ref',
      problem: expect.stringContaining('has no origin/release/1'),
      mend: expect.stringContaining('GIT_DEPTH: 0'),
    })
    git('remote', 'set-head', 'origin', '--delete')
    expect(await findBase(repo, { env: { CI_DEFAULT_BRANCH: 'work' } })).toMatchObject({ ref: 'origin/work' })
  })
  it('is not fooled by a tag or a branch that is called origin/main', async () => {
    const real = commit({ a: '1' })
    clone()
    git('checkout', '--quiet', '-b', 'work')
    commit({ a: 'loosened' })
    git('tag', 'origin/main')
    git('branch', 'origin/main')
    expect(await findBase(repo, pull('main'))).toEqual({ commit: real, ref: 'origin/main' })
    expect(await findBase(repo, none)).toEqual({ commit: real, ref: 'origin/HEAD' })
  })
  it('is not fooled by a replaced object', async () => {
    const real = commit({ a: 'strict' })
    git('checkout', '--quiet', '-b', 'work')
    const loose = commit({ a: 'loose' })
    git('replace', real, git('commit-tree', '-m', 'x', `${loose}^{tree}`))
    expect(await fileAt(repo, real, 'a')).toBe('strict')
  })
  it("finds the base of a fork's branch from the repository that it goes to", async () => {
    const left = commit({ a: '1' })
    const home = repo
    clone()
    git('checkout', '--quiet', '-b', 'feature')
    commit({ a: '2' })
    git('checkout', '--quiet', 'main')
    commit({ a: "the fork's own main" })
    const fork = repo
    repo = home
    clone()
    git('fetch', '--quiet', `file://${fork}`, 'feature')
    git('checkout', '--quiet', '--detach', 'FETCH_HEAD')
    expect(await findBase(repo, pull('main'))).toEqual({ commit: left, ref: 'origin/main' })
  })
  it('is HEAD on the base branch itself', async () => {
    const head = commit({ a: '1' })
    expect(await findBase(repo, none)).toEqual({ commit: head, ref: 'main' })
  })
  it('takes any revision that is named, and refuses what is none or an option', async () => {
    const first = commit({ a: '1' })
    git('tag', '--annotate', 'v1', '-m', 'one')
    commit({ a: '2' })
    expect(await findBase(repo, { env: { GITHUB_BASE_REF: 'x' }, ref: 'v1' })).toEqual({ commit: first, ref: 'v1' })
    expect(await commitOf(repo, 'v1')).toBe(first)
    for (const ref of ['nope', '--all', '', 'HEAD:a'])
      expect(await findBase(repo, { env: {}, ref })).toMatchObject({
        kind: 'no_ref',
        problem: expect.stringContaining('git knows no revision'),
      })
  })
  it('says that a shallow clone lacks the base branch, or the history up to it', async () => {
    commit({ a: '1' })
    git('checkout', '--quiet', '-b', 'work')
    commit({ a: '2' })
    const home = repo
    clone('--depth', '1', '--single-branch', '--branch', 'work')
    expect(await findBase(repo, pull('main'))).toEqual({
      kind: 'no_ref',
      problem: 'GITHUB_BASE_REF is "main", but this clone has no origin/main',
      mend: expect.stringMatching(/fetch-depth: 0.*This clone is shallow: `git fetch --unshallow`/),
    })
    expect(await baseCommit(repo, pull('main'))).toBeNull()
    repo = home
    clone('--depth', '1', '--no-single-branch', '--branch', 'work')
    expect(await findBase(repo, pull('main'))).toMatchObject({
      kind: 'no_history',
      problem: expect.stringContaining('shallow'),
    })
    git('fetch', '--quiet', '--unshallow')
    expect(await findBase(repo, pull('main'))).toMatchObject({ ref: 'origin/main' })
  })
  it('says when there is no base branch, no shared history, no commit and no repository', async () => {
    expect(await findBase(repo, none)).toMatchObject({ kind: 'no_commit' })
    commit({ a: '1' })
    git('checkout', '--quiet', '--orphan', 'island')
    commit({ a: '2' })
    expect(await findBase(repo, none)).toMatchObject({ kind: 'no_history', problem: 'HEAD and main share no history' })
    git('branch', '--quiet', '-D', 'main')
    expect(await findBase(repo, none)).toMatchObject({ kind: 'no_ref' })
    const bare = folder()
    mkdirSync(bare)
    expect(await findBase(bare, none)).toMatchObject({ kind: 'no_git' })
    expect(await findBase(join(bare, 'gone'), none)).toMatchObject({
      kind: 'no_git',
      problem: expect.stringContaining('folder'),
    })
    vi.stubEnv('PATH', bare)
    expect(await findBase(repo, none)).toMatchObject({
      kind: 'no_git',
      problem: expect.stringContaining('not installed'),
    })
  })
})

describe('files of a commit', () => {
  it('are those of then, whatever the work tree, the index and renames say now; paths are those of the folder', async () => {
    const text = 'ä\r\n"quoted" [x]\n\n'
    const then = commit({ 'app/prompts/a b/ü"1.md': text, 'app/prompts/[x]*.md': '', 'other.md': 'o' })
    git('mv', 'app/prompts', 'app/moved')
    commit({ 'app/prompts/new.md': 'n' })
    const root = join(repo, 'app')
    expect(await filesAt(root, then, 'prompts')).toEqual(['prompts/[x]*.md', 'prompts/a b/ü"1.md'])
    expect(await filesAt(root, then, 'prompts/')).toHaveLength(2)
    expect(await filesAt(root, then, '')).toHaveLength(2)
    expect(await filesAt(root, then, 'moved')).toEqual([])
    expect(await fileAt(root, then, 'prompts/a b/ü"1.md')).toBe(text)
    expect(await fileAt(root, then, './prompts/[x]*.md')).toBe('')
    expect(await fileAt(root, then, '../other.md')).toBe('o')
    for (const path of ['prompts', 'prompts/new.md', 'prompts/x', 'no/such/file.md'])
      expect(await fileAt(root, then, path)).toBeNull()
    expect([...(await textsAt(root, then, 'prompts')).values()]).toEqual(['', text])
  })
  it('lets nobody take a failure for a file that is not there', async () => {
    const head = commit({ 'p/a.md': 'one', 'p/b.md': 'two' })
    for (const wrong of ['0'.repeat(40), 'nope', '--help'])
      await expect(fileAt(repo, wrong, 'p/a.md')).rejects.toThrow(AigateError)
    const blob = git('rev-parse', 'HEAD:p/a.md')
    rmSync(join(repo, '.git/objects', blob.slice(0, 2), blob.slice(2)))
    await expect(fileAt(repo, head, 'p/a.md')).rejects.toThrow(/p\/a\.md at .* cannot be read/)
    expect(await fileAt(repo, head, 'p/b.md')).toBe('two')
  })
  it('are found inside a submodule, and from inside one', async () => {
    const library = fresh('main')
    const old = commitIn(library, { 'p/a.md': 'old' })
    git('submodule', '--quiet', 'add', `file://${library}`, 'vendor/lib')
    const then = commit({ 'own.md': 'x' })
    const inside = join(repo, 'vendor/lib')
    commitIn(inside, { 'p/a.md': 'new' })
    commit({})
    expect(await filesAt(repo, then, 'vendor')).toEqual(['vendor/lib/p/a.md'])
    for (const path of ['vendor/lib/p', 'vendor/lib'])
      expect(await filesAt(repo, then, path)).toEqual(['vendor/lib/p/a.md'])
    expect(await fileAt(repo, then, 'vendor/lib/p/a.md')).toBe('old')
    expect(await fileAt(repo, then, 'vendor/lib/p/b.md')).toBeNull()
    expect(await fileAt(repo, 'HEAD', 'vendor/lib/p/a.md')).toBe('new')
    expect(await fileAt(inside, old, 'p/a.md')).toBe('old')
    rmSync(inside, { recursive: true })
    await expect(filesAt(repo, then, 'vendor')).rejects.toThrow(/cannot be read/)
  })
})
