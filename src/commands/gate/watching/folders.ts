// Tells when a file is saved in one of several folders, whichever way an editor saves it.
import { type FSWatcher, statSync, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { LoadedSuite, Project } from '../../../ports.ts'
import { namedCode, targetCode } from '../../../store/target-code.ts'

/** Editors write several times for one save. */
const QUIET_MS = 120
const MOST_FOLDERS = 2000

/** The folder of a glob before its first pattern: evals/*.suite.yaml -> evals. */
const fixedPart = (pattern: string): string => {
  const parts = pattern.replace(/^!/, '').split('/')
  const wild = parts.findIndex((part) => /[*?[\]{}()!+@]/.test(part))
  return parts.slice(0, wild === -1 ? -1 : wild).join('/')
}

/** The folders in which suites and prompts may lie, absolute, as far as aigate.yaml tells: also while a suite is broken. */
export async function projectFolders({ root, file, config }: Project): Promise<string[]> {
  const found = new Set([root, dirname(resolve(root, file)), resolve(root, config.baselines)])
  for (const start of new Set([config.prompts, ...config.suites.map(fixedPart)])) {
    const folder = resolve(root, start)
    found.add(folder)
    // Below the project itself lies everything.
    if (folder === root) continue
    const below = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    const inner = below.filter((entry) => entry.isDirectory() && !/(^|[\\/])(node_modules|\.git)([\\/]|$)/.test(join(entry.parentPath, entry.name))) // biome-ignore format: one condition
    for (const entry of inner.slice(0, MOST_FOLDERS)) found.add(join(entry.parentPath, entry.name))
  }
  return onlyFolders(found)
}

/** The folders of all that decides the verdict of the suites, absolute; what is not there is left out. */
export async function foldersOf(project: Project, suites: readonly LoadedSuite[]): Promise<string[]> {
  const { root } = project
  const found = new Set(await projectFolders(project))
  for (const suite of suites) {
    found.add(suite.dir)
    for (const { info } of suite.cases) found.add(dirname(resolve(root, info.file)))
    const told = await targetCode(suite)
    const files = { ...(await namedCode(suite)), ...('files' in told && told.files) }
    for (const path of Object.keys(files)) found.add(dirname(resolve(suite.dir, path)))
  }
  return onlyFolders(found)
}

async function onlyFolders(paths: ReadonlySet<string>): Promise<string[]> {
  const there = await Promise.all(
    [...paths].map(async (path) => ((await stat(path).catch(() => null))?.isDirectory() ? [path] : [])),
  )
  return there.flat()
}

export type Folders = {
  /** Watches exactly these from now on. Of one that is new, what happened since it was looked at counts as a save. */
  set(folders: readonly string[]): void
  /** Watches these besides. */
  also(folders: readonly string[]): void
  /** Resolves with true after the next save (one since the last call counts), false once the signal is aborted. */
  saved(signal: AbortSignal): Promise<boolean>
  close(): void
}

/** A folder that was removed and made again under its name is another one: nothing is told of it any more. */
function whichFolder(folder: string): string {
  const found = statSync(folder, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.dev} ${found.ino} ${found.birthtimeNs}` : ''
}

/** `onLost`: a folder that cannot be watched any more, with the reason. */
export function watchFolders(onLost: (folder: string, reason: string) => void): Folders {
  const watchers = new Map<string, { watcher: FSWatcher; which: string }>()
  let changed = false
  let wake: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  const note = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      changed = true
      wake?.()
    }, QUIET_MS)
  }
  const drop = (folder: string) => {
    watchers.get(folder)?.watcher.close()
    watchers.delete(folder)
  }
  const add = (folder: string) => {
    try {
      // Before it is watched: one that is made again in between is then found to be another one at the next look.
      const which = whichFolder(folder)
      const watcher = watch(folder, { persistent: true }, note)
      watcher.on('error', (error) => {
        drop(folder)
        onLost(folder, error.message)
      })
      watchers.set(folder, { watcher, which })
    } catch (error) {
      onLost(folder, error instanceof Error ? error.message : String(error))
    }
  }
  const addNew = (folders: readonly string[]): boolean => {
    const fresh = folders.filter((folder) => watchers.get(folder)?.which !== whichFolder(folder))
    for (const folder of fresh) {
      drop(folder)
      add(folder)
    }
    return fresh.some((folder) => watchers.has(folder))
  }
  return {
    set: (folders) => {
      for (const old of watchers.keys()) if (!folders.includes(old)) drop(old)
      if (addNew(folders)) note()
    },
    also: (folders) => void addNew(folders),
    saved: (signal) =>
      new Promise((done) => {
        const end = () => {
          signal.removeEventListener('abort', end)
          wake = undefined
          const was = changed
          changed = false
          done(was && !signal.aborted)
        }
        if (changed || signal.aborted) return end()
        wake = end
        signal.addEventListener('abort', end, { once: true })
      }),
    close: () => {
      clearTimeout(timer)
      for (const folder of watchers.keys()) drop(folder)
    },
  }
}
