// The journal of one rollout: append-only and hash-chained, with the state after it kept beside it, one runner at a time.
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { ROLLOUT_JOURNAL_FORMAT, type RolloutEntry, RolloutRecord } from '../schema/rollout-journal.ts'
import {
  appendChained,
  type Chain,
  type ChainedKind,
  type ChainMark,
  damaged,
  readChain,
  type Stamp,
  tornWarning,
} from './chained-file.ts'
import { parseJson } from './json-lines.ts'
import { withLock } from './ledger-lock.ts'
import { fileError, writeText } from './write-text.ts'
import { makeFolderSync } from '../make-folder.ts'

const kind: ChainedKind<RolloutRecord> = {
  aigate: 'rollout',
  name: 'the journal',
  mend: 'Take the journal as it was from a copy, or end the rollout with `aigate canary abort <rollout> --force` and start it anew; never mend a record.',
  schema: RolloutRecord,
  format: ROLLOUT_JOURNAL_FORMAT,
  version: ROLLOUT_JOURNAL_FORMAT,
  upgrades: {},
}
/** Format of state.json; any other is as if it were not there: the state is folded anew. */
const STATE_FORMAT = 1

/** The absolute folder of a rollout: its journal, its state, its lock, and what its source keeps. */
export const rolloutFolder = ({ root, config }: Project, rollout: string): string =>
  join(root, config.rollout_journals, ...rollout.split('/'))
export const journalFile = (folder: string): string => join(folder, 'journal.jsonl')
const stateFile = (folder: string): string => join(folder, 'state.json')

/** A journal that was read. `chain.records` are all its records, or those behind `mark`. */
export type Journal = { folder: string; chain: Chain<RolloutRecord>; warnings: string[] }

/**
 * Reads the journal of a folder; none is an empty one. With `mark`, records up to it are checked but not returned.
 * Throws AigateError `bad_file` at the first damaged record, `newer_file`, `cannot_read`.
 */
export function readRolloutJournal(folder: string, mark?: ChainMark): Journal {
  const chain = readChain(journalFile(folder), kind, mark)
  const [fault] = chain.faults
  if (fault) throw damaged(fault, kind)
  const warning = tornWarning(chain)
  return { folder, chain, warnings: warning === undefined ? [] : [warning] }
}

/**
 * Adds a record; it is on the disk when this returns. The caller holds the lock (`withRunner`).
 * Throws AigateError `bad_file` where somebody else wrote meanwhile, `disk_trouble`, `cannot_write`.
 */
export function appendEntry(
  journal: Journal,
  stamp: Stamp,
  entry: RolloutEntry,
): { journal: Journal; record: RolloutRecord } {
  const { record, ...chain } = appendChained(journal.chain, kind, stamp, entry)
  return { journal: { ...journal, chain }, record }
}

/** A state with the record that it was folded up to. */
export type Snapshot = { mark: ChainMark; state: unknown }

/** The stored state; undefined where there is none that this code wrote whole. Folding the journal anew is always right. */
export function readSnapshot(folder: string, revision: number): Snapshot | undefined {
  const file = stateFile(folder)
  if (!existsSync(file)) return undefined
  let value: unknown
  try {
    value = parseJson(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { aigate, version, seq, head, state, ...rest } = value as Record<string, unknown>
  if (aigate !== 'rollout-state' || version !== STATE_FORMAT || rest.revision !== revision) return undefined
  if (typeof seq !== 'number' || typeof head !== 'string' || state === undefined) return undefined
  return { mark: { seq, head }, state }
}

/**
 * Keeps a state, as a whole or not at all. `revision`: of the code that folds; a state of another one is not read.
 * Throws AigateError `cannot_write` or `disk_trouble`; nothing is lost then but time.
 */
export async function writeSnapshot(journal: Journal, state: unknown, revision: number): Promise<void> {
  const { count: seq, head } = journal.chain
  const value = { aigate: 'rollout-state', version: STATE_FORMAT, revision, seq, head, state }
  await writeText(stateFile(journal.folder), `${JSON.stringify(value)}\n`)
}

/** About three seconds for a runner, which comes again anyway, and thirty for a person, who does not. */
const looks = { runner: 120, person: 1200 } as const

/**
 * Does `work` as the only one that reads and acts for this rollout. Throws AigateError `runner_busy`, which says who
 * holds it, and the errors of the disk.
 */
export async function withRunner<T>(folder: string, who: keyof typeof looks, work: () => T | Promise<T>): Promise<T> {
  try {
    makeFolderSync(folder)
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  const taken = (file: string, owner: string) => new AigateError('runner_busy', { file, owner })
  return withLock(join(folder, 'lock'), work, { looks: looks[who], heartbeat: true, taken })
}

/** The names of all rollouts that have a journal, sorted. */
export async function journaledRollouts({ root, config }: Project): Promise<string[]> {
  const folder = join(root, config.rollout_journals)
  if (!existsSync(folder)) return []
  const found = await readdir(folder, { recursive: true })
  return found
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('/journal.jsonl'))
    .map((path) => path.slice(0, -'/journal.jsonl'.length))
    .sort()
}
