// Reads commits and their files from git objects, without a checkout.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AigateError } from '../errors.ts'
import { isRepository, ownRepository } from './git-env.ts'

type Entry = { path: string; oid: string; root: string; mode: string }
/** A file of a commit. `kind`: link has the path that it points to as its bytes. */
export type Blob = { bytes: Buffer; kind: 'file' | 'program' | 'link' }
const SUBMODULE = '160000'
const KINDS: Readonly<Record<string, Blob['kind']>> = { '100755': 'program', '120000': 'link' }
const LIMIT_MS = 60_000

/** Runs git quietly: its output as bytes, and the first line of what it complained about. */
export async function git(cwd: string, args: readonly string[], input?: string) {
  const { execa } = await import('execa')
  const { failed, stdout, stderr, code } = await execa('git', ['-c', 'core.fsmonitor=false', ...args], {
    cwd,
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    timeout: LIMIT_MS,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: 1_000_000_000,
    // Replacement objects would show another history than the one that was pushed.
    env: {
      ...ownRepository(cwd),
      GIT_OPTIONAL_LOCKS: '0',
      GIT_TERMINAL_PROMPT: '0',
      GIT_NO_REPLACE_OBJECTS: '1',
      LC_ALL: 'C',
    },
  })
  const said = Buffer.from(stderr).toString('utf8').trim().split('\n')[0] ?? ''
  const missing = existsSync(cwd) ? 'git is not installed' : 'the folder is not there'
  return { failed, bytes: Buffer.from(stdout), said: code === 'ENOENT' ? missing : said }
}

/** One line of output, or null when git fails. */
export async function line(cwd: string, args: readonly string[]): Promise<string | null> {
  const { failed, bytes } = await git(cwd, args)
  return failed ? null : bytes.toString('utf8').trim()
}

/** The full id of the commit that a revision names (an annotated tag is followed); null when there is none. */
export async function commitOf(root: string, ref: string): Promise<string | null> {
  const found = await line(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
  return found === '' ? null : found
}

export const isShallow = async (root: string) => (await line(root, ['rev-parse', '--is-shallow-repository'])) === 'true'

function unreadable(what: string, commit: string, reason: string): AigateError {
  return new AigateError('cannot_read', {
    file: `${what} at ${commit.slice(0, 12)}`,
    reason: reason || 'git does not have it',
  })
}

/** Every file at or below `path` (relative to `root`), through submodules that are checked out. */
async function entriesAt(root: string, commit: string, path: string): Promise<Entry[]> {
  const inner = path.replaceAll('\\', '/').replace(/\/+$/, '')
  const { failed, bytes, said } = await git(root, ['ls-tree', '-r', '-z', commit, '--', ...(inner ? [inner] : [])])
  if (failed) throw unreadable(inner || '.', commit, said)
  const found: Entry[] = []
  const listed = parseTree(bytes)
  for (const { mode, oid, name } of listed.length > 0 ? listed : await submoduleAbove(root, commit, inner)) {
    if (mode !== SUBMODULE) found.push({ path: name, oid, root, mode })
    else found.push(...(await submoduleEntries(root, { name, oid }, inner)))
  }
  return found
}

function parseTree(bytes: Buffer): { mode: string; oid: string; name: string }[] {
  return bytes
    .toString('utf8')
    .split('\0')
    .flatMap((record) => {
      const [, mode, oid, name] = /^(\d+) \w+ ([0-9a-f]+)\t([\s\S]+)$/.exec(record) ?? []
      return mode === undefined || oid === undefined || name === undefined ? [] : [{ mode, oid, name }]
    })
}

/** The submodule that a path lies in: git lists nothing for a path below one. */
async function submoduleAbove(root: string, commit: string, path: string) {
  const parts = path.split('/').slice(0, -1)
  if (parts.length === 0) return []
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  const { failed, bytes, said } = await git(root, ['ls-tree', '-z', commit, '--', ...folders])
  if (failed) throw unreadable(path, commit, said)
  return parseTree(bytes).filter(({ mode }) => mode === SUBMODULE)
}

/** The files of a submodule at the commit that the base names, as paths of the project. */
async function submoduleEntries(root: string, { name, oid }: { name: string; oid: string }, wanted: string) {
  const folder = join(root, name)
  const rest = wanted.startsWith(`${name}/`) ? wanted.slice(name.length + 1) : ''
  const entries = await entriesAt(folder, oid, rest)
  return entries.map((entry) => ({ ...entry, path: `${name}/${entry.path}` }))
}

/**
 * A file as it is in a commit, byte for byte as UTF-8; null when it is not in it. `path` is relative to `root`.
 * @throws AigateError `cannot_read` when git fails or lacks the object: that is never "there is no such file".
 */
export async function fileAt(root: string, commit: string, path: string): Promise<string | null> {
  const texts = await textsAt(root, commit, path)
  return texts.get(path.replaceAll('\\', '/').replace(/^(\.\/)+/, '')) ?? null
}

/**
 * The paths of all files below a folder in a commit, relative to `root`, with forward slashes, in git's order; empty
 * when the folder is not in it. @throws AigateError `cannot_read` when git fails.
 */
export async function filesAt(root: string, commit: string, folder: string): Promise<string[]> {
  return (await entriesAt(root, commit, folder)).map(({ path }) => path)
}

/**
 * Whether the commit that is checked out has files in a folder (absolute), in whatever repository that lies; false outside
 * of git. Hooks of git name their own repository in the environment: here the folder alone says which it is.
 */
export async function hasCommittedFiles(folder: string): Promise<boolean> {
  // Outside of all repositories a hook's GIT_DIR would speak of another folder.
  if (!isRepository(folder)) return false
  const { failed, bytes } = await git(folder, ['ls-tree', '-r', '-z', 'HEAD'])
  return !failed && bytes.length > 0
}

/** `filesAt` with the texts: one git process for all of them. @throws AigateError `cannot_read`. */
export async function textsAt(root: string, commit: string, folder: string): Promise<Map<string, string>> {
  const blobs = await blobsAt(root, commit, folder)
  return new Map([...blobs].map(([path, { bytes }]) => [path, bytes.toString('utf8')]))
}

/** `filesAt` with the bytes and kinds. @throws AigateError `cannot_read`. */
export async function blobsAt(root: string, commit: string, folder: string): Promise<Map<string, Blob>> {
  return readEntries(await entriesAt(root, commit, folder), folder, commit)
}

async function readEntries(all: readonly Entry[], what: string, commit: string): Promise<Map<string, Blob>> {
  const blobs = new Map<string, Blob>()
  for (const home of new Set(all.map((entry) => entry.root))) {
    const entries = all.filter((entry) => entry.root === home)
    const wanted = `${entries.map(({ oid }) => oid).join('\n')}\n`
    const { failed, bytes, said } = await git(home, ['cat-file', '--batch'], wanted)
    if (failed) throw unreadable(what, commit, said)
    let at = 0
    for (const { path, oid, mode } of entries) {
      const end = bytes.indexOf(0x0a, at)
      const [, size] = /^[0-9a-f]+ blob (\d+)$/.exec(bytes.toString('utf8', at, end)) ?? []
      if (size === undefined) throw unreadable(path, commit, `git does not have object ${oid}`)
      const content = bytes.subarray(end + 1, end + 1 + Number(size))
      blobs.set(path, { bytes: content, kind: KINDS[mode] ?? 'file' })
      at = end + 2 + Number(size)
    }
  }
  return blobs
}

/** The tree of a commit as a whole: from the top of the repository, without the contents of submodules. */
export type CommitTree = {
  /** Of every file and link, from the top, with forward slashes. */
  paths: ReadonlySet<string>
  /** By path of a symbolic link: where it points to, as it is written. */
  links: ReadonlyMap<string, string>
  read(paths: readonly string[]): Promise<Map<string, Buffer>>
}

/** @throws AigateError `cannot_read` when git fails. */
export async function treeAt(root: string, commit: string): Promise<CommitTree> {
  const { failed, bytes, said } = await git(root, ['ls-tree', '-r', '-z', '--full-tree', commit])
  if (failed) throw unreadable('the tree', commit, said)
  const entries = new Map<string, Entry>()
  for (const { mode, oid, name } of parseTree(bytes))
    if (mode !== SUBMODULE) entries.set(name, { path: name, oid, root, mode })
  const read = async (paths: readonly string[]) => {
    const found = paths.flatMap((path) => entries.get(path) ?? [])
    const blobs = await readEntries(found, 'the tree', commit)
    return new Map([...blobs].map(([path, blob]) => [path, blob.bytes]))
  }
  const linked = [...entries.values()].filter(({ mode }) => KINDS[mode] === 'link').map(({ path }) => path)
  const targets = await read(linked)
  const links = new Map([...targets].map(([path, target]) => [path, target.toString('utf8')]))
  return { paths: new Set(entries.keys()), links, read }
}

/** The folder from the top of the repository to `root`, with a slash at its end; empty at the top and outside of git. */
export async function prefixOf(root: string): Promise<string> {
  return (await line(root, ['rev-parse', '--show-prefix'])) ?? ''
}
