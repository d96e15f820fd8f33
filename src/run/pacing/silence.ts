// The rate of a provider that refuses without saying what it allows: searched for by distances between calls.

/**
 * Milliseconds between two starts; 0 until something was refused. `held`: so many answers it stays as it is. `told`: the last
 * refusal that said when to come back, and how many there were until then.
 */
export type Distance = {
  gap: number
  refusedAt: number
  answers: number
  held: number
  refusals: number
  told: Told | undefined
  /** The distance comes of what was told. */
  isTold: boolean
}
/** `ready`: when it would have been admitted. */
type Told = { ready: number; start: number; refusals: number }

const FIRST_MS = 50
/** So many answers since the last refusal mean that the distance is nearly right. */
const NEARLY = 10
/** A distance that the provider told stays for so many answers, and is so much longer: its clock and ours are two. */
const HELD = 60
const MARGIN = 1.01
const SURE = 0.8
const PAUSE_MS = 200

export const newDistance = (): Distance => ({
  gap: 0,
  refusedAt: 0,
  answers: 0,
  held: 0,
  refusals: 0,
  isTold: false,
  told: undefined,
})

/**
 * A refused call: the `start`-th, heard of at `now`, that is to come back in `afterMs`. `before`: when the call before it
 * began.
 */
type Refused = { at: number; before: number; now: number; start: number; afterMs: number }

/**
 * Between the moments at which two refused calls would have been admitted the provider took just the calls that it admitted,
 * however many it had saved up before. When it said so lies between the start of a call and its end: the least is taken. Held for a while, then tried closer.
 * @returns false where that tells no distance: whole seconds are rounded, and a long wait is the end of a window
 */
export function toldApart(distance: Distance, refused: Refused, longest: number): boolean {
  const { at, before, now, start, afterMs } = refused
  distance.refusals += 1
  const last = distance.told
  // Heard late: it lies before the last one, and not between that and the next.
  if (last && start < last.start) {
    last.refusals += 1
    return true
  }
  if (afterMs <= 0 || afterMs % 1000 === 0 || afterMs > longest) return false
  distance.told = { ready: now + afterMs, start, refusals: distance.refusals }
  const admitted = last ? start - last.start - (distance.refusals - last.refusals) : 0
  // The first refusal may be of a bucket or of a window: how long to wait says nothing of how many may come then.
  if (!last || admitted <= 0) return false
  const apart = (at + afterMs - last.ready) / admitted
  const old = distance.isTold ? distance.gap / MARGIN : 0
  const next = Math.max(old, Math.min(apart, old > 0 ? 2 * old : Infinity))
  if (!(next > 0 && next <= longest)) return false
  distance.isTold = true
  distance.gap = next * MARGIN
  // A call that came straight after one that took the last says the same. If not, more may have been saved up than there was room for.
  const isSure = at + afterMs - before > SURE * apart
  distance.refusedAt = isSure ? distance.gap : 0
  distance.answers = 0
  distance.held = isSure ? HELD : 0
  return true
}

/** A call begins so long after the one before it: what the provider saved up in a long pause tells nothing of its rate. */
export function noteStart(distance: Distance, sinceBefore: number): void {
  if (distance.told && sinceBefore > 3 * distance.gap + PAUSE_MS) distance.told = undefined
}

/** A refusal at this distance: twice as far, or a quarter farther where it had been enough for a while; at most `longest`. */
export function farther(distance: Distance, longest: number): void {
  const { gap, answers } = distance
  distance.refusedAt = gap
  distance.isTold = false
  const next = gap === 0 ? FIRST_MS : gap * (answers >= NEARLY ? 1.25 : 2)
  distance.gap = Math.min(longest, Math.max(FIRST_MS, next))
  distance.answers = 0
}

/** An answer: a little closer, and slowly where the last refusal was. */
export function closer(distance: Distance): void {
  if (distance.gap === 0) return
  distance.answers += 1
  if (distance.held-- > 0) return
  distance.gap *= distance.gap > distance.refusedAt * 1.1 ? 0.98 : 0.997
  if (distance.gap < 1) distance.gap = 0
}
