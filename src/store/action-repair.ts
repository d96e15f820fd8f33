// A damaged journal of actions is put aside, and goes on with all of its records that are still to be trusted.
import { ActionEntry, type ActionRecord } from '../schema/action-journal.ts'
import { actionKind, actionsFile, openActions, withActions } from './action-journal.ts'
import { damaged, readChain } from './chained-file.ts'
import { type Damage, putAside } from './damaged-journal.ts'

/** The records before the first damaged one. `problem`: the sentence about it. Throws AigateError `newer_file`, `cannot_read`. */
export function soundActions(folder: string): { records: ActionRecord[]; problem: string | undefined } {
  const { records, faults } = readChain(actionsFile(folder), actionKind)
  const [fault] = faults
  return { records, problem: fault && damaged(fault, actionKind).message }
}

/**
 * Takes the lock of the actions only where there is damage. Records behind the fault whose content fits their own hash are
 * written anew with their time, at the end of those before it. null: it is sound.
 * Throws AigateError `runner_busy`, `newer_file`, and the errors of the disk.
 */
export async function mendActions(folder: string): Promise<Damage | null> {
  if (readChain(actionsFile(folder), actionKind).faults.length === 0) return null
  return withActions(folder, 'runner', () => {
    const found = putAside(readChain(actionsFile(folder), actionKind))
    if (found === null) return null
    let { lost } = found.damage
    let stamp = { at: '', by: '' }
    const log = openActions(folder, () => stamp)
    for (const { aigate: _, version: __, seq: ___, prev: ____, hash: _____, at, by, ...rest } of found.sound) {
      const entry = ActionEntry.safeParse(rest)
      if (!entry.success || typeof at !== 'string' || typeof by !== 'string') {
        lost += 1
        continue
      }
      stamp = { at, by }
      log.add(entry.data)
    }
    return { ...found.damage, lost }
  })
}
