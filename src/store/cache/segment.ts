// One segment of the answer cache: a file of JSON lines that one process appends to, each line with its own checksum.
import { createHash, hash, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import * as z from 'zod'
import { lateObject } from '../../schema/late-object.ts'
import { isPlainCompletion } from '../../schema/plain-completion.ts'
import { Completion } from '../../schema/run.ts'
import { jsonLine, parseJson } from '../json-lines.ts'
import { errno } from '../write-text.ts'
import { makeFolderSync } from '../../make-folder.ts'

/** The newest format that this code reads. */
export const FORMAT = 1
const HEAD = `${JSON.stringify({ aigate: 'answers', version: FORMAT })}\n`
const CHUNK = 1 << 20

/** What is kept of an answer: only measurements, never a failure. `key`: SHA-256 (hex) of all that decides the answer, trial apart. */
export const CachedAnswer = lateObject(() => ({
  key: z.string().regex(/^[0-9a-f]{64}$/),
  trial: z.int().positive(),
  at: z.iso.datetime(),
  suite: z.string(),
  case: z.string(),
  asked: z.string().describe('For people: what was asked, for example support/answer@1.2.0 with support-main'),
  completion: Completion.extend({ outcome: z.enum(['answered', 'refused', 'truncated']) }).omit({
    error: true,
    replayed: true,
    cached: true,
  }),
}))
export type CachedAnswer = z.infer<typeof CachedAnswer>

/** A line that was found whole: what it answers, when it was asked (ISO 8601), and where it stands. */
export type Found = { name: string; at: string; offset: number; length: number }

/** What a segment is: ours and readable; of a newer aigate; anything else; or written just now and still empty. */
export type SegmentKind = 'ours' | 'newer' | 'foreign' | 'empty'
export type SegmentScan = { kind: SegmentKind; size: number; damaged: number }

export const nameOf = ({ key, trial }: { key: string; trial: number }): string => `${trial} ${key}`

/** The beginning of every line is always the same, so that the index need not parse the rest. */
const START =
  /^\{"sum":"([0-9a-f]{16})","key":"([0-9a-f]{64})","trial":([1-9]\d{0,15}),"at":"(\d{4}-[0-9T:.-]{15,23}Z)",/
/** As a Date writes itself. */
const AT = /^\d{4}-(?:0\d|1[0-2])-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
const START_LENGTH = 180
const BODY_AT = '{"sum":"0123456789abcdef",'.length

const sumOf = (body: Buffer | string): string => hash('sha256', body, 'hex').slice(0, 16)

/** The line of an answer, with its line end. The checksum is over everything behind it. */
export function lineOf({ key, trial, at, suite, case: id, asked, completion }: CachedAnswer): string {
  const body = jsonLine({ key, trial, at, suite, case: id, asked, completion }).slice(1)
  return `{"sum":"${sumOf(body)}",${body}\n`
}

/** What a whole line says; undefined when it is torn, changed, or no answer. */
export function answerOf(line: string): CachedAnswer | undefined {
  const value = parseJson(line)
  if (typeof value !== 'object' || value === null) return undefined
  return plainAnswer(value as Record<string, unknown>) ?? checked(value as Record<string, unknown>)
}

const checked = ({ sum: _sum, ...rest }: Record<string, unknown>) => CachedAnswer.safeParse(rest).data

/** What `lineOf` writes of an ordinary answer, without the schema. */
function plainAnswer(value: Record<string, unknown>): CachedAnswer | undefined {
  const { sum, key, trial, at, suite, case: id, asked, completion } = value
  if (Object.keys(value).length !== 8 || typeof sum !== 'string') return undefined
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key) || !Number.isSafeInteger(trial) || (trial as number) < 1)
    return undefined
  if (typeof at !== 'string' || !AT.test(at) || typeof suite !== 'string' || typeof id !== 'string') return undefined
  if (typeof asked !== 'string' || !isPlainCompletion(completion)) return undefined
  const { outcome, replayed, cached } = completion
  if (outcome === 'error' || outcome === 'timeout' || replayed !== undefined || cached !== undefined) return undefined
  return { key, trial: trial as number, at, suite, case: id, asked, completion: { ...completion, outcome } }
}

/**
 * Reads an open segment from its beginning and tells every line whose checksum holds. A last line without its end counts
 * as damaged only where nobody writes any more. @param live whether its writer may still be at it
 */
export function scanSegment(fd: number, live: boolean, found: (line: Found) => void): SegmentScan {
  const chunk = Buffer.allocUnsafe(CHUNK)
  let rest: Buffer = Buffer.alloc(0)
  let size = 0
  let kind: SegmentKind | undefined
  let damaged = 0
  for (;;) {
    const read = readSync(fd, chunk, 0, CHUNK, size)
    if (read === 0) break
    const bytes = rest.length === 0 ? chunk.subarray(0, read) : Buffer.concat([rest, chunk.subarray(0, read)])
    const from = size - rest.length
    size += read
    let start = 0
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      if (kind === undefined) kind = kindOf(bytes.toString('utf8', start, end))
      else if (kind === 'ours') damaged += tell(bytes.subarray(start, end), from + start, found)
      start = end + 1
    }
    if (kind !== undefined && kind !== 'ours') return { kind, size, damaged }
    rest = Buffer.from(bytes.subarray(start))
  }
  if (kind === undefined) return { kind: HEAD.startsWith(rest.toString('utf8')) ? 'empty' : 'foreign', size, damaged }
  return { kind, size, damaged: damaged + (rest.length > 0 && !live ? 1 : 0) }
}

function tell(line: Buffer, offset: number, found: (line: Found) => void): number {
  const [, sum, key = '', trial, at = ''] = START.exec(line.toString('latin1', 0, START_LENGTH)) ?? []
  if (sum === undefined || sumOf(line.subarray(BODY_AT)) !== sum) return 1
  found({ name: nameOf({ key, trial: Number(trial) }), at, offset, length: line.length })
  return 0
}

function kindOf(head: string): SegmentKind {
  const value = parseJson(head)
  const { aigate, version } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (aigate !== 'answers' || typeof version !== 'number') return 'foreign'
  return version > FORMAT ? 'newer' : 'ours'
}

const LIVE = '.live.jsonl'
/** Of another machine: a segment that nobody has written to for so long has no writer any more. */
const SILENT_MS = 7 * 86_400_000

const host = () => createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** The name of a new segment: it sorts by time and says which process of which machine writes it. */
const newName = (now: Date): string =>
  `${now.toISOString().replace(/[-:.]/g, '')}-${host()}-${process.pid}-${randomBytes(4).toString('hex')}`

export const isSegment = (file: string): boolean => file.endsWith('.jsonl')

/** Whether the process that writes a segment may still live. Never says no of one that does. */
export function isLive(file: string, { mtimeMs, now }: { mtimeMs: number; now: number }): boolean {
  const [, machine, pid] = /-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.live\.jsonl$/.exec(basename(file)) ?? []
  if (machine === undefined) return file.endsWith(LIVE) && now - mtimeMs < SILENT_MS
  if (machine !== host()) return now - mtimeMs < SILENT_MS
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return errno(error) !== 'ESRCH'
  }
}

export type SegmentWriter = {
  fd: number
  /** Where it can be read: `fd` itself. Throws what the disk says; then nothing of the line stays. */
  append(line: string): { offset: number; length: number }
  /** Waits until a power cut cannot take the lines away. */
  sync(): void
  /** Gives the segment the name of one that nobody writes any more. Its `fd` stays open to be read. */
  finish(): void
  remove(): void
}

/** A new segment of this process. Throws what the disk says. */
export function newSegment(folder: string, now: Date): SegmentWriter {
  makeFolderSync(folder)
  const file = join(folder, `${newName(now)}${LIVE}`)
  const fd = openSync(file, 'wx+')
  let size = 0
  const write = (text: string) => {
    const bytes = Buffer.from(text)
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, size + done)
    } catch (error) {
      takeBack(fd, size)
      throw error
    }
    const offset = size
    size += bytes.length
    return { offset, length: bytes.length - 1 }
  }
  try {
    write(HEAD)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return {
    fd,
    append: write,
    sync: () => fsyncSync(fd),
    remove: () => rmSync(file, { force: true }),
    finish: () => renameSync(file, join(dirname(file), `${basename(file, LIVE)}.jsonl`)),
  }
}

/** Best effort: what cannot be taken back is a torn line, which readers know how to leave out. */
function takeBack(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size)
  } catch {
    // The first error is the one to tell.
  }
}
