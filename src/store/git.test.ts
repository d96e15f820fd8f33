// git asked in real repositories: fresh, clean, dirty, detached, without a commit, without git.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { gitState, gitUser } from './git.ts'

let root = ''
let repo = ''
let count = 0
const git = (...args: string[]) => execFileSync('git', args, { cwd: repo, encoding: 'utf8' }).trim()

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'aigate-git-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => {
  // Neither the repository around the tests nor the user's own configuration has a say.
  vi.stubEnv('GIT_CEILING_DIRECTORIES', root)
  vi.stubEnv('GIT_CONFIG_GLOBAL', '/dev/null')
  vi.stubEnv('GIT_CONFIG_SYSTEM', '/dev/null')
  repo = join(root, `repo-${(count += 1)}`)
  mkdirSync(repo)
})
afterEach(() => vi.unstubAllEnvs())

function commit(): string {
  git('init', '--quiet', '--initial-branch', 'trunk')
  git('config', 'user.name', 'Ada Lovelace')
  git('config', 'user.email', 'ada@example.org')
  writeFileSync(join(repo, 'a.txt'), 'one')
  git('add', '.')
  git('commit', '--quiet', '-m', 'first')
  return git('rev-parse', 'HEAD')
}

describe('gitState', () => {
  it('is null without a repository, without a commit, and in no folder', async () => {
    expect(await gitState(repo)).toBeNull()
    git('init', '--quiet')
    expect(await gitState(repo)).toBeNull()
    expect(await gitState(join(repo, 'nowhere'))).toBeNull()
  })
  it('is null without git', async () => {
    commit()
    vi.stubEnv('PATH', repo)
    expect(await gitState(repo)).toBeNull()
    expect(await gitUser(repo)).toBe('unknown')
  })
  it('names commit and branch of a clean tree, from a folder below too', async () => {
    const head = commit()
    expect(await gitState(repo)).toEqual({ commit: head, branch: 'trunk', dirty: false })
    mkdirSync(join(repo, 'sub'))
    expect(await gitState(join(repo, 'sub'))).toEqual({ commit: head, branch: 'trunk', dirty: false })
  })
  it('has no branch when HEAD is detached', async () => {
    const head = commit()
    git('checkout', '--quiet', '--detach')
    expect(await gitState(repo)).toEqual({ commit: head, branch: null, dirty: false })
  })
  it.each([
    ['a changed file', () => writeFileSync(join(repo, 'a.txt'), 'two')],
    ['a staged file', () => (writeFileSync(join(repo, 'a.txt'), 'two'), git('add', '.'))],
    ['an untracked file', () => writeFileSync(join(repo, 'b.txt'), 'new')],
    ['a removed file', () => rmSync(join(repo, 'a.txt'))],
  ])('is dirty with %s, seen from a folder below too', async (_, change) => {
    commit()
    mkdirSync(join(repo, 'sub'))
    change()
    expect(await gitState(repo)).toMatchObject({ dirty: true })
    expect(await gitState(join(repo, 'sub'))).toMatchObject({ dirty: true })
  })
  it('is not made dirty by its own records, at any depth, nor by ignored files', async () => {
    commit()
    for (const folder of ['.aigate/runs/1', 'packages/bot/.aigate/runs/1'])
      mkdirSync(join(repo, folder), { recursive: true })
    writeFileSync(join(repo, '.aigate/runs/1/s.jsonl'), '{}')
    writeFileSync(join(repo, 'packages/bot/.aigate/runs/1/s.jsonl'), '{}')
    writeFileSync(join(repo, '.git/info/exclude'), '*.log\n')
    writeFileSync(join(repo, 'x.log'), '')
    expect(await gitState(repo)).toMatchObject({ dirty: false })
    writeFileSync(join(repo, 'packages/bot/prompt.md'), 'new')
    expect(await gitState(repo)).toMatchObject({ dirty: true })
  })
  it('starts no program that the repository names', async () => {
    commit()
    const witness = join(root, 'ran')
    git('config', 'core.fsmonitor', `sh -c 'touch ${witness}'`)
    await gitState(repo)
    expect(() => execFileSync('test', ['!', '-e', witness])).not.toThrow()
  })
})

describe('gitUser', () => {
  it('is the name, or unknown', async () => {
    expect(await gitUser(repo)).toBe('unknown')
    commit()
    expect(await gitUser(repo)).toBe('Ada Lovelace')
    git('config', 'user.name', '')
    expect(await gitUser(repo)).toBe('unknown')
  })
})
