// What the world answered: an action that was applied and read back, or one that failed.
import type { RolloutRecord } from '../../schema/rollout-journal.ts'
import { type Applied, planOf, type RolloutState, withNotice } from './state.ts'

const CHANGES = 100
const GAPS = 100
/** A message that could not be given so often is given up. */
const NOTICE_ATTEMPTS = 5

const MINUTE = 60_000
/** What is as good as everybody to planes that count in percent. */
const WHOLE = 999_950
const wholeSince = ({ whole_since: since = null }: RolloutState, reached: number | null, at: number) =>
  reached !== null && reached >= WHOLE ? (since ?? at) : null

/** As a look finds it: since the one before (and a minute, for reading takes its time) somebody may have served less, or nobody does any more. */
export function handsOn(
  before: RolloutState,
  { lowered, reached }: { lowered?: string | null | undefined; reached?: number | null | undefined },
  at: number,
): RolloutState {
  const state = reached === undefined ? before : { ...before, whole_since: wholeSince(before, reached, at) }
  if (lowered == null) return heldAgain(state, at)
  return { ...state, lowered_since: state.lowered_since ?? Math.min(at, state.last?.at ?? state.started_at) - MINUTE }
}

/** The share is (again) the one that was decided: what was served meanwhile is not compared, and the stage's time begins anew. */
export function heldAgain(state: RolloutState, at: number): RolloutState {
  const from = state.lowered_since ?? null
  if (from === null) return state
  const inForce = state.applied && { ...state.applied, at }
  return { ...state, applied: inForce, lowered_since: null, gaps: [...state.gaps, { from, to: at }].slice(-GAPS) }
}

/** The action `id` is in force since `at` (milliseconds since 1970). One that was never intended changes nothing. */
export function applied(state: RolloutState, id: string, at: number): RolloutState {
  const action = state.intents[id]
  if (!action) return state
  const { [id]: _done, ...intents } = state.intents
  const rest = { ...state, intents, failing: state.failing.filter((one) => one.id !== id) }
  if (action.do === 'notify') return { ...rest, notices: state.notices.filter((one) => one.id !== id) }
  const { desired } = action
  const before = state.applied
  // An intent of the past that was carried out after a newer one says nothing about now.
  if (before && desired.generation < before.generation) return rest
  const same = before?.generation === desired.generation ? before : null
  const lease = desired.lease_until === null ? null : Date.parse(desired.lease_until)
  const now: Applied = {
    ppm: desired.ppm,
    generation: desired.generation,
    killed: desired.killed,
    components: desired.components,
    lease_until: lease,
    at: same?.at ?? at,
    times: (same?.times ?? 0) + (action.do === 'set' ? 1 : 0),
    renewals: (same?.renewals ?? 0) + (action.do === 'renew' ? 1 : 0),
  }
  const lapsed = before?.lease_until != null && before.lease_until < at ? [{ from: before.lease_until, to: at }] : []
  const changed = same ? [] : [{ at, generation: desired.generation, ppm: desired.ppm }]
  return ended(
    {
      ...rest,
      applied: now,
      gaps: [...state.gaps, ...lapsed].slice(-GAPS),
      changes: [...state.changes, ...changed].slice(-CHANGES),
    },
    at,
  )
}

/** Going back is over once the share that was wanted is the one that is served. */
export function ended(state: RolloutState, at: number): RolloutState {
  if (state.applied?.generation !== state.wanted.generation) return state
  if (state.mode === 'rolling-back') return { ...state, mode: 'rolled-back', ended_at: at }
  if (state.mode === 'aborting') return { ...state, mode: 'aborted', ended_at: at }
  return state
}

/** An attempt failed: it will be tried again, and people are told at the first and at every tenth time. */
export function failed(
  state: RolloutState,
  record: Extract<RolloutRecord, { kind: 'failed' }>,
  at: number,
): RolloutState {
  const { id, error, attempt } = record
  const others = state.failing.filter((one) => one.id !== id)
  if (state.notices.some((one) => one.id === id)) {
    if (attempt >= NOTICE_ATTEMPTS)
      return { ...state, failing: others, notices: state.notices.filter((one) => one.id !== id) }
    return { ...state, failing: [...others, { id, attempts: attempt, error, at }] }
  }
  // What an earlier generation wanted is not tried again.
  const generation = /^(?:set|renew)-g(\d+)/.exec(id)?.[1]
  if (generation === undefined || Number(generation) !== state.wanted.generation) return state
  const failing = { ...state, failing: [...others, { id, attempts: attempt, error, at }] }
  if (attempt !== 1 && attempt % 10 !== 0) return failing
  const title = `Rollout ${planOf(state).rollout}: the control plane did not do what was wanted`
  return withNotice(failing, { id: `page-${id}-${attempt}`, title, text: `${id} failed ${attempt} times: ${error}` })
}
