// The rate of a provider that refuses without saying what it allows: the one that explains what it admitted and what it refused.

/** What is believed of a bucket of calls that is never shown. All times and distances are milliseconds. */
export type Distance = {
  /** Between two starts; 0 until something was refused. */
  gap: number
  /** What the last refusal taught; 0 until a second one did. */
  base: number
  /** Calls that were admitted before the first refusal, and over how long. */
  burst: number
  within: number
  /** When the next call begins if all keep the distance. */
  due: number
  /** How long it takes to hear of a refusal, and when the last one was heard of. */
  heard: number
  heardAt: number
  refusals: number
  /** Answers since the last refusal. From `held` on each brings the calls closer by the factor `step`. */
  answers: number
  held: number
  step: number
  wall: Wall | undefined
  /** Calls that began since that refusal. */
  starts: number[]
}

/**
 * A refusal of a call that began at `at`, `since` after the one before it. `told`: how long to wait; `exact`: the same where it
 * is not rounded. `starts`: what was admitted since the refusal before, `last`. `gap` and `base`: as they were then; `calls`: so
 * many had begun in all.
 */
type Wall = {
  at: number
  since: number
  told: number | undefined
  exact: number | undefined
  last: Wall | undefined
  starts: number[]
  gap: number
  base: number
  calls: number
}

/** Who is not told how long to wait waits so long. */
const PAUSE_MS = 1_000
/** A distance that is known is made closer when one refusal more is no more than one in so many calls, and not at once. */
const CALLS_A_REFUSAL = 60
const HELD = 60
/** Of longer histories the older half is dropped. */
const KEPT = 1_000
const CLOSEST_MS = 0.5
/** Calls that have time to make good wait until a refusal of the one before would have been heard of, but no longer than this. */
const HURRY_MS = 15

export const newDistance = (): Distance => ({
  gap: 0,
  base: 0,
  burst: 0,
  within: 0,
  due: -Infinity,
  heard: 0,
  heardAt: -Infinity,
  refusals: 0,
  answers: 0,
  held: 0,
  step: 1,
  wall: undefined,
  starts: [],
})

/** A call starts. What was missed while none could go out is made good. @returns when the next one may start */
export function nextStart(distance: Distance, now: number): number {
  const { gap, base, heard, starts, due, wall } = distance
  if (gap === 0) return now
  starts.push(now)
  if (wall && starts.length > KEPT) {
    const dropped = starts.splice(0, KEPT / 2)
    distance.wall = { ...wall, at: dropped.at(-1) ?? now, exact: undefined }
  }
  distance.due = Math.max(due, now - Math.max(0, roomOf(distance, 1 / gap) - 2) * gap) + gap
  const apart = Math.min(1.3 * heard + 0.5, Math.max(gap, HURRY_MS))
  return Math.max(distance.due, now + (base > 0 ? Math.min(gap / 2, apart) : apart))
}

/** How many calls the bucket holds: those that were admitted first, less what came in meanwhile. */
const roomOf = ({ burst, within }: Distance, rate: number): number => Math.max(1, Math.ceil(burst - rate * within))

/** What is left for the refused call at this rate and with this room, in calls. */
function leftFor({ burst, within }: Distance, { at, starts, last }: Wall, rate: number, room: number): number {
  let level = 0.5
  if (last?.exact !== undefined) level = Math.max(0, 1 - rate * last.exact)
  else if (last?.gap === 0) level = Math.min(1, Math.max(0, room - burst + rate * within))
  let before = last?.at ?? at
  for (const start of starts) {
    level = Math.min(room, level + rate * (start - before)) - 1
    before = start
  }
  return Math.min(room, level + rate * (at - before))
}

/**
 * The distance at which just so much was left for the refused call that it was refused. `most`: nearly a whole call; else as
 * little as the call before it can have left.
 */
function explain(distance: Distance, wall: Wall, most: boolean, longest: number): number {
  const { exact, since } = wall
  const blur = ((distance.heard + 1) / 2) * (most ? -1 : 1)
  const needed = (rate: number) =>
    exact !== undefined ? Math.max(0, 1 - rate * (exact + blur)) : most ? 1 : Math.min(1, rate * since)
  let found = Infinity
  // The room depends on the rate: from the largest on.
  for (let round = 0; round < 5; round += 1) {
    const room = roomOf(distance, 1 / found)
    let [low, high] = [wall.gap, 2 * longest]
    for (let i = 0; i < 30; i += 1) {
      const middle = Math.sqrt(low * high)
      if (leftFor(distance, wall, 1 / middle, room) >= needed(1 / middle) - 1e-9) low = middle
      else high = middle
    }
    found = high
  }
  return found
}

/**
 * A refused call that is heard of at `now`. `before`: when the call before it began; `first`: when the first of all `calls`
 * did.
 */
export type Refused = {
  at: number
  before: number
  now: number
  first: number
  calls: number
  afterMs: number | undefined
}

/** Learns from a refusal. @returns when the next call may start */
export function refuse(distance: Distance, refused: Refused, longest: number): number {
  const { at, before, now, first, calls, afterMs } = refused
  const { gap, base, starts, wall: last } = distance
  distance.refusals += 1
  distance.heard = Math.max(now - at, distance.heard * 0.8)
  const own = starts.indexOf(at)
  if (own >= 0) starts.splice(own, 1)
  if (last && at <= distance.heardAt) {
    // It flew into the same wall: what was taken for admitted was not.
    const counted = last.starts.indexOf(at)
    if (counted >= 0) last.starts.splice(counted, 1)
    if (!last.last) distance.burst = Math.max(1, distance.burst - 1)
    if (counted >= 0 || !last.last) learn(distance, last, longest)
    return now
  }
  const told = afterMs !== undefined && afterMs > 0 ? afterMs : undefined
  const wall: Wall = {
    at,
    since: at - before,
    told,
    exact: told !== undefined && told % 1000 !== 0 ? told : undefined,
    last: last && { ...last, last: undefined },
    starts: starts.filter((one) => one < at),
    gap,
    base,
    calls,
  }
  if (!last) {
    distance.burst = Math.max(1, calls - distance.refusals)
    distance.within = at - first
  }
  distance.heardAt = now
  distance.wall = wall
  distance.starts = starts.filter((one) => one > at)
  return learn(distance, wall, longest)
}

function learn(distance: Distance, wall: Wall, longest: number): number {
  distance.answers = 0
  return wall.last ? learnRate(distance, wall, wall.last, longest) : guessRate(distance, wall, longest)
}

/** After the first refusal: as many as came at once may come again in the time that is to be waited. That is seen soon. */
function guessRate(distance: Distance, { told = PAUSE_MS }: Wall, longest: number): number {
  const { burst, heardAt } = distance
  distance.gap = Math.min(longest, told / burst)
  distance.due = heardAt + told - (burst - 1) * distance.gap
  distance.held = burst
  distance.step = Math.min(0.97, 0.5 ** (1 / burst))
  return heardAt + told
}

function learnRate(distance: Distance, wall: Wall, last: Wall, longest: number): number {
  const { at, since, told, exact, starts, gap, base, calls } = wall
  const { heard, heardAt, refusals } = distance
  const near = explain(distance, wall, true, longest)
  const far = Math.min(4 * near, explain(distance, wall, false, longest))
  // Calls of one moment arrive in any order.
  const uncounted = exact === undefined ? 0.5 : since < heard ? 1 : 0
  const doubt = Math.max(far / near - 1, uncounted / (starts.length + 1))
  const learnt = Math.sqrt(near * far) * (1.005 + 0.2 * Math.min(1, doubt))
  let most = longest
  if (starts.length === 0) most = 2 * Math.max(gap, at - last.at)
  else if (base > 0) most = Math.max(2 * gap, exact ?? 0, starts.length > 2 ? base : 0)
  distance.gap = Math.min(longest, most, Math.max(gap, learnt))
  distance.base = distance.gap
  const known = exact === undefined ? doubt < 0.3 && since > gap / 2 : doubt < 0.1
  distance.held = known ? Math.max(HELD, CALLS_A_REFUSAL * (refusals + 1) - calls) : 5
  distance.step = known ? 0.997 : exact === undefined ? 0.97 : 0.99
  distance.due = at + (exact ?? distance.gap)
  return Math.max(heardAt, told === undefined ? distance.due : heardAt + told)
}

/** An answer: a little closer, and faster when more was admitted than can have been at the distance that was learnt. */
export function closer(distance: Distance, now: number): void {
  const { gap, base, due, starts, wall } = distance
  // Where calls wait for something else, their answers say nothing of the distance.
  if (gap === 0 || now > due + gap) return
  distance.answers += 1
  if (distance.answers <= distance.held) return
  const ahead = base > 0 && wall ? starts.length - (now - wall.at) / base : 0
  const step = ahead > 2 ? 0.97 : distance.step
  distance.gap = Math.max(CLOSEST_MS, gap * step)
  if (distance.gap < distance.heard) distance.heard *= step
}
