// Simulated traffic of a canary, minute by minute: independent requests under changing base rates, or users of whom a few ask most.
import { normalDraw, type Random } from '../src/statistics/draws.ts'

/**
 * One arm in one minute: requests, bad ones, users whose first bad request this was, users that are new to the arm, those of
 * them that are new to both, and users who asked and had no bad request before this minute.
 */
export type ArmMinute = { n: number; bad: number; first: number; units: number; fresh: number; risk: number }
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
  /** What the traffic and the base rate of 2 % are multiplied by. */
  traffic?: (minute: number) => number
  base?: (minute: number) => number
  /** How many times worse the candidate is. */
  ratio: (minute: number) => number
}

/** Traffic or base rate that swings between a fifth and nine fifths. */
export const diurnal = (at: number): number => 1 + 0.8 * Math.sin((2 * Math.PI * at) / DAY)
/** A base rate that doubles at hour 16. */
export const doubling = (at: number): number => (at < 960 ? 1 : 2)

/** Gives the next minute, of which the candidate serves `share` of the users. */
export type Town = (at: number, share: number) => Minute

/** Every request is a user of its own. */
export function strangers(flow: Flow, random: Random): Town {
  return (at, share) => {
    const arm = (part: number, ratio: number): ArmMinute => {
      const requests = flow.rate * part * (flow.traffic?.(at) ?? 1)
      const rate = BASE * (flow.base?.(at) ?? 1) * ratio
      const bad = poissonDraw(requests * rate, random)
      const n = bad + poissonDraw(requests * (1 - rate), random)
      return { n, bad, first: bad, units: n, fresh: n, risk: n }
    }
    return { at, share, baseline: arm(1 - share, 1), candidate: arm(share, flow.ratio(at)) }
  }
}

const USERS = 3000
const SPREAD = 1.5

/** Activity summed up user by user, so that one is found by bisection. */
function activities(random: Random): Float64Array {
  const sums = new Float64Array(USERS)
  let total = 0
  for (let user = 0; user < USERS; user++) sums[user] = total += Math.exp(SPREAD * normalDraw(random) - SPREAD ** 2 / 2)
  return sums
}

function findUser(sums: Float64Array, mark: number): number {
  let [low, high] = [0, USERS - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) > mark) high = middle
    else low = middle + 1
  }
  return low
}

const [IN_BASELINE, IN_CANDIDATE, HAD_BAD] = [1, 2, 4]

/**
 * The same 3,000 users all the time. Their activity is log-normal (sigma 1.5: a tenth of them makes two thirds of the
 * requests), and they meet bad answers unequally: most never, some again and again. Each has a fixed place between 0 and 1
 * and is served the candidate once the share is above it.
 */
export function crowd(flow: Flow, random: Random): Town {
  const sums = activities(random)
  // Exponential to the third power: mean 6 before scaling, and a long tail.
  const propensity = Float64Array.from({ length: USERS }, () => (BASE / 6) * (-Math.log(1 - random())) ** 3)
  const place = Float64Array.from({ length: USERS }, random)
  const known = new Uint8Array(USERS)
  const lastAt = new Int32Array(USERS).fill(-1)
  const total = sums[USERS - 1] ?? 1
  return (at, share) => {
    const empty = (): ArmMinute => ({ n: 0, bad: 0, first: 0, units: 0, fresh: 0, risk: 0 })
    const minute = { at, share, baseline: empty(), candidate: empty() }
    const [base, ratio] = [flow.base?.(at) ?? 1, flow.ratio(at)]
    const requests = poissonDraw(((flow.rate * total) / USERS) * (flow.traffic?.(at) ?? 1), random)
    for (let i = 0; i < requests; i++) {
      const user = findUser(sums, random() * total)
      const served = (place[user] ?? 1) < share
      const arm = served ? minute.candidate : minute.baseline
      const before = known[user] ?? 0
      const here = served ? IN_CANDIDATE : IN_BASELINE
      arm.n++
      if ((before & here) === 0) arm.units++
      if ((before & (IN_CANDIDATE | IN_BASELINE)) === 0) arm.fresh++
      if ((before & HAD_BAD) === 0 && lastAt[user] !== at) arm.risk++
      lastAt[user] = at
      const bad = random() < Math.min(0.9, (propensity[user] ?? 0) * base * (served ? ratio : 1))
      if (bad) arm.bad++
      if (bad && (before & HAD_BAD) === 0) arm.first++
      known[user] = before | here | (bad ? HAD_BAD : 0)
    }
    return minute
  }
}

/** A day whose share is planned ahead. */
export function* dayIn(town: Town, share: (at: number) => number): Generator<Minute> {
  for (let at = 0; at < DAY; at++) yield town(at, share(at))
}
