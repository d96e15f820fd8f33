// Whose clock a guard believes: that of the events, so that one wrong clock of a machine does not blind it for hours.
import type { GuardRecord } from '../../schema/guard-journal.ts'
import { guardPlanOf, type GuardState } from './state.ts'

const MINUTE = 60_000

const slack = (state: GuardState): number => guardPlanOf(state).source.freshness + MINUTE

/** `at`, but no later than the events bear out; all in milliseconds since 1970. */
export function borneOut(state: GuardState, at: number): number {
  return Math.min(at, Math.max(state.newest ?? 0, state.closed ?? 0, state.since, state.at) + slack(state))
}

/** The time of the state after a record of the time `at`: one that is far ahead of everything known is not kept. */
export function believed(before: GuardState, next: GuardState, record: GuardRecord, at: number): number {
  if (record.kind === 'carry') return next.at
  if (before.plan === null || next.plan === null) return at
  return Math.max(before.at, Math.min(at, Math.max(next.newest ?? 0, next.closed ?? 0, next.since) + slack(next)))
}

/** How far the clock of the last look was ahead of `now` (milliseconds), where that is more than events can be late; else 0. */
export function aheadBy(state: GuardState, now: number): number {
  const ahead = (state.last?.at ?? now) - now
  return ahead > slack(state) ? ahead : 0
}
