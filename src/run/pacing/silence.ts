// The rate of a provider that refuses without saying what it allows: searched for by distances between calls.

/** Milliseconds between two starts; 0 until something was refused. */
export type Distance = { gap: number; refusedAt: number; answers: number }

const FIRST_MS = 50
/** So many answers since the last refusal mean that the distance is nearly right. */
const NEARLY = 10

export const newDistance = (): Distance => ({ gap: 0, refusedAt: 0, answers: 0 })

/** A refusal at this distance: twice as far, or a quarter farther where it had been enough for a while; at most `longest`. */
export function farther(distance: Distance, longest: number): void {
  const { gap, answers } = distance
  distance.refusedAt = gap
  const next = gap === 0 ? FIRST_MS : gap * (answers >= NEARLY ? 1.25 : 2)
  distance.gap = Math.min(longest, Math.max(FIRST_MS, next))
  distance.answers = 0
}

/** An answer: a little closer, and slowly where the last refusal was. */
export function closer(distance: Distance): void {
  if (distance.gap === 0) return
  distance.answers += 1
  distance.gap *= distance.gap > distance.refusedAt * 1.1 ? 0.98 : 0.997
  if (distance.gap < 1) distance.gap = 0
}
