// One pass over the cases: asks all requests at the pace that their providers allow, with retries, budgets and early stops.
import type { Completion } from '../schema/run.ts'
import { finish, send } from './attempt.ts'
import { admit, type Spent, spent, timeLeft } from './budget.ts'
import { isTalk, newTalk } from './conversation-turns.ts'
import { startCall, waitFor } from './pacing/lane.ts'
import {
  begin,
  giveUp,
  halt,
  LONGEST_TIMER,
  type Pass,
  type PassEvent,
  type PassInput,
  stop,
  type Stopped,
} from './pass.ts'
import { type Item, nextItem, placeOf, type Queue, takeItem, tokensOf } from './queue.ts'

export { newBudget } from './budget.ts'
export type { PassEvent, PassInput, Stopped }

/**
 * Asks all requests and hands every finished one to `onCompletion`. The seed decides the order and the jitter. Requests of
 * different providers and models are paced apart.
 * Resolves when all that was begun is delivered; `stopped` says why not everything was asked: a fatal error, a provider
 * that is down, a spent budget (calls under way are still waited for) or an interruption (they are not).
 * Rejects when `onCompletion` or the provider throws.
 */
export async function runPass(input: PassInput): Promise<{ stopped?: Stopped }> {
  const pass = begin(input)
  const interrupt = () => halt(pass, { kind: 'interrupted', message: 'Interrupted.' })
  const wake = () => pump(pass)
  const end = () => {
    stop(pass, { kind: 'interrupted', message: 'Interrupted.' })
    pump(pass)
  }
  input.budget.passes.add(wake)
  input.signal.addEventListener('abort', interrupt, { once: true })
  input.enough?.addEventListener('abort', end, { once: true })
  try {
    await new Promise<void>((resolve) => {
      pass.end = resolve
      if (input.signal.aborted) interrupt()
      if (input.enough?.aborted) end()
      else pump(pass)
    })
    await pass.deliveries
  } finally {
    clearTimeout(pass.timer)
    clearImmediate(pass.next)
    input.budget.passes.delete(wake)
    input.signal.removeEventListener('abort', interrupt)
    input.enough?.removeEventListener('abort', end)
  }
  if (pass.failure) throw pass.failure.error
  return pass.stopped ? { stopped: pass.stopped } : {}
}

/** So many calls start until timers, signals and graders get a turn: where answers come at once nothing else would give them one. */
const A_TURN = 64
/** Answers that wait to be handed on, for each call that may be under way; then no more are asked for. */
const MOST_WAITING = 4

function isTurnOver(pass: Pass): boolean {
  if (pass.inTurn < A_TURN) return false
  pass.next ??= setImmediate(() => {
    pass.inTurn = 0
    pass.next = undefined
    pump(pass)
  })
  return true
}

/** Starts every call that may start now, of all queues in turn, and sees to it that the next one is not forgotten. */
function pump(pass: Pass): void {
  if (pass.busy) {
    pass.again = true
    return
  }
  pass.busy = true
  let wait: number
  do {
    pass.again = false
    wait = Infinity
    const later = (ms: number) => {
      wait = Math.min(wait, ms)
    }
    const [only, another] = pass.queues
    if (only && !another) while (started(pass, only, later));
    else startInTurn(pass, later)
  } while (pass.again)
  pass.busy = false
  clearTimeout(pass.timer)
  if (pass.stopped) giveUp(pass)
  if (pass.inFlight.size === 0 && (pass.open === 0 || pass.stopped)) return pass.end()
  const time = timeLeft(pass.input.budget, pass.input.clock.monotonic())
  // When the time is up only the end of a call is waited for.
  const left = time > 0 ? Math.min(wait, time) : Infinity
  if (!pass.stopped && left < Infinity)
    pass.timer = setTimeout(() => pump(pass), Math.min(Math.ceil(left), LONGEST_TIMER))
}

/** Where queues compete for a slot or the budget, the order of the pass decides. */
function startInTurn(pass: Pass, later: (ms: number) => void): void {
  const waiting = new Set(pass.queues)
  for (let first = firstOf(waiting); first; first = firstOf(waiting))
    if (!started(pass, first, later)) waiting.delete(first)
}

function firstOf(queues: ReadonlySet<Queue>): Queue | undefined {
  let first: Queue | undefined
  if (queues.size < 2) for (const queue of queues) return queue
  for (const queue of queues) if (!first || placeOf(queue) < placeOf(first)) first = queue
  return first
}

/** Starts the next call of a queue; false when none may start now, and `later` is told in how many milliseconds. */
function started(pass: Pass, queue: Queue, later: (ms: number) => void): boolean {
  const { budget, clock } = pass.input
  if (pass.stopped || isTurnOver(pass)) return false
  const now = clock.monotonic()
  if (timeLeft(budget, now) === 0) return outOfBudget(pass, spent(budget, 0, now))
  if (queue.lane.waiting > 0) return false
  const { item, wait } = nextItem(queue, now)
  if (!item) {
    later(wait)
    return false
  }
  if (pass.handing > MOST_WAITING * item.ceilings.concurrency) return false
  const lost = budget.lost.get(item.provider.name)
  if (lost) {
    halt(pass, lost)
    return false
  }
  // As many conversations as calls may be under way, also while none of them calls: what is begun is led to its end.
  if (isTalk(item.request) && queue.house.talks >= item.ceilings.concurrency) return false
  const need = tokensOf(queue, item, budget)
  if ('problem' in need) return done(pass, queue, item, need.problem)
  const pause = waitFor(queue, item.ceilings, { tokens: need.tokens, longestPause: pass.timing.longestPause }, now)
  if (pause > 0) {
    later(pause)
    return false
  }
  const reason = spent(budget, need.tokens, now, isTalk(item.request) ? newTalk(item.request) : null)
  if (reason) return outOfBudget(pass, reason)
  takeItem(queue, item)
  pass.inTurn += 1
  admit(budget, now)
  send(pass, queue, item, startCall(queue, item.ceilings, need, now))
  return true
}

/** Stops, unless calls are under way: they may turn out cheaper than expected, or replayed. */
function outOfBudget(pass: Pass, reason: Spent | undefined): false {
  const { budget } = pass.input
  if (reason && budget.inFlight === 0 && budget.talks.open.size === 0) {
    budget.spent ??= reason
    stop(pass, { kind: 'budget', message: reason.message })
  }
  return false
}

/** A request that needs no call is finished without one. */
function done(pass: Pass, queue: Queue, item: Item, completion: Completion): true {
  takeItem(queue, item)
  finish(pass, queue, item, completion)
  return true
}
