// What an application is made of: the files that its target names and depends on, each with the hash of its content.
import { readFile, stat } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { glob } from 'tinyglobby'
import type { LoadedSuite } from '../ports.ts'
import { contentDigest } from './content-digest.ts'

/** Hashes by path from the suite's folder, sorted; or why what answers cannot be told from files. */
export type TargetCode = { files: Readonly<Record<string, string>> } | { untold: string }

/** What nobody means by a glob. */
const IGNORED = ['**/node_modules/**', '**/.git/**', '**/.aigate/**', '**/__pycache__/**']
const MOST_FILES = 20_000

/**
 * The files of a command or a module: those that its words name, and all that `depends_on` matches. A program may read
 * anything else as well, so that without `depends_on` it is `untold`; so are an application behind an address and a glob
 * that matches nothing. A prompt with a model has no files here.
 */
export async function targetCode({ dir, target }: Pick<LoadedSuite, 'dir' | 'target'>): Promise<TargetCode> {
  if (target.kind === 'prompt') return { files: {} }
  if (target.kind === 'http') return { untold: 'what answers behind an address cannot be told from here' }
  const { depends_on } = target.target
  if (depends_on === undefined) return { untold: 'its target does not say what it `depends_on`' }
  const paths = new Set(await namedFiles({ dir, target }))
  for (const pattern of depends_on.filter((one) => !one.startsWith('!'))) {
    const found = await globbed(dir, [pattern, ...depends_on.filter((one) => one.startsWith('!'))])
    if (found.length === 0) return { untold: `"${pattern}" of its \`depends_on\` matches no file` }
    for (const path of found) paths.add(path)
    if (paths.size > MOST_FILES) return { untold: `its \`depends_on\` matches more than ${MOST_FILES} files` }
  }
  return { files: await digests(dir, [...paths]) }
}

/** The hashes of the files that the words of a target name, whatever else it reads. */
export async function namedCode(suite: Pick<LoadedSuite, 'dir' | 'target'>): Promise<Record<string, string>> {
  return digests(suite.dir, await namedFiles(suite))
}

async function namedFiles({ dir, target }: Pick<LoadedSuite, 'dir' | 'target'>): Promise<string[]> {
  const words =
    target.kind === 'command' ? target.target.command : target.kind === 'module' ? [target.target.module] : []
  const files = await Promise.all(
    words.map(async (word) =>
      (await stat(resolve(dir, word)).catch(() => null))?.isFile() ? [resolve(dir, word)] : [],
    ),
  )
  return files.flat()
}

const globbed = (dir: string, patterns: readonly string[]): Promise<string[]> =>
  glob([...patterns], {
    cwd: dir,
    absolute: true,
    dot: true,
    onlyFiles: true,
    expandDirectories: true,
    ignore: IGNORED,
  })

/** Line ends do not count, as git may have changed them. A file that vanished or cannot be read counts as that. */
async function digests(dir: string, paths: readonly string[]): Promise<Record<string, string>> {
  const found: [string, string][] = []
  for (const path of paths) {
    const bytes = await readFile(path).catch(() => null)
    found.push([relative(dir, path).split(sep).join('/'), bytes ? contentDigest(bytes) : 'unreadable'])
  }
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}
