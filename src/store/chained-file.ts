// An append-only file of JSON lines, each with the hash of the one before it: read, checked byte for byte, and added to.
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type * as z from 'zod'
import { AigateError } from '../errors.ts'
import { conflictLine, firstIssue, jsonLine, parseJson, refuseConflict } from './json-lines.ts'
import { errno, fileError } from './write-text.ts'

export const GENESIS = '0'.repeat(64)
const TAIL = /,"hash":"([0-9a-f]{64})"\}$/
const LINK = /,"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/
/** Bytes of `,"prev":"…","hash":"…"}`. */
const LINK_BYTES = 150
const LF = 10

/** How records of older formats become records of `format`: `upgrades[v]` makes format v + 1 of format v. */
export type Formats = {
  format: number
  upgrades: Readonly<Record<number, (record: Record<string, unknown>) => Record<string, unknown>>>
}

type Linked = { seq: number; prev: string; hash: string }
/** A kind of chained file: its records, and the words for it. */
export type ChainedKind<R extends Linked> = Formats & {
  /** Value of the key `aigate` of each record. */
  aigate: string
  /** What it is called in sentences: `the ledger`. */
  name: string
  mend: string
  schema: z.ZodType<R>
  /** The version that the schema asks for and that is written. */
  version: number
}

/** What is wrong, and with which record: `record` counts from 1 and is the line of the file; null: a file beside it. */
export type ChainFault = { record: number | null; file: string; problem: string }
/** Up to where a reader knows the records already. */
export type ChainMark = { seq: number; head: string }
/**
 * A chained file as it stands. `records` are those before the first fault (behind the mark, where one was given).
 * `count`: all of them. `head`: hash of the last. `torn`: bytes at the end that are the beginning of a record that was
 * never finished. `unended`: a complete last record that lacks its line end. `size`: bytes that are whole records.
 */
export type Chain<R> = {
  file: string
  records: R[]
  count: number
  faults: ChainFault[]
  torn: number
  head: string
  unended: boolean
  size: number
}

export const sha256Bytes = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** The bytes of a file, none where there is no file. Throws AigateError `cannot_read`. */
export function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    if (errno(error) === 'ENOENT') return Buffer.alloc(0)
    throw fileError(file, error, 'read')
  }
}

/**
 * Reads a chained file, damaged or not. No file is an empty one. Records up to `from` are held to their hashes and
 * links but not understood again, which is most of the work. Where `from` is not of this file, all records come back.
 * Throws AigateError `newer_file` for a record of a newer format, `bad_file` for an unsettled merge, `cannot_read`.
 */
export function readChain<R extends Linked>(file: string, kind: ChainedKind<R>, from?: ChainMark): Chain<R> {
  const chain: Chain<R> = { file, records: [], count: 0, faults: [], torn: 0, head: GENESIS, unended: false, size: 0 }
  const bytes = bytesOf(file)
  refuseConflict(file, bytes.includes('<<<<<<<') ? conflictLine(bytes.toString('utf8')) : undefined)
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LF, start)
    const line = bytes.subarray(start, end === -1 ? bytes.length : end)
    const place = { file, record: chain.count + 1, head: chain.head }
    const known = from !== undefined && place.record <= from.seq ? linkOf(line, place) : undefined
    const read = known ?? readChained(line, place, kind)
    if ('problem' in read) {
      // The beginning of a record was cut off by a crash; a whole record with something behind it was changed later.
      const torn = end === -1 && !/"prev":"[0-9a-f]{64}","hash":"[0-9a-f]{64}"/.test(line.toString('utf8'))
      if (torn) chain.torn = line.length
      else chain.faults.push({ record: place.record, file, problem: read.problem })
      return chain
    }
    if ('record' in read) chain.records.push(read.record)
    chain.count += 1
    chain.head = 'record' in read ? read.record.hash : read.hash
    if (chain.count === from?.seq && chain.head !== from.head) return readChain(file, kind)
    chain.unended = end === -1
    chain.size = end === -1 ? bytes.length : end + 1
    start = end === -1 ? bytes.length : end + 1
  }
  return from !== undefined && chain.count < from.seq ? readChain(file, kind) : chain
}

/** The hash of a line that follows `place.head` and is as it was written; undefined: it has to be looked at closely. */
function linkOf(line: Buffer, place: { head: string }): { hash: string } | undefined {
  const tail = LINK.exec(line.subarray(-LINK_BYTES).toString('latin1'))
  const [, prev, hash] = tail ?? []
  if (hash === undefined || prev !== place.head) return undefined
  return sha256Bytes(line.subarray(0, -`,"hash":"${hash}"}`.length)) === hash ? { hash } : undefined
}

/**
 * One line. Its hash is that of its very bytes, so that nothing in it can be other than it was written; it is checked
 * before the record is understood, in whatever format it is.
 */
export function readChained<R extends Linked>(
  written: Buffer,
  place: { file: string; record: number; head: string },
  kind: ChainedKind<R>,
): { record: R } | { problem: string } {
  const none = `it is no record of ${kind.name}`
  const line = written.at(-1) === 13 ? written.subarray(0, -1) : written
  const text = line.toString('utf8')
  const hash = TAIL.exec(text)?.[1]
  const value = parseJson(text)
  if (hash === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: none }
  const length = Buffer.byteLength(`,"hash":"${hash}"}`)
  if (sha256Bytes(line.subarray(0, -length)) !== hash) return { problem: 'its content does not fit its hash' }
  let raw = value as Record<string, unknown>
  const version = Number(raw.version)
  if (version > kind.format)
    throw new AigateError(
      'newer_file',
      { kind: `a record of ${kind.name}`, version, known: kind.format },
      { file: place.file, line: place.record },
    )
  for (let v = version; v < kind.format; v += 1) raw = kind.upgrades[v]?.(raw) ?? raw
  const read = kind.schema.safeParse({ ...raw, version: kind.version })
  if (!read.success) return { problem: `${none}: ${firstIssue(read.error)}` }
  if (read.data.seq !== place.record || read.data.prev !== place.head)
    return {
      problem: `it does not follow the record before it (it is number ${read.data.seq}): a record was replaced, removed or put in`,
    }
  return { record: read.data }
}

/** The error for a damaged record. */
export function damaged(
  { record, file, problem }: ChainFault,
  kind: Pick<ChainedKind<Linked>, 'name' | 'mend'>,
): AigateError {
  const what = record === null ? problem : `Record ${record} of ${kind.name} is damaged: ${problem}.`
  return new AigateError('bad_file', { problem: what, mend: kind.mend }, { file, line: record ?? undefined })
}

/** The sentence about bytes of a record that a crash cut off; undefined where there are none. */
export function tornWarning({ file, torn }: Chain<unknown>): string | undefined {
  if (torn === 0) return undefined
  return `${file}: ${torn} bytes of a record that was never finished were cut off (a crash while it was written).`
}

export type Stamp = { at: string; by: string }

/**
 * Adds one record to a chain that its caller holds the lock of; it is on the disk, as a whole, when this returns.
 * What could not be read back is never written. The chain that comes back has the new record only in `records`.
 * Throws AigateError `bad_file` for a damaged chain and one that somebody else wrote to, and the errors of the disk.
 */
export function appendChained<R extends Linked>(
  chain: Chain<unknown>,
  kind: ChainedKind<R>,
  stamp: Stamp,
  entry: object,
): Chain<R> & { record: R } {
  const [fault] = chain.faults
  if (fault) throw damaged(fault, kind)
  const { file, head } = chain
  const seq = chain.count + 1
  const { aigate, version } = kind
  const open = jsonLine({ aigate, version, seq, at: stamp.at, by: stamp.by, ...entry, prev: head }).slice(0, -1)
  const line = `${open},"hash":"${sha256Bytes(open)}"}`
  const read = readChained(Buffer.from(line), { file, record: seq, head }, kind)
  if ('problem' in read) throw damaged({ record: null, file, problem: `Not written: ${read.problem}.` }, kind)
  const size = appendLine(chain, `${line}\n`, kind)
  const { record } = read
  return { file, records: [record], count: seq, faults: [], torn: 0, head: record.hash, unended: false, size, record }
}

/** Writes whole lines and waits until the disk has them; what the disk takes only in part is taken back. */
function appendLine(chain: Chain<unknown>, line: string, kind: Pick<ChainedKind<Linked>, 'name' | 'mend'>): number {
  const { file, size, unended, torn } = chain
  const bytes = Buffer.from(unended ? `\n${line}` : line)
  try {
    const fd = openSync(file, 'a')
    try {
      // Whoever held the lock too long has lost it; what was read is then no longer the end of the file.
      if (fstatSync(fd).size !== size + torn)
        throw damaged({ record: null, file, problem: `Somebody else has written to ${kind.name} meanwhile.` }, again)
      if (torn > 0) ftruncateSync(fd, size)
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
        fsyncSync(fd)
      } catch (error) {
        takeBack(fd, size)
        throw error
      }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw fileError(file, error, 'write')
  }
  return size + bytes.length
}
function takeBack(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size)
  } catch {
    // What stands there is then a torn line, which the next append cuts off; the first error is the one to tell.
  }
}
const again = { name: '', mend: 'Run the command again.' }
