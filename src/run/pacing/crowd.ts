// How many calls under way a provider takes that says nothing of it: told from those beside which calls were taken or refused.

/** A call that is under way, by when it began. */
type Begun = { readonly at: number }

/**
 * A number of calls under way explains what was seen as long as none was refused beside fewer than were taken together. A rate
 * explains it as well (`either`), until a second refusal comes beside just as many others (`number`), or beside fewer (`rate`).
 */
export type Crowd = {
  belief: 'either' | 'number' | 'rate'
  /** Calls under way, oldest first. */
  under: Set<Begun>
  /** So many may be; Infinity until something was refused, and where it is a rate. */
  size: number
  /** The last call was refused beside so many others; Infinity: there was none, or that was no measure. */
  others: number
  /** So many were under way together since then and were taken. */
  taken: number
  /** When the last refusal was heard of, and how long that took. */
  heardAt: number
  heard: number
  refusals: number
  /** Answers since the last refusal, and how long they take of late. */
  answers: number
  latency: number
}

/** One more is tried when one refusal more is no more than one in so many calls. */
const CALLS_A_REFUSAL = 60
/** Who took more than this at once and refuses beside a third of them after the first pause has a number from now on. */
const MANY = 16

export const newCrowd = (): Crowd => ({
  belief: 'either',
  under: new Set(),
  size: Infinity,
  others: Infinity,
  taken: 0,
  heardAt: -Infinity,
  heard: 0,
  refusals: 0,
  answers: 0,
  latency: 0,
})

/** Calls under way that began after `from` and no later than `until`. */
function begun({ under }: Crowd, from: number, until: number): number {
  let count = 0
  for (const { at } of under) {
    if (at > until) break
    if (at > from) count += 1
  }
  return count
}

/** Of so many that are under way here, so many can be on their way there or back. */
const onTheWay = ({ heard, latency }: Crowd, count: number): number =>
  latency > 0 ? Math.floor((count * heard) / latency) : 0

/** Between two starts, in milliseconds: while a rate may be the reason, what is tried beyond the number does not come in a burst. */
export const apart = ({ belief, latency, size }: Crowd): number => (belief === 'either' ? (0.75 * latency) / size : 0)

/**
 * An answer to a call that is still in `under`. Those that began so long ago that their refusals would have been heard of had places
 * beside it; where it is not known how long that takes, half of the time of the answer must do. Where all places were in use one
 * more is tried.
 */
export function noteTaken(crowd: Crowd, { at }: Begun, now: number): void {
  const { belief, under, heardAt, heard, refusals, others } = crowd
  if (belief === 'rate') return
  crowd.latency += (now - at - crowd.latency) / (crowd.latency === 0 ? 1 : 4)
  if (at > heardAt && under.size > crowd.taken) {
    const way = refusals === 0 ? (now - at) / 2 : 1.5 * heard
    crowd.taken = Math.max(crowd.taken, begun(crowd, heardAt, now - way))
  }
  crowd.answers += 1
  const held = belief === 'number' && others < Infinity ? CALLS_A_REFUSAL * refusals : 0
  if (crowd.answers >= held && crowd.taken + onTheWay(crowd, crowd.size) >= crowd.size) crowd.size += 1
}

/**
 * A refusal of a call that is no longer in `under`, heard of at `now`. Those that began before it and are still under way had their
 * places when it came there: what had ended by then would have been heard of before the refusal.
 * @returns what explains it; `anew`: what was learnt of a rate before is worth nothing
 */
export function noteRefused(crowd: Crowd, { at }: Begun, now: number): { why: Crowd['belief']; anew: boolean } {
  const { belief, size, taken } = crowd
  if (belief === 'rate') return { why: belief, anew: false }
  const others = begun(crowd, -Infinity, at)
  crowd.heard = Math.max(now - at, crowd.heard * 0.8)
  if (at <= crowd.heardAt) {
    // It flew into the same wall: the one before it was counted as one that had a place.
    if (crowd.others < Infinity) crowd.others = Math.min(crowd.others, others)
    crowd.size = Math.max(1, Math.min(size, others))
    return { why: belief, anew: false }
  }
  const known = crowd.others < Infinity
  const way = onTheWay(crowd, others)
  const lower = others + way < Math.max(known ? crowd.others : 0, taken)
  const higher = belief === 'either' && known && others > crowd.others * 1.25 + way
  // A number that held for long is lower now: it is looked for by halves. After the first refusal it may be far lower.
  const fell = belief === 'number' && (known ? lower && crowd.answers >= CALLS_A_REFUSAL : taken === 0)
  const sank = belief === 'either' && known && lower && taken === 0 && crowd.others > MANY && 3 * others <= crowd.others
  const anew = belief === 'number' || sank
  if (others === 0 || (!fell && !sank && (lower || higher))) {
    crowd.belief = 'rate'
    crowd.size = Infinity
    return { why: 'rate', anew }
  }
  if (known && !sank) crowd.belief = 'number'
  crowd.size = fell ? Math.ceil(others / 2) : Math.min(size, others)
  crowd.others = fell ? Infinity : others
  Object.assign(crowd, { taken: 0, heardAt: now, refusals: crowd.refusals + 1, answers: 0 })
  return { why: crowd.belief, anew }
}
