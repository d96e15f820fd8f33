// When a provider may be asked next: its ceilings, what it says of its limits, and what its refusals teach. No clock inside.
import type { Attempt, Limits } from '../../ports.ts'
import type { Completion } from '../../schema/run.ts'
import { type Bucket, bucketWait, readBucket, takeFrom } from './bucket.ts'
import { apart, type Crowd, newCrowd, noteRefused, noteTaken } from './crowd.ts'
import { type Health, isSuspect, newHealth, noteAttempt } from './health.ts'
import { correctEntry, type Entry, enterMinute, type Minute, minuteWait, newMinute } from './minute.ts'
import { closer, type Distance, newDistance, nextStart, refuse } from './silence.ts'
import { narrow, newWidth, type Width, widen, widthOf } from './width.ts'

/** What holds for a provider as a whole. */
export type House = {
  inFlight: number
  /** Conversations under way. */
  talks: number
  requests: Minute
  tokens: Minute
  /** Earliest start of the next call where only a ceiling is known and not how it is counted. */
  next: number
  pausedUntil: number
  health: Health
  lanes: Map<string, Lane>
}

/** What is throttled on its own: one model of a provider. */
export type Lane = {
  inFlight: number
  /** Calls of conversations under way that wait for their turn: they come before new requests. */
  waiting: number
  requests: Minute
  tokens: Minute
  width: Width
  /** The calls under way, and how many of them are taken as far as refusals tell. */
  crowd: Crowd
  distance: Distance
  next: number
  /** So long the answer to the last call is waited for before the next one. */
  careful: number
  pausedUntil: number
  /** What the provider says that is left, as it is now. */
  left: { requests?: Bucket | undefined; tokens?: Bucket | undefined }
  /** Calls under way that the provider says it takes. */
  concurrent: number
  /** Calls and tokens of all starts so far: to tell what came after a call. */
  starts: number
  spent: number
  /** How long the last call under way took. */
  latency: number
  /** When the first and the last call began. */
  firstAt: number
  startedAt: number
  /** Tokens of the calls under way. */
  reserved: number
  /** Of the answers so far: mean tokens, and how far the estimate of a prompt was exceeded at most. */
  answers: { count: number; output: number; scale: number }
}

/** Ceilings known in advance; undefined: none. `lane*`: of the model alone. */
export type Ceilings = {
  concurrency: number
  rpm?: number | undefined
  tpm?: number | undefined
  laneRpm?: number | undefined
  laneTpm?: number | undefined
}

export type Call = {
  at: number
  /** When the call before it began. */
  before: number
  /** What was reserved for it. */
  tokens: number
  input: number
  entries: { entry: Entry; minute: Minute; of: 'requests' | 'tokens' }[]
  starts: number
  spent: number
}

/** Milliseconds. `backoffBase`, `backoffCap`: pauses while a provider is suspected to be down. */
export type Patience = { backoffBase: number; backoffCap: number; longestPause: number; longestSpacing: number }

/** Farther apart one would notice too late that the provider is back. */
const LONGEST_PROBE_MS = 4_000
/** So many answers of a model are heard before it is taken for granted that nobody counts them. */
const CAREFUL = 30
const LONGEST_CARE_MS = 8

export const newHouse = (): House => ({
  inFlight: 0,
  talks: 0,
  requests: newMinute(),
  tokens: newMinute(),
  next: -Infinity,
  pausedUntil: -Infinity,
  health: newHealth(),
  lanes: new Map(),
})

export function laneOf(house: House, key: string): Lane {
  const known = house.lanes.get(key)
  if (known) return known
  const lane: Lane = {
    inFlight: 0,
    waiting: 0,
    requests: newMinute(),
    tokens: newMinute(),
    width: newWidth(),
    crowd: newCrowd(),
    distance: newDistance(),
    next: -Infinity,
    careful: -Infinity,
    pausedUntil: -Infinity,
    left: {},
    concurrent: Infinity,
    starts: 0,
    spent: 0,
    latency: 0,
    firstAt: -Infinity,
    startedAt: -Infinity,
    reserved: 0,
    answers: { count: 0, output: 0, scale: 1 },
  }
  house.lanes.set(key, lane)
  return lane
}

/** Milliseconds until one more call of so many tokens may start; 0: now; Infinity: not before another one ends. */
export function waitFor(
  { house, lane }: { house: House; lane: Lane },
  ceilings: Ceilings,
  { tokens, longestPause }: { tokens: number; longestPause: number },
  now: number,
): number {
  const { concurrency, rpm, tpm, laneRpm, laneTpm } = ceilings
  const width = Math.min(lane.concurrent, lane.crowd.size, widthOf(lane.width, concurrency))
  const most = isSuspect(house.health) ? 1 : concurrency
  if (house.inFlight >= most || lane.inFlight >= width) return Infinity
  let until = Math.max(house.pausedUntil, lane.pausedUntil, lane.next, lane.careful)
  if (!lane.left.requests) until = Math.max(until, house.next)
  let wait = Math.max(0, until - now)
  if (rpm !== undefined) wait = Math.max(wait, minuteWait(house.requests, 1, rpm, now))
  if (tpm !== undefined) wait = Math.max(wait, minuteWait(house.tokens, tokens, tpm, now))
  if (laneRpm !== undefined) wait = Math.max(wait, minuteWait(lane.requests, 1, laneRpm, now))
  if (laneTpm !== undefined) wait = Math.max(wait, minuteWait(lane.tokens, tokens, laneTpm, now))
  const how = { longest: longestPause, now, inFlight: lane.inFlight }
  return Math.max(wait, believed(lane.left.requests, 1, how), believed(lane.left.tokens, tokens, how))
}

/**
 * What the provider says is the best that is known, unless it would mean to wait longer than anybody would, or for an
 * answer while none is under way: then it is asked.
 */
function believed(
  bucket: Bucket | undefined,
  amount: number,
  { longest, now, inFlight }: { longest: number; now: number; inFlight: number },
): number {
  const wait = bucket ? bucketWait(bucket, amount, now) : 0
  if (wait === Infinity) return inFlight > 0 ? Infinity : 0
  return wait > longest ? 0 : wait
}

/** Enters the start of a call. */
export function startCall(
  { house, lane }: { house: House; lane: Lane },
  ceilings: Ceilings,
  { tokens, input }: { tokens: number; input: number },
  now: number,
): Call {
  const { rpm, tpm, laneRpm, laneTpm } = ceilings
  house.inFlight += 1
  lane.inFlight += 1
  lane.starts += 1
  lane.spent += tokens
  lane.reserved += tokens
  const { startedAt: before, starts, spent } = lane
  const call: Call = { at: now, before, tokens, input, entries: [], starts, spent }
  lane.crowd.under.add(call)
  if (lane.starts === 1) lane.firstAt = now
  lane.startedAt = now
  const enter = (minute: Minute, of: 'requests' | 'tokens') =>
    call.entries.push({ minute, of, entry: enterMinute(minute, of === 'requests' ? 1 : tokens, now) })
  if (rpm !== undefined) enter(house.requests, 'requests')
  if (tpm !== undefined) enter(house.tokens, 'tokens')
  if (laneRpm !== undefined) enter(lane.requests, 'requests')
  if (laneTpm !== undefined) enter(lane.tokens, 'tokens')
  if (lane.left.requests) takeFrom(lane.left.requests, 1, now)
  if (lane.left.tokens) takeFrom(lane.left.tokens, tokens, now)
  const next = nextStart(lane.distance, now)
  const own = lane.crowd.belief === 'number' ? now : Math.max(next, now + apart(lane.crowd))
  lane.next = Math.max(own, now + evenly(laneRpm, lane))
  lane.careful = now + carefully(lane, ceilings)
  house.next = nextEven(house.next, evenly(rpm, lane), now)
  return call
}

/**
 * From the first answer on the next calls go out one by one, where nothing is said of limits: each waits a moment for the answer
 * to the one before, less with every answer, so that a refusal is heard before all others have run into the same wall. Where no
 * more may be under way than go out at once there is nobody to hold back.
 */
function carefully({ width: { answers, first }, left, latency }: Lane, { concurrency }: Ceilings): number {
  if (concurrency <= first || answers === 0 || answers > CAREFUL || left.requests) return 0
  return Math.max(1, Math.min(LONGEST_CARE_MS, Math.max(12, latency / 12) / answers))
}

/** Where it is not known what bursts the provider allows, calls keep an even distance. */
const evenly = (rpm: number | undefined, lane: Lane): number =>
  rpm === undefined || lane.left.requests ? 0 : 60_000 / rpm

/** Distances that are too short for a timer are kept on average over a twentieth of a second. */
const nextEven = (next: number, gap: number, now: number): number => (gap < 20 ? Math.max(next, now - 50) : now) + gap

/** Ends a call without an answer: what was never sent gives back what it had reserved. */
export function dropCall({ house, lane }: { house: House; lane: Lane }, call: Call, sent: boolean): void {
  house.inFlight -= 1
  lane.inFlight -= 1
  lane.crowd.under.delete(call)
  lane.reserved -= call.tokens
  if (!sent) for (const { minute, entry } of call.entries) correctEntry(minute, entry, 0)
}

/** Ends a call and learns from it: usage, what was said of limits, refusals, answers. */
export function endCall(
  { house, lane }: { house: House; lane: Lane },
  ceilings: Ceilings,
  { call, attempt, patience, now }: { call: Call; attempt: Attempt; patience: Patience; now: number },
): void {
  const { completion, limits, retry } = attempt
  house.inFlight -= 1
  if (completion.error === undefined && completion.outcome !== 'timeout') noteTaken(lane.crowd, call, now)
  lane.inFlight -= 1
  lane.crowd.under.delete(call)
  lane.reserved -= call.tokens
  if (lane.inFlight === 0) lane.careful = now
  lane.latency = now - call.at
  const refused = completion.error?.kind === 'rate_limit'
  settleTokens(lane, call, completion, refused)
  if (limits) readLimits(lane, limits, call, { refused, now })
  const fate = fateOf(completion, retry)
  noteAttempt(house.health, fate, call.at, now)
  if (isSuspect(house.health) && fate === 'failed') {
    const pause = Math.min(
      patience.backoffCap,
      LONGEST_PROBE_MS,
      patience.backoffBase * 2 ** Math.min(20, house.health.probes),
    )
    house.pausedUntil = Math.max(house.pausedUntil, now + pause)
  }
  if (refused) return learnRefusal(lane, ceilings, { call, afterMs: retry?.after_ms, patience, now })
  if (isOverloaded(completion)) {
    narrow(lane.width, ceilings.concurrency, call.at, now)
    if (retry?.after_ms !== undefined) lane.pausedUntil = Math.max(lane.pausedUntil, now + retry.after_ms)
  } else if (completion.error === undefined && completion.outcome !== 'timeout') {
    widen(lane.width, ceilings.concurrency, lane.left.requests !== undefined)
    closer(lane.distance, now)
    // Where a number holds as well less is at stake.
    if (lane.crowd.belief === 'either') closer(lane.distance, now)
  }
}

/** Failures that say more about the provider than about the case. */
const DOWN: ReadonlySet<string> = new Set(['connection', 'server_error', 'bad_request'])

function fateOf(completion: Completion, retry: Attempt['retry']): 'answered' | 'failed' | 'refused' {
  const { outcome, error } = completion
  if (error?.kind === 'rate_limit') return 'refused'
  // Whoever says when to come back is busy and not gone.
  if (isOverloaded(completion) && retry?.after_ms !== undefined) return 'refused'
  // A timeout is judged when its request is finished: one may be due to a long answer.
  return error && DOWN.has(error.kind) ? 'failed' : outcome === 'timeout' ? 'failed' : 'answered'
}

/** 503 Service Unavailable, and 529 as Anthropic says it. */
const isOverloaded = ({ error }: Completion): boolean => error?.status === 503 || error?.status === 529

/** The true tokens in place of the reserved ones. A refusal used none; of other failures nobody knows. */
function settleTokens(lane: Lane, call: Call, { usage, error }: Completion, refused: boolean): void {
  if (usage) {
    const { answers } = lane
    answers.count += 1
    answers.output += (usage.output_tokens - answers.output) / answers.count
    if (call.input > 0) answers.scale = Math.max(answers.scale, usage.input_tokens / call.input)
  }
  const known = usage ? usage.input_tokens + usage.output_tokens : refused && error ? 0 : undefined
  if (known === undefined) return
  for (const { minute, entry, of } of call.entries) if (of === 'tokens') correctEntry(minute, entry, known)
}

function readLimits(lane: Lane, said: Limits, call: Call, { refused, now }: { refused: boolean; now: number }): void {
  const reading = { now, startedAt: call.at, refused }
  if (said.requests) {
    const since = { limit: said.requests, spentSince: lane.starts - call.starts + lane.inFlight }
    lane.left.requests = readBucket(lane.left.requests, { ...reading, ...since })
  }
  if (said.tokens) {
    const since = { limit: said.tokens, spentSince: lane.spent - call.spent + lane.reserved }
    lane.left.tokens = readBucket(lane.left.tokens, { ...reading, ...since })
  }
  if (said.concurrent !== undefined) lane.concurrent = said.concurrent
}

function learnRefusal(
  lane: Lane,
  { concurrency }: Ceilings,
  { call, afterMs, patience, now }: { call: Call; afterMs: number | undefined; patience: Patience; now: number },
): void {
  const { requests, tokens } = lane.left
  const used = (bucket: Bucket | undefined, amount: number) =>
    bucket !== undefined && bucketWait(bucket, amount, now) > 0
  // What the provider says explains it: its account is the better guide.
  const isExplained = used(requests, 1) || used(tokens, call.tokens) || lane.inFlight + 1 > lane.concurrent
  const { at, before } = call
  const { size } = lane.crowd
  const { why, anew } = isExplained ? { why: 'rate', anew: false } : noteRefused(lane.crowd, call, now)
  // Where it is the number the next answer makes room: only the refused call waits as long as it is told to.
  if (why !== 'number' && afterMs !== undefined) lane.pausedUntil = Math.max(lane.pausedUntil, now + afterMs)
  if (isExplained || why === 'number') return
  if (why === 'rate') narrow(lane.width, concurrency, at, now)
  if (anew) lane.distance = newDistance()
  // As many as were under way came at once.
  const seen = anew
    ? { first: at, calls: Math.min(size, lane.crowd.size) + 1 }
    : { first: lane.firstAt, calls: lane.starts }
  lane.next = Math.max(lane.next, refuse(lane.distance, { at, before, now, ...seen, afterMs }, patience.longestSpacing))
}
