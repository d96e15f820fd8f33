// Asks git what commit this is and who is at work; without git, the answer is "not known", never an error.
import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import process from 'node:process'
import type { Git } from '../schema/run.ts'
import { isRepository, ownRepository } from './git-env.ts'

/** The records of aigate itself do not make a tree dirty, at whatever depth the project lies. */
const everythingButRecords = [':(top)', ':(top,exclude,glob)**/.aigate', ':(top,exclude,glob)**/.aigate/**']

/** Standard output without the last newline, or null when git is missing or fails. */
async function git(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<string | null> {
  const { execa } = await import('execa')
  // No lock is taken, no pager or file-system monitor of the repository's own configuration is started.
  const { failed, stdout } = await execa('git', ['-c', 'core.fsmonitor=false', ...args], {
    cwd,
    reject: false,
    stdin: 'ignore',
    timeout: 10_000,
    env: { ...ownRepository(cwd), GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...env },
  })
  return failed ? null : stdout
}

/**
 * The commit, the branch (null when HEAD is detached) and whether the working tree differs from the commit
 * (untracked files count; ignored ones and `.aigate/` do not). null: no git, no repository, or no commit yet.
 */
export async function gitState(cwd: string): Promise<Git | null> {
  if (!(await mayBeRepository(cwd))) return null
  const commit = await git(cwd, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (commit === null) return null
  const [branch, changes] = await Promise.all([
    git(cwd, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
    git(cwd, ['status', '--porcelain', '--untracked-files=normal', '--', ...everythingButRecords]),
  ])
  // A status that git could not give counts as dirty: a clean tree is a claim, and there is no evidence for it.
  return { commit, branch, dirty: changes !== '' }
}

/** False only where git would find none: then it need not be started. */
async function mayBeRepository(cwd: string): Promise<boolean> {
  if (process.env['GIT_DIR'] !== undefined || isRepository(cwd)) return true
  // A link may lead into one.
  return realpath(cwd).then(isRepository, () => true)
}

/**
 * The files of the whole repository that are not as a commit has them: changed, added, removed or untracked, by their
 * paths from the top; ignored files, `.aigate/` and what lies at or below `except` (relative to `cwd`) apart. null: git
 * does not know the commit.
 */
export async function changedSince(cwd: string, commit: string, except: readonly string[]): Promise<string[] | null> {
  const scope = [...everythingButRecords, ...except.map((path) => `:(exclude,literal)${path.replaceAll('\\', '/')}`)]
  const [changed, untracked] = await Promise.all([
    git(cwd, ['diff', '--name-only', '--no-renames', '--no-ext-diff', '-z', commit, '--', ...scope]),
    git(cwd, ['ls-files', '--others', '--exclude-standard', '--full-name', '-z', '--', ...scope]),
  ])
  if (changed === null || untracked === null) return null
  return [...new Set([...changed.split('\0'), ...untracked.split('\0')])].filter((path) => path !== '').sort()
}

/**
 * Inside of a commit hook: the files (paths from the top) that do not lie in the folder as this commit will hold them, those
 * that it will not hold at all among them. Empty outside of such a hook, or where git cannot tell.
 * @param paths files and folders, relative to `cwd`; a missing one is fine
 */
export async function besideCommit(
  cwd: string,
  paths: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const index = env['GIT_INDEX_FILE']
  const top = index ? await git(cwd, ['rev-parse', '--show-toplevel']) : null
  if (!index || top === null) return []
  const scope = ['--', ...paths.map((path) => `:(literal)${path.replaceAll('\\', '/')}`)]
  const staged = { GIT_INDEX_FILE: resolve(top.trim(), index) }
  const [changed, untracked] = await Promise.all([
    git(cwd, ['diff', '--name-only', '--no-renames', '--no-ext-diff', '-z', ...scope], staged),
    git(cwd, ['ls-files', '--others', '--exclude-standard', '--full-name', '-z', ...scope], staged),
  ])
  const names = [...(changed ?? '').split('\0'), ...(untracked ?? '').split('\0')]
  return [...new Set(names)].filter((path) => path !== '').sort()
}

/** The user.name of git, for the record of who accepted a baseline; `unknown` where there is none. */
export async function gitUser(cwd: string): Promise<string> {
  const name = await git(cwd, ['config', '--get', 'user.name'])
  return name?.trim() || 'unknown'
}

/** A file of the commit that is checked out, without its last newline; null when it is not there. `path`: from `cwd`. */
export async function committedText(cwd: string, path: string): Promise<string | null> {
  return git(cwd, ['show', `HEAD:./${path.replaceAll('\\', '/')}`])
}
