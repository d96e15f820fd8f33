// Whose clock is believed: that of the events, so that one wrong clock of a machine does not blind a rollout for days.
import type { RolloutRecord } from '../../schema/rollout-journal.ts'
import { planOf, type RolloutState } from './state.ts'

const MINUTE = 60_000

/** How far behind its newest event the time of a rollout may run on (milliseconds): after that there is simply no data. */
function boundOf(state: RolloutState): number {
  return planOf(state).source.freshness + MINUTE
}

/** The latest time that the events bear out; milliseconds since 1970. */
export function borneOut(state: RolloutState, newest: number | null): number {
  return Math.max(state.started_at, newest ?? 0, state.evidence.newest ?? 0, state.closed ?? 0) + boundOf(state)
}

/**
 * The time of the state after a record that was written at `at`, given what the record came to (`next`). A time that is far
 * ahead of everything known is not kept: what comes later would be taken for the past.
 */
export function believed(before: RolloutState, next: RolloutState, record: RolloutRecord, at: number): number {
  if (next.mode === 'draft' || before.mode === 'draft') return at
  if (record.kind === 'look') return Math.max(before.at, Math.min(at, borneOut(next, null)))
  return at > before.at + boundOf(next) ? before.at : at
}

/** How far the last look was ahead of `now` (milliseconds), where that is more than events can be late; else 0. */
export function aheadBy(state: RolloutState, now: number): number {
  const ahead = (state.last?.at ?? now) - now
  return ahead > boundOf(state) ? ahead : 0
}

/**
 * A person takes over at the time `at`: a time of the state that is beyond it is given up, and the source reads again what it
 * may have passed over. What was counted is not counted twice.
 */
export function resetClock(state: RolloutState, at: number): RolloutState {
  const ahead = Math.max(state.at, state.evidence.clock, state.last?.at ?? 0) > at + boundOf(state)
  if (!ahead) return state
  const evidence = { ...state.evidence, clock: Math.min(state.evidence.clock, at) }
  return { ...state, at, evidence, cursor: null }
}
