// Tells when a file is saved in one of several folders, whichever way an editor saves it.
import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { LoadedSuite, Project } from '../../../ports.ts'
import { namedCode, targetCode } from '../../../store/target-code.ts'

/** Editors write several times for one save. */
const QUIET_MS = 120
const MOST_FOLDERS = 2000

/** The folders of all that decides the verdict of the suites, absolute; what is not there is left out. */
export async function foldersOf({ root, file, config }: Project, suites: readonly LoadedSuite[]): Promise<string[]> {
  const found = new Set([root, dirname(resolve(root, file)), resolve(root, config.baselines)])
  const prompts = resolve(root, config.prompts)
  found.add(prompts)
  const below = await readdir(prompts, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of below.slice(0, MOST_FOLDERS))
    if (entry.isDirectory()) found.add(join(entry.parentPath, entry.name))
  for (const suite of suites) {
    found.add(suite.dir)
    for (const { info } of suite.cases) found.add(dirname(resolve(root, info.file)))
    const told = await targetCode(suite)
    const files = { ...(await namedCode(suite)), ...('files' in told && told.files) }
    for (const path of Object.keys(files)) found.add(dirname(resolve(suite.dir, path)))
  }
  const there = await Promise.all(
    [...found].map(async (path) => ((await stat(path).catch(() => null))?.isDirectory() ? [path] : [])),
  )
  return there.flat()
}

export type Folders = {
  /** Watches exactly these from now on. */
  set(folders: readonly string[]): void
  /** Resolves with true after the next save (one since the last call counts), false once the signal is aborted. */
  saved(signal: AbortSignal): Promise<boolean>
  close(): void
}

/** `onLost`: a folder that cannot be watched any more, with the reason. */
export function watchFolders(onLost: (folder: string, reason: string) => void): Folders {
  const watchers = new Map<string, FSWatcher>()
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
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }
  const add = (folder: string) => {
    try {
      const watcher = watch(folder, { persistent: true }, note)
      watcher.on('error', (error) => {
        drop(folder)
        onLost(folder, error.message)
      })
      watchers.set(folder, watcher)
    } catch (error) {
      onLost(folder, error instanceof Error ? error.message : String(error))
    }
  }
  return {
    set: (folders) => {
      for (const old of watchers.keys()) if (!folders.includes(old)) drop(old)
      for (const folder of folders) if (!watchers.has(folder)) add(folder)
    },
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
