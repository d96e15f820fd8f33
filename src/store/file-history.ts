// The versions of one file through the history of git, along the first parents: how it got onto the branch that is checked out.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { AigateError } from '../errors.ts'
import { git, isShallow } from './git-objects.ts'

/** One version. `commit`: null for the file as it lies there, not yet committed; `text`: null where it was removed. */
export type FileVersion = { commit: string | null; text: string | null; digest: string | null }

/** `whole`: false in a shallow clone, where the oldest version that is seen need not be the first. */
export type FileHistory = { versions: FileVersion[]; whole: boolean }

/**
 * Every version of `file` (absolute), oldest first, renames followed; the one in the work tree last where it differs.
 * Empty where there never was one. Digests are SHA-256 (hex) of the bytes.
 * @throws AigateError `usage` outside of a repository, `cannot_read` when git fails
 */
export async function fileHistory(root: string, file: string): Promise<FileHistory> {
  const folder = existsSync(dirname(file)) ? dirname(file) : root
  const path = folder === root ? file : basename(file)
  const inside = await git(folder, ['rev-parse', '--verify', '--quiet', 'HEAD'])
  if (inside.failed) {
    const problem = 'There is no git history here to follow a baseline through.'
    throw new AigateError('usage', { problem, mend: 'Run it in a clone of the repository, after the first commit.' })
  }
  const args = ['log', '--first-parent', '-m', '--follow', '--raw', '-z', '--no-abbrev', '--format=%x01%H', '--', path]
  const log = await git(folder, args)
  if (log.failed) throw new AigateError('cannot_read', { file: `the history of ${file}`, reason: log.said })
  const versions: FileVersion[] = []
  for (const { commit, oid } of entriesOf(log.bytes.toString('utf8')).reverse())
    versions.push({ commit, ...(await blob(folder, oid, file)) })
  const now = versionOf(existsSync(file) ? await readFile(file) : null)
  if ((versions.at(-1)?.digest ?? null) !== now.digest) versions.push({ commit: null, ...now })
  return { versions, whole: !(await isShallow(folder)) }
}

/** `oid`: of the content after the commit; null where the file was removed. Newest first. */
function entriesOf(log: string): { commit: string; oid: string | null }[] {
  return log.split('\u0001').flatMap((entry) => {
    const [, commit] = /^([0-9a-f]{40,64})/.exec(entry) ?? []
    const [, oid] = /:\d{6} \d{6} [0-9a-f]+ ([0-9a-f]+) [A-Z]/.exec(entry) ?? []
    if (commit === undefined || oid === undefined) return []
    return [{ commit, oid: /^0+$/.test(oid) ? null : oid }]
  })
}

async function blob(folder: string, oid: string | null, file: string) {
  if (oid === null) return versionOf(null)
  const { failed, bytes, said } = await git(folder, ['cat-file', 'blob', oid])
  if (failed) throw new AigateError('cannot_read', { file: `a version of ${file}`, reason: said })
  return versionOf(bytes)
}

const versionOf = (bytes: Buffer | null): Omit<FileVersion, 'commit'> =>
  bytes === null
    ? { text: null, digest: null }
    : { text: bytes.toString('utf8'), digest: createHash('sha256').update(bytes).digest('hex') }
