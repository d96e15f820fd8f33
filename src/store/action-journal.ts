// The journal of actions on production, shared by every verb that acts: append-only, hash-chained, one writer at a time.
import { join } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { ACTION_JOURNAL_FORMAT, type ActionEntry, ActionRecord } from '../schema/action-journal.ts'
import { appendChained, type Chain, type ChainedKind, damaged, readChain, type Stamp, tornWarning } from './chained-file.ts' // biome-ignore format: one list
import { withLock } from './ledger-lock.ts'
import { fileError } from './write-text.ts'
import { makeFolderSync } from '../make-folder.ts'

export const actionKind: ChainedKind<ActionRecord> = {
  aigate: 'actions',
  name: 'the journal of actions',
  mend: 'Take it as it was from a copy, or move it away: a new one begins by itself; never mend a record.',
  schema: ActionRecord,
  format: ACTION_JOURNAL_FORMAT,
  version: ACTION_JOURNAL_FORMAT,
  upgrades: {},
}

/** The absolute folder of the journal, with its lock. */
export const actionsFolder = ({ root, config }: Project): string => join(root, config.action_journal)
export const actionsFile = (folder: string): string => join(folder, 'journal.jsonl')

/**
 * All records, oldest first; no file is an empty journal. `torn`: a sentence about a record that a crash cut off.
 * Throws AigateError `bad_file` at the first damaged record, `newer_file`, `cannot_read`.
 */
export function readActions(folder: string): { records: ActionRecord[]; torn: string | undefined } {
  const chain = readChain(actionsFile(folder), actionKind)
  const [fault] = chain.faults
  if (fault) throw damaged(fault, actionKind)
  return { records: chain.records, torn: tornWarning(chain) }
}

/** `add` puts one record on the disk before it returns; it is synchronous, so that lanes that run beside each other may share it. */
export type ActionLog = { records: readonly ActionRecord[]; add(entry: ActionEntry): ActionRecord }

/**
 * Opens the journal for adding. The caller holds the lock of `withActions`. `stamp` is asked at every record.
 * `add` throws AigateError `cannot_write`, `disk_trouble`, and `bad_file` where somebody else wrote meanwhile.
 */
export function openActions(folder: string, stamp: () => Stamp): ActionLog {
  let chain: Chain<ActionRecord> = readChain(actionsFile(folder), actionKind)
  const [fault] = chain.faults
  if (fault) throw damaged(fault, actionKind)
  const records = [...chain.records]
  return {
    records,
    add(entry) {
      const { record, ...next } = appendChained(chain, actionKind, stamp(), entry)
      chain = next
      records.push(record)
      return record
    },
  }
}

/** About five seconds for a runner, which comes again, thirty for a person, and one for a kill, which cannot wait. */
const looks = { runner: 200, person: 1200, kill: 40 } as const

/**
 * Does `work` as the only one of this machine and this folder that acts on production.
 * Throws AigateError `runner_busy`, which says who is at it, and the errors of the disk.
 */
export async function withActions<T>(folder: string, who: keyof typeof looks, work: () => T | Promise<T>): Promise<T> {
  try {
    makeFolderSync(folder)
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  const taken = (file: string, owner: string) =>
    new AigateError('runner_busy', { file, owner, what: 'the actions on production' })
  return withLock(join(folder, 'lock'), work, { looks: looks[who], heartbeat: true, taken })
}
