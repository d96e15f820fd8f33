// A pass while it goes on: what is known of it, and how it hands answers on, stops and ends.
import type { AskRequest, Provider } from '../ports.ts'
import type { Completion, ErrorKind } from '../schema/run.ts'
import type { BudgetState } from './budget.ts'
import type { Patience } from './pacing/lane.ts'
import { type Queue, queuesOf } from './queue.ts'
import { shuffled } from './random.ts'

export type Stopped = { kind: ErrorKind; message: string }

export type PassEvent =
  /** An attempt failed for now; the next one comes after so many milliseconds. */
  | { kind: 'retry'; request: AskRequest; attempt: number; delay_ms: number; reason: string }
  /** The provider wants no calls for so many milliseconds. */
  | { kind: 'paused'; delay_ms: number; reason: string }
  /** No answer came within the time of the provider. */
  | { kind: 'stalled'; request: AskRequest; timeout_ms: number }

/** Milliseconds. Jitter is drawn from [0, min(backoffCap, backoffBase * 2^n)] before retry n + 1; `longestSpacing` bounds what is learnt from refusals for too many requests. */
export type Timing = Patience

export type PassInput = {
  requests: readonly AskRequest[]
  provider: Provider
  seed: number
  /** Aborted: no new calls, and those under way are aborted as well. */
  signal: AbortSignal
  /** Aborted: no new calls, and those under way, which are paid for, are waited for. */
  enough?: AbortSignal | undefined
  clock: { monotonic(): number }
  budget: BudgetState
  /** Called once for every request that was finished, failed ones too, one at a time in the order of arrival. */
  onCompletion(request: AskRequest, completion: Completion): void | Promise<void>
  onEvent?: ((event: PassEvent) => void) | undefined
  timing?: Partial<Timing> | undefined
}

/** A pass that goes on. */
export type Pass = {
  input: PassInput
  timing: Timing
  queues: Queue[]
  /** Requests that are neither finished nor given up. */
  open: number
  /** How to abort each call that is under way. */
  inFlight: Set<() => void>
  timer: NodeJS.Timeout | undefined
  /** Calls that were started since timers and signals had their turn; `next`: when that has come. */
  inTurn: number
  next: NodeJS.Immediate | undefined
  /** Of so many the handing on takes its time, or has not begun. */
  handing: number
  deliveries: Promise<void>
  stopped: Stopped | undefined
  /** Stopped so that calls under way are aborted too. */
  halted: boolean
  failure: { error: unknown } | undefined
  /** Starting calls right now; `again`: something ended meanwhile. */
  busy: boolean
  again: boolean
  end: () => void
}

const defaultTiming: Timing = { backoffBase: 500, backoffCap: 30_000, longestPause: 300_000, longestSpacing: 10_000 }
/** The longest delay that a timer of Node can hold. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** A pass of which nothing is asked yet. */
export function begin(input: PassInput): Pass {
  const order = shuffled(input.requests, input.seed)
  return {
    input,
    timing: { ...defaultTiming, ...input.timing },
    queues: queuesOf(order, input.provider, input.budget),
    open: order.length,
    inFlight: new Set(),
    timer: undefined,
    inTurn: 0,
    next: undefined,
    handing: 0,
    deliveries: Promise.resolve(),
    stopped: undefined,
    halted: false,
    failure: undefined,
    busy: false,
    again: false,
    end: () => undefined,
  }
}

/** Every pass that goes on: what ended here may have held up a call of another. */
export function wakeAll(budget: BudgetState): void {
  for (const wake of budget.passes) wake()
}

/**
 * Hands a finished request on, after all that came before it: at once where those are done, so that it is saved before the next
 * one is asked. The asking goes on while it is graded.
 */
export function deliver(pass: Pass, request: AskRequest, completion: Completion): void {
  const hand = () => pass.input.onCompletion(request, completion)
  if (pass.handing > 0) return follow(pass, pass.deliveries.then(hand))
  try {
    const done = hand()
    if (done) follow(pass, done)
  } catch (error) {
    fail(pass, error)
  }
}

function follow(pass: Pass, done: Promise<void>): void {
  pass.handing += 1
  pass.deliveries = done
    .catch((error: unknown) => fail(pass, error))
    .finally(() => {
      pass.handing -= 1
      // Calls may have waited for this.
      if (pass.open > 0) wakeAll(pass.input.budget)
    })
}

/** What was tried and cannot be tried again is delivered as it is; after an abort only what had come before counts. */
export function giveUp(pass: Pass): void {
  for (const queue of pass.queues) {
    const waiting = queue.again.splice(0)
    if (pass.halted) continue
    for (const item of waiting) {
      pass.open -= 1
      if (item.last) deliver(pass, item.request, item.last)
    }
  }
}

/** No new calls; those under way are waited for. The first reason stands. */
export function stop(pass: Pass, reason: Stopped): void {
  pass.stopped ??= reason
}

/** No new calls, and those under way are aborted. */
export function halt(pass: Pass, reason: Stopped): void {
  pass.halted = true
  stop(pass, reason)
  for (const abort of pass.inFlight) abort()
  wakeAll(pass.input.budget)
}

export function fail(pass: Pass, error: unknown): void {
  pass.failure ??= { error }
  halt(pass, { kind: 'interrupted', message: 'Stopped by a fault.' })
}
