// Checking the ledger: every byte of it, the manifest files beside it, and its beginning against git.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOf, sha256Bytes } from './chained-file.ts'
import { type LedgerFault, manifestFile, readLedger } from './ledger.ts'

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
    else if (sha256Bytes(withLf(bytesOf(manifest))) !== record.manifest_sha256)
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
