// The git plane with push, against real repositories that others push to as well: nobody's commit, draft or index is touched.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PlaneConfig } from '../schema/planes.ts'
import { newFolder, never } from './act-testing.ts'
import { openPlane } from './planes.ts'

const env = {
  PATH: process.env['PATH'],
  HOME: newFolder(),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 't',
  GIT_AUTHOR_EMAIL: 't@example.org',
  GIT_COMMITTER_NAME: 't',
  GIT_COMMITTER_EMAIL: 't@example.org',
}
const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
const wanted = (version: string) => ({ version, key: 'rollback-1-model', reason: 'worse' })

/** A clone with a plane, the remote, and a clone of somebody else. */
function clones(text = 'model: m-2 # set by releases\n') {
  const [remote, seed, here, other] = [newFolder(), newFolder(), newFolder(), newFolder()]
  git(remote, 'init', '--quiet', '--bare', '--initial-branch', 'main')
  git(seed, 'init', '--quiet', '--initial-branch', 'main')
  mkdirSync(join(seed, 'deploy'))
  writeFileSync(join(seed, 'deploy/values.yaml'), text)
  writeFileSync(join(seed, 'mine.txt'), 'a\n')
  git(seed, 'add', '-A')
  git(seed, 'commit', '--quiet', '-m', 'first')
  git(seed, 'push', '--quiet', remote, 'main')
  for (const clone of [here, other]) git(clone, 'clone', '--quiet', remote, '.')
  const config = { type: 'git', path: 'deploy/values.yaml', pointer: '/model', push: true }
  const plane = openPlane(PlaneConfig.parse(config), { root: here, component: 'model', env })
  const theirs = (name: string) => {
    writeFileSync(join(other, name), 'theirs\n')
    git(other, 'add', '-A')
    git(other, 'commit', '--quiet', '-m', `theirs ${name}`)
    git(other, 'push', '--quiet')
  }
  const values = () => readFileSync(join(here, 'deploy/values.yaml'), 'utf8')
  return { remote, here, other, plane, theirs, values, onRemote: () => git(remote, 'show', 'main:deploy/values.yaml') }
}
function hook(folder: string, name: string, text: string): void {
  const file = join(folder, 'hooks', name)
  mkdirSync(join(folder, 'hooks'), { recursive: true })
  writeFileSync(file, `#!/bin/sh\n${text}\n`)
  chmodSync(file, 0o755)
}

describe('a value that is pushed', () => {
  it('takes the local branch along where that stood at the head of the remote', async () => {
    const { here, remote, plane, values } = clones()
    writeFileSync(join(here, 'mine.txt'), 'staged\n')
    git(here, 'add', 'mine.txt')
    expect(await plane.apply(wanted('m-1'), never)).toEqual([])
    expect(values()).toBe('model: m-1 # set by releases\n')
    expect(git(here, 'status', '--porcelain')).toBe('M  mine.txt')
    expect(git(here, 'rev-parse', 'HEAD')).toBe(git(remote, 'rev-parse', 'main'))
    expect(git(remote, 'log', '-1', '--format=%s|%(trailers:key=Aigate-Intent,valueonly)', 'main')).toBe(
      'model: m-1 (worse)|rollback-1-model',
    )
    expect(await plane.apply(wanted('m-1'), never)).toEqual([])
    expect(git(remote, 'rev-list', '--count', 'main')).toBe('2')
  })

  it('is built upon the commits of others, whose files do not appear here', async () => {
    const { here, plane, theirs, values, onRemote, remote } = clones()
    theirs('a.txt')
    expect(await plane.apply(wanted('m-1'), never)).toEqual([
      'the branch main here lacks 2 commits of origin: git pull --rebase',
    ])
    expect(await plane.read(never)).toEqual({ version: 'm-1' })
    expect(onRemote()).toContain('model: m-1')
    expect(git(remote, 'show', 'main:a.txt')).toBe('theirs')
    expect(values()).toContain('m-2')
    expect(existsSync(join(here, 'a.txt'))).toBe(false)
    expect(git(here, 'status', '--porcelain')).toBe('')
  })

  it('leaves commits that were never pushed and drafts in the file where they are, and says so', async () => {
    const { here, plane, theirs, values, remote } = clones()
    theirs('a.txt')
    writeFileSync(join(here, 'mine.txt'), 'b\n')
    git(here, 'commit', '--quiet', '-am', 'mine')
    writeFileSync(join(here, 'deploy/values.yaml'), 'model: m-2\n# draft\n')
    expect(await plane.apply(wanted('m-1'), never)).toEqual([
      'the branch main here lacks 2 commits of origin and has 1 commit that was never pushed: git pull --rebase',
    ])
    expect(git(remote, 'log', '--format=%s', 'main')).toBe('model: m-1 (worse)\ntheirs a.txt\nfirst')
    expect(values()).toBe('model: m-2\n# draft\n')
    expect(git(here, 'log', '-1', '--format=%s')).toBe('mine')
  })

  it('keeps a draft in the file also where the branch could have come along', async () => {
    const { here, plane, values, onRemote } = clones()
    writeFileSync(join(here, 'deploy/values.yaml'), 'model: m-2\n# draft\n')
    const [note] = await plane.apply(wanted('m-1'), never)
    expect(note).toMatch(/^it is pushed, but the branch main here stays behind \(.*overwritten by merge/)
    expect(values()).toBe('model: m-2\n# draft\n')
    expect(onRemote()).toContain('m-1')
  })

  it('is built anew where somebody else is faster', async () => {
    const { here, other, plane, remote, onRemote } = clones()
    writeFileSync(join(other, 'late.txt'), 'theirs\n')
    git(other, 'add', '-A')
    git(other, 'commit', '--quiet', '-m', 'faster')
    hook(
      join(here, '.git'),
      'pre-push',
      `[ -e "${here}/once" ] || { touch "${here}/once"; git -C "${other}" push --quiet; }`,
    )
    await plane.apply(wanted('m-1'), never)
    expect(existsSync(join(here, 'once'))).toBe(true)
    expect(git(remote, 'log', '--format=%s', 'main')).toBe('model: m-1 (worse)\nfaster\nfirst')
    expect(onRemote()).toContain('m-1')
  })

  it('keeps bytes and mode of the file: CRLF, no line end at the end, executable', async () => {
    const { here, other, plane } = clones('a: 1\r\nmodel: m-2')
    chmodSync(join(other, 'deploy/values.yaml'), 0o755)
    git(other, 'commit', '--quiet', '-am', 'mode')
    git(other, 'push', '--quiet')
    await plane.apply(wanted('m-1'), never)
    git(here, 'fetch', '--quiet')
    const raw = execFileSync('git', ['cat-file', 'blob', 'origin/main:deploy/values.yaml'], { cwd: here, env })
    expect(raw.toString()).toBe('a: 1\r\nmodel: m-1')
    expect(git(here, 'ls-tree', 'origin/main', 'deploy/values.yaml')).toMatch(/^100755/)
  })

  it('says why the remote refuses it, and leaves nothing behind here', async () => {
    const { here, remote, plane } = clones()
    hook(remote, 'pre-receive', 'echo "GH006: Protected branch update failed" >&2; echo "talk to ops" >&2; exit 1')
    const failed = plane.apply(wanted('m-1'), never)
    await expect(failed).rejects.toThrow(/GH006: Protected branch update failed; .*pre-receive hook declined/)
    await expect(failed).rejects.not.toThrow('failed to push some refs')
    expect(git(here, 'status', '--porcelain', '--branch')).toBe('## main...origin/main')
  })

  it('says that no branch is checked out, or that it follows none', async () => {
    const { here, plane } = clones()
    git(here, 'checkout', '--quiet', '--detach')
    await expect(plane.apply(wanted('m-1'), never)).rejects.toThrow('HEAD is detached')
    git(here, 'checkout', '--quiet', '-b', 'alone')
    await expect(plane.apply(wanted('m-1'), never)).rejects.toThrow('the branch alone follows no branch of a remote')
  })
})

it('that a lock of git is in the way is said with its file', async () => {
  const { here } = clones()
  const config = { type: 'git', path: 'deploy/values.yaml', pointer: '/model' }
  const plane = openPlane(PlaneConfig.parse(config), { root: here, component: 'model', env })
  writeFileSync(join(here, '.git/index.lock'), '')
  const failed = plane.apply(wanted('m-1'), never)
  await expect(failed).rejects.toThrow(/index\.lock': File exists/)
  await expect(failed).rejects.toMatchObject({ mend: expect.stringContaining('a lock that a crash left behind') })
})

describe('who did it and then failed', () => {
  it.each([
    [
      'a program that ends with 1',
      `require('fs').writeFileSync('v', process.argv[1]); console.error('Error: no audit log'); process.exit(1)`,
      'no audit log',
    ],
  ])('%s is read, and believed', async (_, script, said) => {
    const root = newFolder()
    const config = { type: 'command', set: [process.execPath, '-e', script, '{{version}}'], read: ['cat', 'v'] }
    const plane = openPlane(PlaneConfig.parse(config), { root, component: 'index', env })
    const [note] = await plane.apply(wanted('kb-1'), never)
    expect(note).toMatch(/^it is set, although /)
    expect(note).toContain(said)
  })
})

it('shows no token of an address where the remote cannot be reached', async () => {
  const { here, plane } = clones()
  git(here, 'config', 'remote.origin.url', 'http://tok3n-of-ops@127.0.0.1:9/r.git')
  const failed = plane.apply(wanted('m-1'), never)
  await expect(failed).rejects.toThrow(/git fetch ended with exit code/)
  await expect(failed).rejects.not.toThrow('tok3n-of-ops')
})
