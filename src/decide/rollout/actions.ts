// What shall be done now: derived from the state alone, under ids that stay the same until it is done.
import type { Action, Desired } from '../../schema/rollout-journal.ts'
import type { Actuator } from '../../ports.ts'
import { isApplied } from './stages.ts'
import { planOf, type RolloutState } from './state.ts'

/** An action with the id of its intent: the same id until it was applied, so that a crash never does it twice. */
export type PlannedAction = { id: string; action: Action; why: string }
/** What the control plane says is there now. */
export type Found = Awaited<ReturnType<Actuator['read']>>

const FIRST_RETRY = 10_000
const LONGEST = { back: 60_000, other: 300_000 }
/** Where the plane has no lease, so long an unverified rollout may still grow. */
const FRESH = 900_000
/** Clocks of machines may differ by so much. */
const SLACK = 60_000

const backwards = (state: RolloutState) => state.mode === 'rolling-back' || state.mode === 'aborting'

function leaseOf(state: RolloutState): number | null {
  const { control } = planOf(state)
  return control.type === 'flagd' ? control.lease : null
}

/** When an action that failed is tried again; 0 where it did not fail. */
export function retryAt(state: RolloutState, id: string, now = Number.POSITIVE_INFINITY): number {
  const failing = state.failing.find((one) => one.id === id)
  // What failed in the future failed by a clock that was wrong.
  if (!failing || failing.at > now) return 0
  const longest = backwards(state) ? LONGEST.back : LONGEST.other
  return failing.at + Math.min(longest, FIRST_RETRY * 2 ** Math.min(20, failing.attempts - 1))
}

function desired(state: RolloutState, now: number): Desired {
  const { ppm, generation, killed, components } = state.wanted
  const lease = leaseOf(state)
  const leased = lease !== null && ppm > 0 && state.mode === 'running'
  return { ppm, generation, killed, components, lease_until: leased ? new Date(now + lease).toISOString() : null }
}

/** True while the last looks allow that anybody is served the candidate. */
function isVerified(state: RolloutState, now: number): boolean {
  const age = now - state.verified_at
  // A look of the future was made by a clock that was wrong: it has verified nothing since.
  return state.last?.decision.outcome !== 'fail' && age >= -SLACK && age <= (leaseOf(state) ?? FRESH)
}

function setAction(state: RolloutState, now: number): PlannedAction[] {
  const id = `set-g${state.wanted.generation}`
  const grows = state.mode === 'running' && state.wanted.ppm > (state.applied?.ppm ?? 0)
  // A decision to grow that is older than the lease is looked at again first.
  if (isApplied(state) || now < retryAt(state, id, now) || (grows && !isVerified(state, now))) return []
  return [{ id, action: { do: 'set', desired: desired(state, now) }, why: state.wanted.why }]
}

/** More exposure than was set is put right; less (somebody reduced or killed it by hand) is left as it is. */
function correction(state: RolloutState, now: number, found: Found): PlannedAction[] {
  const { applied, wanted } = state
  if (!applied || !isApplied(state) || planOf(state).strategy === 'rolling') return []
  const tooMuch = !(found.killed ?? false) && (found.ppm > wanted.ppm || (wanted.killed && found.killed === false))
  if (!tooMuch) return []
  const id = `set-g${wanted.generation}-again-${applied.times}`
  const why = `The control plane serves ${found.ppm / 10_000} % where ${wanted.ppm / 10_000} % was set.`
  return now < retryAt(state, id, now) ? [] : [{ id, action: { do: 'set', desired: desired(state, now) }, why }]
}

/** When the lease is to be renewed (a third of it has gone by); null where there is nothing to renew. */
export function renewalAt(state: RolloutState): number | null {
  const lease = leaseOf(state)
  const until = state.applied?.lease_until ?? null
  if (lease === null || until === null || state.mode !== 'running' || !isApplied(state)) return null
  return until - (lease * 2) / 3
}

/** true: the lease was written by a clock that was ahead, and would outlast a dead monitor for as long. */
function isTooLong(state: RolloutState, now: number): boolean {
  const [lease, until] = [leaseOf(state), state.applied?.lease_until ?? null]
  return lease !== null && until !== null && until > now + lease + SLACK
}

function renewAction(state: RolloutState, now: number): PlannedAction[] {
  const due = renewalAt(state)
  if (due === null || !state.applied) return []
  if (!isTooLong(state, now) && (now < due || !isVerified(state, now))) return []
  const id = `renew-g${state.wanted.generation}-${state.applied.renewals + 1}`
  if (now < retryAt(state, id, now)) return []
  return [{ id, action: { do: 'renew', desired: desired(state, now) }, why: 'renewal of the lease' }]
}

/**
 * Everything that shall be done at `now` (milliseconds since 1970), the most urgent first, given that everything that is
 * in the journal was folded; the same again until an `applied` record follows. `found`: what was read back, where it was.
 */
export function actionsFor(state: RolloutState, now: number, found?: Found): PlannedAction[] {
  if (state.mode === 'draft') return []
  const at = Math.max(now, state.at)
  const told = state.notices
    .filter((notice) => at >= retryAt(state, notice.id, at))
    .map(({ id, title, text }): PlannedAction => ({ id, action: { do: 'notify', title, text }, why: title }))
  return [...setAction(state, at), ...(found ? correction(state, at, found) : []), ...renewAction(state, at), ...told]
}
