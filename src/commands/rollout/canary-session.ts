// One rollout, opened: its plan, its journal, and the state that the journal comes to; every record goes through here.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { foldJournal } from '../../decide/rollout/fold.ts'
import { draft, isOver, type RolloutState } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedPlan, Project } from '../../ports.ts'
import type { RolloutEntry, RolloutRecord } from '../../schema/rollout-journal.ts'
import { loadProject } from '../../store/project.ts'
import {
  appendEntry,
  type Journal,
  journaledRollouts,
  journalFile,
  readRolloutJournal,
  readSnapshot,
  rolloutFolder,
  withRunner,
  writeSnapshot,
} from '../../store/rollout-journal.ts'
import { loadPlan } from '../../store/rollout-plan.ts'

/** A state of another revision is folded anew. */
const STATE_REVISION = draft().version

export type CanaryOptions = { config?: string; json?: boolean }

/** `state`: what the journal comes to; `record` changes both. */
export type Session = {
  context: Context
  project: Project
  name: string
  folder: string
  journal: Journal
  state: RolloutState
  by: string
  warnings: string[]
  /** true: where nothing can be written, it goes on in memory, so that a bad candidate goes back all the same. */
  survives: boolean
  /** Why nothing can be written; null: it can. Then nobody may be served more of the candidate. */
  unwritten: AigateError | null
}

/** Opens what the journal of a rollout says. Call it under `withRunner` where something will be recorded. */
export function openSession(context: Context, project: Project, name: string, by = runnerName(context)): Session {
  const folder = rolloutFolder(project, name)
  const snapshot = readSnapshot(folder, STATE_REVISION)
  const journal = readRolloutJournal(folder, snapshot?.mark)
  const { records, count } = journal.chain
  // All records came back: there is no state to go on from, or it is of another journal.
  const behind = snapshot !== undefined && records.length < count
  const state = foldJournal(records, behind ? (snapshot.state as RolloutState) : undefined)
  const { warnings } = journal
  return { context, project, name, folder, journal, state, by, warnings, survives: false, unwritten: null }
}

const runnerName = ({ toolVersion }: Context) => `aigate ${toolVersion}`

/**
 * Adds a record and what it means for the state. Throws the errors of the disk; then neither has changed, unless the session
 * survives them: then only the state has, and `unwritten` says why.
 */
export function record(session: Session, entry: RolloutEntry): RolloutRecord {
  const stamp = { at: session.context.now().toISOString(), by: session.by }
  const added = session.unwritten === null ? append(session, stamp, entry) : remembered(session, stamp, entry)
  session.state = foldJournal([added], session.state)
  return added
}

type Stamp = Pick<RolloutRecord, 'at' | 'by'>

function append(session: Session, stamp: Stamp, entry: RolloutEntry): RolloutRecord {
  try {
    const added = appendEntry(session.journal, stamp, entry)
    session.journal = added.journal
    return added.record
  } catch (error) {
    if (!session.survives || !isDiskTrouble(error)) throw error
    session.unwritten = error
    return remembered(session, stamp, entry)
  }
}

/** A record that is in no file, and in no chain. */
function remembered({ state }: Session, stamp: Stamp, entry: RolloutEntry): RolloutRecord {
  const frame = { aigate: 'rollout', version: 1, seq: state.seq + 1 } as const
  return { ...frame, ...stamp, ...entry, prev: '', hash: '' }
}

function isDiskTrouble(error: unknown): error is AigateError {
  return error instanceof AigateError && (error.code === 'disk_trouble' || error.code === 'cannot_write')
}

/** Keeps the state, so that the next command need not fold everything; a disk that will not is only slower. */
export async function saveState(session: Session): Promise<void> {
  // What is in memory alone is no state of this journal.
  if (session.unwritten !== null) return
  try {
    await writeSnapshot(session.journal, session.state, STATE_REVISION)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    session.warnings.push(`The state could not be kept (${error.message}) The next look takes longer.`)
  }
}

/** `survives`: where not even the lock can be written, it is done without, in memory. */
type RunnerOptions = { who: 'runner' | 'person'; by?: string | undefined; survives?: boolean }

/** Opens a rollout as the only runner, does `work`, and keeps the state. Throws AigateError `runner_busy`. */
export async function asRunner<T>(
  context: Context,
  project: Project,
  name: string,
  { who, by, survives = false }: RunnerOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let begun = false
  const opened = async (unwritten: AigateError | null) => {
    begun = true
    const session = { ...openSession(context, project, name, by), survives, unwritten }
    try {
      return await work(session)
    } finally {
      await saveState(session)
      for (const warning of session.warnings) context.stderr.write(`warning: ${warning}\n`)
    }
  }
  try {
    return await withRunner(rolloutFolder(project, name), who, () => opened(null))
  } catch (error) {
    if (begun || !survives || !isDiskTrouble(error)) throw error
    return opened(error)
  }
}

/** The hash of the plan as its file is now; a file that is gone or broken is a plan that was changed. */
export async function currentPlan(project: Project, name: string): Promise<LoadedPlan | { problem: string }> {
  try {
    return await loadPlan(project, name)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { problem: error.message }
  }
}

/** Puts a journal that came to its end aside, so that a rollout of the same name can start anew. @returns its new name */
export function putAside(folder: string): string {
  let number = 1
  while (existsSync(join(folder, `journal.${number}.jsonl`))) number += 1
  renameSync(journalFile(folder), join(folder, `journal.${number}.jsonl`))
  rmSync(join(folder, 'state.json'), { force: true })
  rmSync(sourceFolder(folder), { recursive: true, force: true })
  return `journal.${number}.jsonl`
}

/** Where the source of a rollout keeps what does not fit into a cursor. */
export const sourceFolder = (folder: string): string => join(folder, 'source')

/** Those that still go on, or have something left to say. */
export const unfinished = (context: Context, project: Project, names: readonly string[]): string[] =>
  names.filter((name) => goesOn(context, project, name))

/** A journal that cannot be read is no reason to leave its rollout alone. */
function goesOn(context: Context, project: Project, name: string): boolean {
  try {
    const { state } = openSession(context, project, name)
    return !isOver(state) || state.notices.length > 0 || state.failing.length > 0
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return true
  }
}

/** The project, and the rollout that is meant: the one that was named, or the only one that was started or still goes on. */
export async function openRollout(
  context: Context,
  name: string | undefined,
  options: CanaryOptions,
): Promise<{ project: Project; name: string }> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const started = await journaledRollouts(project)
  const asked = name !== undefined && /\.ya?ml$/i.test(name) ? (await loadPlan(project, name)).plan.rollout : name
  const going = asked === undefined && started.length > 1 ? unfinished(context, project, started) : started
  const found = asked ?? (going.length === 1 ? going[0] : undefined)
  if (found !== undefined && started.includes(found)) return { project, name: found }
  const some = going.length > 0 ? going : started
  const list = started.length === 0 ? 'none was started' : `these were started: ${some.join(', ')}`
  const problem = asked === undefined ? `Which rollout? ${list}.` : `The rollout ${asked} was not started; ${list}.`
  throw new AigateError('usage', {
    problem,
    mend: started.length === 0 ? 'Run `aigate canary start <rollout>` first.' : 'Name one of them.',
  })
}
