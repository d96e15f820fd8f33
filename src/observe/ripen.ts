// Labels that come soon and labels that come late: none counts before its answer is as old as the plan's delay.
import type { Counting } from './counting.ts'
import { REQUEST, RIPE, ROW } from './event-reader.ts'
import { recall } from './hash-table.ts'
import { keepRow } from './pending.ts'

/**
 * Moves the labels of minutes that end by `until` (milliseconds since 1970) to when their answer is `delay` old, where that
 * is later. Praise that comes at once and blame that takes an hour are then counted of the same answers, in both arms. A
 * label whose answer is not known counts when it was given.
 */
export function keepBack(counting: Counting, until: number): void {
  const { known, reader, request } = counting
  const delays = reader.metrics.map(({ name, label }) => (label ? (request.plan.metrics[name]?.delay ?? 0) : 0))
  if (!delays.some((delay) => delay > 0)) return
  const { minutes, width, length } = known.pending
  for (const start of [...minutes.keys()].filter((one) => one + length <= until)) {
    const minute = minutes.get(start)
    if (!minute) continue
    const { rows, count } = minute
    minute.count = 0
    const kept: Float64Array[] = []
    for (let index = 0; index < count; index += 1) {
      const row = rows.slice(index * width, (index + 1) * width)
      const ripe = ripeAt(counting, row, delays)
      if (ripe === null) kept.push(row)
      else {
        row[ROW.time] = ripe
        row[ROW.marks] = (row[ROW.marks] ?? 0) | RIPE
        if (ripe < start + length) kept.push(row)
        else keepRow(known.pending, row)
      }
    }
    for (const [index, row] of kept.entries()) rows.set(row, index * width)
    minute.count = kept.length
    if (kept.length === 0) minutes.delete(start)
  }
}

/** When a label counts, where that is later than when it was given; else null. */
function ripeAt({ known }: Counting, row: Float64Array, delays: readonly number[]): number | null {
  const marks = row[ROW.marks] ?? 0
  if ((marks & (REQUEST | RIPE)) !== 0) return null
  const delay = Math.max(0, ...delays.filter((_, index) => !Number.isNaN(row[ROW.values + index] ?? Number.NaN)))
  if (delay === 0) return null
  const answer = recall(known.answers, row[ROW.answerHigh] ?? 0, row[ROW.answerLow] ?? 0)
  if (answer === undefined) return null
  const given = (answer.data[answer.at + 3] ?? 0) * 2 ** 32 + (answer.data[answer.at + 4] ?? 0)
  return given + delay > (row[ROW.time] ?? 0) ? given + delay : null
}
