// What may still be spent, and when each provider may be asked next: carried from pass to pass and from suite to suite.
import type { Provider } from '../ports.ts'
import type { Budget } from '../schema/config.ts'
import type { Completion } from '../schema/run.ts'

/** When a provider may be asked next. Times are milliseconds of the monotonic clock. */
export type Pace = {
  /** The earliest start of the next call: keeps the calls of a minute under `rpm`, without bursts. */
  next: number
  /** Nobody asks before this: the provider said so. */
  pausedUntil: number
  /** Extra milliseconds between two starts, learnt from refusals for too many requests; fades with every answer. */
  spacing: number
  slowedAt: number
}

export type BudgetState = {
  readonly maxCalls: number
  readonly maxCostUsd: number
  /** Attempts sent, retries included, replayed answers apart. */
  calls: number
  costUsd: number
  /** Attempts that told their cost. */
  priced: number
  readonly paces: Map<string, Pace>
}

/** A budget of which nothing is spent; without limits where none are written. */
export function newBudget(budget?: Budget): BudgetState {
  const { max_calls = Infinity, max_cost_usd = Infinity } = budget ?? {}
  return { maxCalls: max_calls, maxCostUsd: max_cost_usd, calls: 0, costUsd: 0, priced: 0, paces: new Map() }
}

/** Why no further call may be sent while `inFlight` calls are under way, which are expected to cost as much as the mean call; or undefined. */
export function spent(budget: BudgetState, inFlight: number): string | undefined {
  const none = noCalls(budget)
  if (none !== undefined) return none
  const mean = budget.priced > 0 ? budget.costUsd / budget.priced : 0
  // The tolerance keeps 0.1 + 0.2 from being more than 0.3.
  const expected = budget.costUsd + (inFlight + 1) * mean
  if (budget.costUsd < budget.maxCostUsd && expected <= budget.maxCostUsd * (1 + 1e-9)) return undefined
  return `The budget of $${budget.maxCostUsd} (max_cost_usd) is spent: the answers so far cost about $${budget.costUsd.toFixed(4)}, and the next call would exceed it.`
}

const noCalls = ({ calls, maxCalls }: BudgetState): string | undefined =>
  calls < maxCalls ? undefined : `The budget of ${maxCalls} calls (max_calls) is spent.`

/** Counts one more call of a conversation that is under way; or says why it must not be sent. What it costs is known at its end. */
export function oneMore(budget: BudgetState): string | undefined {
  const none = noCalls(budget)
  if (none === undefined) budget.calls += 1
  return none
}

/** False for what never left this machine: a recorded answer, none recorded, no key to send. */
export function wasSent({ replayed, error }: Completion): boolean {
  return !replayed && error?.kind !== 'no_key' && error?.kind !== 'not_recorded'
}

/**
 * Books an attempt that was counted when it was admitted: its cost, or that it was no call after all.
 * @param more calls of its conversation that were counted as they were made
 */
export function book(budget: BudgetState, completion: Completion, more = 0): void {
  if (!wasSent(completion)) {
    budget.calls -= 1
    return
  }
  const { conversation, cost_usd } = completion
  // One call was admitted; a conversation is several, and its simulated user some more.
  if (conversation) budget.calls += conversation.calls - 1 + (conversation.user?.calls ?? 0) - more
  budget.costUsd += conversation?.user?.cost_usd ?? 0
  if (cost_usd === undefined) return
  budget.costUsd += cost_usd
  budget.priced += 1
}

export function paceOf(budget: BudgetState, provider: Provider): Pace {
  const known = budget.paces.get(provider.name)
  if (known) return known
  const pace = { next: -Infinity, pausedUntil: -Infinity, spacing: 0, slowedAt: -Infinity }
  budget.paces.set(provider.name, pace)
  return pace
}

/** Marks the start of a call: the next one waits until the rate of the provider allows it. */
export function started(pace: Pace, provider: Provider, now: number): void {
  pace.next = now + Math.max(pace.spacing, provider.rpm === undefined ? 0 : 60_000 / provider.rpm)
}

/**
 * Learns from an attempt: a refusal for too many requests pauses the whole provider as long as it said, and doubles
 * the distance between calls (once for all that were under way together); answers bring them together again.
 */
export function learn(
  pace: Pace,
  completion: Completion,
  {
    afterMs,
    startedAt,
    now,
    longestSpacing,
  }: { afterMs: number | undefined; startedAt: number; now: number; longestSpacing: number },
): void {
  if (completion.error?.kind === 'rate_limit') {
    if (afterMs !== undefined) pace.pausedUntil = Math.max(pace.pausedUntil, now + afterMs)
    if (startedAt < pace.slowedAt) return
    pace.spacing = Math.min(longestSpacing, Math.max(50, pace.spacing * 2))
    pace.slowedAt = now
  } else if (completion.error === undefined && pace.spacing > 0) {
    pace.spacing = pace.spacing < 20 ? 0 : pace.spacing * 0.8
  }
}
