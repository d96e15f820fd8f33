// Lines of JSON to events: what is no object is counted as unreadable, never skipped in silence.
import { addEvent, addUnreadable, type Counting } from './counting.ts'
import type { RawEvent } from './events.ts'
import { NONE, pieceOf } from './json-bytes.ts'

/** The events in one JSON object: itself, or those inside an envelope. Undefined: it is no envelope of that kind. */
export type Unpack = (value: RawEvent) => Iterable<RawEvent> | undefined

export const itself: Unpack = (value) => [value]

/** A line longer than this is no event: it is skipped in pieces. */
export const LONGEST_LINE = 16 * 1024 * 1024

const LF = 10
const NOTHING: RawEvent = {}

/** Takes in whole lines; the last byte is a line feed. */
export function addLines(counting: Counting, bytes: Buffer, unpack: Unpack): void {
  const { lines } = counting
  const piece = unpack === itself && lines ? pieceOf(bytes) : undefined
  for (let at = 0; at < bytes.length; ) {
    const next = piece && lines ? lines.scanner.scan(piece, at) : NONE
    if (next === NONE) {
      const end = bytes.indexOf(LF, at)
      if (end > at) addLine(counting, bytes.toString('utf8', at, end), unpack)
      at = end + 1
    } else {
      addEvent(counting, NOTHING, lines?.reader)
      at = next
    }
  }
}

/** Takes in whole lines of text; the last one need not have an end. */
export function addText(counting: Counting, text: string, unpack: Unpack): void {
  addLines(counting, Buffer.from(text.endsWith('\n') ? text : `${text}\n`), unpack)
}

function addLine(counting: Counting, line: string, unpack: Unpack): void {
  const value = objectIn(line)
  if (value === undefined) {
    if (line.trim() !== '') addUnreadable(counting)
    return
  }
  if (unpack === itself) {
    addEvent(counting, value)
    return
  }
  const events = unpack(value)
  if (events === undefined) addUnreadable(counting)
  else for (const event of events) addEvent(counting, event)
}

/** The JSON object of a line; undefined for anything else. A beginning of an object is never one itself. */
export function objectIn(line: string): RawEvent | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RawEvent) : undefined
  } catch {
    return undefined
  }
}
