// The ledger of releases, read: releases/ledger.jsonl, append-only and hash-chained, and a readable manifest file a release.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { LEDGER_FORMAT, LedgerRecord, type ReleaseManifest } from '../schema/release.ts'
import { conflictLine, firstIssue, parseJson, refuseConflict } from './json-lines.ts'
import { errno, fileError } from './write-text.ts'

const GENESIS = '0'.repeat(64)
const TAIL = /,"hash":"([0-9a-f]{64})"\}$/
const LF = 10
const mend =
  'Take releases/ as it was from git (git log -p releases/ledger.jsonl shows it); never mend a record by hand.'

/** What is wrong, and with which record: `record` counts from 1 and is the line of the ledger; null: a file beside it. */
export type LedgerFault = { record: number | null; file: string; problem: string }
/**
 * The ledger as it stands. `records` are those before the first fault. `head`: hash of the last of them.
 * `torn`: bytes at the end that are the beginning of a record that was never finished.
 */
export type Ledger = {
  file: string
  records: LedgerRecord[]
  faults: LedgerFault[]
  torn: number
  head: string
  /** A complete last record that lacks its line end. */
  unended: boolean
  /** Bytes of the file that are whole records. */
  size: number
}

/** How records of older formats become records of `format`: `upgrades[v]` makes format v + 1 of format v. */
export type Formats = {
  format: number
  upgrades: Readonly<Record<number, (record: Record<string, unknown>) => Record<string, unknown>>>
}
export const formats: Formats = { format: LEDGER_FORMAT, upgrades: {} }

/** The absolute folder of the ledger of a project. */
export const releasesFolder = ({ root, config }: Project): string => join(root, config.releases.folder)
export const ledgerFile = (folder: string): string => join(folder, 'ledger.jsonl')
export const manifestFile = (folder: string, id: string): string => join(folder, `${id}.yaml`)
export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** The manifest as its file holds it. */
export const manifestText = (manifest: ReleaseManifest): string =>
  `# Written by aigate; releases/ledger.jsonl holds its hash. Record a new release instead of changing it.\n${stringify(manifest, { lineWidth: 0 })}`

/**
 * Reads the ledger of a folder (absolute), damaged or not. No file is an empty ledger.
 * Throws AigateError `newer_file` for a record of a newer format, `bad_file` for an unsettled merge, `cannot_read`.
 */
export function readLedger(folder: string): Ledger {
  const file = ledgerFile(folder)
  const ledger: Ledger = { file, records: [], faults: [], torn: 0, head: GENESIS, unended: false, size: 0 }
  const bytes = bytesOf(file)
  refuseConflict(file, bytes.includes('<<<<<<<') ? conflictLine(bytes.toString('utf8')) : undefined)
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LF, start)
    const line = bytes.subarray(start, end === -1 ? bytes.length : end)
    const record = ledger.records.length + 1
    const read = readRecord(line, { file, record, head: ledger.head }, formats)
    if ('problem' in read) {
      // The beginning of a record was cut off by a crash; a whole record with something behind it was changed later.
      const torn = end === -1 && !/"prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}"/.test(line.toString('utf8'))
      if (torn) ledger.torn = line.length
      else ledger.faults.push({ record, file, problem: read.problem })
      return ledger
    }
    ledger.records.push(read.record)
    ledger.head = read.record.hash
    ledger.unended = end === -1
    ledger.size = end === -1 ? bytes.length : end + 1
    start = end === -1 ? bytes.length : end + 1
  }
  return ledger
}

export function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    if (errno(error) === 'ENOENT') return Buffer.alloc(0)
    throw fileError(file, error, 'read')
  }
}

/**
 * One line of the ledger. Its hash is that of its very bytes, so that nothing in it can be other than it was written;
 * it is checked before the record is understood, in whatever format it is.
 */
export function readRecord(
  written: Buffer,
  place: { file: string; record: number; head: string },
  { format, upgrades }: Formats,
): { record: LedgerRecord } | { problem: string } {
  const line = written.at(-1) === 13 ? written.subarray(0, -1) : written
  const text = line.toString('utf8')
  const hash = TAIL.exec(text)?.[1]
  const value = parseJson(text)
  if (hash === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'it is no record of the ledger' }
  const length = Buffer.byteLength(`,"hash":"${hash}"}`)
  if (sha256(line.subarray(0, -length)) !== hash) return { problem: 'its content does not fit its hash' }
  let raw = value as Record<string, unknown>
  const version = Number(raw.version)
  if (version > format) throw newer(place.file, place.record, version, format)
  for (let v = version; v < format; v += 1) raw = upgrades[v]?.(raw) ?? raw
  const read = LedgerRecord.safeParse({ ...raw, version: LEDGER_FORMAT })
  if (!read.success) return { problem: `it is no record of the ledger: ${firstIssue(read.error)}` }
  if (read.data.seq !== place.record || read.data.prev !== place.head)
    return {
      problem: `it does not follow the record before it (it is number ${read.data.seq}): a record was replaced, removed or put in`,
    }
  return { record: read.data }
}

const newer = (file: string, record: number, version: number, known: number) =>
  new AigateError('newer_file', { kind: 'a record of the ledger', version, known }, { file, line: record })

/** The records of a sound ledger. Throws AigateError `bad_file` at the first record that is damaged. */
export function soundRecords(folder: string): LedgerRecord[] {
  const { records, faults } = readLedger(folder)
  const [fault] = faults
  if (fault) throw damaged(fault)
  return records
}

export function damaged({ record, file, problem }: LedgerFault): AigateError {
  const what = record === null ? problem : `Record ${record} of the ledger is damaged: ${problem}.`
  return new AigateError('bad_file', { problem: what, mend }, { file, line: record ?? undefined })
}
