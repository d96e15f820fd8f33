// Whether a provider is down: told from its failures in a row, so that a run does not wait for every case in vain.

export type Health = {
  /** Something was answered. */
  up: boolean
  /** Finished requests in a row that failed so that it says more about the provider than about the case. */
  finished: number
  timeouts: number
  /** Single attempts in a row that failed so, refusals apart, and since when. */
  attempts: number
  refusals: number
  since: number
  /** From when on it is suspected, and how often it was tried since. */
  suspectAt: number
  probes: number
}

export const newHealth = (): Health => ({
  up: false,
  finished: 0,
  timeouts: 0,
  attempts: 0,
  refusals: 0,
  since: 0,
  suspectAt: Infinity,
  probes: 0,
})

/** So many finished requests in a row that failed so mean that no call succeeds: at the start, and later. */
const FINISHED = { start: 5, later: 10 }
/** From so many failed attempts in a row on one call at a time tries whether somebody is there, farther and farther apart. */
const SUSPECT = 10
/** So many failed attempts, over so many milliseconds: longer than a restart takes. */
const ATTEMPTS = 13
const OUTAGE_MS = { start: 3_000, later: 10_000 }
/** Refusals are a limit, not an outage, until nothing but refusals comes for this long. */
const REFUSALS = 30
const REFUSED_MS = 30_000
/** Where nothing was ever answered, fewer are enough, but only once every limit a minute has had its minute. */
const NEVER = { refusals: 10, ms: 90_000 }

export type AttemptFate = 'answered' | 'failed' | 'refused'

/** Takes note of one attempt that began at `startedAt`. */
export function noteAttempt(health: Health, fate: AttemptFate, startedAt: number, now: number): void {
  if (fate === 'answered') {
    health.up = true
    health.attempts = 0
    health.refusals = 0
    health.suspectAt = Infinity
    health.probes = 0
    return
  }
  if (health.attempts + health.refusals === 0) health.since = now
  if (fate === 'failed') health.attempts += 1
  else health.refusals += 1
  if (startedAt >= health.suspectAt) health.probes += 1
  if (isSuspect(health)) health.suspectAt = Math.min(health.suspectAt, now)
}

/** Takes note of a request that is finished: after its last attempt. */
export function noteFinished(health: Health, fate: 'answered' | 'failed' | 'timeout'): void {
  health.finished = fate === 'answered' ? 0 : health.finished + 1
  health.timeouts = fate === 'timeout' ? health.timeouts + 1 : 0
}

/** One call at a time, until there is an answer. */
export const isSuspect = (health: Health): boolean => health.attempts >= SUSPECT

/**
 * So many requests are tried at first, and again, before others are: enough to tell that nobody answers. `risked`: calls that a run
 * of so many may lose in any case.
 */
export const triesOthers = (health: Health, unfinished: number, risked: number): boolean =>
  health.up ? !isSuspect(health) || unfinished === 0 : unfinished < Math.max(FINISHED.start, risked)

/**
 * What shows that it is down, in words; undefined as long as it may recover. `width`: calls under way at most, since each
 * timeout lasts as long as nobody wants to wait twice.
 */
export function downBecause(health: Health, width: number, now: number): string | undefined {
  const phase = health.up ? 'later' : 'start'
  const { finished, timeouts, attempts, refusals, since } = health
  if (finished >= FINISHED[phase]) return `${finished} calls in a row`
  if (phase === 'start' && timeouts === finished && timeouts >= Math.max(2, Math.min(width, FINISHED.start)))
    return `all of the first ${timeouts} calls`
  const lasting = now - since
  if (attempts >= ATTEMPTS && lasting >= OUTAGE_MS[phase]) return `${attempts} attempts in a row`
  const never = phase === 'start' && refusals >= NEVER.refusals && lasting >= NEVER.ms
  if (never || (refusals >= REFUSALS && lasting >= REFUSED_MS)) return `${refusals + attempts} attempts in a row`
  return undefined
}
