// The journal of a guard: append-only and hash-chained; a long one is put aside and goes on in a new file.
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../ports.ts'
import { GUARD_JOURNAL_FORMAT, type GuardEntry, GuardRecord } from '../schema/guard-journal.ts'
import {
  appendChained,
  type Chain,
  type ChainedKind,
  damaged,
  readChain,
  type Stamp,
  tornWarning,
} from './chained-file.ts'
import { type Damage, putAside } from './damaged-journal.ts'
import { fileError } from './write-text.ts'
import { makeFolderSync } from '../make-folder.ts'

export const guardKind: ChainedKind<GuardRecord> = {
  aigate: 'guard',
  name: 'the journal of the guard',
  mend: 'Take the journal as it was from a copy, or put it aside: the guard then begins anew. Never mend a record.',
  schema: GuardRecord,
  format: GUARD_JOURNAL_FORMAT,
  version: GUARD_JOURNAL_FORMAT,
  upgrades: {},
}

export type GuardJournal = { folder: string; chain: Chain<GuardRecord>; warnings: string[] }

/** The absolute folder of a guard: its journal, its lock, and what its source keeps. */
export const guardFolder = ({ root, config }: Project, guard: string): string =>
  join(root, config.rollout_journals, '..', 'guards', ...guard.split('/'))

const present = (folder: string) => join(folder, 'journal.jsonl')
const aside = (folder: string, number: number) => join(folder, `journal.${number}.jsonl`)

/** How many journals of a guard were put aside. */
function countAside(folder: string): number {
  if (!existsSync(folder)) return 0
  const numbers = readdirSync(folder).flatMap((name) => /^journal\.(\d+)\.jsonl$/.exec(name)?.[1] ?? [])
  return Math.max(0, ...numbers.map(Number))
}

/**
 * The journal as it stands; none is an empty one. `before`: where it is empty but others were put aside (a crash between
 * the two), the last of those. Throws AigateError `bad_file` at the first damaged record, `newer_file`, `cannot_read`.
 */
export function readGuardJournal(folder: string): { journal: GuardJournal; before: GuardRecord[]; from: string } {
  const chain = read(present(folder))
  const warning = tornWarning(chain)
  const journal = { folder, chain, warnings: warning === undefined ? [] : [warning] }
  const number = countAside(folder)
  if (chain.count > 0 || number === 0) return { journal, before: [], from: '' }
  const last = readChain(aside(folder, number), guardKind)
  const [fault] = last.faults
  if (fault) journal.warnings.push(`${damaged(fault, guardKind).message} It goes on from the record before.`)
  return { journal, before: last.records, from: `journal.${number}.jsonl` }
}

function read(file: string): Chain<GuardRecord> {
  const chain = readChain(file, guardKind)
  const [fault] = chain.faults
  if (fault) throw damaged(fault, guardKind)
  return chain
}

/** Puts a damaged journal aside and goes on behind its last sound record; the caller holds the lock. null: it is sound. */
export const mendGuardJournal = (folder: string): Damage | null =>
  putAside(readChain(present(folder), guardKind))?.damage ?? null

/** Adds a record; it is on the disk when this returns. The caller holds the lock. Throws the errors of the disk. */
export function appendGuard(
  journal: GuardJournal,
  stamp: Stamp,
  entry: GuardEntry,
): { journal: GuardJournal; record: GuardRecord } {
  try {
    makeFolderSync(journal.folder)
  } catch (error) {
    throw fileError(journal.folder, error, 'write')
  }
  const { record, ...chain } = appendChained(journal.chain, guardKind, stamp, entry)
  return { journal: { ...journal, chain }, record }
}

/** Puts the journal aside. What comes next has to begin with a `carry`. */
export function rotateGuard(folder: string): void {
  renameSync(present(folder), aside(folder, countAside(folder) + 1))
}
