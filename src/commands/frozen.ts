// Holds a run to its pins and its lock where it must be frozen; elsewhere it says nothing.
import { frozenProblems, isFrozen, NO_LOCK, outdatedLock, whatIfNotes } from '../decide/frozen.ts'
import { type LockableSuite, lockChanges, lockOf } from '../decide/lock.ts'
import { AigateError } from '../errors.ts'
import type { Context, LoadedSuite, Project } from '../ports.ts'
import { contentHash } from '../run/canonical.ts'
import { snapshotTarget } from '../run/snapshot.ts'
import type { Lock } from '../schema/lock.ts'
import { joinErrors } from '../store/faults.ts'
import { readLock } from '../store/lock-file.ts'
import { loadSuites } from '../store/suites.ts'

type FrozenOptions = { frozen?: boolean; prompt?: string; model?: string; threshold?: number; trials?: number }

/**
 * Checks the pins of the suites as they will run, and the lock against the suites as their files say.
 * @param names the suites that were asked for; empty: all
 * @returns what the verdict must say about it
 * @throws AigateError `usage` with everything that stops a frozen run
 */
export async function frozenNotes(
  context: Context,
  project: Project,
  suites: LoadedSuite[],
  { names, options }: { names: string[]; options: FrozenOptions },
): Promise<string[]> {
  if (!isFrozen(options.frozen, context.env.CI)) return []
  const problems = suites.flatMap(frozenProblems)
  const lock = await readLock(project)
  const chosen = whatIfNotes(options)
  if (lock) {
    const written = chosen.length > 0 ? await loadSuites(project, { suites: names }) : suites
    const changes = lockChanges(lock, currentLock(project, written), { partial: names.length > 0 })
    if (changes.length > 0) problems.push(outdatedLock(changes))
  }
  if (problems.length > 0) throw joinErrors(problems.map((problem) => new AigateError('usage', problem)))
  return lock ? chosen : [NO_LOCK]
}

/** The lock of these suites as it would be written now. */
export function currentLock({ config }: Project, suites: LoadedSuite[]): Lock {
  const lockable = suites.map((loaded): LockableSuite => ({ loaded, snapshot: snapshotTarget(loaded.target) }))
  return lockOf({ config, suites: lockable, hash: contentHash })
}
