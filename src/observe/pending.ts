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
  minute.rows.set(row, minute.count * width)
  minute.count += 1
}

/** Takes out the minutes that end by `until`, in order of time, each sorted. */
export function takeUntil(pending: Pending, until: number): { start: number; rows: Float64Array[] }[] {
  const starts = [...pending.minutes.keys()]
    .filter((start) => start + pending.length <= until)
    .toSorted((a, b) => a - b)
  return starts.map((start) => {
    const minute = pending.minutes.get(start)
    pending.minutes.delete(start)
    return { start, rows: minute ? sortedRows(minute.rows, minute.count, pending.width) : [] }
  })
}

/**
 * Rows in order of time, then of all their numbers: what is counted, and the last bit of a sum, must not depend on the
 * order in which lines came.
 */
function sortedRows(rows: Float64Array, count: number, width: number): Float64Array[] {
  const list: Float64Array[] = []
  for (let index = 0; index < count; index += 1) list.push(rows.subarray(index * width, (index + 1) * width))
  for (let index = 1; index < count; index += 1)
    if (compareRows(list[index - 1], list[index]) > 0) return list.sort(compareRows)
  return list
}

function compareRows(a: Float64Array | undefined, b: Float64Array | undefined): number {
  if (a === undefined || b === undefined) return 0
  for (let index = 0; index < a.length; index += 1) {
    const [left = Number.NaN, right = Number.NaN] = [a[index], b[index]]
    if (left < right) return -1
    if (left > right) return 1
    if (left !== right && Number.isNaN(left) !== Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1
  }
  return 0
}
