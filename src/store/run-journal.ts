// The record of a run: written line by line while the run goes on, so that no answer that was paid for is ever lost.
import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeFolder } from '../make-folder.ts'
import type { Observation, RunHeader } from '../schema/run.ts'
import { jsonLine } from './json-lines.ts'
import { lineSource, withTextOnDisk } from './text-on-disk.ts'
import { errno, fileError } from './write-text.ts'

export { anchorsFolder, findRuns, readRun, recentRuns } from './run-record.ts'

/** How long a line may wait until it is safe from a power cut as well; a killed process loses nothing anyway. */
const SYNC_AFTER_MS = 250
/** Bytes that are written together, of lines that may be lost. */
const MOST_WAITING = 1 << 16

export type AnswerEntry = Pick<Observation, 'case' | 'trial' | 'purpose' | 'completion'>
export type ScoreEntry = Omit<Observation, 'completion'>

export type Trial = Pick<Observation, 'case' | 'trial' | 'purpose'>
/** An answer, and its grades where it was graded. */
export type KnownTrial = {
  completion: Observation['completion']
  grades?: Omit<ScoreEntry, 'case' | 'trial' | 'purpose'>
}

/** Each call returns when the line has been handed to the system: from then on kill -9 cannot take it away. */
export type RunJournal = {
  /** Absolute. */
  file: string
  /** What the record begins with. */
  header: RunHeader
  /** A trial that stood in the record before it was opened; it is not written a second time. */
  known(trial: Trial): KnownTrial | undefined
  /** @returns the completion to be kept in memory: its long texts are read from the record when they are asked for */
  answer(entry: AnswerEntry): Observation['completion']
  /** `later`: the answer, which is saved, can be graded again for nothing; it goes out with the next line. */
  score(entry: ScoreEntry, later?: boolean): void
  /** The last line: whether the run came to its verdict, and if not, why. Syncs and closes the file. */
  end(entry: { complete: boolean; stopped?: string | undefined }): Promise<void>
}

/** The name of a suite as a file name: its groups joined by dashes. */
export const fileNameOf = (suite: string): string => suite.replaceAll('/', '-')

/**
 * An id that sorts by time, for example 20261121T101500123Z-3f9a (UTC, milliseconds).
 * `entropy`: any random text; its first four letters and digits keep runs of the same moment apart.
 */
export function newRunId(now: Date, entropy: string): string {
  const time = now.toISOString()
  const letters = entropy.toLowerCase().replace(/[^0-9a-z]/g, '')
  return `${time.replace(/[-:.]/g, '')}-${letters.slice(0, 4).padEnd(4, '0')}`
}

/**
 * Opens the record of one suite in the folder of a run (absolute, for example <root>/.aigate/runs/<id>) and writes its
 * header. Throws AigateError `cannot_write` or `disk_trouble`, here and later.
 */
export async function createRun(folder: string, header: RunHeader): Promise<RunJournal> {
  const { fd, file } = await openNew(folder, fileNameOf(header.suite))
  const lines = lineWriter(fd, file, 0)
  lines.write(header)
  return journalOf(file, header, lines, new Map())
}

export const trialName = ({ case: id, trial, purpose }: Trial) => `${purpose} ${trial} ${id}`

/** The journal of a record whose header is written. `before`: trials that stand in it, by `trialName`. */
export function journalOf(
  file: string,
  header: RunHeader,
  lines: LineWriter,
  before: ReadonlyMap<string, KnownTrial>,
): RunJournal {
  const source = lineSource(file, (until) => lines.flush(until))
  const known = (trial: Trial) => (before.size === 0 ? undefined : before.get(trialName(trial)))
  return {
    file,
    header,
    known,
    answer: (entry) => {
      const { case: id, trial, purpose, completion } = entry
      if (known(entry)) return completion
      // What comes from the cache or a recording stands there as well.
      const place = lines.write({ type: 'answer', case: id, trial, purpose, completion }, completion.replayed === true)
      return withTextOnDisk(completion, { source, ...place, id })
    },
    score: (entry, later = false) => {
      const { case: id, trial, purpose, scores, passed, score, grader_error, output } = entry
      if (!known(entry)?.grades)
        lines.write({ type: 'score', case: id, trial, purpose, scores, passed, score, grader_error, output }, later)
    },
    end: async ({ complete, stopped }) => {
      lines.write({ type: 'end', complete, stopped })
      await lines.close()
    },
  }
}

/** A new file, never an old one: the suites `a/b` and `a-b` of one run get `a-b.jsonl` and `a-b-2.jsonl`. */
async function openNew(folder: string, name: string): Promise<{ fd: number; file: string }> {
  for (let copy = 1; ; copy += 1) {
    const file = join(folder, `${copy === 1 ? name : `${name}-${copy}`}.jsonl`)
    try {
      await makeFolder(folder)
    } catch (error) {
      throw fileError(folder, error, 'write')
    }
    try {
      return { fd: openSync(file, 'ax'), file }
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw fileError(file, error, 'write')
    }
  }
}

/** Where a line stands, in bytes, without its line end. */
export type LinePlace = { offset: number; length: number }
export type LineWriter = {
  /** `later`: the line may be lost with the process; it is written with those that follow. */
  write(value: unknown, later?: boolean): LinePlace
  /** Writes what waits, where it stands before this byte. */
  flush(until: number): void
  close(): Promise<void>
}

/** Appends whole lines from `start` on: one that the disk takes only in part is taken back, so that the lines after it stay readable. */
export function lineWriter(fd: number, file: string, start: number): LineWriter {
  let size = start
  let timer: NodeJS.Timeout | undefined
  let syncing: Promise<void> = Promise.resolve()
  let failed: unknown
  let waiting = { text: '', bytes: 0 }

  const sync = () => {
    timer = undefined
    syncing = promisify(fdatasync)(fd).catch((error: unknown) => {
      failed ??= error
    })
  }
  const writeWaiting = () => {
    try {
      writeWhole(fd, Buffer.from(waiting.text))
    } catch (error) {
      if (!takeBack(fd, size)) failed = error
      throw fileError(file, error, 'write')
    }
    size += waiting.bytes
    waiting = { text: '', bytes: 0 }
    timer ??= setTimeout(sync, SYNC_AFTER_MS).unref()
  }
  return {
    write(value, later = false) {
      if (failed !== undefined) throw fileError(file, failed, 'write')
      const before = waiting
      const line = `${jsonLine(value)}\n`
      const bytes = Buffer.byteLength(line)
      const place = { offset: size + before.bytes, length: bytes - 1 }
      waiting = { text: before.text + line, bytes: before.bytes + bytes }
      if (later && waiting.bytes < MOST_WAITING) return place
      try {
        writeWaiting()
      } catch (error) {
        // Only this line is told to be lost: those before it go first the next time, since scores follow to their answers.
        waiting = before
        throw error
      }
      return place
    },
    flush(until) {
      if (until > size && waiting.bytes > 0) writeWaiting()
    },
    async close() {
      clearTimeout(timer)
      await syncing
      try {
        if (failed !== undefined) throw failed
        fsyncSync(fd)
      } catch (error) {
        throw fileError(file, error, 'write')
      } finally {
        // The system gives the number to the next file that is opened.
        failed ??= Object.assign(new Error('closed'), { code: 'EBADF' })
        closeSync(fd)
      }
    },
  }
}

/** One write(2) may take only a part of the bytes. */
function writeWhole(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
}

/** False where it stays as a torn line, which the reader knows how to name: then nothing may follow it. */
function takeBack(fd: number, size: number): boolean {
  try {
    ftruncateSync(fd, size)
    return true
  } catch {
    return false
  }
}
