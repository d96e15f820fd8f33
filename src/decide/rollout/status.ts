// Where a rollout stands, as data for a picture: stages, evidence against its bounds, counts, reasons, what comes next.
import type { Outcome } from '../../schema/verdict.ts'
import { renewalAt, retryAt } from './actions.ts'
import { wordsOf } from './evidence.ts'
import { type CriterionStatus, stageCriteria } from './limits.ts'
import { firing } from './look.ts'
import { estimateOf } from './metric-evidence.ts'
import type { Judging } from './metrics.ts'
import { remaining } from './remaining.ts'
import { gateOf, leastTime, observedFor, observedFrom, type Phase, phaseOf } from './stages.ts'
import { isOver, planOf, type Point, type RolloutState } from './state.ts'

export type StageStatus = {
  index: number
  name: string | null
  traffic: number
  when: 'done' | 'now' | 'ahead'
  gate: 'none' | 'no-harm' | 'non-inferior'
  approval: boolean
  approved: boolean
  /** Milliseconds. */
  least: number
  observed: number
}
export type MetricStatus = Pick<Judging, 'name' | 'method' | 'role' | 'harm_bound' | 'safe_bound'> &
  ReturnType<typeof estimateOf> & {
    harm: number | null
    safe: number | null
    /** Evidence over time, at most 60 points, for a sparkline. */
    history: Point[]
    events: { baseline: number; candidate: number }
    verdict: 'harm' | 'safe' | 'open' | 'no-data'
    /** Hours until "not worse" is proven at the rate so far; null: not to be told. */
    hours_left: number | null
  }
export type RolloutStatus = {
  rollout: string
  phase: Phase
  outcome: Outcome | null
  next: string | null
  reasons: string[]
  warnings: string[]
  remaining: string[]
  share: { wanted: number; served: number; killed: boolean; components: string[]; generation: number }
  stages: StageStatus[]
  metrics: MetricStatus[]
  criteria: CriterionStatus[]
  triggers: { id: string; metric: string; firing: boolean; pending: boolean; value: number | null }[]
  units: { baseline: number; candidate: number; both: number }
  requests: { baseline: number; candidate: number }
  lease_until: number | null
  failing: RolloutState['failing']
  /** Milliseconds since 1970; null where nothing more will be decided. */
  next_look: number | null
  hours_left: number | null
  looks: number
  last_look: number | null
  started_at: number
}

const HOUR = 3_600_000
const LONGEST_WAIT = 300_000
const SHORTEST_WAIT = 10_000

/** Where it has gone back, no stage is served any more, and those it had got through are past. */
function whenOf(state: RolloutState, index: number): StageStatus['when'] {
  if (index < state.stage || state.mode === 'succeeded') return 'done'
  return index === state.stage && !isOver(state) ? 'now' : 'ahead'
}

function stagesOf(state: RolloutState): StageStatus[] {
  return planOf(state).stages.map((stage, index) => ({
    index,
    name: stage.name ?? null,
    traffic: stage.traffic,
    when: whenOf(state, index),
    gate: gateOf(stage),
    approval: stage.approval ?? false,
    approved: state.approved.includes(index),
    least: leastTime(stage, planOf(state)),
    observed: index === state.stage ? observedFor(state) : 0,
  }))
}

function hoursLeft(state: RolloutState, safe: number | null, bound: number): number | null {
  if (safe === null) return null
  if (safe >= bound) return 0
  const since = state.evidence.compared_from
  if (since === null || safe <= 0) return null
  const hours = ((state.evidence.clock - since) / HOUR) * ((bound - safe) / safe)
  return Number.isFinite(hours) && hours >= 0 ? hours : null
}

function metricsOf(state: RolloutState): MetricStatus[] {
  return wordsOf(planOf(state)).judging.map(({ name, method, role, harm_bound, safe_bound, ...rest }) => {
    const known = state.evidence.metrics[name]
    const judging = { name, method, role, harm_bound, safe_bound, ...rest }
    const nothing = { estimate: null, low: null, high: null, baseline: null, candidate: null }
    const events = { baseline: known?.baseline.n ?? 0, candidate: known?.candidate.n ?? 0 }
    const harmed = (known?.peak ?? -1) >= harm_bound
    const open = events.candidate === 0 ? 'no-data' : (known?.safe ?? -1) >= safe_bound ? 'safe' : 'open'
    return {
      name,
      method,
      role,
      harm_bound,
      safe_bound,
      ...(known ? estimateOf(known, judging) : nothing),
      harm: known?.harm ?? null,
      safe: known?.safe ?? null,
      history: known?.history ?? [],
      events,
      verdict: harmed ? 'harm' : open,
      hours_left: hoursLeft(state, known?.safe ?? null, safe_bound),
    }
  })
}

/** When it is worth looking again (milliseconds since 1970): at the next thing that falls due, in five minutes at the latest. */
function nextLook(state: RolloutState, now: number): number | null {
  if (state.mode === 'draft' || (isOver(state) && state.notices.length === 0)) return null
  const from = observedFrom(state)
  const stage = planOf(state).stages[state.stage]
  const due = [
    from ?? 0,
    from !== null && stage ? from + leastTime(stage, planOf(state)) + planOf(state).source.lateness : 0,
    renewalAt(state) ?? 0,
    ...state.failing.map((one) => retryAt(state, one.id)),
  ].filter((at) => at > now)
  return Math.max(now + SHORTEST_WAIT, Math.min(now + LONGEST_WAIT, ...due))
}

/** How long until the present stage may be left, at the rate so far; null where that is not to be told. */
function stageHours(state: RolloutState, metrics: MetricStatus[]): number | null {
  const stage = planOf(state).stages[state.stage]
  if (!stage || state.mode !== 'running') return null
  const time = Math.max(0, leastTime(stage, planOf(state)) - observedFor(state)) / HOUR
  if (gateOf(stage) !== 'non-inferior') return time
  const waits = metrics.filter((one) => one.role === 'guardrail').map((one) => one.hours_left)
  return waits.includes(null) ? null : Math.max(time, ...waits.map((one) => one ?? 0))
}

/** Everything that a picture of the rollout at the time `now` (milliseconds since 1970) needs. Throws Error before the start. */
export function rolloutStatus(state: RolloutState, now: number): RolloutStatus {
  const plan = planOf(state)
  const { evidence, last, applied, wanted } = state
  const metrics = metricsOf(state)
  return {
    rollout: plan.rollout,
    phase: phaseOf(state, now),
    outcome: last?.decision.outcome ?? null,
    next: last?.decision.next ?? null,
    reasons: last?.decision.reasons ?? [],
    warnings: last?.decision.warnings ?? [],
    remaining: state.mode === 'running' ? remaining(state) : [],
    share: {
      wanted: wanted.ppm / 1_000_000,
      served: (applied?.ppm ?? 0) / 1_000_000,
      killed: wanted.killed,
      components: wanted.components,
      generation: wanted.generation,
    },
    stages: stagesOf(state),
    metrics,
    criteria: stageCriteria(state),
    triggers: plan.triggers.map(({ id, metric }) => {
      const known = evidence.triggers[id]
      const fires = firing(state).some((one) => one.id === id)
      return { id, metric, firing: fires, pending: !fires && (known?.held ?? 0) > 0, value: known?.value ?? null }
    }),
    units: { ...evidence.units, both: evidence.both },
    requests: evidence.requests,
    lease_until: applied?.lease_until ?? null,
    failing: state.failing,
    next_look: nextLook(state, now),
    hours_left: stageHours(state, metrics),
    looks: state.looks,
    last_look: last?.at ?? null,
    started_at: state.started_at,
  }
}
