// Lines of JSON to events: what is no object is counted as unreadable, never skipped in silence.
import { addEvent, addUnreadable, type Counting } from './counting.ts'
import type { RawEvent } from './events.ts'

/** The events in one JSON object: itself, or those inside an envelope. Undefined: it is no envelope of that kind. */
export type Unpack = (value: RawEvent) => Iterable<RawEvent> | undefined

export const itself: Unpack = (value) => [value]

/** A line longer than this is no event: it is skipped in pieces. */
export const LONGEST_LINE = 16 * 1024 * 1024

/** Takes in whole lines. */
export function addLines(counting: Counting, text: string, unpack: Unpack): void {
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start)
    const end = found === -1 ? text.length : found
    if (end > start) addLine(counting, text.slice(start, end), unpack)
    start = end + 1
  }
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
