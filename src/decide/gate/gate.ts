// One gate's result with what the ladder needs to know, and the interval as reports may hold it.
import type { GateResult, Interval } from '../../schema/verdict.ts'

/** A result, and whether further passes could and should settle it. */
export type Judged = { result: GateResult; open: boolean }

/** Gates and what people must be told besides. */
export type Gates = { gates: Judged[]; warnings: string[] }

/** What every gate must say; the rest may be left out. */
type Parts = Pick<GateResult, 'id' | 'kind' | 'outcome' | 'unit' | 'test' | 'sentence'> & Partial<GateResult>
/** A gate before it is judged. */
export type GateHead = Omit<Parts, 'outcome' | 'sentence'>

/** A result with everything that most gates leave empty. */
export function result(gate: Parts): GateResult {
  return {
    decides: true,
    estimate: null,
    baseline: null,
    difference: null,
    interval: null,
    limit: null,
    n: 0,
    p: null,
    adjusted_p: null,
    needed: null,
    ...gate,
  }
}

/** Bounds cut to the range of the quantity; null when there is no spread to tell them by. */
export function interval(
  bounds: { low: number; high: number },
  level: number,
  [least, most]: readonly [number, number] = [-Infinity, Infinity],
): Interval | null {
  if (!Number.isFinite(bounds.low) || !Number.isFinite(bounds.high)) return null
  return { low: Math.max(least, bounds.low), high: Math.min(most, bounds.high), level }
}
