// The answer cache: answers that were paid for, found by what was asked and the number of the trial, shared by all runs of a folder.
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Completion } from '../../schema/run.ts'
import { readLine } from '../json-lines.ts'
import { errno, fileError } from '../write-text.ts'
import {
  answerOf,
  CachedAnswer,
  type Found,
  isLive,
  isSegment,
  lineOf,
  nameOf,
  newSegment,
  scanSegment,
  type SegmentWriter,
} from './segment.ts'

export type Asked = Pick<CachedAnswer, 'key' | 'trial'>
export type NewAnswer = Omit<CachedAnswer, 'at' | 'completion'> & { at: Date; completion: Completion }

export type AnswerCache = {
  /** How many answers can be found. */
  readonly count: number
  /** Bytes of all segments when the cache was opened and what was added since. */
  readonly bytes: number
  /** Segments that nobody writes any more: each is one open file of every run. */
  readonly joinable: number
  /** Sentences about what was left out or could not be written; each once. */
  readonly notes: readonly string[]
  /** An answer asked at `since` or later, marked `replayed` and `cached`; undefined when it must be asked. */
  find(asked: Asked, since: Date): Completion | undefined
  /** When it was asked what `find` gives (ISO 8601). */
  askedAt(asked: Asked, since: Date): string | undefined
  /** Keeps a measurement; failures and what was itself replayed are left out. Never throws: what cannot be kept is noted. */
  add(answer: NewAnswer): void
  close(): void
}

/** What is said of every answer that comes from here. */
const known = { attempts: 0, replayed: true, cached: true } as const

/** An open segment. `whole`: its bytes as they were when it was opened, where they are kept. */
type Segment = { fd: number; whole?: Buffer | undefined }
/** `at`: milliseconds since 1970; there may be hundreds of thousands of these. */
type Place = Pick<Found, 'offset' | 'length'> & { at: number; segment: Segment }

/** Bytes of segments that are kept in memory, so that not every answer is a read of its own. */
const KEPT_BYTES = 16_000_000

/**
 * Opens the cache in `folder` (absolute; a folder that does not exist holds none): reads all segments once, in the order
 * of their names. Where two know the same answer, the one asked last counts. Damaged lines, segments of a newer aigate,
 * foreign and unreadable files are left out and noted. Never throws for what lies there.
 */
export function openAnswerCache(folder: string, now: Date): AnswerCache {
  const places = new Map<string, Place>()
  const notes = new Set<string>()
  const open: number[] = []
  let bytes = 0
  let kept = 0
  let damaged = 0
  let joinable = 0
  for (const { file, fd } of openedSegments(folder, notes)) {
    open.push(fd)
    try {
      const { mtimeMs, size } = fstatSync(fd)
      const live = isLive(file, { mtimeMs, now: now.getTime() })
      const whole = kept + size <= KEPT_BYTES ? readFileSync(fd) : undefined
      kept += whole?.length ?? 0
      const segment = { fd, whole }
      const scan = scanSegment(fd, live, ({ name, at: asked, offset, length }) => {
        const before = places.get(name)
        const at = Date.parse(asked)
        if (before === undefined || !(before.at > at)) places.set(alone(name), { at, offset, length, segment })
      })
      bytes += scan.size
      damaged += scan.damaged
      if (!live && scan.kind === 'ours') joinable += 1
      if (scan.kind === 'newer') notes.add(`${file} was written by a newer aigate and is left out.`)
      if (scan.kind === 'foreign') notes.add(`${file} is no segment of the answer cache and is left out.`)
    } catch (error) {
      notes.add(`${fileError(file, error, 'read').message} It is left out.`)
    }
  }
  if (damaged > 0) notes.add(damagedNote(damaged, folder))
  let own: SegmentWriter | null | undefined
  // What is no time counts as old.
  const isOld = (at: number, since: Date): boolean => !(at >= since.getTime())
  const writer = (): SegmentWriter => {
    own ??= newSegment(folder, now)
    return own
  }
  return {
    get count() {
      return places.size
    },
    get bytes() {
      return bytes
    },
    get joinable() {
      return joinable
    },
    get notes() {
      return [...notes]
    },
    askedAt: (asked, since) => {
      const at = places.get(nameOf(asked))?.at
      return at !== undefined && !isOld(at, since) ? new Date(at).toISOString() : undefined
    },
    find: (asked, since) => {
      const name = nameOf(asked)
      const place = places.get(name)
      if (place === undefined || isOld(place.at, since)) return undefined
      const answer = readAnswer(place)
      if (answer !== undefined && nameOf(answer) === name)
        return Object.assign<Completion, Partial<Completion>>(answer.completion, known)
      places.delete(name)
      notes.add('An answer in the cache could not be read any more, and is asked again.')
      return undefined
    },
    add: ({ at, completion, key, trial, suite, case: id, asked }) => {
      if (own === null || !isMeasurement(completion)) return
      const answer = { key, trial, at: at.toISOString(), suite, case: id, asked, completion }
      try {
        const segment = writer()
        const place = segment.append(lineOf(answer))
        bytes += place.length + 1
        places.set(alone(nameOf(answer)), { ...place, at: at.getTime(), segment })
      } catch (error) {
        notes.add(`Answers are not kept for the next run: ${fileError(folder, error, 'write').message}`)
        finish(own)
        own = null
      }
    },
    close: () => {
      finish(own)
      for (const fd of open.splice(0)) closeSync(fd)
      if (own) closeSync(own.fd)
      own = null
      places.clear()
    },
  }
}

const isTold = (value: number | undefined): boolean => value === undefined || Number.isFinite(value)

/** What may stand for an answer another time, and can be read again: no failure, and nothing that was itself replayed. */
function isMeasurement(completion: Completion): completion is CachedAnswer['completion'] {
  const { outcome, error, replayed, cached, latency_ms, cost_usd } = completion
  if (outcome === 'error' || outcome === 'timeout' || error || replayed || cached) return false
  return isTold(latency_ms) && isTold(cost_usd)
}

const damagedNote = (damaged: number, folder: string): string =>
  `${damaged} ${damaged === 1 ? 'line' : 'lines'} in ${folder} ${damaged === 1 ? 'is' : 'are'} torn or changed and left out: what is missing is asked again.`

/** Somebody may have removed or moved the folder meanwhile: the answers in it stand all the same. */
function finish(own: SegmentWriter | null | undefined): void {
  try {
    own?.finish()
  } catch {
    // Under its old name it is read as well.
  }
}

/** The text without the longer ones that it was cut out of and put together from, which it would keep in memory. */
const alone = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

function readAnswer({ offset, length, segment: { fd, whole } }: Place): CachedAnswer | undefined {
  const isKept = whole !== undefined && offset + length <= whole.length
  try {
    return answerOf(isKept ? whole.toString('utf8', offset, offset + length) : readLine(fd, { offset, length }))
  } catch {
    return undefined
  }
}

/** So often is looked again for what was renamed or joined while it was being opened. */
const MOST_LOOKS = 20

/** Every segment of the folder, open, also where other processes finish theirs or tidy up meanwhile. */
function* openedSegments(folder: string, notes: Set<string>): Generator<{ file: string; fd: number }> {
  const done = new Set<string>()
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    let gone = false
    for (const file of segmentsIn(folder, notes)) {
      if (done.has(file)) continue
      done.add(file)
      const fd = opened(file, notes)
      if (fd === 'gone') gone = true
      else if (fd !== undefined) yield { file, fd }
    }
    if (!gone) return
  }
}

/** `gone`: it has another name by now, or stands in another segment. */
function opened(file: string, notes: Set<string>): number | 'gone' | undefined {
  try {
    return openSync(file, 'r')
  } catch (error) {
    if (errno(error) === 'ENOENT') return 'gone'
    notes.add(`${fileError(file, error, 'read').message} It is left out.`)
    return undefined
  }
}

/** Absolute, in the order of their names; none where the folder is not there. */
export function segmentsIn(folder: string, notes: Set<string> = new Set()): string[] {
  try {
    return readdirSync(folder)
      .filter(isSegment)
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    if (errno(error) !== 'ENOENT') notes.add(`${fileError(folder, error, 'read').message} Nothing is taken from it.`)
    return []
  }
}
