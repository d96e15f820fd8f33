// Reads and writes what the record files share: lines of JSON, and the first words that say which kind of file it is.
import { createReadStream, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import { fileError } from './write-text.ts'

/** What aigate writes, by the value of the key `aigate`, as people call it. */
const kinds = {
  run: 'the record of a run',
  report: 'a report (made with --reporter json)',
  baseline: 'a baseline',
  recordings: 'a file of recorded answers',
  answers: 'a segment of the answer cache',
  calibration: 'the calibration of a judge',
  shard: 'the file of a shard',
  batch: 'the note of a batch',
} as const
export type RecordKind = keyof typeof kinds

const mends: Record<RecordKind, string> = {
  run: 'Name a run: latest, its id, or its file under .aigate/runs.',
  report: 'Name a report made with --reporter json:<file>.',
  baseline: 'Name a baseline that `aigate baseline record` or `aigate baseline accept` wrote.',
  batch: 'Move this file out of the folder of the batches.',
  shard: 'Name the files that `aigate eval --shard` wrote.',
  answers: 'Delete this file: what is missing is asked again.',
  calibration: 'Name a calibration that `aigate calibrate` wrote.',
  recordings: 'Move this file out of the folder of the recordings, or make it again with `aigate eval --record`.',
}

/** The newest format that this code reads, of every kind. */
const FORMAT = 1

/** Characters that are legal in JSON but turn a line round or break it in editors and diffs. */
const UNSEEN = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** A value as one line of JSON, without the newline. What cannot be seen is written as an escape. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * `number` counts from 1; `ended` is false for a last line without its newline: the file was cut off there. `offset` and `length`: its
 * bytes in the file, without the line end.
 */
export type Line = { number: number; text: string; ended: boolean; offset: number; length: number }

/**
 * The lines of a file, one at a time: only LF ends a line (node:readline also splits at U+2028, which JSON allows).
 * A byte order mark is dropped; a CR before the LF is white space to JSON. Throws AigateError `cannot_read`.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  for await (const lines of readLineBatches(file)) yield* lines
}

/** As `readLines`, for files of very many lines: those that were read together come together. */
export async function* readLineBatches(file: string): AsyncGenerator<Line[]> {
  let rest: Buffer[] = []
  let number = 0
  let offset = 0
  const line = (chunk: Buffer, start: number, end: number, ended: boolean): Line => {
    const joined = rest.length > 0 && Buffer.concat([...rest, chunk.subarray(start, end)])
    const text = joined ? joined.toString('utf8') : chunk.toString('utf8', start, end)
    const place = { offset, length: joined ? joined.length : end - start }
    offset += place.length + 1
    rest = []
    number += 1
    return { number, text: number === 1 ? text.replace(/^\ufeff/, '') : text, ended, ...place }
  }
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      const lines: Line[] = []
      let start = 0
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
        lines.push(line(chunk, start, at, true))
        start = at + 1
      }
      if (start < chunk.length) rest.push(chunk.subarray(start))
      yield lines
    }
  } catch (error) {
    throw fileError(file, error, 'read')
  }
  if (rest.length > 0) yield [line(Buffer.alloc(0), 0, 0, false)]
}

/** The text of one line, from where it begins, in bytes; shorter where the file ends before it. Throws what the disk says. */
export function readLine(fd: number, { offset, length }: { offset: number; length: number }): string {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, offset + done)
    if (read === 0) break
    done += read
  }
  return bytes.toString('utf8', 0, done)
}

/** A fault in a record file, with its place. */
export function badRecord(file: string, line: number | undefined, problem: string, mend: string): AigateError {
  return new AigateError('bad_file', { problem, mend }, { file, line })
}

/** The text as JSON; undefined when it is none. (JSON has no undefined.) */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The first fault that a schema finds, in words: `completion.text: expected string`. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'it does not have the expected form'
  const path = z.core.toDotPath(issue.path)
  return path === '' ? issue.message : `${path}: ${issue.message}`
}

/** git leaves these in a file that it could not merge; the line counts from 1. */
export function conflictLine(text: string): number | undefined {
  const found = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?\r?$/m.exec(text)
  return found ? text.slice(0, found.index).split('\n').length : undefined
}

/** Whether a line is one of git's marks of an unsettled merge; throws the sentence for it. */
export function refuseConflict(file: string, line: number | undefined): void {
  if (line === undefined) return
  const problem = 'git left the marks of an unsettled merge here.'
  throw badRecord(file, line, problem, 'Settle the merge (take one side as a whole), or record the file again.')
}

type Head = { aigate?: unknown; version?: unknown }

/**
 * Says what is wrong when the head of a file is not what was wanted: another kind of aigate, a foreign file, a newer
 * format, nothing at all. Returns when `head` (its first value, or undefined when that is no JSON) is right.
 * `start`: the first characters of the content, when it does not come from `file` as it stands on disk.
 */
export async function checkHead(file: string, head: unknown, wanted: RecordKind, start?: string): Promise<void> {
  const { aigate, version }: Head =
    typeof head === 'object' && head !== null ? head : sniff(file, start ?? (await startOf(file)))
  if (aigate !== wanted) {
    const found = Object.entries(kinds).find(([kind]) => kind === aigate)?.[1] ?? 'a file that aigate did not write'
    throw new AigateError('foreign_file', { found, wanted: kinds[wanted], mend: mends[wanted] }, { file })
  }
  if (typeof version === 'number' && version > FORMAT)
    throw new AigateError('newer_file', { kind: kinds[wanted], version, known: FORMAT }, { file })
}

/** The kind of a file whose first line is no JSON, for example a report that is written over many lines. */
function sniff(file: string, start: string): Head {
  if (start === '') throw badRecord(file, undefined, 'The file is empty.', 'Delete it, or take it from a copy.')
  return { aigate: /^\ufeff?\s*\{\s*"aigate"\s*:\s*"([a-z]+)"/.exec(start)?.[1] }
}

async function startOf(file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
