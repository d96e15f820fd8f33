// Where a rollout stands in its plan: which phase, what the stage still needs, and which stage comes next.
import type { RolloutPlan, Stage } from '../../schema/rollout.ts'
import { planOf, type RolloutState } from './state.ts'

/** The phases by name; `STAGE` and `BAKE` have a part. */
export type Phase = {
  name:
    | 'DRAFT'
    | 'ARMED'
    | 'STAGE'
    | 'BAKE'
    | 'SUCCEEDED'
    | 'PAUSED'
    | 'ROLLING_BACK'
    | 'ROLLED_BACK'
    | 'COOLDOWN'
    | 'ABORTED'
    | 'ACTION_FAILED'
  stage: number
  part: 'SETTLE' | 'OBSERVE' | 'HOLD' | null
  reason: string | null
}

/** The gate of a stage: where none is written, `no-harm`; where everybody or nobody is served the candidate nothing can be compared. */
export function gateOf(stage: Stage): 'none' | 'no-harm' | 'non-inferior' {
  return stage.gate ?? (stage.traffic >= 1 || stage.traffic <= 0 ? 'none' : 'no-harm')
}

export function isLast(plan: RolloutPlan, index: number): boolean {
  return index >= plan.stages.length - 1
}

/** True once the share that is wanted is the one that is served. */
export function isApplied(state: RolloutState): boolean {
  return state.applied !== null && state.applied.generation === state.wanted.generation
}

/** When the stage began to be observed (its share applied and settled); null while that is not so. */
export function observedFrom(state: RolloutState): number | null {
  if (!isApplied(state) || !state.applied) return null
  return state.applied.at + planOf(state).control.settle
}

const LEAST_COLLECTING = 600_000

/**
 * Least time of the stage in milliseconds: its duration, or its bake where that is longer; where arms are compared, at
 * least until the answers of its beginning are as old as the longest delay, and a quarter of it or ten minutes more.
 */
export function leastTime(stage: Stage, plan: RolloutPlan): number {
  const written = Math.max(stage.duration ?? 0, stage.bake ?? 0)
  if (gateOf(stage) === 'none') return written
  const delays = Object.values(plan.metrics).map(({ role, delay }) => (role === 'info' ? 0 : (delay ?? 0)))
  const delay = Math.max(0, ...delays)
  return delay === 0 ? written : Math.max(written, delay + Math.max(LEAST_COLLECTING, delay / 4))
}

/** Until when the candidate was served at most (milliseconds since 1970): a lease that has run out ended it. */
export function servedUntil({ applied, evidence: { clock } }: RolloutState): number {
  return Math.min(clock, applied?.lease_until ?? Number.POSITIVE_INFINITY)
}

/** How long ago the stage settled, by the event clock (milliseconds), whatever was served meanwhile; 0 before. */
export function elapsedIn(state: RolloutState): number {
  const from = observedFrom(state)
  return from === null ? 0 : Math.max(0, state.evidence.clock - from)
}

/**
 * How long the stage was observed, by the event clock (milliseconds); 0 before it settled. While nobody looked and the lease
 * had run out, everybody was served the baseline: that is no time of the stage.
 */
export function observedFor(state: RolloutState): number {
  const from = observedFrom(state)
  if (from === null) return 0
  const until = servedUntil(state)
  const lost = state.gaps.reduce((sum, gap) => sum + Math.max(0, Math.min(gap.to, until) - Math.max(gap.from, from)), 0)
  return Math.max(0, until - from - lost)
}

/** A stage that only waits: nothing in it asks for evidence or a person. */
function onlyWaits(plan: RolloutPlan, index: number): boolean {
  const stage = plan.stages[index]
  if (!stage || isLast(plan, index) || stage.approval || stage.bake !== undefined) return false
  return gateOf(stage) === 'none' && stage.min_users === undefined && (stage.success ?? []).length === 0
}

/**
 * The stage after this one. When nobody looked for long, stages that only wait and whose time has passed too are gone
 * through in one step; one with a gate, a criterion, least users or an approval is never passed over.
 */
export function nextStage(state: RolloutState): number {
  const plan = planOf(state)
  const current = plan.stages[state.stage]
  let overdue = observedFor(state) - (current ? leastTime(current, plan) : 0)
  let target = state.stage + 1
  // Only when this stage too did nothing but wait was its successor due at a known time.
  if (!onlyWaits(plan, state.stage)) return Math.min(target, plan.stages.length - 1)
  while (onlyWaits(plan, target)) {
    const stage = plan.stages[target]
    const needs = (stage ? leastTime(stage, plan) : 0) + plan.control.settle
    if (overdue < needs) break
    overdue -= needs
    target += 1
  }
  return Math.min(target, plan.stages.length - 1)
}

/** True where the last stage is being watched after the whole share was given. */
export function isBaking(state: RolloutState): boolean {
  const plan = planOf(state)
  return isLast(plan, state.stage) && plan.stages[state.stage]?.bake !== undefined
}

/** The phase at the time `now` (milliseconds since 1970). */
export function phaseOf(state: RolloutState, now: number): Phase {
  const at = (name: Phase['name'], reason: string | null = null, part: Phase['part'] = null): Phase => ({
    name,
    stage: state.stage,
    part,
    reason,
  })
  if (state.mode === 'draft') return at('DRAFT')
  const failed = state.failing.find((one) => one.id.startsWith('set-') || one.id.startsWith('renew-'))
  if (failed) return at('ACTION_FAILED', failed.error)
  if (state.mode === 'rolling-back' || state.mode === 'aborting') return at('ROLLING_BACK', state.wanted.why)
  if (state.mode === 'rolled-back') {
    const cooling = state.ended_at !== null && now < state.ended_at + (planOf(state).cooldown ?? 0)
    return at(cooling ? 'COOLDOWN' : 'ROLLED_BACK', state.wanted.why)
  }
  if (state.mode === 'aborted') return at('ABORTED', state.wanted.why)
  if (state.mode === 'succeeded') return at('SUCCEEDED')
  if (state.paused) return at('PAUSED', state.paused.reason)
  if (!state.applied) return at('ARMED')
  const name = isBaking(state) ? 'BAKE' : 'STAGE'
  const from = observedFrom(state)
  if (from === null || now < from) return at(name, null, 'SETTLE')
  if (state.hold !== null) return at(name, state.hold, 'HOLD')
  const last = state.last?.decision
  if (last && last.next === 'hold') return at(name, last.reasons[0] ?? null, 'HOLD')
  return at(name, null, 'OBSERVE')
}
