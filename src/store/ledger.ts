// The ledger of releases: releases/ledger.jsonl, append-only and hash-chained, and a readable manifest file a release.
import { existsSync, mkdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { LEDGER_FORMAT, type LedgerEntry, LedgerRecord, ReleaseManifest } from '../schema/release.ts'
import { appendChained, bytesOf, type Chain, type ChainedKind, type ChainFault, damaged, type Formats, readChain, readChained, sha256Bytes as sha256, type Stamp, tornWarning } from './chained-file.ts' // biome-ignore format: one list
import { withLock } from './ledger-lock.ts'
import { fileError, writeText } from './write-text.ts'

export type Ledger = Chain<LedgerRecord>
export type LedgerFault = ChainFault

const formats: Formats = { format: LEDGER_FORMAT, upgrades: {} }
const kindOf = ({ format, upgrades }: Formats): ChainedKind<LedgerRecord> => ({
  aigate: 'ledger',
  name: 'the ledger',
  mend: 'Take releases/ as it was from git (git log -p releases/ledger.jsonl shows it); never mend a record by hand.',
  schema: LedgerRecord,
  version: LEDGER_FORMAT,
  format,
  upgrades,
})
const kind = kindOf(formats)

export const ledgerFile = (folder: string): string => join(folder, 'ledger.jsonl')
const manifestFile = (folder: string, id: string): string => join(folder, `${id}.yaml`)

/** The manifest as its file holds it. */
export const manifestText = (manifest: ReleaseManifest): string =>
  `# Written by aigate; releases/ledger.jsonl holds its hash. Record a new release instead of changing it.\n${stringify(manifest, { lineWidth: 0 })}`

/**
 * Reads the ledger of a folder (absolute), damaged or not. No file is an empty ledger.
 * Throws AigateError `newer_file` for a record of a newer format, `bad_file` for an unsettled merge, `cannot_read`.
 */
export function readLedger(folder: string): Ledger {
  return readChain(ledgerFile(folder), kind)
}

/** One line of the ledger, by its hash, its form and its place; see `readChained`. */
export function readRecord(
  written: Buffer,
  place: { file: string; record: number; head: string },
  known: Formats,
): { record: LedgerRecord } | { problem: string } {
  return readChained(written, place, kindOf(known))
}

/** The records of a sound ledger. Throws AigateError `bad_file` at the first record that is damaged. */
export function soundRecords(folder: string): LedgerRecord[] {
  const { records, faults } = readLedger(folder)
  const [fault] = faults
  if (fault) throw damaged(fault, kind)
  return records
}

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
    if (fault) throw damaged(fault, kind)
    const draft = make(ledger.records)
    const entry = draft.kind === 'release' ? sealed(draft.manifest) : draft
    const { record } = appendChained(ledger, kind, stamp, entry)
    await writeMissingManifests(folder, [...ledger.records, record])
    const warning = tornWarning(ledger)
    return { record, warnings: warning === undefined ? [] : [warning] }
  })
}

/** The entry of a release. Read through the schema first: its keys then stand in the order in which they are read back. */
function sealed(planned: ReleaseManifest): LedgerEntry {
  const manifest = ReleaseManifest.parse(planned)
  return { kind: 'release', manifest, manifest_sha256: sha256(manifestText(manifest)) }
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
