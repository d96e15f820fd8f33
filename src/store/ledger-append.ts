// Writing to the ledger: whole records, one writer at a time, on the disk before anybody is told.
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { LEDGER_FORMAT, type LedgerEntry, type LedgerRecord, ReleaseManifest } from '../schema/release.ts'
import { jsonLine } from './json-lines.ts'
import { withLock } from './ledger-lock.ts'
import { damaged, formats, type Ledger, manifestFile, manifestText, readLedger, readRecord, sha256 } from './ledger.ts'
import { fileError, writeText } from './write-text.ts'

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
