// Reads the base of a change from git objects, without a checkout: which commit it is, and its files.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AigateError } from '../errors.ts'

/** The commit that a change is compared with, and the name by which it was found. */
export type Base = { commit: string; ref: string }
/** Why there is no base: a sentence and its mend. `kind` lets a caller be strict in CI and lenient elsewhere. */
export type NoBase = { kind: 'no_git' | 'no_commit' | 'no_ref' | 'no_history'; problem: string; mend: string }
/** `ref`: any revision; without it what GitHub or GitLab say in `env`, then what the clone knows as its main branch. */
export type BaseOptions = { env: Readonly<Record<string, string | undefined>>; ref?: string | undefined }

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
    env: { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1', LC_ALL: 'C' },
  })
  const said = Buffer.from(stderr).toString('utf8').trim().split('\n')[0] ?? ''
  const missing = existsSync(cwd) ? 'git is not installed' : 'the folder is not there'
  return { failed, bytes: Buffer.from(stdout), said: code === 'ENOENT' ? missing : said }
}

/** One line of output, or null when git fails. */
async function line(cwd: string, args: readonly string[]): Promise<string | null> {
  const { failed, bytes } = await git(cwd, args)
  return failed ? null : bytes.toString('utf8').trim()
}

/** The full id of the commit that a revision names (an annotated tag is followed); null when there is none. */
export async function commitOf(root: string, ref: string): Promise<string | null> {
  const found = await line(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
  return found === '' ? null : found
}

/** The base of the change: the merge base of HEAD and the base branch; null where it cannot be told (`findBase` says why). */
export async function baseCommit(root: string, options: BaseOptions): Promise<Base | null> {
  const found = await findBase(root, options)
  return 'problem' in found ? null : found
}

/**
 * As `baseCommit`, but says why there is none: no git, no commit, no such branch, or a shallow clone that lacks the
 * common history. On the base branch itself the base is HEAD, so that only what is not yet committed is a change.
 */
export async function findBase(root: string, options: BaseOptions): Promise<Base | NoBase> {
  const inside = await git(root, ['rev-parse', '--is-inside-work-tree'])
  if (inside.failed)
    return {
      kind: 'no_git',
      problem: `git knows no repository here (${inside.said})`,
      mend: 'Run it in a clone of the repository.',
    }
  const head = await commitOf(root, 'HEAD')
  if (head === null) return { kind: 'no_commit', problem: 'the repository has no commit yet', mend: 'Commit first.' }
  const wanted = wantedRefs(options)
  let without: NoBase | undefined
  for (const { name, full, exact } of wanted.refs) {
    const tip = await commitOf(root, full)
    if (tip === null) continue
    if (exact) return { commit: tip, ref: name }
    const base = await line(root, ['merge-base', head, tip])
    if (base) return { commit: base, ref: name }
    without ??= await noHistory(root, name)
    if (!wanted.others) break
  }
  return without ?? { kind: 'no_ref', problem: wanted.problem, mend: `${wanted.mend}${await shallowHint(root)}` }
}

/** Variables in which a pipeline names the branch that a change goes to, and by which it is known to be one. */
export const PULL_REQUEST_VARIABLES = [
  'GITHUB_BASE_REF',
  'CI_MERGE_REQUEST_TARGET_BRANCH_NAME',
  'CI_MERGE_REQUEST_DIFF_BASE_SHA',
] as const

type Wanted = {
  /** `exact`: a commit that is the base already. */
  refs: { name: string; full: string; exact?: boolean }[]
  problem: string
  mend: string
  /** The next ref is as good where this one shares no history. */
  others?: boolean
}

/** Full names, because a tag called `origin/main` would win over the branch of that name. */
function wantedRefs({ env, ref }: BaseOptions): Wanted {
  if (ref !== undefined)
    return {
      refs: [{ name: ref, full: ref }],
      problem: `git knows no revision "${ref}"`,
      mend: 'Write a branch, tag or commit that `git log` knows.',
    }
  const asked = env['GITHUB_BASE_REF']
  if (asked)
    return {
      refs: [{ name: `origin/${asked}`, full: `refs/remotes/origin/${asked}` }],
      problem: `GITHUB_BASE_REF is "${asked}", but this clone has no origin/${asked}`,
      mend: `Fetch it: give actions/checkout \`fetch-depth: 0\`, or run \`git fetch origin ${asked}:refs/remotes/origin/${asked}\`.`,
    }
  const merge = mergeRequest(env)
  if (merge) return merge
  const named = env['CI_DEFAULT_BRANCH']
  const remote = ['HEAD', ...(named ? [named] : []), 'main', 'master'].map((name) => `origin/${name}`)
  return {
    refs: [
      ...remote.map((name) => ({ name, full: `refs/remotes/${name}` })),
      ...['main', 'master'].map((name) => ({ name, full: `refs/heads/${name}` })),
    ],
    problem: 'there is no base branch: no GITHUB_BASE_REF, origin/HEAD, main or master',
    mend: 'Fetch the base branch, run `git remote set-head origin --auto`, or name it with --base.',
  }
}

/**
 * A merge request of GitLab (CI/CD predefined variables): the branch that it goes to, and the commit that it started
 * from, which serves where the runner fetched no branch.
 */
function mergeRequest(env: BaseOptions['env']): Wanted | null {
  const branch = env['CI_MERGE_REQUEST_TARGET_BRANCH_NAME']
  const start = env['CI_MERGE_REQUEST_DIFF_BASE_SHA']
  if (!branch && !start) return null
  const refs: Wanted['refs'] = []
  if (branch) refs.push({ name: `origin/${branch}`, full: `refs/remotes/origin/${branch}` })
  if (start && /^[0-9a-f]{40,64}$/.test(start)) refs.push({ name: start.slice(0, 12), full: start, exact: true })
  const what = branch
    ? `to "${branch}", but this clone has no origin/${branch}`
    : `from ${start}, which this clone lacks`
  return {
    refs,
    problem: `this is a merge request ${what}`,
    mend: `Set \`GIT_DEPTH: 0\` in the job${branch ? `, or run \`git fetch origin ${branch}:refs/remotes/origin/${branch}\`` : ''}.`,
    others: true,
  }
}

/** Whether a folder lies in a repository, also where git is not installed or refuses to look at it. */
export function isRepository(root: string): boolean {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return true
    if (dirname(folder) === folder) return false
  }
}

export const isShallow = async (root: string) => (await line(root, ['rev-parse', '--is-shallow-repository'])) === 'true'

async function shallowHint(root: string): Promise<string> {
  return (await isShallow(root)) ? ' This clone is shallow: `git fetch --unshallow` brings the history.' : ''
}

async function noHistory(root: string, ref: string): Promise<NoBase> {
  return {
    kind: 'no_history',
    problem: (await isShallow(root))
      ? `the clone is shallow and lacks the history that HEAD and ${ref} share`
      : `HEAD and ${ref} share no history`,
    mend: 'Give actions/checkout `fetch-depth: 0` (GitLab: `GIT_DEPTH: 0`), or run `git fetch --unshallow`; or name another base branch.',
  }
}

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
