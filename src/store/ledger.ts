// The ledger of releases, read: releases/ledger.jsonl, append-only and hash-chained, and a readable manifest file a release.
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Project } from '../ports.ts'
import { LEDGER_FORMAT, LedgerRecord, type ReleaseManifest } from '../schema/release.ts'
import {
  type Chain,
  type ChainedKind,
  type ChainFault,
  damaged,
  type Formats,
  readChain,
  readChained,
} from './chained-file.ts'

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
export const ledgerKind = kindOf(formats)

/** The absolute folder of the ledger of a project. */
export const releasesFolder = ({ root, config }: Project): string => join(root, config.releases.folder)
export const ledgerFile = (folder: string): string => join(folder, 'ledger.jsonl')
export const manifestFile = (folder: string, id: string): string => join(folder, `${id}.yaml`)

/** The manifest as its file holds it. */
export const manifestText = (manifest: ReleaseManifest): string =>
  `# Written by aigate; releases/ledger.jsonl holds its hash. Record a new release instead of changing it.\n${stringify(manifest, { lineWidth: 0 })}`

/**
 * Reads the ledger of a folder (absolute), damaged or not. No file is an empty ledger.
 * Throws AigateError `newer_file` for a record of a newer format, `bad_file` for an unsettled merge, `cannot_read`.
 */
export function readLedger(folder: string): Ledger {
  return readChain(ledgerFile(folder), ledgerKind)
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
  if (fault) throw damaged(fault, ledgerKind)
  return records
}
