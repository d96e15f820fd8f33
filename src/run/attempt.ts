// One attempt of a request, from its start to what follows from it: an answer, another attempt, or the end of the pass.
import type { Attempt } from '../ports.ts'
import { fatalKinds } from '../ports.ts'
import type { Completion, ErrorKind } from '../schema/run.ts'
import { book, wasSent } from './budget.ts'
import { isTalk, turnsOf } from './conversation-turns.ts'
import { downBecause, noteFinished } from './pacing/health.ts'
import { type Call, dropCall, endCall } from './pacing/lane.ts'
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
  const turns = isTalk(item.request) ? turnsOf(pass, queue, item, call, controller.signal) : undefined
  /** True for the first of answer, timeout, fault and halt; whatever comes later is ignored. */
  const over = () => {
    clearTimeout(timer)
    return pass.inFlight.delete(abort)
  }
  const settle = (attempt: Attempt) => {
    if (!over()) return
    settled(pass, queue, item, { call, attempt, booked: turns?.end(attempt) === true })
    wakeAll(budget)
  }
  const abort = () => {
    if (over()) {
      if (turns) turns.abort()
      else {
        budget.inFlight -= 1
        dropCall(queue, call, true)
      }
    }
    controller.abort()
  }
  const limit = (turns && provider.longest?.(item.request.case)) ?? provider.timeout_ms
  let looked = false
  const late = () => {
    if (!pass.inFlight.has(abort)) return
    // Who waits for a turn is not slow.
    const left = turns ? call.at + limit + turns.waited() - clock.monotonic() : 0
    if (left > 0) {
      timer = setTimeout(late, Math.min(Math.ceil(left), LONGEST_TIMER))
      return
    }
    // Where code of the user kept this process busy, the answer may have come in long ago: it is looked for once.
    if (!looked) {
      looked = true
      setImmediate(late)
      return
    }
    const latency_ms = clock.monotonic() - call.at
    // First, so that a conversation takes no further turn.
    controller.abort()
    settle({ completion: { outcome: 'timeout', text: '', tool_calls: [], latency_ms, attempts: 1 } })
    onEvent?.({ kind: 'stalled', request: item.request, timeout_ms: provider.timeout_ms })
  }
  let timer = setTimeout(late, Math.min(limit, LONGEST_TIMER))
  pass.inFlight.add(abort)
  const asked = turns ? { ...item.request, key: item.request.key, turn: turns.turn } : item.request
  provider.ask(asked, controller.signal).then(settle, (error: unknown) => {
    if (!pass.inFlight.has(abort)) return
    abort()
    fail(pass, error)
    wakeAll(budget)
  })
}

/** Books an attempt, learns from it, and finishes the request or plans its next attempt. */
function settled(
  pass: Pass,
  queue: Queue,
  item: Item,
  { call, attempt, booked }: { call: Call; attempt: Attempt; booked: boolean },
): void {
  const { budget, clock } = pass.input
  const now = clock.monotonic()
  const { completion } = attempt
  if (!booked) book(budget, completion)
  const sent = wasSent(completion)
  if (booked) item.sent += completion.conversation?.calls ?? 1
  else if (sent) {
    item.sent += completion.conversation?.calls ?? 1
    endCall(queue, item.ceilings, { call, attempt, patience: pass.timing, now })
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
  // The pace of the lane keeps refused calls apart, or any answer makes room: after the pause that the provider asked for none
  // needs to wait longer.
  const { next, distance, crowd } = queue.lane
  const refused = completion.error?.kind === 'rate_limit'
  const byNumber = refused && crowd.belief === 'number'
  const own = byNumber || (refused && after !== undefined) ? (after ?? 0) : (after ?? 0) + jitter
  // Who was refused more than once lets another try first.
  const turn = refused && !byNumber && item.tries + item.freed > 1 ? next + distance.gap / 2 - now : 0
  const delay_ms = Math.max(own, turn)
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
