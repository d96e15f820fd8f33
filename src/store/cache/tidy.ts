// Keeps the answer cache within its bounds: drops what is old or too much, joins segments, and never touches what somebody writes.
import { closeSync, fstatSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AigateError } from '../../errors.ts'
import { readLine } from '../json-lines.ts'
import { withLock } from '../ledger-lock.ts'
import { fileError } from '../write-text.ts'
import { segmentsIn } from './answer-cache.ts'
import {
  answerOf,
  type CachedAnswer,
  type Found,
  isLive,
  newSegment,
  scanSegment,
  type SegmentScan,
} from './segment.ts'

export type Bounds = { maxBytes: number; maxAgeMs: number }

export type CacheStats = {
  folder: string
  segments: number
  /** Segments that a process may still be writing. */
  live: number
  bytes: number
  /** Different questions and trials. */
  answers: number
  /** Lines that a later line of the same question and trial replaces, torn lines, and answers older than the bound. */
  replaced: number
  damaged: number
  expired: number
  /** Segments of a newer aigate, and files that are none. */
  newer: string[]
  foreign: string[]
  oldest: string | null
  newest: string | null
}

type Line = Found & { fd: number }
type Segment = SegmentScan & { file: string; fd: number; live: boolean; lines: Line[] }

/** All segments that can be read, each open. */
function openAll(folder: string, now: Date): Segment[] {
  const segments: Segment[] = []
  for (const file of segmentsIn(folder)) {
    try {
      const fd = openSync(file, 'r')
      const live = isLive(file, { mtimeMs: fstatSync(fd).mtimeMs, now: now.getTime() })
      const lines: Line[] = []
      const scan = scanSegment(fd, live, (line) => lines.push({ ...line, fd }))
      segments.push({ ...scan, file, fd, live, lines })
    } catch {
      // Gone, or not ours to read: it is not ours to tidy up either.
    }
  }
  return segments
}

const closeAll = (segments: readonly Segment[]) => {
  for (const { fd } of segments) closeSync(fd)
}

/** The line that counts for each question and trial: the one asked last. */
function newestOf(segments: readonly Segment[]): Map<string, Line> {
  const newest = new Map<string, Line>()
  for (const line of segments.flatMap(({ lines }) => lines)) {
    const known = newest.get(line.name)
    if (known === undefined || known.at <= line.at) newest.set(line.name, line)
  }
  return newest
}

const ageLimit = (now: Date, { maxAgeMs }: Bounds): string =>
  new Date(Math.max(0, now.getTime() - maxAgeMs)).toISOString()

/** What is in the cache. Writes nothing. */
export function cacheStats(folder: string, now: Date, bounds: Bounds): CacheStats {
  const segments = openAll(folder, now)
  try {
    const newest = [...newestOf(segments).values()]
    const times = newest.map(({ at }) => at).sort()
    const since = ageLimit(now, bounds)
    const of = (kind: Segment['kind']) => segments.filter((one) => one.kind === kind)
    return {
      folder,
      segments: segments.length,
      live: segments.filter(({ live }) => live).length,
      bytes: sum(segments.map(({ file, size }) => statSync(file, { throwIfNoEntry: false })?.size ?? size)),
      answers: newest.length,
      replaced: sum(segments.map(({ lines }) => lines.length)) - newest.length,
      damaged: sum(segments.map(({ damaged }) => damaged)),
      expired: newest.filter(({ at }) => at < since).length,
      newer: of('newer').map(({ file }) => file),
      foreign: of('foreign').map(({ file }) => file),
      oldest: times[0] ?? null,
      newest: times.at(-1) ?? null,
    }
  } finally {
    closeAll(segments)
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** The answers whose case or key (or the beginning of it, from 6 letters on) is `wanted`, newest first. */
export function answersOf(folder: string, now: Date, wanted: string): CachedAnswer[] {
  const segments = openAll(folder, now)
  try {
    const found = [...newestOf(segments).values()].flatMap((line) => answerOf(readLine(line.fd, line)) ?? [])
    const isKey = /^[0-9a-f]{6,64}$/.test(wanted)
    return found
      .filter((one) => one.case === wanted || (isKey && one.key.startsWith(wanted)))
      .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.trial - b.trial))
  } finally {
    closeAll(segments)
  }
}

export type Tidied = { kept: number; dropped: number; bytesBefore: number; bytesAfter: number }

/**
 * Joins all segments that nobody writes any more into one that holds what is young enough, the newest answers up to the
 * bound. A crash at any moment leaves the old segments, the new one, or both, which answer the same. Segments that are
 * being written, of a newer aigate or foreign stay as they are. null: another process is at it, or there is no folder.
 * Throws AigateError `cannot_write` or `disk_trouble`; then nothing was removed.
 */
export async function tidyCache(folder: string, now: Date, bounds: Bounds): Promise<Tidied | null> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return null
  const busy = new AigateError('usage', { problem: 'busy', mend: '' })
  try {
    return await withLock(join(folder, '.gc.lock'), () => tidy(folder, now, bounds), {
      looks: 3,
      heartbeat: true,
      taken: () => busy,
    })
  } catch (error) {
    if (error === busy) return null
    throw error
  }
}

function tidy(folder: string, now: Date, bounds: Bounds): Tidied {
  const segments = openAll(folder, now)
  try {
    const live = segments.filter((one) => one.live)
    const old = segments.filter((one) => !one.live && (one.kind === 'ours' || one.kind === 'empty'))
    const since = ageLimit(now, bounds)
    const all = newestOf([...live, ...old])
    const mine = new Set(old.map(({ fd }) => fd))
    const wanted = [...all.values()].filter(({ at, fd }) => mine.has(fd) && at >= since)
    wanted.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
    const bytesBefore = sum(segments.map(({ size }) => size))
    let room = bounds.maxBytes - sum(live.map(({ size }) => size))
    const kept = wanted.filter(({ length }) => (room -= length + 1) >= 0)
    const lines = sum(old.map(({ lines: found }) => found.length))
    // One segment without anything to drop is what this would make.
    const tidyAlready = old.length <= 1 && kept.length === lines && old.every(({ damaged }) => damaged === 0)
    if (tidyAlready) return { kept: kept.length, dropped: 0, bytesBefore, bytesAfter: bytesBefore }
    if (kept.length > 0) writeJoined(folder, now, kept.toReversed())
    for (const { file } of old) rmSync(file, { force: true })
    const bytesAfter = sum(segmentsIn(folder).map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0))
    return { kept: kept.length, dropped: lines - kept.length, bytesBefore, bytesAfter }
  } catch (error) {
    throw fileError(folder, error, 'write')
  } finally {
    closeAll(segments)
  }
}

function writeJoined(folder: string, now: Date, lines: readonly Line[]): void {
  const writer = newSegment(folder, now)
  try {
    for (const line of lines) writer.append(`${readLine(line.fd, line)}\n`)
    writer.sync()
    writer.finish()
  } catch (error) {
    writer.remove()
    throw error
  } finally {
    closeSync(writer.fd)
  }
}

/**
 * Removes every segment that nobody writes. @returns how many went, and how many stay because a process writes them, a
 * newer aigate wrote them, or they are none
 */
export function clearCache(folder: string, now: Date): { removed: number; left: number } {
  const segments = openAll(folder, now)
  closeAll(segments)
  const gone = segments.filter(({ live, kind }) => !live && (kind === 'ours' || kind === 'empty'))
  try {
    for (const { file } of gone) rmSync(file, { force: true })
  } catch (error) {
    throw fileError(folder, error, 'write')
  }
  return { removed: gone.length, left: segmentsIn(folder).length }
}
