// The project as it is at another commit: its files laid out from git objects in a temporary folder, the working tree untouched.
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { glob } from 'tinyglobby'
import { parse } from 'yaml'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import type { Config } from '../schema/config.ts'
import { type Blob, blobsAt, prefixOf, treeAt } from './git-objects.ts'
import { loadProject } from './project.ts'
import { realPath } from './repository-links.ts'
import { makeFolder } from '../make-folder.ts'

/** More than this is not laid out: a base is files that people wrote. */
const MOST_BYTES = 512 * 1024 * 1024

export type BaseProject = {
  project: Project
  commit: string
  /** Removes the temporary folder. */
  close(): Promise<void>
}

/**
 * The project at `commit`; null when there is no configuration in it. `everything`: all files of the project's folder,
 * so that an application can be run; otherwise only what decides: configuration, suites, cases, prompts, baselines,
 * recordings, calibrations and the quarantine list. Files are laid out byte for byte, programs as programs; where a link leads inside
 * the repository lies what it leads to. An installed `node_modules` of the working tree is linked. Throws AigateError `cannot_read`, and what `loadProject` says about the configuration.
 */
export async function openBaseProject(
  head: Project,
  commit: string,
  { everything }: { everything: boolean },
): Promise<BaseProject | null> {
  const config = slashed(relative(head.root, head.file))
  const layout = await openLayout(head.root, commit, everything)
  const { root, close, bring } = layout
  try {
    await bring(config)
    if (!existsSync(join(root, config))) {
      await close()
      return null
    }
    const { config: settings } = await loadProject({ cwd: root, config })
    for (const folder of everything ? [''] : foldersOf(settings)) await bring(folder)
    if (!everything) for (const file of await casesOutside(root, settings)) await bring(file)
    const modules = join(head.root, 'node_modules')
    if (everything && existsSync(modules) && !existsSync(join(root, 'node_modules')))
      await symlink(modules, join(root, 'node_modules'), 'junction')
    return { project: await loadProject({ cwd: root, config }), commit, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The folders that hold what decides, none inside another. */
function foldersOf({ suites, prompts, baselines, recordings, quarantine, calibrations }: Config): string[] {
  const folders = [...suites.map(fixedPart), prompts, baselines, recordings, quarantine, calibrations].map(plain)
  if (folders.includes('')) return ['']
  return [...new Set(folders)].filter((one) => !folders.some((other) => one.startsWith(`${other}/`)))
}

/** The folders of a glob before its first pattern: evals/*.suite.yaml -> evals. */
function fixedPart(pattern: string): string {
  const parts = pattern.replace(/^!/, '').split('/')
  const wild = parts.findIndex((part) => /[*?[\]{}()!+@]/.test(part))
  return parts.slice(0, wild === -1 ? -1 : wild).join('/')
}

const plain = (path: string): string =>
  slashed(path)
    .replace(/^(\.\/)+|\/+$/g, '')
    .replace(/^\.$/, '')
const slashed = (path: string): string => path.split(sep).join('/')

/** Files of cases that the suites name and that are not there yet. A suite that cannot be read is for the loader to say. */
async function casesOutside(root: string, { suites }: Config): Promise<string[]> {
  const files = await glob(suites, { cwd: root, onlyFiles: true, absolute: true })
  const wanted = new Set<string>()
  for (const file of files) {
    for (const name of casesFrom(await readFile(file, 'utf8'))) {
      const path = resolve(dirname(file), name)
      if (!existsSync(path)) wanted.add(slashed(relative(root, path)))
    }
  }
  return [...wanted]
}

function casesFrom(text: string): string[] {
  try {
    const suite: unknown = parse(text)
    const list = typeof suite === 'object' && suite !== null && 'cases_from' in suite ? suite.cases_from : []
    return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

type Layout = { root: string; bring: (path: string) => Promise<void>; close: () => Promise<void> }

/** A temporary folder into which files and folders of a commit are brought, each named as from the project's folder. */
async function openLayout(head: string, commit: string, keepLinks: boolean): Promise<Layout> {
  const prefix = await prefixOf(head)
  const { links } = await treeAt(head, commit)
  const top = await mkdtemp(join(tmpdir(), 'aigate-base-'))
  // Deep enough for cases that lie beside the project in a larger repository.
  const root = join(top, '_', '_', '_', '_', 'project')
  const real = (path: string) => realPath(posix.join(prefix, path), links)
  /** `above`: the folders that are being brought, because a link may lead back into them. */
  const bring = async (path: string, above: readonly string[]) => {
    const found = real(path)
    if (found === null || above.some((one) => one === found || found === '.' || one.startsWith(`${found}/`))) return
    const from = posix.relative(`/${prefix}`, `/${found}`)
    const blobs = await blobsAt(head, commit, from)
    requireBounded(blobs)
    for (const [name, blob] of blobs) {
      const to = posix.join(path, posix.relative(`/${prefix}${from}`, `/${prefix}${name}`))
      const file = join(root, to)
      if (!file.startsWith(top + sep)) continue
      await makeFolder(dirname(file))
      if (blob.kind !== 'link') await writeBlob(file, blob)
      else if (!(keepLinks && isWithin(prefix, real(to)) && (await linked(file, blob))))
        await bring(to, [...above, found])
    }
  }
  return { root, bring: (path) => bring(path, []), close: () => rm(top, { recursive: true, force: true }) }
}

const isWithin = (prefix: string, path: string | null): boolean => path?.startsWith(prefix) ?? false

async function writeBlob(file: string, { bytes, kind }: Blob): Promise<void> {
  await writeFile(file, bytes)
  if (kind === 'program') await chmod(file, 0o755)
}

/** false where the system makes no links, as Windows does without a privilege. */
async function linked(file: string, { bytes }: Blob): Promise<boolean> {
  return symlink(bytes.toString('utf8'), file).then(
    () => true,
    () => existsSync(file),
  )
}

function requireBounded(blobs: ReadonlyMap<string, Blob>): void {
  const size = [...blobs.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
  if (size > MOST_BYTES)
    throw new AigateError('cannot_read', { file: 'the base of the change', reason: `it holds ${size} bytes` })
}
