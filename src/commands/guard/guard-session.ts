// One guard, opened: its plan, its journal, and the state that the journal comes to; every record goes through here.
import { join, relative } from 'node:path'
import type { GuardState } from '../../decide/guard/state.ts'
import { foldGuard } from '../../decide/guard/fold.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Project } from '../../ports.ts'
import type { GuardEntry } from '../../schema/guard-journal.ts'
import type { Json } from '../../schema/values.ts'
import type { LoadedGuard } from '../../store/guard-file.ts'
import {
  appendGuard,
  type GuardJournal,
  guardFolder,
  mendGuardJournal,
  readGuardJournal,
  rotateGuard,
} from '../../store/guard-journal.ts'
import type { Damage } from '../../store/damaged-journal.ts'
import { withLock } from '../../store/ledger-lock.ts'
import { fileError } from '../../store/write-text.ts'
import { makeFolderSync } from '../../make-folder.ts'

/** A journal of so many records goes on in a new file: reading it must not take longer and longer. */
const LONGEST_JOURNAL = 400
/** At its first look, a guard judges the present: what came before its longest window is only taught. */
const LEAST_PAST = 3_600_000
/** About three seconds: a runner comes again anyway. */
const LOOKS = 120

export type GuardSession = {
  context: Context
  project: Project
  loaded: LoadedGuard
  folder: string
  journal: GuardJournal
  state: GuardState
  by: string
  warnings: string[]
  /** The record of an action that is being written: the next one waits for it. */
  writing: Promise<unknown>
  /** Journals that were damaged and put aside in this look, as sentences by a name. */
  damaged: { name: string; text: string }[]
  /** Actions of which nobody knows whether they were done. */
  unsure: Set<string>
}

/** Reads what the journal of a guard says; writes nothing. */
export function openGuard(context: Context, project: Project, loaded: LoadedGuard): GuardSession {
  const folder = guardFolder(project, loaded.plan.guard)
  const { journal, before } = readGuardJournal(folder)
  const state = foldGuard(before.length > 0 ? before : journal.chain.records)
  const by = `aigate ${context.toolVersion}`
  const fresh = { writing: Promise.resolve(), damaged: [], unsure: new Set<string>() }
  return { context, project, loaded, folder, journal, state, by, warnings: journal.warnings, ...fresh }
}

/** Adds a record and what it means for the state. Throws the errors of the disk; then neither has changed. */
export function recordGuard(session: GuardSession, entry: GuardEntry): void {
  const stamp = { at: session.context.now().toISOString(), by: session.by }
  const added = appendGuard(session.journal, stamp, entry)
  session.journal = added.journal
  session.state = foldGuard([added.record], session.state)
}

const longestWindow = ({ plan }: LoadedGuard): number =>
  Math.max(LEAST_PAST, ...plan.triggers.map((one) => one.window + one.for))

/** `what`: whose journal it is, in one word. */
export function noteDamage(session: GuardSession, what: string, { number, file, record, problem, lost }: Damage): void {
  const shown = relative(session.project.root, file).replaceAll('\\', '/')
  const gone = lost === 0 ? '' : ` ${lost} ${lost === 1 ? 'record is' : 'records are'} lost.`
  const text = `Record ${record} of the journal of the ${what} was damaged: ${problem}. The file is kept as ${shown}.${gone}`
  session.warnings.push(text)
  session.damaged.push({ name: `${what}-${number}`, text })
}

/** The journal can be added to, and the plan in it is that of the file. */
function prepare(session: GuardSession): void {
  const { loaded, folder, context } = session
  if (session.journal.chain.count >= LONGEST_JOURNAL) {
    rotateGuard(folder)
    session.journal = readGuardJournal(folder).journal
  }
  if (session.journal.chain.count === 0 && session.state.plan !== null)
    recordGuard(session, {
      kind: 'carry',
      state: session.state as unknown as Json,
      from: readGuardJournal(folder).from,
    })
  if (session.state.plan_hash === loaded.hash) return
  const now = context.now().getTime()
  const since = session.state.closed ?? now - longestWindow(loaded)
  recordGuard(session, { kind: 'start', plan_hash: loaded.hash, plan: loaded.plan, since })
}

/** Opens a guard as the only one that looks and acts for it. Throws AigateError `runner_busy`. */
export async function asGuard<T>(
  context: Context,
  project: Project,
  loaded: LoadedGuard,
  work: (session: GuardSession) => Promise<T>,
): Promise<T> {
  const folder = guardFolder(project, loaded.plan.guard)
  try {
    makeFolderSync(folder)
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  const what = `the guard ${loaded.plan.guard}`
  const taken = (lock: string, owner: string) => new AigateError('runner_busy', { file: lock, owner, what })
  return withLock(
    join(folder, 'lock'),
    async () => {
      const damage = mendGuardJournal(folder)
      const session = openGuard(context, project, loaded)
      try {
        prepare(session)
        if (damage !== null) noteDamage(session, 'guard', damage)
        return await work(session)
      } finally {
        for (const warning of session.warnings) context.stderr.write(`warning: ${warning}\n`)
      }
    },
    { looks: LOOKS, heartbeat: true, taken },
  )
}
