// Whether a change touches anything that the gate looks at; in doubt it does.
import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { baseCommit } from '../../store/base-commit.ts'
import { git } from '../../store/git-objects.ts'
import { programsOf } from '../../store/grader-files.ts'
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
    const own = gateFiles(project, suites)
    // What a link leads to is no path of the gate, and may well be what changed.
    if (await leadsElsewhere(project.root, own.paths)) return null
    const touched = (specs: readonly string[]) => changedFiles(project.root, base.commit, specs)
    const [ofGate, ofApp, all] = [await touched(own.specs), await touched(relevantPaths), await touched([])]
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

/** true where a path of the gate is, lies behind, or holds a link: git compares links by their names. */
async function leadsElsewhere(root: string, paths: readonly string[]): Promise<boolean> {
  const top = await realpath(root)
  for (const path of paths) {
    const real = await realpath(join(root, path)).catch(() => null)
    if (real !== null && real !== join(top, path)) return true
  }
  const listed = await git(root, ['ls-files', '--stage', '-z', '--', ...paths.map((path) => `:(literal)${path}`)])
  return (
    listed.failed ||
    listed.bytes
      .toString()
      .split('\0')
      .some((entry) => entry.startsWith('120000 '))
  )
}

/** Everything that decides what is asked, how it is graded, and what it is compared with: paths from the project, and pathspecs. */
function gateFiles({ root, file, config }: Project, suites: readonly LoadedSuite[]) {
  const folders = [
    config.prompts,
    config.baselines,
    config.recordings,
    config.calibrations,
    config.quarantine,
    LOCK_NAME,
  ]
  const globs: string[] = []
  const ofSuites = suites.flatMap(({ dir, cases, target }) => {
    const application =
      target.kind === 'module' ? [target.target.module] : target.kind === 'command' ? target.target.command : []
    const graders = cases.flatMap(({ case: one }) =>
      programsOf(one).flatMap((each) => (each.type === 'module' ? [each.args.path] : each.args.run)),
    )
    const from = (path: string) => relative(root, resolve(dir, path)).replaceAll('\\', '/')
    if (target.kind === 'module' || target.kind === 'command') globs.push(...(target.target.depends_on ?? []).map(from))
    return [
      relative(root, dir) || '.',
      ...cases.map(({ info }) => info.file),
      // A word of a command may be a file; one that is none matches nothing.
      ...[...application, ...graders].filter((word) => word !== '' && !isAbsolute(word)).map(from),
    ]
  })
  const paths = [...new Set([relative(root, file), ...folders, ...ofSuites])].map((path) => path || '.')
  const specs = [
    ...paths.map((path) => `:(literal)${path}`),
    ...[...config.suites, ...globs].map((glob) => `:(glob)${glob}`),
    // Another configuration that is nearer, or gone, decides which one is read.
    ':(top,glob)**/aigate.yaml',
    ':(top,literal).github/workflows',
  ]
  return { paths, specs }
}
