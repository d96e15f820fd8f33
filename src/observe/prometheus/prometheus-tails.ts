// Tails from the buckets of a histogram: what lies above a boundary is `count - bucket{le=boundary}`.
import { AigateError } from '../../errors.ts'
import { FEWEST_VALUES } from '../count-minute.ts'

/** Cumulative counts by the upper boundary as it is written (`0.5`, `+Inf`). */
export type Buckets = Record<string, number>

const boundary = (le: string): number => (/^\+?Inf$/i.test(le) ? Number.POSITIVE_INFINITY : Number(le))

/** `1`, `1.0` and `1e0` are one boundary: libraries and versions of Prometheus write it as they like. */
export function plainBoundary(le: string): string {
  const value = boundary(le.trim())
  return value === Number.POSITIVE_INFINITY ? '+Inf' : Number.isNaN(value) ? le : String(value)
}

/** Boundaries in the unit of the plan, which has milliseconds: a name with `_seconds` is in seconds. */
export const scaleOf = (selector: string): number =>
  /_seconds(_bucket)?\b/.test(selector.split('{')[0] ?? '') ? 1000 : 1

export function addTo(into: Buckets, le: string, added: number): void {
  into[le] = (into[le] ?? 0) + added
}

export const totalOf = (buckets: Buckets): number =>
  Object.entries(buckets).find(([le]) => boundary(le) === Number.POSITIVE_INFINITY)?.[1] ?? 0

/** How many lie above the boundary `le`; 0 where there is none. */
export function above(buckets: Buckets, le: string | null): number {
  return le === null ? 0 : Math.max(0, totalOf(buckets) - (buckets[le] ?? 0))
}

/**
 * The greatest boundary that is not above the limit. Throws AigateError `source_failed` that names the boundaries where
 * all lie above it: nothing could be said then.
 */
export function boundaryAt(
  boundaries: readonly string[],
  limit: number,
  scale: number,
  metric: string,
  note: (text: string) => void,
): string {
  const sorted = finite(boundaries)
  const found = sorted.findLast((le) => boundary(le) * scale <= limit * (1 + 1e-9))
  if (found === undefined) {
    const problem = `${metric} asks for ${limit}, but the histogram has only the boundaries ${sorted.map((le) => boundary(le) * scale).join(', ') || 'of no bucket'}`
    throw new AigateError('source_failed', {
      problem,
      mend: 'Choose a limit that is one of its boundaries, or add one to the application.',
    })
  }
  const value = boundary(found) * scale
  if (Math.abs(value - limit) > limit * 1e-9)
    note(`${metric}: the histogram has no boundary at ${limit}; what is above ${value} counts as above it.`)
  return found
}

/** The nearest boundary at or above a quantile of what was counted; null where too little was. */
export function quantileBoundary(past: Buckets, quantile: number): string | null {
  const total = totalOf(past)
  if (total < FEWEST_VALUES) return null
  const sorted = finite(Object.keys(past))
  return sorted.find((le) => (past[le] ?? 0) >= quantile * total) ?? sorted.at(-1) ?? null
}

function finite(boundaries: readonly string[]): string[] {
  return boundaries.filter((le) => Number.isFinite(boundary(le))).toSorted((a, b) => boundary(a) - boundary(b))
}
