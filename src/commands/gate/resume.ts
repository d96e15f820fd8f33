// --resume of eval and of baseline record: which run goes on, with which options it was started, and whether everything still is as it was.
import { readdir, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { resumeDifferences } from '../../decide/change/resumable.ts'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Invocation, RunHeader } from '../../schema/run.ts'
import { readBaseline } from '../../store/baseline-file.ts'
import { isCommitted } from '../../store/committed.ts'
import { withLock } from '../../store/ledger-lock.ts'
import { findRuns, readRecord, recentRunFolders } from '../../store/run-record.ts'
import { recordOf } from '../../store/run-resume.ts'
import { fileError } from '../../store/write-text.ts'
import { cellFolder, cellsIn } from './attribution-record.ts'
import type { Comparison, Session } from './session.ts'
import { suiteHeader } from './run-header.ts'
import { makeFolder } from '../../make-folder.ts'

/** Options that decide what is asked and how it is judged; a resumed run has those that it was started with. */
const KEPT = [
  'tag', 'case', 'model', 'prompt', 'seed', 'record', 'offline', 'against', 'baseline', 'base', 'attribute', 'frozen',
  'threshold', 'trials', 'shard', 'passes', 'durations', 'shardFile', 'batch', 'reason',
] as const // biome-ignore format: one list

type Options = Record<string, unknown>
/** So many runs are looked through for one that was interrupted. */
const MOST_RUNS = 20

/** The part of a command line that a run remembers. */
export function invocationOf(names: readonly string[], options: Options): Invocation {
  const kept = KEPT.flatMap((key): [string, Invocation['options'][string]][] => {
    const value = options[key]
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [[key, value]]
    return Array.isArray(value) ? [[key, value.map(String)]] : []
  })
  return { names: [...names], options: Object.fromEntries(kept) }
}

/** Commands whose runs go on. */
type Resumable = 'eval' | 'baseline record'
/** Only what is to become a baseline has a reason. */
const commandOf = ({ options }: Invocation): Resumable => (options['reason'] === undefined ? 'eval' : 'baseline record')

export type Resumed = { id: string; folder: string; seed: number; suites: string[]; invocation: Invocation }

/**
 * The run that goes on. `ref` true: the newest one that did not come to its verdict.
 * @throws AigateError `usage` when other options are given besides, when there is none, or when it cannot be resumed
 */
export async function findResumed(
  project: Project,
  ref: string | true,
  { names, options, command = 'eval' }: { names: readonly string[]; options: Options; command?: Resumable },
): Promise<Resumed> {
  const given = [
    ...(names.length > 0 ? ['names of suites'] : []),
    ...Object.keys(invocationOf([], options).options).map((key) => `--${key}`),
  ]
  if (given.length > 0 || options['changed'] !== undefined || options['out'] !== undefined) {
    const problem = `--resume goes on with a run as it was started${given.length > 0 ? `, so that ${given.join(', ')} cannot be changed` : ''}.`
    throw new AigateError('usage', { problem, mend: 'Leave other options out, or start a new run without --resume.' })
  }
  const files = ref === true ? await newestInterrupted(project, command) : await findRuns(project.root, ref)
  const [file = ''] = files
  if (await isCommitted(dirname(file))) {
    const problem = `${relative(project.root, dirname(file))} is committed: its author could have written these answers, so that no run goes on with them.`
    throw new AigateError('usage', { problem, mend: 'Take the folder out of git, and start a new run.' })
  }
  const { header } = await readRecord(file)
  if (!header.invocation) {
    const problem = `The run ${header.id} does not say how it was started, so it cannot be resumed.`
    throw new AigateError('usage', { problem, mend: 'Start a new one: what is in the cache is not asked again.' })
  }
  const { id, seed, suites = [header.suite], invocation } = header
  if (commandOf(invocation) !== command) {
    const problem = `The run ${id} was started by \`aigate ${commandOf(invocation)}\`.`
    throw new AigateError('usage', { problem, mend: `Go on with \`aigate ${commandOf(invocation)} --resume ${id}\`.` })
  }
  return { id, folder: dirname(file), seed, suites, invocation }
}

async function newestInterrupted({ root }: Project, command: Resumable): Promise<string[]> {
  for (const folder of await recentRunFolders(root, MOST_RUNS)) {
    const files = await findRuns(root, folder).catch(() => [])
    const records = await Promise.all(files.map((file) => readRecord(file).catch(() => null)))
    const [first] = records
    if (!first?.header.invocation || commandOf(first.header.invocation) !== command) continue
    const done = records.filter((one) => one?.complete).map((one) => one?.header.suite)
    if ((first.header.suites ?? []).some((suite) => !done.includes(suite))) return files
    if (await combinationsOpen(dirname(files[0] ?? ''))) return files
  }
  const problem = `None of the last ${MOST_RUNS} runs was interrupted.`
  throw new AigateError('usage', {
    problem,
    mend: `Name one: \`aigate ${command} --resume <run>\`, or start a new one.`,
  })
}

/** Whether what --attribute asks besides was begun and did not come to its end. */
async function combinationsOpen(folder: string): Promise<boolean> {
  for (const name of await cellsIn(folder)) {
    const cell = cellFolder(folder, name)
    const files = (await readdir(cell).catch(() => [])).filter((file) => file.endsWith('.jsonl'))
    const records = await Promise.all(files.map((file) => readRecord(join(cell, file)).catch(() => null)))
    if (records.some((record) => record && !record.complete)) return true
  }
  return false
}

/** The suites of a resumed run, in the order of today. @throws AigateError `usage` when one is gone */
export function resumedSuites<S extends LoadedSuite>(suites: readonly S[], { suites: names, id }: Resumed): S[] {
  const gone = names.filter((name) => !suites.some(({ suite }) => suite.suite === name))
  if (gone.length === 0) return suites.filter(({ suite }) => names.includes(suite.suite))
  throw changedSince(
    id,
    gone.map((name) => `the suite ${name} is gone`),
  )
}

/**
 * Whether every suite would be asked and judged as it was begun. Nothing was asked yet.
 * @throws AigateError `usage` that says what differs
 */
export async function requireUnchanged(
  session: Session,
  plans: readonly { suite: LoadedSuite; session: Session; with: Comparison }[],
): Promise<void> {
  const differing: string[] = []
  for (const plan of plans) {
    const found = await recordOf(session.folder, plan.suite.suite.suite)
    if (!found) continue
    const { header } = found.record
    const now = await suiteHeader(plan.session, plan.suite, plan.with)
    const differences = [
      ...resumeDifferences(header, now),
      ...((await sameBaseline(session.folder, header, plan.with.baseline))
        ? []
        : ['the baseline that is compared with']),
    ]
    if (differences.length > 0) differing.push(`${header.suite}: ${[...new Set(differences)].join('; ')}`)
  }
  if (differing.length > 0) throw changedSince(session.id, differing)
}

async function sameBaseline(
  folder: string,
  { compared_with, suite }: RunHeader,
  now: Baseline | null,
): Promise<boolean> {
  if (!compared_with || !now) return true
  // Killed before the copy was written: then nothing was judged by it either.
  const then = await readBaseline(join(folder, compared_with.copy), suite)
  return then === null || JSON.stringify(then) === JSON.stringify(now)
}

const changedSince = (id: string, what: readonly string[]) =>
  new AigateError('usage', {
    problem: `The run ${id} cannot go on, because this changed meanwhile: ${what.join('. ')}.`,
    mend: 'Put it back as it was, or start a new run: what is in the cache is not asked again.',
  })

/** Does the work of a run while no other process of this machine is at it. */
export async function whileRunning<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    await makeFolder(folder)
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  const lock = join(folder, `.running-${hostname().replace(/[^\w.-]/g, '_')}`)
  const taken = (file: string, owner: string) => new AigateError('runner_busy', { what: 'this run', owner, file })
  try {
    return await withLock(lock, work, { looks: 3, heartbeat: true, taken })
  } finally {
    // Empty where nothing was begun.
    await rmdir(folder).catch(() => undefined)
  }
}

/** How to go on with a run. */
export function resumeCommand({ cwd }: Context, { id, folder, project, invocation }: Session): string {
  const own = folder === join(project.root, '.aigate', 'runs', id)
  const path = relative(cwd, folder)
  const command = invocation ? commandOf(invocation) : 'eval'
  return `aigate ${command} --resume ${own ? basename(folder) : path.startsWith('..') ? folder : path}`
}
