// What is known between two looks, on disk: tables of units, of recent events and of open minutes in one binary file.
import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import process from 'node:process'
import { join } from 'node:path'
import { AigateError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'
import type { Known } from './counting.ts'
import type { HashTable, Recent } from './hash-table.ts'
import type { Pending } from './pending.ts'

const MAGIC = 'aigate-units'
const FORMAT = 1
const NAME = /^units-[0-9a-f]{16}\.bin$/
/** What a writer that was killed has left; one rollout has one writer at a time. */
const DRAFT = /^\.units-[0-9a-f]{16}\.bin\..*\.tmp$/
/** Where the arrays begin: the header is filled up with blanks to a multiple of this, the length before it included. */
const ALIGN = 8

/** Names a file of this folder and what its bytes must be. */
type KnownFile = { file: string; checksum: string }
/** The part that is kept in the file. */
type Tables = Pick<Known, 'units' | 'ids' | 'answers' | 'pending'>

type RecentHead = { since: number; young: TableHead; old: TableHead }
type TableHead = { columns: number; size: number; words: number }
type Head = {
  magic: string
  format: number
  units: TableHead & { halvings: number; most: number }
  ids: RecentHead
  answers: RecentHead
  pending: { width: number; length: number; minutes: { start: number; count: number }[] }
}

/**
 * Writes the tables as a whole under a name of their own content, so that the file of the last look that was journaled
 * stays until the next one was (`before`). Throws AigateError `source_failed` where the disk does not take it.
 */
export async function saveTables(folder: string, tables: Tables, before?: KnownFile): Promise<KnownFile> {
  const parts = partsOf(tables)
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  const checksum = hash.digest('hex')
  const file = `units-${checksum.slice(0, 16)}.bin`
  try {
    await makeFolder(folder)
    const draft = join(folder, `.${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`)
    try {
      const handle = await open(draft, 'wx')
      try {
        for (const part of parts) await handle.writeFile(part)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, join(folder, file))
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined)
      throw error
    }
    for (const old of await readdir(folder))
      if (DRAFT.test(old) || (NAME.test(old) && old !== file && old !== before?.file))
        await rm(join(folder, old), { force: true })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    const problem = `its table of units could not be written to ${folder} (${String(error.code)})`
    throw new AigateError('source_failed', { problem, mend: 'Make room, or allow writing there.' })
  }
  return { file, checksum }
}

/** The tables as they were saved; undefined where the file is lost, damaged or of another format. */
export async function loadTables(folder: string, { file, checksum }: KnownFile): Promise<Tables | undefined> {
  if (!NAME.test(file)) return undefined
  const bytes = await readFile(join(folder, file)).catch(() => undefined)
  if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== checksum) return undefined
  const length = bytes.readUInt32LE(0)
  const head = JSON.parse(bytes.toString('utf8', 4, 4 + length)) as Head
  if (head.magic !== MAGIC || head.format !== FORMAT) return undefined
  let at = 4 + length
  const take = (size: number): ArrayBuffer => {
    const part = new Uint8Array(bytes.subarray(at, at + size)).buffer
    at += size
    return part
  }
  const minutes: Pending['minutes'] = new Map()
  for (const { start, count } of head.pending.minutes)
    minutes.set(start, { rows: new Float64Array(take(count * head.pending.width * 8)), count })
  const table = ({ columns, size, words }: TableHead): HashTable => ({
    columns,
    size,
    data: new Uint32Array(take(words * 4)),
  })
  const recent = ({ since, young, old }: RecentHead): Recent => ({ since, young: table(young), old: table(old) })
  const { halvings, most } = head.units
  const units = { table: table(head.units), halvings, most }
  return {
    units,
    ids: recent(head.ids),
    answers: recent(head.answers),
    pending: { width: head.pending.width, length: head.pending.length, minutes },
  }
}

/** The header and the arrays; numbers as the machine has them, which is little-endian wherever Node runs. */
function partsOf({ units, ids, answers, pending }: Tables): Uint8Array[] {
  const table = ({ columns, size, data }: HashTable): TableHead => ({ columns, size, words: data.length })
  const recent = ({ since, young, old }: Recent): RecentHead => ({ since, young: table(young), old: table(old) })
  const minutes = [...pending.minutes].toSorted(([a], [b]) => a - b)
  const head: Head = {
    magic: MAGIC,
    format: FORMAT,
    units: { ...table(units.table), halvings: units.halvings, most: units.most },
    ids: recent(ids),
    answers: recent(answers),
    pending: {
      width: pending.width,
      length: pending.length,
      minutes: minutes.map(([start, { count }]) => ({ start, count })),
    },
  }
  const text = JSON.stringify(head)
  const padded = Buffer.from(text.padEnd(Math.ceil((Buffer.byteLength(text) + 4) / ALIGN) * ALIGN - 4))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(padded.length)
  const bytesOf = (array: Uint32Array | Float64Array) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  return [
    length,
    padded,
    ...minutes.map(([, { rows, count }]) => bytesOf(rows.subarray(0, count * pending.width))),
    ...[units.table, ids.young, ids.old, answers.young, answers.old].map(({ data }) => bytesOf(data)),
  ]
}
