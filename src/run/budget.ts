// What may still be spent: calls, dollars, tokens and time, carried from pass to pass and from suite to suite.
import type { Budget } from '../schema/config.ts'
import type { Completion } from '../schema/run.ts'
import { type House, newHouse } from './pacing/lane.ts'

/** Why a run cannot go on. */
export type Spent = { limit: keyof Budget; message: string }

/** A conversation under way. `calls`: made so far; `least`: what it takes at the very least. */
export type Talk = { calls: number; least: number }

export type BudgetState = {
  readonly maxCalls: number
  readonly maxCostUsd: number
  readonly maxTokens: number
  readonly maxDurationMs: number
  /** Attempts sent, retries included, replayed answers apart. */
  calls: number
  costUsd: number
  /** Attempts that told their cost. */
  priced: number
  tokens: number
  /** Attempts that told their tokens. */
  metered: number
  /** Mean milliseconds of an attempt, of so many. */
  latency: { mean: number; count: number }
  /** Milliseconds of the monotonic clock; undefined until the first call. */
  startedAt: number | undefined
  /** Attempts under way, of all passes that go on side by side. */
  inFlight: number
  /** Conversations: those under way, and what those that came to their end took. */
  readonly talks: { readonly open: Set<Talk>; ended: number; calls: number }
  /** The limit that stopped a pass, once one did. */
  spent: Spent | undefined
  /** By name: what is known of the providers that were asked. */
  readonly houses: Map<string, House>
  /** Why a provider is not asked any more, by name. */
  readonly lost: Map<string, { kind: NonNullable<Completion['error']>['kind']; message: string }>
  /** How to tell each pass that goes on that a call ended. */
  readonly passes: Set<() => void>
}

/** A budget of which nothing is spent; without limits where none are written. */
export function newBudget(budget?: Budget): BudgetState {
  const { max_calls = Infinity, max_cost_usd = Infinity, max_tokens = Infinity, max_duration = Infinity } = budget ?? {}
  return {
    maxCalls: max_calls,
    maxCostUsd: max_cost_usd,
    maxTokens: max_tokens,
    maxDurationMs: max_duration,
    calls: 0,
    costUsd: 0,
    priced: 0,
    tokens: 0,
    metered: 0,
    latency: { mean: 0, count: 0 },
    startedAt: undefined,
    inFlight: 0,
    talks: { open: new Set(), ended: 0, calls: 0 },
    spent: undefined,
    houses: new Map(),
    lost: new Map(),
    passes: new Set(),
  }
}

/** The tolerance keeps 0.1 + 0.2 from being more than 0.3. */
const within = (value: number, limit: number): boolean => value <= limit * (1 + 1e-9)

/** Calls of a conversation in all: as many as others took, where some have ended. */
const callsOf = ({ talks }: BudgetState, { least }: Talk): number =>
  Math.max(least, talks.ended > 0 ? talks.calls / talks.ended : 1)

/** Calls that conversations under way are expected to make still, those that are being made apart. */
function promised(budget: BudgetState): number {
  let calls = 0
  for (const talk of budget.talks.open) calls += Math.max(0, callsOf(budget, talk) - talk.calls)
  return calls
}

/**
 * Why no further call may be sent now: it and those under way are expected to cost, and to last, as much as the mean call
 * so far. `tokens`: what this one is estimated to take, for as long as no answer told. undefined: it may be sent.
 * @param begins the conversation that the call begins, or null; undefined: a further call of one that is under way. None
 * is begun that would be torn, and none that would tear another
 */
export function spent(budget: BudgetState, tokens: number, now: number, begins: Talk | null = null): Spent | undefined {
  const more = (begins ? callsOf(budget, begins) : 1) + promised(budget)
  return spentBy(budget, { more, tokens, conversation: begins !== null }, now)
}

/** The same of one further call of a conversation that is under way. */
export const spentInside = (budget: BudgetState, tokens: number, now: number): Spent | undefined =>
  spentBy(budget, { more: 1, tokens, conversation: false }, now)

function spentBy(
  budget: BudgetState,
  { more, tokens, conversation }: { more: number; tokens: number; conversation: boolean },
  now: number,
): Spent | undefined {
  const { maxCostUsd, maxTokens, maxDurationMs, inFlight } = budget
  const none = noCalls(budget, more, conversation)
  if (none) return none
  const cost = budget.costUsd + (inFlight + more) * (budget.priced > 0 ? budget.costUsd / budget.priced : 0)
  if (budget.costUsd >= maxCostUsd || !within(cost, maxCostUsd))
    return {
      limit: 'max_cost_usd',
      message: `The budget of $${maxCostUsd} (max_cost_usd) is spent: the answers so far cost about $${budget.costUsd.toFixed(4)}, and the next call would exceed it.`,
    }
  // Whether a first call fits nobody can know before it was made; a guess must not keep it from being made.
  const unknown = budget.metered === 0 && inFlight === 0
  const used = budget.tokens + (inFlight + more) * (budget.metered > 0 ? budget.tokens / budget.metered : tokens)
  if (budget.tokens >= maxTokens || (!unknown && !within(used, maxTokens)))
    return {
      limit: 'max_tokens',
      message: `The budget of ${maxTokens} tokens (max_tokens) is spent: the answers so far took ${budget.tokens}, and the next call would exceed it.`,
    }
  if (timeLeft(budget, now) === 0)
    return {
      limit: 'max_duration',
      message: `The budget of ${secondsOf(maxDurationMs)} (max_duration) is spent: a call more would end later.`,
    }
  return undefined
}

const secondsOf = (ms: number): string => `${Number((ms / 1000).toFixed(3))} s`

/** Milliseconds until the time is up; Infinity where it is not limited or has not begun. */
export function timeLeft({ startedAt, maxDurationMs, latency }: BudgetState, now: number): number {
  return startedAt === undefined ? Infinity : Math.max(0, startedAt + maxDurationMs - latency.mean - now)
}

/** Counts an attempt that goes out. */
export function admit(budget: BudgetState, now: number): void {
  budget.calls += 1
  budget.inFlight += 1
  budget.startedAt ??= now
}

function noCalls({ calls, maxCalls }: BudgetState, more: number, conversation: boolean): Spent | undefined {
  if (within(calls + more, maxCalls)) return undefined
  const why =
    conversation && calls < maxCalls
      ? `: ${calls} were made, and the next conversation is expected to take ${Math.ceil(more - 1e-9)}`
      : ''
  return { limit: 'max_calls', message: `The budget of ${maxCalls} calls (max_calls) is spent${why}.` }
}

/** False for what never left this machine: a recorded answer, none recorded, no key to send. */
export function wasSent({ replayed, error }: Completion): boolean {
  return !replayed && error?.kind !== 'no_key' && error?.kind !== 'not_recorded'
}

/** Books an attempt that was counted when it was admitted: what it took, or that it was no call after all. */
export function book(budget: BudgetState, completion: Completion): void {
  budget.inFlight -= 1
  if (!wasSent(completion)) {
    budget.calls -= 1
    return
  }
  const { conversation, cost_usd, usage, latency_ms, error, outcome } = completion
  // One call was admitted; of a conversation that an application tells about, all are known only now.
  const calls = Math.max(1, conversation?.calls ?? 1)
  budget.calls += calls - 1
  if (cost_usd !== undefined) {
    budget.costUsd += cost_usd
    budget.priced += calls
  }
  if (usage) {
    budget.tokens += usage.input_tokens + usage.output_tokens
    budget.metered += calls
  }
  if (latency_ms === undefined || error || outcome === 'timeout') return
  const { latency } = budget
  latency.count += 1
  latency.mean += (latency_ms - latency.mean) / latency.count
}

/** What is known of a provider, by its name. */
export function houseOf(budget: BudgetState, name: string): House {
  const known = budget.houses.get(name)
  if (known) return known
  const house = newHouse()
  budget.houses.set(name, house)
  return house
}
