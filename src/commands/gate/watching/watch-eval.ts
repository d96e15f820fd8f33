// aigate eval --watch: runs the suites, and again those that a saved file changes. What it does not change comes from the cache.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { AigateError, explain } from '../../../errors.ts'
import { counted } from '../../../decide/words.ts'
import type { Context, Ending } from '../../../ports.ts'
import { loadProject } from '../../../store/project.ts'
import { loadSuites } from '../../../store/suites.ts'
import { errorPaint } from '../../error-paint.ts'
import type { AskOptions } from '../../options.ts'
import { overridesOf } from '../eval.ts'
import { selectCases } from '../selection.ts'
import { type Affected, affectedBy, type Seen, stateOf } from './affected.ts'
import { type Folders, foldersOf, projectFolders, watchFolders } from './folders.ts'

const MIDDLE_MS = 250

type WatchOptions = AskOptions & { threshold?: number; trials?: number }

/**
 * Watches until Ctrl-C, which is how it ends: 0 while it waits, 130 in the middle of a run. Errors in files are shown, and
 * the watch goes on. Every run is a process of its own, so that changed modules are loaded anew. `argv`: the command line
 * of each run, without --watch.
 */
export async function watchEvalCommand(
  context: Context,
  names: string[],
  options: WatchOptions,
  argv: readonly string[],
): Promise<Ending> {
  const { signal, stderr } = context
  const folders = watchFolders((folder, reason) => stderr.write(`${folder} cannot be watched: ${reason}\n`))
  let seen: Seen = new Map()
  try {
    // Without a project there is nothing to watch.
    const { root } = await loadProject({ cwd: context.cwd, config: options.config })
    folders.set([root])
    for (;;) {
      const what = { names, options, root }
      let found = await look(context, what, folders)
      if (found.error && seen.size > 0) {
        // Looked at in the middle of a save: emptied and not yet written, or a folder on its way to another branch.
        await setTimeout(MIDDLE_MS, undefined, { signal }).catch(() => undefined)
        found = await look(context, what, folders)
      }
      const affected = found.seen ? affectedBy(seen, found.seen) : []
      if (found.error) stderr.write(`\n${explain(found.error, errorPaint(context))}`)
      else {
        const first = affected.length === found.seen.size && affected.every(({ cases, of }) => cases === of)
        seen = found.seen
        if (affected.length > 0) {
          if (!first)
            stderr.write(`\n${context.now().toTimeString().slice(0, 8)} ${affected.map(sentence).join('; ')}\n`)
          if ((await runOnce(affected, argv, signal)) === 'interrupted') return 'interrupted'
        }
        if (signal.aborted) return 'pass'
      }
      if (found.error || affected.length > 0) stderr.write('watching: save a prompt or a suite; Ctrl-C ends\n')
      if (!(await folders.saved(signal))) return 'pass'
    }
  } finally {
    folders.close()
  }
}

const sentence = ({ suite, cases, of }: Affected): string =>
  cases === 0 ? `${suite}: its rules or its baseline changed` : `${suite}: ${cases} of ${counted(of, 'case')} changed`

type Look = { seen: Seen; error?: never } | { error: AigateError; seen?: never }

/** The state of the suites, or what is broken in their files. */
async function look(
  context: Context,
  { names, options, root }: { names: string[]; options: WatchOptions; root: string },
  folders: Folders,
): Promise<Look> {
  try {
    const project = await loadProject({ cwd: context.cwd, config: options.config })
    // Before anything can be broken: the save that mends it must be seen.
    folders.also(await projectFolders(project))
    const whole = await loadSuites(project, { suites: names, overrides: overridesOf(options) })
    const { suites } = selectCases(whole, options)
    folders.set(await foldersOf(project, suites))
    return { seen: await stateOf(project, suites) }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    const files = [error, ...error.more].flatMap(({ places }) => places.map(({ file }) => resolve(root, file)))
    folders.also([...new Set(files.map((file) => dirname(file)))].filter((folder) => existsSync(folder)))
    return { error }
  }
}

/** One run in a process of its own, which is sent the Ctrl-C that this one gets. */
function runOnce(
  affected: readonly Affected[],
  argv: readonly string[],
  signal: AbortSignal,
): Promise<'done' | 'interrupted'> {
  const [script = '', ...args] = argv
  const only = `--only-suites=${affected.map(({ suite }) => suite).join(',')}`
  const child = spawn(process.execPath, [script, ...args, only], { stdio: ['ignore', 'inherit', 'inherit'] })
  const interrupt = () => void child.kill('SIGINT')
  signal.addEventListener('abort', interrupt, { once: true })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      signal.removeEventListener('abort', interrupt)
      resolve(signal.aborted ? 'interrupted' : 'done')
    })
  })
}
