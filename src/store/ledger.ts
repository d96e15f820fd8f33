// The ledger of releases: releases/ledger.jsonl, append-only and hash-chained, and a readable manifest file a release.
import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { AigateError } from '../errors.ts'
import { LEDGER_FORMAT, type LedgerEntry, LedgerRecord, ReleaseManifest } from '../schema/release.ts'
import { conflictLine, firstIssue, jsonLine, parseJson, refuseConflict } from './json-lines.ts'
import { withLock } from './ledger-lock.ts'
import { errno, fileError, writeText } from './write-text.ts'

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
const formats: Formats = { format: LEDGER_FORMAT, upgrades: {} }

export const ledgerFile = (folder: string): string => join(folder, 'ledger.jsonl')
const manifestFile = (folder: string, id: string): string => join(folder, `${id}.yaml`)
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

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

function bytesOf(file: string): Buffer {
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

function damaged({ record, file, problem }: LedgerFault): AigateError {
  const what = record === null ? problem : `Record ${record} of the ledger is damaged: ${problem}.`
  return new AigateError('bad_file', { problem: what, mend }, { file, line: record ?? undefined })
}

export type Stamp = { at: string; by: string }
type Draft =
  | Exclude<LedgerEntry, { kind: 'release' }>
  | Omit<Extract<LedgerEntry, { kind: 'release' }>, 'manifest_sha256'>

/**
 * Appends what `make` returns for the records so far. One writer at a time; the record is on the disk, as a whole, when
 * this resolves. The end of a record that a crash cut off is removed, and `warnings` says so. The manifest file is
 * written after the record: when it is missing, the next append writes it.
 * Throws AigateError `bad_file` when the ledger is damaged (nothing is written then), and the errors of lock and disk.
 */
export async function appendRecord(
  folder: string,
  stamp: Stamp,
  make: (records: readonly LedgerRecord[]) => Draft,
): Promise<{ record: LedgerRecord; warnings: string[] }> {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  return withLock(join(folder, 'ledger.lock'), async () => {
    const ledger = readLedger(folder)
    const [fault] = ledger.faults
    if (fault) throw damaged(fault)
    const draft = make(ledger.records)
    const entry = draft.kind === 'release' ? sealed(draft.manifest) : draft
    const seq = ledger.records.length + 1
    const open = jsonLine({
      aigate: 'ledger',
      version: LEDGER_FORMAT,
      seq,
      at: stamp.at,
      by: stamp.by,
      ...entry,
      prev: ledger.head,
    }).slice(0, -1)
    const line = `${open},"hash":"${sha256(open)}"}`
    const read = readRecord(Buffer.from(line), { file: ledger.file, record: seq, head: ledger.head }, formats)
    // What could not be read back must never be written.
    if ('problem' in read) throw damaged({ record: null, file: ledger.file, problem: `Not written: ${read.problem}.` })
    appendLine(ledger, `${line}\n`)
    await writeMissingManifests(folder, [...ledger.records, read.record])
    const warnings =
      ledger.torn > 0
        ? [
            `${ledger.file}: ${ledger.torn} bytes of a record that was never finished were cut off (a crash while it was written).`,
          ]
        : []
    return { record: read.record, warnings }
  })
}

/** The entry of a release. Read through the schema first: its keys then stand in the order in which they are read back. */
function sealed(planned: ReleaseManifest): LedgerEntry {
  const manifest = ReleaseManifest.parse(planned)
  return { kind: 'release', manifest, manifest_sha256: sha256(manifestText(manifest)) }
}

/** Writes whole lines and waits until the disk has them; what the disk takes only in part is taken back. */
function appendLine(ledger: Ledger, line: string): void {
  const { file, size, unended } = ledger
  try {
    const fd = openSync(file, 'a')
    try {
      if (ledger.torn > 0) ftruncateSync(fd, size)
      const bytes = Buffer.from(unended ? `\n${line}` : line)
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
        fsyncSync(fd)
      } catch (error) {
        ftruncateSync(fd, size)
        throw error
      }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw fileError(file, error, 'write')
  }
}

async function writeMissingManifests(folder: string, records: readonly LedgerRecord[]): Promise<void> {
  for (const record of records) {
    if (record.kind !== 'release') continue
    const file = manifestFile(folder, record.manifest.id)
    if (!existsSync(file)) await writeText(file, manifestText(record.manifest))
  }
}

/** `committed`: the ledger as the last commit has it, which must be the beginning of the ledger; null: not in git. */
export type VerifyOptions = { committed: string | null; head?: string | undefined }
export type Verification = { records: number; head: string; faults: LedgerFault[]; warnings: string[] }

/**
 * Checks every byte: each record against its hash and the record before it, each manifest file against its record, and
 * the beginning against git. A chain alone cannot tell that its last records were removed; a manifest file without a
 * record, the last commit and `head` (a hash that was noted elsewhere) do.
 * Throws AigateError `newer_file` and `cannot_read`; whatever else is wrong is a fault in the result.
 */
export async function verifyLedger(folder: string, { committed, head }: VerifyOptions): Promise<Verification> {
  const ledger = readLedger(folder)
  const { records, file } = ledger
  const faults = [...ledger.faults]
  const warnings: string[] = []
  if (ledger.torn > 0)
    warnings.push(`The last ${ledger.torn} bytes are a record that was never finished; the next one cuts them off.`)
  const text = bytesOf(file).toString('utf8').replaceAll('\r\n', '\n')
  if (committed !== null && !text.startsWith(committed.replaceAll('\r\n', '\n')))
    faults.push({
      record: null,
      file,
      problem: 'The ledger of the last commit is not its beginning: it was rewritten.',
    })
  if (head !== undefined && !records.some(({ hash }) => hash.startsWith(head)))
    faults.push({ record: null, file, problem: `No record has the hash ${head}: records were removed or rewritten.` })
  const known = new Set<string>()
  for (const record of records) {
    if (record.kind !== 'release') continue
    const manifest = manifestFile(folder, record.manifest.id)
    known.add(`${record.manifest.id}.yaml`)
    if (!existsSync(manifest))
      warnings.push(`${manifest} is missing; the ledger has its content, and the next record writes it.`)
    else if (sha256(withLf(bytesOf(manifest))) !== record.manifest_sha256)
      faults.push({ record: record.seq, file: manifest, problem: 'its manifest file was changed' })
  }
  // Behind a damaged record nothing was read, so that a manifest without a record says nothing more.
  const orphans =
    faults.length > 0 || !existsSync(folder)
      ? []
      : (await readdir(folder)).filter((name) => isManifest(name) && !known.has(name))
  for (const name of orphans)
    faults.push({
      record: null,
      file: join(folder, name),
      problem: 'This manifest has no record: the end of the ledger was removed.',
    })
  return { records: records.length, head: ledger.head, faults, warnings }
}

const isManifest = (name: string) => /^\d{4}-\d{2}-\d{2}\.\d+\.yaml$/.test(name)

/** As it was written, also in a checkout that turns line ends: latin1 keeps every byte as it is. */
const withLf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
