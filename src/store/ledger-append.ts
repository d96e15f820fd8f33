// Writing to the ledger: whole records, one writer at a time, on the disk before anybody is told.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type LedgerEntry, type LedgerRecord, ReleaseManifest } from '../schema/release.ts'
import { appendChained, damaged, sha256Bytes, type Stamp, tornWarning } from './chained-file.ts'
import { withLock } from './ledger-lock.ts'
import { ledgerKind, manifestFile, manifestText, readLedger } from './ledger.ts'
import { fileError, writeText } from './write-text.ts'
import { makeFolderSync } from '../make-folder.ts'

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
    makeFolderSync(folder)
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  return withLock(join(folder, 'ledger.lock'), async () => {
    const ledger = readLedger(folder)
    const [fault] = ledger.faults
    if (fault) throw damaged(fault, ledgerKind)
    const draft = make(ledger.records)
    const entry = draft.kind === 'release' ? sealed(draft.manifest) : draft
    const { record } = appendChained(ledger, ledgerKind, stamp, entry)
    await writeMissingManifests(folder, [...ledger.records, record])
    const warning = tornWarning(ledger)
    return { record, warnings: warning === undefined ? [] : [warning] }
  })
}

/** The entry of a release. Read through the schema first: its keys then stand in the order in which they are read back. */
function sealed(planned: ReleaseManifest): LedgerEntry {
  const manifest = ReleaseManifest.parse(planned)
  return { kind: 'release', manifest, manifest_sha256: sha256Bytes(manifestText(manifest)) }
}

async function writeMissingManifests(folder: string, records: readonly LedgerRecord[]): Promise<void> {
  for (const record of records) {
    if (record.kind !== 'release') continue
    const file = manifestFile(folder, record.manifest.id)
    if (!existsSync(file)) await writeText(file, manifestText(record.manifest))
  }
}
