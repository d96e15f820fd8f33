// The files behind the programs and modules that grade: found by their names in the command, hashed, folders as a whole.
import { isAbsolute, posix, relative, sep } from 'node:path'
import type { LoadedSuite, Project } from '../ports.ts'
import { assertionsOf, type Case } from '../schema/suite.ts'
import { contentDigest } from './content-digest.ts'
import { sha256 } from '../content-hash.ts'
import { realPath } from './repository-links.ts'
import type { RepositoryTree } from './repository-tree.ts'

/** `files`: by path from the project's folder. `cases`: by suite and id, one hash of all that grades the case. */
export type GraderFiles = {
  cases: ReadonlyMap<string, ReadonlyMap<string, string>>
  files: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** A folder with more files, or a command with more words, is not looked through to its end. */
const MOST_FILES = 5000
const MOST_WORDS = 500
/** Programs are named without these as well: `python3 -m grade`, `node ./grade`. */
const ENDINGS = ['', '.py', '.js', '.mjs', '.cjs', '.ts', '.mts', '.sh', '.rb', '.pl', '.R']
/** Programs that do what a file says which no word names. */
const SCRIPTS: Readonly<Record<string, string>> = {
  npm: 'package.json', npx: 'package.json', pnpm: 'package.json', yarn: 'package.json', bun: 'package.json',
  make: 'Makefile', just: 'justfile', task: 'Taskfile.yml',
} // biome-ignore format: two groups

export const usesGraders = (suites: readonly LoadedSuite[]): boolean =>
  suites.some(({ cases }) => cases.some((each) => mayName(each.case) && programsOf(each.case).length > 0))

/** false for nearly all cases, without a list of what they name. */
const mayName = (one: Case): boolean =>
  one.tools !== undefined || assertionsOf(one).some(({ type }) => type === 'module' || type === 'command')

type Program = { type: string; args: unknown } & (
  | { type: 'module'; args: { path: string } }
  | { type: 'command'; args: { run: readonly string[] } }
)

/** The code behind a case: graders, and live tools, which decide a verdict just as much. */
export function programsOf(one: Case): Program[] {
  const graders = assertionsOf(one).flatMap((each): Program[] =>
    each.type === 'module' || each.type === 'command' ? [each as Program] : [],
  )
  const tools = Object.values(one.tools ?? {}).flatMap((tool): Program[] => {
    if ('module' in tool) return [{ type: 'module', args: { path: tool.module } }]
    return 'command' in tool ? [{ type: 'command', args: { run: tool.command } }] : []
  })
  return [...graders, ...tools]
}

/**
 * Hashes what grades the cases of suites. A command that names no file at all depends on the folder that it runs in,
 * without what aigate itself reads there and without the application. What a program imports is not followed.
 * @param own paths from the top of files that are cases, suites or the application, of whatever side
 */
export async function graderFiles(
  tree: RepositoryTree,
  project: Project,
  suites: readonly LoadedSuite[],
  own: ReadonlySet<string>,
): Promise<GraderFiles> {
  const digest = digester(tree, ownTest(tree, project, own))
  const cases = new Map<string, Map<string, string>>()
  const files = new Map<string, Record<string, string>>()
  for (const suite of suites) {
    const dir = fromTop(tree, project, suite.dir)
    const found = new Map<string, string>()
    const named: Record<string, string> = {}
    const known = new Map<string, string[]>()
    for (const each of suite.cases) {
      const paths = programsOf(each.case).flatMap((one) => {
        const key = JSON.stringify(one.args)
        const all = known.get(key) ?? graderPaths(tree, dir, one)
        known.set(key, all)
        return all
      })
      if (paths.length === 0) continue
      const hashes: string[] = []
      for (const path of new Set(paths)) {
        const hash = (named[shown(tree, path)] ??= await digest(path))
        hashes.push(`${path} ${hash}`)
      }
      found.set(each.info.id, sha256(hashes.join('\n')))
    }
    cases.set(suite.suite.suite, found)
    files.set(suite.suite.suite, named)
  }
  return { cases, files }
}

/** Files of these suites that are no graders: suites, cases, and what is asked. Paths from the top. */
export function ownFiles(tree: RepositoryTree, project: Project, suites: readonly LoadedSuite[]): Set<string> {
  const own = new Set<string>()
  for (const { file, cases, dir, target } of suites) {
    for (const each of [file, ...cases.map(({ info }) => info.file)]) own.add(posix.join(tree.prefix, each))
    const from = fromTop(tree, project, dir)
    if (target.kind === 'module') own.add(posix.join(from, target.target.module))
    if (target.kind === 'command')
      for (const word of target.target.command) if (!isAbsolute(word)) own.add(posix.join(from, word))
  }
  return own
}

/** Suites and what else aigate reads or writes changes with every pull request and grades nothing. */
export function ownTest({ prefix }: RepositoryTree, { config }: Project, own: ReadonlySet<string>) {
  const { baselines, recordings, quarantine, prompts, releases } = config
  const folders = [
    baselines,
    recordings,
    quarantine,
    prompts,
    releases?.folder ?? 'releases',
    'aigate.yaml',
    'aigate.lock',
  ]
    .map((path) => posix.join(prefix, path))
    .filter((path) => path !== '.' && path !== prefix)
  return (path: string) =>
    own.has(path) || /\.suite\.ya?ml$/.test(path) || folders.some((one) => path === one || path.startsWith(`${one}/`))
}

const fromTop = ({ prefix }: RepositoryTree, { root }: Project, folder: string): string =>
  posix.join(prefix, relative(root, folder).split(sep).join('/'))

const shown = ({ prefix }: RepositoryTree, path: string): string =>
  posix.relative(`/${prefix}`, `/${path}`) + (path.endsWith('/') ? '/' : '')

/** The paths (from the top; a folder ends with a slash) that a module or the words of a command name; never empty. */
function graderPaths(tree: RepositoryTree, dir: string, one: Program): string[] {
  if (one.type === 'module') return [posix.join(dir, one.args.path)]
  const { run } = one.args
  const folders = foldersAbove(dir)
  const words = [...new Set(run.flatMap((argument) => [argument, ...argument.split(/[\s'"`;&|()<>{}$=,:]+/)]))]
  const found = words.slice(0, MOST_WORDS).flatMap((word) => pathsOf(tree, dir, folders, word))
  if (found.length > 0) return [...new Set(found)].sort()
  const script = SCRIPTS[posix.basename(run[0] ?? '')]
  const scripts = script === undefined ? [] : folders.map((folder) => posix.join(folder, script))
  return [`${dir === '.' ? '' : dir.replace(/\/$/, '')}/`, ...scripts.filter((path) => isThere(tree, path) !== null)]
}

/** The folder itself, then each above it up to the top: a command may go up before it starts something. */
function foldersAbove(dir: string): string[] {
  const parts = dir.split('/').filter((part) => part !== '' && part !== '.')
  return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).join('/') || '.')
}

function pathsOf(tree: RepositoryTree, dir: string, folders: readonly string[], word: string): string[] {
  if (word === '' || word.length > 300 || word.startsWith('-') || posix.isAbsolute(word)) return []
  const names = /^[\w-]+(\.[\w-]+)+$/.test(word) ? [word, word.replaceAll('.', '/')] : [word]
  return folders.flatMap((folder) =>
    names.flatMap((name) =>
      ENDINGS.flatMap((ending) => {
        const path = posix.join(folder, name + ending).replace(/\/$/, '')
        const kind = path.startsWith('..') ? null : isThere(tree, path)
        // A folder that the suite lies in says where, not what.
        if (kind === null || (kind === 'folder' && (path === '.' || `${dir}/`.startsWith(`${path}/`)))) return []
        return [kind === 'folder' ? `${path}/` : path]
      }),
    ),
  )
}

const folders = new WeakMap<RepositoryTree, ReadonlySet<string>>()
function isThere(tree: RepositoryTree, path: string): 'file' | 'folder' | null {
  const real = realPath(path, tree.links)
  if (real === null) return null
  if (tree.paths.has(real)) return 'file'
  let known = folders.get(tree)
  if (!known) {
    known = new Set([...tree.paths].flatMap((one) => foldersAbove(posix.dirname(one))))
    folders.set(tree, known)
  }
  return known.has(real) ? 'folder' : null
}

/** Hashes a path (from the top); a folder with the names and contents of all files in it, without what `isOwn` says. */
function digester(tree: RepositoryTree, isOwn: (path: string) => boolean): (path: string) => Promise<string> {
  return async (path) => {
    const real = realPath(path, tree.links)
    if (real === null) return 'outside'
    if (tree.paths.has(real)) return (await contents(tree, [real]))[0]?.[1] ?? 'unreadable'
    const start = real === '.' ? '' : `${real}/`
    const inside = [...tree.paths].filter((one) => one.startsWith(start) && !isOwn(one)).sort()
    if (inside.length === 0) return 'missing'
    const hashes = await contents(tree, inside.slice(0, MOST_FILES))
    return sha256(JSON.stringify([inside, hashes]))
  }
}

/** Each path with the hash of what it leads to; a link that leads nowhere, or to a folder, counts by its name. */
async function contents(tree: RepositoryTree, paths: readonly string[]): Promise<[string, string][]> {
  const real = paths.map((path) => [path, realPath(path, tree.links) ?? ''] as const)
  const read = await tree.read([...new Set(real.map(([, target]) => target))].filter((path) => tree.paths.has(path)))
  return real.map(([path, target]) => {
    const bytes = read.get(target)
    return [path, bytes ? contentDigest(bytes) : `-> ${target}`]
  })
}
