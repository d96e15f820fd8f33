// Which units were seen in which arm, and which had a bad event: exact for a million, a fair sample of them beyond.
import { findKey, keepKeys, newTable, putKey, type HashTable } from './hash-table.ts'

/** Most units that are followed. */
const MOST_UNITS = 1_000_000
/** Metrics whose first bad events are followed: a bit each. */
export const MOST_METRICS = 32

/** `halvings`: only units whose hash lies in the first 2^-halvings of all are followed. */
export type UnitTable = { table: HashTable; halvings: number; most: number }

/** Columns: flags, and a bit for each metric that was bad; with `values` also those of `oneValue`. */
export function newUnits(most = MOST_UNITS, values = false): UnitTable {
  return { table: newTable(values ? 6 : 2), halvings: 0, most }
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

/** The arm in which a unit was seen in this generation (1 baseline, 2 candidate); 0: in none, or in both. */
export function armSeen(units: UnitTable, high: number, low: number, generation: number): number {
  const at = findKey(units.table, high, low)
  const flags = at === -1 ? 0 : (units.table.data[at] ?? 0)
  if (Math.floor(flags / GENERATION) !== (generation % 0xfffffe) + 1) return 0
  const arms = Math.floor(flags / IN_GENERATION) % 4
  return arms === 3 ? 0 : arms
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

/**
 * Whether a value of the metric of number `metric` is the one that counts for its unit: the first of its generation, unless
 * one counted as the candidate's under an earlier share. `back`: one counted as the baseline's then. Null: it does not count.
 *
 * Of units that never counted, and of those that counted as the baseline's alone, the share decides by hash who is the
 * candidate's now: each of both is a fair comparison, and what one generation adds is uncorrelated with the others.
 */
export function oneValue(
  units: UnitTable,
  at: number,
  { metric, arm, generation }: { metric: number; arm: number; generation: number },
): 'fresh' | 'back' | null {
  const { data } = units.table
  const bit = (1 << metric) >>> 0
  const [asBaseline, asCandidate, now, when] = [at + 1, at + 2, at + 3, at + 4]
  if (data[when] !== generation + 1) {
    data[now] = 0
    data[when] = generation + 1
  }
  if ((((data[now] ?? 0) | (data[asCandidate] ?? 0)) & bit) !== 0) return null
  const kind = ((data[asBaseline] ?? 0) & bit) === 0 ? 'fresh' : 'back'
  data[now] = (data[now] ?? 0) | bit
  const mine = arm === 2 ? asCandidate : asBaseline
  data[mine] = (data[mine] ?? 0) | bit
  return kind
}
