// One attempt of a request, from its start to what follows from it: an answer, another attempt, or the end of the pass.
import { setTimeout as sleep } from 'node:timers/promises'
import type { AskRequest, Asking, Attempt, Provider } from '../ports.ts'
import { fatalKinds } from '../ports.ts'
import type { Completion, ErrorKind } from '../schema/run.ts'
import { book, houseOf, oneMore, wasSent } from './budget.ts'
import { downBecause, noteFinished } from './pacing/health.ts'
import { type Call, dropCall, endCall, laneOf, startStep, stepWait } from './pacing/lane.ts'
import { estimateTokens, UNKNOWN_ANSWER } from './pacing/tokens.ts'
import { deliver, fail, halt, LONGEST_TIMER, type Pass, stop, type Stopped, wakeAll } from './pass.ts'
import { type Item, putBack, type Queue } from './queue.ts'
import { unitOf } from './random.ts'
import { isFree, isTriedAgain, noteRefusal } from './retry.ts'

/** Failures that say more about the provider than about the case when they come in a row, as a timeout does. */
const downKinds: ReadonlySet<ErrorKind> = new Set(['connection', 'server_error', 'rate_limit', 'bad_request'])
/** Fatal for everything that this provider is asked, whatever the model. */
const providerKinds: ReadonlySet<ErrorKind> = new Set(['auth', 'quota', 'no_key'])
/** Makes one attempt within the time of the provider. */
export function send(pass: Pass, queue: Queue, item: Item, call: Call): void {
  const { clock, onEvent, budget } = pass.input
  const { provider } = item
  const controller = new AbortController()
  /** True for the first of answer, timeout, fault and halt; whatever comes later is ignored. */
  const over = () => {
    clearTimeout(timer)
    return pass.inFlight.delete(abort)
  }
  let more = 0
  const afford = async (asked: Asking) => {
    await turnOf(pass, item.provider, asked, controller.signal)
    if (controller.signal.aborted) return 'Interrupted.'
    const refused = oneMore(budget)
    if (refused === undefined) more += 1
    return refused
  }
  const settle = (attempt: Attempt) => {
    if (!over()) return
    settled(pass, queue, item, { call, attempt, more })
    wakeAll(budget)
  }
  const abort = () => {
    if (over()) {
      budget.inFlight -= 1
      dropCall(queue, call, true)
    }
    controller.abort()
  }
  const late = () => {
    const latency_ms = clock.monotonic() - call.at
    settle({ completion: { outcome: 'timeout', text: '', tool_calls: [], latency_ms, attempts: 1 } })
    controller.abort()
    onEvent?.({ kind: 'stalled', request: item.request, timeout_ms: provider.timeout_ms })
  }
  const longest = conversed(item.request) ? provider.longest?.(item.request.case) : undefined
  const timer = setTimeout(late, Math.min(longest ?? provider.timeout_ms, LONGEST_TIMER))
  pass.inFlight.add(abort)
  const asked = conversed(item.request) ? { ...item.request, afford } : item.request
  provider.ask(asked, controller.signal).then(settle, (error: unknown) => {
    if (!pass.inFlight.has(abort)) return
    abort()
    fail(pass, error)
    wakeAll(budget)
  })
}

/** What was learnt meanwhile may shorten a wait. */
const LONGEST_NAP_MS = 5_000

/** Waits until a further call of a conversation may start under the ceilings of whoever is asked, and enters it. */
async function turnOf(pass: Pass, target: Provider, { provider, request }: Asking, signal: AbortSignal): Promise<void> {
  const { budget, clock } = pass.input
  // The target itself is known here with the ceilings of its model.
  const { name, rpm, tpm, lane } = provider.name === target.name && !provider.lane ? target : provider
  const house = houseOf(budget, name)
  const at = { house, lane: laneOf(house, lane?.key ?? '') }
  const ceilings = { rpm, tpm, laneRpm: lane?.rpm, laneTpm: lane?.tpm }
  const { answers } = at.lane
  const { input, output } = estimateTokens(request, answers.count > 0 ? answers.output * 1.5 : UNKNOWN_ANSWER)
  // What can never fit waits for a whole minute alone.
  const tokens = Math.min(Math.ceil(input * answers.scale) + output, tpm ?? Infinity, lane?.tpm ?? Infinity)
  const need = { tokens, longestPause: pass.timing.longestPause }
  while (!signal.aborted) {
    const wait = stepWait(at, ceilings, need, clock.monotonic())
    // Infinity: the next answer would tell. It may be the one to this very call.
    if (wait <= 0 || wait === Infinity) return void startStep(at, ceilings, { tokens, input }, clock.monotonic())
    await sleep(Math.min(wait, LONGEST_NAP_MS), undefined, { signal }).catch(() => undefined)
  }
}

/** Several calls in one attempt: a conversation takes longer than a call. */
const conversed = ({ case: { turns, user, tools } }: AskRequest): boolean => Boolean(turns ?? user ?? tools)

/** Books an attempt, learns from it, and finishes the request or plans its next attempt. */
function settled(
  pass: Pass,
  queue: Queue,
  item: Item,
  { call, attempt, more }: { call: Call; attempt: Attempt; more: number },
): void {
  const { budget, clock } = pass.input
  const now = clock.monotonic()
  const { completion } = attempt
  book(budget, completion, more)
  const sent = wasSent(completion)
  if (sent) {
    item.sent += completion.conversation?.calls ?? 1
    endCall(queue, item.ceilings, { call, attempt: asOneCall(item.request, attempt), patience: pass.timing, now })
    if (completion.error?.kind === 'rate_limit') sayPause(pass, queue, completion, now)
  } else dropCall(queue, call, false)
  item.last = { ...completion, attempts: item.sent }
  const free = isFree(queue, item, attempt, call.at)
  noteRefusal(queue, item, completion, now)
  if (free) item.freed += 1
  else item.tries += 1
  if (pass.halted) return
  if (!isTriedAgain(queue, item, attempt)) finish(pass, queue, item, item.last)
  else again(pass, queue, item, { attempt, now })
  checkDown(pass, queue, item, now)
}

/** The tokens of a conversation are those of many calls, each of which had its place: they say nothing about the first. */
function asOneCall(request: AskRequest, attempt: Attempt): Attempt {
  if (!conversed(request)) return attempt
  const { usage: _all, ...completion } = attempt.completion
  return { ...attempt, completion }
}

function sayPause(pass: Pass, { lane }: Queue, { error }: Completion, now: number): void {
  const pause = lane.pausedUntil - now
  if (pause > 0) pass.input.onEvent?.({ kind: 'paused', delay_ms: pause, reason: error?.message ?? '' })
}

/** Puts a request back until its next attempt is due. */
function again(pass: Pass, queue: Queue, item: Item, { attempt, now }: { attempt: Attempt; now: number }): void {
  const { timing, input } = pass
  const after = attempt.retry?.after_ms
  const tries = Math.max(1, item.tries)
  const { completion } = attempt
  const reason = completion.error?.message ?? completion.outcome
  if ((after ?? 0) > timing.longestPause) {
    const message = `The provider ${item.provider.name} asks to wait ${Math.ceil((after ?? 0) / 1000)} s before the next call: ${reason}`
    finish(pass, queue, item, item.last ?? completion)
    return halt(pass, { kind: completion.error?.kind ?? 'rate_limit', message })
  }
  const backoff = Math.min(timing.backoffCap, timing.backoffBase * 2 ** (tries - 1))
  const jitter = unitOf(`${input.seed}/${item.request.key}/${item.request.trial}/${item.tries + item.freed}`) * backoff
  // The pace of the lane keeps refused calls apart: after the pause that the provider asked for none needs to wait longer.
  const delay_ms = completion.error?.kind === 'rate_limit' && after !== undefined ? after : (after ?? 0) + jitter
  input.onEvent?.({ kind: 'retry', request: item.request, attempt: item.sent, delay_ms, reason })
  item.readyAt = now + delay_ms
  putBack(queue, item)
}

/** A request is done: its completion goes out, and shows perhaps that no further call can succeed. */
export function finish(pass: Pass, queue: Queue, item: Item, completion: Completion): void {
  pass.open -= 1
  deliver(pass, item.request, completion)
  const { error, outcome } = completion
  if (error && fatalKinds.has(error.kind)) {
    const reason = { kind: error.kind, message: error.message }
    if (providerKinds.has(error.kind)) pass.input.budget.lost.set(item.provider.name, reason)
    return halt(pass, reason)
  }
  if (error?.kind === 'budget') return stop(pass, { kind: error.kind, message: error.message })
  if (completion.replayed) return
  const down = outcome === 'timeout' || (error !== undefined && downKinds.has(error.kind))
  noteFinished(queue.house.health, outcome === 'timeout' ? 'timeout' : down ? 'failed' : 'answered')
}

/** Stops the run when its failures in a row show that the provider is down. */
function checkDown(pass: Pass, { house }: Queue, { provider, ceilings, last }: Item, now: number): void {
  const why = downBecause(house.health, ceilings.concurrency, now)
  if (why === undefined) return
  const error = last?.error
  const reason = error?.message ?? `no answer within ${provider.timeout_ms} ms`
  const tried = why.includes('attempts') ? 'failed' : 'failed after all retries'
  const message = `${why} to ${provider.name} ${tried}, the last with: ${reason}`
  const stopped: Stopped = { kind: error?.kind ?? 'connection', message }
  pass.input.budget.lost.set(provider.name, stopped)
  halt(pass, stopped)
}
