// What a damaged ledger still tells: its sound beginning, the one that was committed, and later records that fit their own hash.
import { basename } from 'node:path'
import { AigateError } from '../errors.ts'
import { LEDGER_FORMAT, type LedgerRecord } from '../schema/release.ts'
import { bytesOf, damaged, GENESIS } from './chained-file.ts'
import { committedText } from './git.ts'
import { parseJson } from './json-lines.ts'
import { type Ledger, ledgerFile, ledgerKind, readLedger, readRecord } from './ledger.ts'

/**
 * `damage` null: the ledger is sound. Else what is wrong with it, where the records come from, and whether records behind the last
 * of them are lost: then nobody can tell from them what runs.
 */
export type Rescued = {
  records: readonly LedgerRecord[]
  damage: { problem: string; mend: string; from: string; lost: boolean } | null
}

const formats = { format: LEDGER_FORMAT, upgrades: {} }

/** For those who must go on whatever the ledger is: nothing of it is trusted further than its hashes. Throws AigateError `newer_file`. */
export async function rescuedLedger(folder: string): Promise<Rescued> {
  let ledger: Ledger | undefined
  let error: AigateError
  try {
    ledger = readLedger(folder)
    const [fault] = ledger.faults
    if (!fault) return { records: ledger.records, damage: null }
    error = damaged(fault, ledgerKind)
  } catch (failure) {
    if (!(failure instanceof AigateError) || failure.code === 'newer_file') throw failure
    error = failure
  }
  const file = ledgerFile(folder)
  const sound = ledger?.records ?? []
  const committed = soundLines((await committedText(folder, basename(file))) ?? '', file)
  const best = committed.length > sound.length ? committed : sound
  // In a file with an unsettled merge, or one that cannot be read, lines are not told apart.
  const lines = ledger ? bytesOf(file).toString('utf8').split('\n').filter(Boolean) : []
  const later = lines.slice(best.length).flatMap((line) => alone(line, file))
  const records = [...best, ...later.filter(({ seq }) => seq > best.length)]
  const last = records.at(-1)?.seq ?? 0
  const from = best === committed ? `the ${committed.length} records of the last commit` : `the ${sound.length} sound records before it` // biome-ignore format: one choice
  const more = records.length > best.length ? ` and ${records.length - best.length} later ones that fit their own hash` : '' // biome-ignore format: one choice
  const lost = ledger ? lines.length > last : committed.length === 0
  return { records, damage: { problem: error.message, mend: error.mend, from: from + more, lost } }
}

/** The records of a text up to its first fault. */
function soundLines(text: string, file: string): LedgerRecord[] {
  const records: LedgerRecord[] = []
  for (const line of text.split('\n')) {
    const place = { file, record: records.length + 1, head: records.at(-1)?.hash ?? GENESIS }
    const read = readRecord(Buffer.from(line), place, formats)
    if ('problem' in read) break
    records.push(read.record)
  }
  return records
}

/** A record by its own hash, whatever stands before it. */
function alone(line: string, file: string): LedgerRecord[] {
  const value = parseJson(line.replace(/\r$/, ''))
  if (typeof value !== 'object' || value === null || !('seq' in value) || !('prev' in value)) return []
  const read = readRecord(Buffer.from(line), { file, record: Number(value.seq), head: String(value.prev) }, formats)
  return 'record' in read ? [read.record] : []
}
