// Which units were seen in which arm, and which had a bad event: exact for a million, a fair sample of them beyond.
import { findKey, keepKeys, newTable, putKey, type HashTable } from './hash-table.ts'

/** Most units that are followed. */
const MOST_UNITS = 1_000_000
/** Metrics whose first bad events are followed: a bit each. */
export const MOST_METRICS = 32

/** `halvings`: only units whose hash lies in the first 2^-halvings of all are followed. */
export type UnitTable = { table: HashTable; halvings: number; most: number }

/** Columns: flags, and a bit for each metric that was bad. */
export function newUnits(most = MOST_UNITS): UnitTable {
  return { table: newTable(2), halvings: 0, most }
}

const IN_GENERATION = 4
const BOTH = 16
const GENERATION = 256

/**
 * Marks a unit as seen in an arm (1 baseline, 2 candidate). `counts`: the event counts (it is not within the time of
 * settling, where a unit may rightly be seen in both arms). Gives whether the unit is new in the arm, new in both, newly in both arms
 * of this generation, and where its bad bits are; undefined where the unit is not followed.
 *
 * When the table is full, the half with the greater hashes is dropped. A hash knows nothing of arms and outcomes, so that
 * what is counted afterwards is a fair sample.
 */
export function seeUnit(
  units: UnitTable,
  unit: { high: number; low: number; arm: number; generation: number; counts: boolean },
): { fresh: boolean; unseen: boolean; both: boolean; at: number } | undefined {
  const { table } = units
  const { high, low, arm } = unit
  if (high >= 2 ** (32 - units.halvings)) return undefined
  if (table.size >= units.most && findKey(table, high, low) === -1) {
    units.halvings += 1
    keepKeys(table, (one) => one < 2 ** (32 - units.halvings))
    return seeUnit(units, unit)
  }
  const at = putKey(table, high, low)
  let flags = table.data[at] ?? 0
  const fresh = (flags & arm) === 0
  const unseen = (flags & 3) === 0
  flags = (flags | arm) >>> 0
  let both = false
  if (unit.counts) {
    const mark = ((unit.generation % 0xfffffe) + 1) * GENERATION
    if (Math.floor(flags / GENERATION) * GENERATION !== mark) flags = mark + (flags & 3)
    flags += (flags & (arm * IN_GENERATION)) === 0 ? arm * IN_GENERATION : 0
    both = (flags & (3 * IN_GENERATION)) === 3 * IN_GENERATION && (flags & BOTH) === 0
    flags += both ? BOTH : 0
  }
  table.data[at] = flags
  return { fresh, unseen, both, at: at + 1 }
}

/** true: the metric of number `metric` was bad for the unit before. */
export function wasBad(units: UnitTable, at: number, metric: number): boolean {
  return ((units.table.data[at] ?? 0) & (1 << metric)) !== 0
}

/** Marks the metric of number `metric` as bad for a unit; true: it was its first time. */
export function firstBad(units: UnitTable, at: number, metric: number): boolean {
  const bit = (1 << metric) >>> 0
  const bits = units.table.data[at] ?? 0
  if ((bits & bit) !== 0) return false
  units.table.data[at] = bits | bit
  return true
}
