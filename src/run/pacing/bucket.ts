// What the provider's own account of calls or tokens must hold right now, learnt from the headers of its answers.
import type { Limit } from '../../ports.ts'

/**
 * `level` is what may be spent at the time `at`; it grows by `perMs` a millisecond up to `capacity`, or all at once at
 * `resetAt`. All times are milliseconds of a clock that never goes back.
 */
export type Bucket = {
  level: number
  at: number
  capacity: number
  perMs: number
  resetAt: number
  /** Whether it refills a little all the time, or whole at the end of a fixed window; null: not known yet. */
  steady: boolean | null
  /** The reading before. */
  said: { remaining: number; resetAt: number }
}

/** A reading with what is known of the call that brought it. */
export type Reading = {
  limit: Limit
  now: number
  /** When the call began. */
  startedAt: number
  /** What may be missing in what remains: spent by calls that began after this one, or that overtook each other on the way. */
  spentSince: number
  /** It was refused for too many. */
  refused: boolean
}

const MINUTE_MS = 60_000
/** Slower than the provider refills, so that no call comes a moment too early. */
const CAUTION = 0.985
/** Servers round a reset to whole seconds; a shift must be larger than that to tell anything. */
const ROUNDING_MS = 1_500

/** The bucket after a reading; undefined when the reading alone does not say enough. */
export function readBucket(old: Bucket | undefined, reading: Reading): Bucket | undefined {
  const { limit: said, now } = reading
  const shape = shapeOf(said, old)
  if (!shape) return old
  const resetAt = said.reset_ms === undefined ? Infinity : now + said.reset_ms
  const steady = steadiness(old, said, shape, resetAt)
  const bucket: Bucket = {
    // At first nothing is known of the calls that came after this one: they may all be missing in what remains.
    level: old ? levelAt(old, now) : said.remaining - reading.spentSince,
    at: now,
    capacity: Math.max(shape.capacity, steady === old?.steady && said.limit === undefined ? old.capacity : 0),
    perMs: shape.perMs,
    resetAt,
    steady,
    said: { remaining: said.remaining, resetAt },
  }
  const low = said.remaining - reading.spentSince
  const high =
    said.remaining + (steady === false ? 0 : bucket.perMs * (now - reading.startedAt)) + (reading.refused ? 0 : 1)
  bucket.level = Math.min(Math.max(bucket.level, low), high, Math.max(bucket.capacity, said.remaining))
  return bucket
}

/**
 * How large, and how fast it refills. With limit and reset there are two readings of them: the limit counts a minute and
 * the bucket may be smaller (what a reset of a full refill tells), or the limit is the bucket itself, of any span. The
 * first cannot be when it makes the bucket larger than the limit.
 */
function shapeOf(said: Limit, old: Bucket | undefined): { capacity: number; perMs: number } | undefined {
  const { limit, remaining, reset_ms } = said
  if (limit === undefined) {
    if (reset_ms === undefined) return undefined
    return { capacity: Math.max(remaining, old?.capacity ?? 1, 1), perMs: 0 }
  }
  const perMinute = limit / MINUTE_MS
  if (reset_ms === undefined) return { capacity: Math.max(remaining, old?.capacity ?? 1), perMs: perMinute }
  const whole = remaining + perMinute * reset_ms
  if (whole <= limit * 1.02 + 1)
    return { capacity: Math.max(1, Math.min(limit, Math.max(whole, old?.capacity ?? 0))), perMs: perMinute }
  return { capacity: limit, perMs: Math.max(0, limit - remaining) / Math.max(1, reset_ms) }
}

/** A steady refill puts the moment of being full off with every call; the end of a fixed window stays where it is. */
function steadiness(
  old: Bucket | undefined,
  said: Limit,
  { capacity, perMs }: { capacity: number; perMs: number },
  resetAt: number,
): boolean | null {
  if (perMs === 0) return false
  if (said.reset_ms === undefined) return true
  if (old && old.steady !== null) return old.steady
  const due = Math.max(0, capacity - said.remaining) / perMs
  const { limit = Infinity } = said
  const wholeLimit = capacity >= limit * 0.99 && perMs === limit / MINUTE_MS
  // A bucket as large as its limit whose reset is that of a full refill: nothing else looks like that.
  if (wholeLimit && due > 0 && Math.abs(due - said.reset_ms) < 0.1 * due) return true
  if (!old || said.remaining >= old.said.remaining) return null
  const expected = (old.said.remaining - said.remaining) / perMs
  const shift = resetAt - old.said.resetAt
  if (shift > 0.5 * expected) return true
  return expected > ROUNDING_MS && shift < 0.25 * expected ? false : null
}

/** What may be spent at `now`. */
export function levelAt(bucket: Bucket, now: number): number {
  const { level, at, capacity, perMs, resetAt, steady } = bucket
  if (!refillsSteadily(bucket)) return now >= resetAt ? Math.max(level, capacity) : level
  const full = steady === false ? level : level + (now - at) * perMs * CAUTION
  return Math.max(Math.min(level, capacity), Math.min(capacity, full))
}

/** As long as it is not known, a reset that is near is taken for a refill, and a far one for the end of a window. */
const refillsSteadily = ({ steady, resetAt, at }: Bucket): boolean => steady ?? resetAt - at < ROUNDING_MS

/** Milliseconds until so much may be spent; more than it ever holds is taken for all of it. Infinity: the next answer tells. */
export function bucketWait(bucket: Bucket, amount: number, now: number): number {
  const need = Math.min(amount, bucket.capacity)
  const level = levelAt(bucket, now)
  if (level >= need - 1e-9) return 0
  if (!refillsSteadily(bucket)) return Math.max(0, bucket.resetAt - now)
  return (need - level) / (bucket.perMs * CAUTION)
}

/** Spends. */
export function takeFrom(bucket: Bucket, amount: number, now: number): void {
  const refilled = !refillsSteadily(bucket) && now >= bucket.resetAt
  bucket.level = levelAt(bucket, now) - amount
  bucket.at = now
  if (refilled) bucket.resetAt = Infinity
}
