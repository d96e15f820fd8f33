// Events whose minute is still open, as plain numbers: a row each, in one array for each minute.

export const MINUTE = 60_000

/**
 * `rows`: `count` rows of `width` numbers; by start of the minute in milliseconds since 1970. `length`: of a minute, which
 * is another interval where the plan says so.
 */
export type Pending = { width: number; length: number; minutes: Map<number, { rows: Float64Array; count: number }> }

export function newPending(width: number, length: number): Pending {
  return { width, length, minutes: new Map() }
}

/** Keeps a copy of the row in the minute of its time (its first number). */
export function keepRow(pending: Pending, row: Float64Array): void {
  const { width, length } = pending
  const start = Math.floor((row[0] ?? 0) / length) * length
  let minute = pending.minutes.get(start)
  if (minute === undefined) {
    minute = { rows: new Float64Array(width * 64), count: 0 }
    pending.minutes.set(start, minute)
  }
  if ((minute.count + 1) * width > minute.rows.length) {
    const larger = new Float64Array(minute.rows.length * 2)
    larger.set(minute.rows)
    minute.rows = larger
  }
  const at = minute.count * width
  for (let column = 0; column < width; column += 1) minute.rows[at + column] = row[column] ?? Number.NaN
  minute.count += 1
}

/** Rows of a minute in order: where each begins in `data`. */
export type Rows = { data: Float64Array; count: number; starts: Int32Array }

/** Takes out the minutes that end by `until`, in order of time, each sorted. */
export function takeUntil(pending: Pending, until: number): { start: number; rows: Rows }[] {
  const starts = [...pending.minutes.keys()]
    .filter((start) => start + pending.length <= until)
    .toSorted((a, b) => a - b)
  return starts.map((start) => {
    const minute = pending.minutes.get(start)
    pending.minutes.delete(start)
    return { start, rows: sortedRows(minute?.rows ?? new Float64Array(), minute?.count ?? 0, pending.width) }
  })
}

/** Copies a row: an array of its own for each would cost more than counting it. */
export function readRow({ data, starts }: Rows, index: number, into: Float64Array): void {
  const at = starts[index] ?? 0
  for (let column = 0; column < into.length; column += 1) into[column] = data[at + column] ?? Number.NaN
}

/**
 * Rows in order of time, then of all their numbers: what is counted, and the last bit of a sum, must not depend on the
 * order in which lines came.
 */
function sortedRows(data: Float64Array, count: number, width: number): Rows {
  const starts = new Int32Array(count)
  for (let index = 0; index < count; index += 1) starts[index] = index * width
  const compare = (a: number, b: number) => compareRows(data, a, b, width)
  for (let index = 1; index < count; index += 1)
    if (compare((index - 1) * width, index * width) > 0) return { data, count, starts: starts.sort(compare) }
  return { data, count, starts }
}

function compareRows(data: Float64Array, a: number, b: number, width: number): number {
  for (let column = 0; column < width; column += 1) {
    const left = data[a + column] ?? Number.NaN
    const right = data[b + column] ?? Number.NaN
    if (left < right) return -1
    if (left > right) return 1
    if (left !== right && Number.isNaN(left) !== Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1
  }
  return 0
}
