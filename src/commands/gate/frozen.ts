// Holds a run to its pins and its lock where it must be frozen; elsewhere it says nothing.
import {
  frozenProblems,
  isFrozen,
  NO_LOCK,
  outdatedLock,
  removedLock,
  whatIfNotes,
} from '../../decide/change/frozen.ts'
import { type LockableSuite, lockChanges, lockOf } from '../../decide/change/lock.ts'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { contentHash } from '../../content-hash.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { Lock } from '../../schema/lock.ts'
import { joinErrors } from '../../store/faults.ts'
import { baseCommit } from '../../store/base-commit.ts'
import { fileAt } from '../../store/git-objects.ts'
import { LOCK_NAME, readLock } from '../../store/lock-file.ts'
import { loadSuites } from '../../store/suites.ts'
import { gradersForLock } from './graders.ts'

type FrozenOptions = {
  frozen?: boolean
  base?: string | boolean
  prompt?: string
  model?: string
  threshold?: number
  trials?: number
}

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
    const changes = lockChanges(lock, await currentLock(project, written), { partial: names.length > 0 })
    if (changes.length > 0) problems.push(outdatedLock(changes))
  } else {
    const base = await baseWithLock(context, project, options.base)
    if (base) problems.push(removedLock(base))
  }
  if (problems.length > 0) throw joinErrors(problems.map((problem) => new AigateError('usage', problem)))
  return lock ? chosen : [NO_LOCK]
}

/** The base of this change where it has a lock; null with --no-base, and where no base is found: the guard says that. */
async function baseWithLock(context: Context, project: Project, choice: string | boolean | undefined) {
  if (choice === false) return null
  const ref = typeof choice === 'string' ? choice : undefined
  const base = await baseCommit(project.root, { env: context.env, ref })
  if (!base) return null
  return (await fileAt(project.root, base.commit, LOCK_NAME)) === null ? null : base
}

/** The lock of these suites as it would be written now. */
export async function currentLock(project: Project, suites: LoadedSuite[]): Promise<Lock> {
  const graders = await gradersForLock(project, suites)
  const lockable = suites.map((loaded): LockableSuite => {
    return { loaded, snapshot: snapshotTarget(loaded.target), graders: graders.get(loaded.suite.suite) }
  })
  return lockOf({ config: project.config, suites: lockable, hash: contentHash })
}
