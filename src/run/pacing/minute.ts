// A ceiling a minute, kept exactly: what was started in the last sixty seconds, and how long the next call must wait.

/** One call in the book; its amount is corrected when the answer tells what it really was. */
export type Entry = { readonly at: number; amount: number; gone: boolean }
/** `entries` from `head` on are those of the last minute, oldest first; `sum` is theirs. */
export type Minute = { entries: Entry[]; head: number; sum: number }

/** A call that is a little late on the way and one that is not arrive closer together than they were sent. */
const MARGIN_MS = 500
const SPAN_MS = 60_000 + MARGIN_MS

export const newMinute = (): Minute => ({ entries: [], head: 0, sum: 0 })

/** Forgets what is older than a minute at `now` (milliseconds that never go back). */
function forget(minute: Minute, now: number): void {
  for (;;) {
    const first = minute.entries[minute.head]
    if (!first || first.at + SPAN_MS > now) break
    first.gone = true
    minute.sum -= first.amount
    minute.head += 1
  }
  if (minute.head === minute.entries.length) {
    Object.assign(minute, newMinute())
  } else if (minute.head > 1024 && minute.head * 2 > minute.entries.length) {
    minute.entries = minute.entries.slice(minute.head)
    minute.head = 0
  }
}

/**
 * Milliseconds until `amount` more fit under `limit` in every window of sixty seconds; 0: now. An amount above the limit
 * never fits: Infinity.
 */
export function minuteWait(minute: Minute, amount: number, limit: number, now: number): number {
  if (amount > limit) return Infinity
  forget(minute, now)
  let over = minute.sum + amount - limit
  for (let i = minute.head; over > 0; i += 1) {
    const entry = minute.entries[i]
    if (!entry) return 0
    over -= entry.amount
    if (over <= 0) return Math.max(0, entry.at + SPAN_MS - now)
  }
  return 0
}

export function enterMinute(minute: Minute, amount: number, now: number): Entry {
  forget(minute, now)
  const entry = { at: now, amount, gone: false }
  minute.entries.push(entry)
  minute.sum += amount
  return entry
}

/** Puts the true amount in the place of the estimate; the time stays that of the start. */
export function correctEntry(minute: Minute, entry: Entry, amount: number): void {
  if (!entry.gone) minute.sum += amount - entry.amount
  entry.amount = amount
}
