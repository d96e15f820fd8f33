// Simulated traffic of a canary, minute by minute: independent requests under changing base rates, or users of whom a few ask most.
import { normalDraw, type Random } from '../src/statistics/draws.ts'

/** One arm in one minute: requests, bad ones, and users whose first bad request this was. */
export type ArmMinute = { n: number; bad: number; first: number }
/** `share` of the users was served the candidate. */
export type Minute = { at: number; share: number; baseline: ArmMinute; candidate: ArmMinute }

export const DAY = 1440
const BASE = 0.02

/** A draw of a Poisson number, by inversion below a mean of 30 and as a sum above it. */
export function poissonDraw(mean: number, random: Random): number {
  if (mean > 30) return poissonDraw(mean / 2, random) + poissonDraw(mean / 2, random)
  let count = 0
  let chance = Math.exp(-mean)
  for (let left = random(); left > chance && count < 500; chance *= mean / ++count) left -= chance
  return count
}

export type Flow = {
  /** Requests a minute of both arms together, on average over the day. */
  rate: number
  share: (minute: number) => number
  /** What the traffic and the base rate of 2 % are multiplied by. */
  traffic?: (minute: number) => number
  base?: (minute: number) => number
  /** How many times worse the candidate is. */
  ratio: (minute: number) => number
}

/** Every request is a user of its own. */
export function* independent(flow: Flow, random: Random): Generator<Minute> {
  for (let at = 0; at < DAY; at++) {
    const share = flow.share(at)
    const arm = (part: number, ratio: number): ArmMinute => {
      const requests = flow.rate * part * (flow.traffic?.(at) ?? 1)
      const rate = BASE * (flow.base?.(at) ?? 1) * ratio
      const bad = poissonDraw(requests * rate, random)
      return { n: bad + poissonDraw(requests * (1 - rate), random), bad, first: bad }
    }
    yield { at, share, baseline: arm(1 - share, 1), candidate: arm(share, flow.ratio(at)) }
  }
}

const USERS = 3000

/**
 * A day of users whose activity is log-normal (sigma 1.5: a tenth of them makes two thirds of the requests) and who meet bad
 * answers unequally (gamma-like, most never, some again and again). `share` of the users is served the candidate.
 */
export function* heavyUsers(rate: number, share: number, ratio: number, random: Random): Generator<Minute> {
  const empty = (): ArmMinute => ({ n: 0, bad: 0, first: 0 })
  const day = Array.from({ length: DAY }, (_, at): Minute => ({ at, share, baseline: empty(), candidate: empty() }))
  const spread = 1.5
  for (let user = 0; user < USERS; user++) {
    const arm = random() < share ? 'candidate' : 'baseline'
    const activity = ((rate * DAY) / USERS) * Math.exp(spread * normalDraw(random) - (spread * spread) / 2)
    // Exponential to the third power: mean 6 before scaling, and a long tail.
    const propensity = Math.min(0.9, (BASE / 6) * (-Math.log(1 - random())) ** 3 * (arm === 'candidate' ? ratio : 1))
    const times = Array.from({ length: poissonDraw(activity, random) }, () => Math.floor(random() * DAY))
    let earliest = DAY
    for (const at of times) {
      const minute = day[at]?.[arm] ?? empty()
      minute.n++
      if (random() >= propensity) continue
      minute.bad++
      earliest = Math.min(earliest, at)
    }
    const first = day[earliest]?.[arm]
    if (first) first.first++
  }
  yield* day
}
