// How many calls may be under way: additive increase with answers, multiplicative decrease with refusals.

/** `size` is a real number of calls; below `threshold` it grows fast, as nothing has been refused there. */
export type Width = { size: number; threshold: number; cutAt: number; answers: number }

/** So many calls go out before the first answer tells of limits, and as many after it: many a burst is no longer than that. */
export const FIRST = 5
/** Every answer after those admits so many more calls until the first refusal: the width grows tenfold in the time of one answer. */
const FAST = 9

export const newWidth = (): Width => ({ size: FIRST, threshold: Infinity, cutAt: -Infinity, answers: 0 })

/** An answer came: up to `most` calls. */
export function widen(width: Width, most: number): void {
  width.answers += 1
  if (width.answers <= FIRST) return
  const step = width.size < width.threshold ? FAST : Math.max(1, most / 16) / width.size
  width.size = Math.min(most, width.size + step)
}

/**
 * A call that began at `startedAt` was refused or the provider is overloaded: half as many from now on, once for all calls
 * that were under way together.
 * @returns whether this was the refusal that halved it
 */
export function narrow(width: Width, most: number, startedAt: number, now: number): boolean {
  if (startedAt < width.cutAt) return false
  width.size = Math.max(1, Math.min(width.size, most) / 2)
  width.threshold = width.size
  width.cutAt = now
  return true
}

/** Whole calls, at least one and at most `most`. */
export const widthOf = ({ size }: Width, most: number): number => Math.max(1, Math.min(most, Math.floor(size)))
