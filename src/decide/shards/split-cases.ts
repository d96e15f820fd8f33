// Which shard asks which case: evenly by the time that cases are known to take, and the same on every machine.
import { byText } from '../words.ts'

/** `ms`: how long one answer took before; null: not known. */
export type Load = { suite: string; id: string; ms: number | null }
type Share = Load & { shard: number }

/**
 * Gives every case to one of `of` shards (from 1): the longest first, each to the shard that has the least to do, which
 * leaves no shard with more than 4/3 of the best split (Graham, Bounds on multiprocessing timing anomalies, 1969). A case
 * of unknown length counts as the mean of those that are known. The order of `loads` changes nothing.
 * @returns the cases in the order in which they were given out
 */
export function splitCases(loads: readonly Load[], of: number): Share[] {
  const known = loads.flatMap(({ ms }) => (ms === null || ms <= 0 ? [] : [ms]))
  const typical = known.length > 0 ? known.reduce((sum, ms) => sum + ms, 0) / known.length : 1
  // Whole units: sums do not depend on the order of adding.
  const unitsOf = ({ ms }: Load) => Math.max(1, Math.round(((ms === null || ms <= 0 ? typical : ms) / typical) * 1e6))
  const shards = Array.from({ length: of }, (_, i) => ({ shard: i + 1, units: 0, cases: 0 }))
  return loads
    .map((load) => ({ load, units: unitsOf(load) }))
    .sort((a, b) => b.units - a.units || byText(a.load.suite, b.load.suite) || byText(a.load.id, b.load.id))
    .flatMap(({ load, units }) => {
      const [first, ...rest] = shards
      if (!first) return []
      const least = rest.reduce(
        (best, one) => ((one.units - best.units || one.cases - best.cases) < 0 ? one : best),
        first,
      )
      least.units += units
      least.cases += 1
      return [{ ...load, shard: least.shard }]
    })
}
