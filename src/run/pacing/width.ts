// How many calls may be under way: additive increase with answers, multiplicative decrease with refusals.

/**
 * `size` is a real number of calls; below `threshold` it grows fast, as nothing has been refused there. `first`: so many go out
 * together before answers tell of limits, and as many after those.
 */
export type Width = { size: number; first: number; threshold: number; cutAt: number; answers: number }

/** Many a burst is no longer than that. */
const FEWEST = 5
/** Of so many calls one may be refused, or fail where nobody is there, before that is known. */
const CALLS_A_RISK = 100
/** Every answer after those admits so many more calls until the first refusal: the width grows tenfold in the time of one answer. */
const FAST = 9

export const newWidth = (): Width => ({
  size: FEWEST,
  first: FEWEST,
  threshold: Infinity,
  cutAt: -Infinity,
  answers: 0,
})

/** So many calls are ahead: where they are very many, more of them go out together before anything is known. */
export function expectCalls(width: Width, calls: number): void {
  if (width.answers > 0 || width.threshold < Infinity) return
  width.first = Math.max(width.first, Math.floor(calls / CALLS_A_RISK))
  width.size = Math.max(width.size, width.first)
}

/** An answer came: up to `most` calls. `isCounted`: the provider tells how many it takes, so that nothing need be found out. */
export function widen(width: Width, most: number, isCounted = false): void {
  width.answers += 1
  if (isCounted && width.threshold === Infinity) width.size = most
  if (width.answers <= width.first) return
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
