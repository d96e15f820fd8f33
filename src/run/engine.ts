// One pass over the cases: asks a provider all requests, a bounded number at a time, with retries, limits and early stops.
import type { AskRequest, Attempt, Provider } from '../ports.ts'
import { fatalKinds } from '../ports.ts'
import type { Completion, ErrorKind } from '../schema/run.ts'
import { type BudgetState, book, learn, oneMore, type Pace, paceOf, spent, started, wasSent } from './budget.ts'
import { shuffled, unitOf } from './random.ts'

export { newBudget } from './budget.ts'
export type { BudgetState }

export type Stopped = { kind: ErrorKind; message: string }

export type PassEvent =
  /** An attempt failed for now; the next one comes after so many milliseconds. */
  | { kind: 'retry'; request: AskRequest; attempt: number; delay_ms: number; reason: string }
  /** The provider wants no calls for so many milliseconds. */
  | { kind: 'paused'; delay_ms: number; reason: string }
  /** No answer came within the time of the provider. */
  | { kind: 'stalled'; request: AskRequest; timeout_ms: number }

/** Milliseconds. Jitter is drawn from [0, min(backoffCap, backoffBase * 2^n)] before retry n + 1; `longestSpacing` bounds what is learnt from refusals for too many requests. */
export type Timing = { backoffBase: number; backoffCap: number; longestPause: number; longestSpacing: number }

export type PassInput = {
  requests: readonly AskRequest[]
  provider: Provider
  seed: number
  signal: AbortSignal
  clock: { monotonic(): number }
  budget: BudgetState
  /** Called once for every request that was finished, failed ones too, one at a time in the order of arrival. */
  onCompletion(request: AskRequest, completion: Completion): void | Promise<void>
  onEvent?: ((event: PassEvent) => void) | undefined
  timing?: Partial<Timing> | undefined
}

type Pass = {
  input: PassInput
  timing: Timing
  pace: Pace
  queue: AskRequest[]
  next: number
  /** How to abort each call that is under way. */
  inFlight: Set<() => void>
  /** How to wake each worker that sleeps. */
  sleepers: Set<() => void>
  /** How to wake the head of the line when a call ends. */
  ended: (() => void) | undefined
  /** The calls go out in single file: the last in the line. */
  line: Promise<unknown>
  deliveries: Promise<void>
  stopped: Stopped | undefined
  /** Stopped so that calls under way are aborted too. */
  halted: boolean
  failure: { error: unknown } | undefined
  downInARow: number
  everUp: boolean
}

const defaultTiming: Timing = { backoffBase: 500, backoffCap: 30_000, longestPause: 300_000, longestSpacing: 1_000 }
/** Failures that say more about the provider than about the case when they come in a row, as a timeout does. */
const downKinds: ReadonlySet<ErrorKind> = new Set(['connection', 'server_error', 'rate_limit', 'bad_request'])
/** So many finished calls in a row that failed so mean that no call succeeds: at the start, and later. */
const DOWN_AT_START = 5
const DOWN_LATER = 10
/** The longest delay that a timer of Node can hold. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Asks all requests and hands every finished one to `onCompletion`. The seed decides the order and the jitter.
 * Resolves when all that was begun is delivered; `stopped` says why not everything was asked: a fatal error, a provider
 * that is down, a spent budget (calls under way are still waited for) or an interruption (they are not).
 * Rejects when `onCompletion` or the provider throws.
 */
export async function runPass(input: PassInput): Promise<{ stopped?: Stopped }> {
  const pass = begin(input)
  const interrupt = () => halt(pass, { kind: 'interrupted', message: 'Interrupted.' })
  if (input.signal.aborted) interrupt()
  input.signal.addEventListener('abort', interrupt, { once: true })
  try {
    const workers = Math.min(input.provider.concurrency, pass.queue.length)
    await Promise.all(Array.from({ length: workers }, () => work(pass)))
    await pass.deliveries
  } finally {
    input.signal.removeEventListener('abort', interrupt)
  }
  if (pass.failure) throw pass.failure.error
  return pass.stopped ? { stopped: pass.stopped } : {}
}

function begin(input: PassInput): Pass {
  return {
    input,
    timing: { ...defaultTiming, ...input.timing },
    pace: paceOf(input.budget, input.provider),
    queue: shuffled(input.requests, input.seed),
    next: 0,
    inFlight: new Set(),
    sleepers: new Set(),
    ended: undefined,
    line: Promise.resolve(),
    deliveries: Promise.resolve(),
    stopped: undefined,
    halted: false,
    failure: undefined,
    downInARow: 0,
    everUp: false,
  }
}

async function work(pass: Pass): Promise<void> {
  while (!pass.stopped) {
    const request = pass.queue[pass.next++]
    if (request === undefined) return
    try {
      const completion = await finish(pass, request)
      if (completion === undefined) return
      deliver(pass, request, completion)
      judge(pass, completion)
    } catch (error) {
      fail(pass, error)
    }
  }
}

/** Asks until there is an answer or no further attempt is due; undefined when the run stopped before one was made. */
async function finish(pass: Pass, request: AskRequest): Promise<Completion | undefined> {
  const { provider, onEvent } = pass.input
  let last: Completion | undefined
  let sent = 0
  for (let tries = 1; ; tries++) {
    if (!(await admitted(pass))) return pass.halted ? undefined : last
    const attempt = await send(pass, request)
    if (attempt === undefined) return undefined
    if (wasSent(attempt.completion)) sent += attempt.completion.conversation?.calls ?? 1
    last = { ...attempt.completion, attempts: sent }
    if (attempt.retry === undefined || tries > provider.retries) return last
    const backoff = Math.min(pass.timing.backoffCap, pass.timing.backoffBase * 2 ** (tries - 1))
    const jitter = unitOf(`${pass.input.seed}/${request.key}/${request.trial}/${tries}`) * backoff
    const delay_ms = (attempt.retry.after_ms ?? 0) + jitter
    const reason = last.error?.message ?? last.outcome
    if ((attempt.retry.after_ms ?? 0) > pass.timing.longestPause) {
      const seconds = Math.ceil((attempt.retry.after_ms ?? 0) / 1000)
      const message = `The provider ${provider.name} asks to wait ${seconds} s before the next call: ${reason}`
      halt(pass, { kind: last.error?.kind ?? 'rate_limit', message })
      return last
    }
    onEvent?.({ kind: 'retry', request, attempt: tries, delay_ms, reason })
    await sleep(pass, delay_ms)
  }
}

/** Waits in single file until pauses, rate and budget allow one more call, and counts it; false when the run stopped. */
function admitted(pass: Pass): Promise<boolean> {
  const turn = pass.line.then(() => waitForTurn(pass))
  pass.line = turn
  return turn
}

async function waitForTurn(pass: Pass): Promise<boolean> {
  const { budget, clock, provider } = pass.input
  while (!pass.stopped) {
    const wait = Math.max(pass.pace.pausedUntil, pass.pace.next) - clock.monotonic()
    if (wait > 0) {
      await sleep(pass, wait)
      continue
    }
    const reason = spent(budget, pass.inFlight.size)
    if (reason === undefined) {
      budget.calls += 1
      started(pass.pace, provider, clock.monotonic())
      return true
    }
    if (pass.inFlight.size === 0) stop(pass, { kind: 'budget', message: reason })
    // What is under way may turn out cheaper than expected, or replayed.
    else await nextEnd(pass)
  }
  return false
}

/** One attempt within the time of the provider; undefined when the run was halted meanwhile. */
function send(pass: Pass, request: AskRequest): Promise<Attempt | undefined> {
  const { provider, clock, onEvent } = pass.input
  const startedAt = clock.monotonic()
  const controller = new AbortController()
  let more = 0
  const afford = () => {
    if (controller.signal.aborted) return 'Interrupted.'
    const refused = oneMore(pass.input.budget)
    if (refused === undefined) more += 1
    return refused
  }
  return new Promise((resolve, reject) => {
    /** True for the first of answer, timeout and halt; whatever comes later is ignored. */
    const over = () => {
      clearTimeout(timer)
      const first = pass.inFlight.delete(abort)
      if (first) pass.ended?.()
      return first
    }
    const settle = (attempt: Attempt) => {
      if (!over()) return
      note(pass, attempt, { startedAt, more })
      resolve(attempt)
    }
    const abort = () => {
      if (over()) resolve(undefined)
      controller.abort()
    }
    const late = () => {
      const latency_ms = clock.monotonic() - startedAt
      settle({ completion: { outcome: 'timeout', text: '', tool_calls: [], latency_ms, attempts: 1 } })
      controller.abort()
      onEvent?.({ kind: 'stalled', request, timeout_ms: provider.timeout_ms })
    }
    const timeout = conversed(request) ? (provider.longest?.(request.case) ?? provider.timeout_ms) : provider.timeout_ms
    const timer = setTimeout(late, Math.min(timeout, LONGEST_TIMER))
    pass.inFlight.add(abort)
    const asked = conversed(request) ? { ...request, afford } : request
    provider.ask(asked, controller.signal).then(settle, (error: unknown) => {
      if (over()) reject(error)
    })
  })
}

const conversed = ({ case: { turns, user, tools } }: AskRequest): boolean => Boolean(turns ?? user ?? tools)

/** Books what an attempt cost and what it tells about the rate of the provider. */
function note(
  pass: Pass,
  { completion, retry }: Attempt,
  { startedAt, more }: { startedAt: number; more: number },
): void {
  const { budget, clock, onEvent } = pass.input
  book(budget, completion, more)
  learn(pass.pace, completion, {
    afterMs: retry?.after_ms,
    startedAt,
    now: clock.monotonic(),
    longestSpacing: pass.timing.longestSpacing,
  })
  const pause = pass.pace.pausedUntil - clock.monotonic()
  if (completion.error?.kind === 'rate_limit' && pause > 0) {
    onEvent?.({ kind: 'paused', delay_ms: pause, reason: completion.error.message })
  }
}

/** Hands a finished request on, after all that came before it; the asking goes on meanwhile. */
function deliver(pass: Pass, request: AskRequest, completion: Completion): void {
  pass.deliveries = pass.deliveries
    .then(() => pass.input.onCompletion(request, completion))
    .catch((error: unknown) => fail(pass, error))
}

/** Stops the run when this completion shows that no further call can succeed. */
function judge(pass: Pass, completion: Completion): void {
  const { provider } = pass.input
  const { error, outcome } = completion
  if (error && fatalKinds.has(error.kind)) return halt(pass, { kind: error.kind, message: error.message })
  if (error?.kind === 'budget') return stop(pass, { kind: error.kind, message: error.message })
  const down = outcome === 'timeout' || (error !== undefined && downKinds.has(error.kind))
  pass.downInARow = down ? pass.downInARow + 1 : 0
  pass.everUp ||= !down
  if (pass.downInARow < (pass.everUp ? DOWN_LATER : DOWN_AT_START)) return
  const reason = error?.message ?? `no answer within ${provider.timeout_ms} ms`
  halt(pass, {
    kind: error?.kind ?? 'connection',
    message: `${pass.downInARow} calls in a row to ${provider.name} failed after all retries, the last with: ${reason}`,
  })
}

/** No new calls; those under way are waited for. The first reason stands. */
function stop(pass: Pass, reason: Stopped): void {
  pass.stopped ??= reason
  for (const wake of pass.sleepers) wake()
  pass.ended?.()
}

/** No new calls, and those under way are aborted. */
function halt(pass: Pass, reason: Stopped): void {
  pass.halted = true
  stop(pass, reason)
  for (const abort of pass.inFlight) abort()
}

function fail(pass: Pass, error: unknown): void {
  pass.failure ??= { error }
  halt(pass, { kind: 'interrupted', message: 'Stopped by a fault.' })
}

/** Resolves after so many milliseconds, or as soon as the run stops. */
function sleep(pass: Pass, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      pass.sleepers.delete(wake)
      resolve()
    }
    const timer = setTimeout(wake, Math.min(Math.ceil(ms), LONGEST_TIMER))
    if (pass.stopped) wake()
    else pass.sleepers.add(wake)
  })
}

/** Resolves when a call ends, or as soon as the run stops. Only the head of the line waits here. */
function nextEnd(pass: Pass): Promise<void> {
  return new Promise((resolve) => {
    pass.ended = () => {
      pass.ended = undefined
      resolve()
    }
  })
}
