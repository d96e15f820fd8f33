// All files around a project, as they lie in the working tree or as a commit has them: which there are, and what is in them.
import { lstat, readFile, readdir, readlink, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { git, prefixOf, treeAt } from './git-objects.ts'

export type RepositoryTree = {
  /** Folder of the project from the top, with a slash at its end; empty at the top. */
  prefix: string
  /** Of every file and link, from the top of the repository (outside of git: of the project), with forward slashes. */
  paths: ReadonlySet<string>
  /** By path of a symbolic link: where it points to, as it is written. */
  links: ReadonlyMap<string, string>
  /** Only what could be read. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Buffer>>
}

/** What machines leave behind where nobody keeps it: never part of a project. */
const LEFT_BEHIND = new Set(['.git', '.aigate', '.DS_Store', '__pycache__', 'node_modules'])
/** More files than this are not looked at outside of git. */
const MOST_FILES = 20_000

/** The tree of a commit. @throws AigateError `cannot_read` when git fails. */
export async function commitTree(root: string, commit: string): Promise<RepositoryTree> {
  return { prefix: await prefixOf(root), ...(await treeAt(root, commit)) }
}

/** The working tree: in git what it tracks or could track, elsewhere everything below `root`. Never throws. */
export async function workingTree(root: string): Promise<RepositoryTree> {
  const found = await git(root, ['rev-parse', '--show-toplevel'])
  const top = found.failed ? await realpath(root).catch(() => root) : found.bytes.toString('utf8').replace(/\r?\n$/, '')
  const listed = found.failed ? null : await listedByGit(top)
  const all = listed ?? (await filesBelow(top, top))
  const paths = new Set(all)
  const links = new Map<string, string>()
  for (const path of all) {
    const state = await lstat(join(top, path)).catch(() => null)
    if (state?.isSymbolicLink()) links.set(path, (await readlink(join(top, path))).split(sep).join('/'))
    else if (state?.isDirectory()) {
      // A submodule, or a repository inside this one: git names its folder only.
      paths.delete(path)
      for (const inner of await filesBelow(top, join(top, path))) paths.add(inner)
    } else if (!state) paths.delete(path)
  }
  const read = async (wanted: readonly string[]) => {
    const files = new Map<string, Buffer>()
    for (const path of wanted) {
      const bytes = await readFile(join(top, path)).catch(() => null)
      if (bytes) files.set(path, bytes)
    }
    return files
  }
  return { prefix: found.failed ? '' : await prefixOf(root), paths, links, read }
}

/** Tracked files, and others that are not ignored; null when git fails. */
async function listedByGit(top: string): Promise<string[] | null> {
  const tracked = await git(top, ['ls-files', '-z', '--cached'])
  const others = await git(top, ['ls-files', '-z', '--others', '--exclude-standard'])
  if (tracked.failed || others.failed) return null
  const names = ({ bytes }: { bytes: Buffer }) => bytes.toString('utf8').split('\0').filter(Boolean)
  const kept = names(others).filter((path) => !path.split('/').some((part) => LEFT_BEHIND.has(part)))
  return [...names(tracked), ...kept.map((path) => path.replace(/\/$/, ''))]
}

async function filesBelow(top: string, folder: string): Promise<string[]> {
  const found: string[] = []
  const waiting = [folder]
  for (let next = waiting.pop(); next !== undefined && found.length < MOST_FILES; next = waiting.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      if (LEFT_BEHIND.has(entry.name)) continue
      const path = join(next, entry.name)
      if (entry.isDirectory()) waiting.push(path)
      else found.push(relative(top, path).split(sep).join('/'))
    }
  }
  return found
}
