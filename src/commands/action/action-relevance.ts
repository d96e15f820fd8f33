// Whether a change touches anything that the gate looks at; in doubt it does.
import { isAbsolute, relative, resolve } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { baseCommit } from '../../store/base-commit.ts'
import { git } from '../../store/git-objects.ts'
import { LOCK_NAME } from '../../store/lock-file.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import type { ActionEvent } from './action-event.ts'
import { type ActionInputs, CHANGES } from './action-inputs.ts'

/**
 * Why nothing has to be evaluated, as a sentence; null where something has to, or where that cannot be told: no base, files
 * that cannot be read, globs that git refuses. Files of the gate count whatever the input says.
 */
export async function irrelevantChange(
  { env, cwd }: Pick<Context, 'env' | 'cwd'>,
  { relevantPaths, config }: ActionInputs,
  { name, queuedOn, baseSha }: ActionEvent,
): Promise<string | null> {
  const ref = queuedOn ?? baseSha
  if (relevantPaths.length === 0 || !CHANGES.includes(name) || ref === undefined) return null
  try {
    const project = await loadProject({ cwd, config })
    const suites = await loadSuites(project, { suites: [] })
    const base = await baseCommit(project.root, { env, ref })
    if (base === null) return null
    const touched = (specs: readonly string[]) => changedFiles(project.root, base.commit, specs)
    const [ofGate, ofApp, all] = [
      await touched(gateFiles(project, suites)),
      await touched(relevantPaths),
      await touched([]),
    ]
    if (ofGate === null || ofApp === null || all === null || ofGate.length + ofApp.length > 0) return null
    const count = `${all.length} changed ${all.length === 1 ? 'file' : 'files'}`
    return `None of the ${count} is a file of the gate or matches relevant-paths, so nothing was asked. Compared with ${base.commit.slice(0, 12)}.`
  } catch (error) {
    if (error instanceof AigateError) return null
    throw error
  }
}

/** Both names of a file that was moved; null where git cannot tell. */
async function changedFiles(root: string, base: string, specs: readonly string[]): Promise<string[] | null> {
  const words = ['diff', '--name-only', '--no-renames', '--no-ext-diff', '-z', base, 'HEAD', '--', ...specs]
  const { failed, bytes } = await git(root, words)
  return failed ? null : bytes.toString().split('\0').filter(Boolean)
}

/** Pathspecs of everything that decides what is asked, how it is graded, and what it is compared with. */
function gateFiles({ root, file, config }: Project, suites: readonly LoadedSuite[]): string[] {
  const folders = [config.prompts, config.baselines, config.recordings, config.quarantine, LOCK_NAME]
  const ofSuites = suites.flatMap(({ dir, cases, target }) => {
    const application =
      target.kind === 'module' ? [target.target.module] : target.kind === 'command' ? target.target.command : []
    return [
      relative(root, dir) || '.',
      ...cases.map(({ info }) => info.file),
      // A word of the command may be a file; one that is none matches nothing.
      ...application.filter((word) => !isAbsolute(word)).map((word) => relative(root, resolve(dir, word))),
    ]
  })
  const literal = [relative(root, file), ...folders, ...new Set(ofSuites)].map((path) => `:(literal)${path || '.'}`)
  return [...literal, ...config.suites.map((glob) => `:(glob)${glob}`), ':(top,literal).github/workflows']
}
