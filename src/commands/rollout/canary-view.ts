// A rollout's status as the picture shows it: numbers turned into words.
import { keptUntil, planOf, type RolloutState } from '../../decide/rollout/state.ts'
import { servedVerdict } from '../../decide/rollout/served-verdict.ts'
import { type MetricStatus, rolloutStatus, type RolloutStatus, type StageStatus } from '../../decide/rollout/status.ts'
import type { RolloutView, StageView } from '../../report/rollout.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString())

/** What the picture of a state at `now` (milliseconds since 1970) shows. */
export function rolloutView(state: RolloutState, now: number): RolloutView {
  const plan = planOf(state)
  const status = rolloutStatus(state, now)
  return {
    rollout: plan.rollout,
    baseline: parts(plan.baseline),
    candidate: parts(plan.release),
    phase: phaseWords(state, status, now),
    ...saidOf(state, status, now),
    warnings: status.warnings,
    stages: status.stages.map((stage) => stageView(plan, state, stage)),
    metrics: status.metrics.map(metricView),
    arms: {
      baseline: { requests: status.requests.baseline, units: status.units.baseline },
      candidate: { requests: status.requests.candidate, units: status.units.candidate },
    },
    unit: plan.assignment.unit,
    next_look: iso(status.next_look),
    last_look: status.last_look === null ? null : time(Math.max(0, now - status.last_look)),
    unwatched: state.mode === 'running' && status.last_look !== null && now - status.last_look > plan.source.freshness,
    lease_until: iso(status.lease_until),
    hours_left: status.hours_left,
    wanted: wantedOf(state, status),
  }
}

const parts = (of: Readonly<Record<string, string>>) =>
  Object.entries(of)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')

/** What else is known of a state, for programs. */
export function rolloutData(state: RolloutState, now: number) {
  const { share, criteria, triggers, looks, last_look: last, started_at: started } = rolloutStatus(state, now)
  const { generation, ...served } = share
  return {
    mode: state.mode,
    stage: state.stage,
    generation,
    share: served,
    looks,
    looked_at: iso(last),
    started_at: iso(started),
    criteria,
    triggers,
  }
}

/** The last look's outcome; of a rollout that was stopped or is not watched, what holds now. */
function saidOf(state: RolloutState, status: RolloutStatus, now: number): Pick<RolloutView, 'outcome' | 'reasons'> {
  const { outcome, reasons } = status
  if (state.mode === 'running' || outcome === null) return { outcome, reasons }
  const served = servedVerdict(state, now)
  return { outcome: served.verdict, reasons: served.reasons }
}

function phaseWords(
  { mode, stage, paused, plan }: RolloutState,
  { share, lease_until: lease }: RolloutStatus,
  now: number,
): string {
  const part = `${Number((share.served * 100).toFixed(3))} % served`
  if (mode !== 'running') return `${mode.replace('-', ' ')}, ${part}`
  const where = `stage ${stage + 1} of ${plan?.stages.length ?? 0}`
  if (share.killed) return `${where}, killed`
  if (lease !== null && now >= lease) return `${where}, lease ended: the baseline is served`
  return `${where}, ${paused ? `paused, ${part}` : part}`
}

function stageView(plan: RolloutPlan, state: RolloutState, one: StageStatus): StageView {
  const stage = plan.stages[one.index]
  const notes: string[] = []
  if (one.when === 'now' && state.mode === 'running') notes.push(`${time(one.observed)} of ${time(one.least)}`)
  else if (one.least > 0) notes.push(`${stage?.bake === undefined ? '' : 'bake '}${time(one.least)}`)
  if (stage?.min_users !== undefined) notes.push(usersNote(state, one, stage.min_users))
  if (one.approval) notes.push(one.approved ? 'approved' : 'needs approval')
  if (stage?.max_duration !== undefined && one.when !== 'done') notes.push(`at most ${time(stage.max_duration)}`)
  const back = one.when === 'now' && !['draft', 'running', 'succeeded'].includes(state.mode)
  return { traffic: one.traffic, gate: one.gate, state: back ? 'stopped' : one.when, notes }
}

function usersNote(state: RolloutState, one: StageStatus, least: number): string {
  const unit = `${planOf(state).assignment.unit}s`
  return one.when === 'now' ? `${state.evidence.units.candidate} of ${least} ${unit}` : `${least} ${unit}`
}

function metricView({ name, role, method, history, ...numbers }: MetricStatus): RolloutView['metrics'][number] {
  const { baseline, candidate, estimate, low, high, harm, harm_bound, safe, safe_bound } = numbers
  const kind = method === 'means' ? 'mean' : 'rate'
  const values = { baseline, candidate, estimate, low, high, harm, harm_bound, safe, safe_bound }
  return { name, role, kind, ...values, history: history.map((point) => point.harm) }
}

/** What only a person can do, and what stays to be done besides. */
function wantedOf(state: RolloutState, { failing, remaining, reasons }: RolloutStatus): string[] {
  const name = planOf(state).rollout
  const open = state.mode === 'running'
  const approval = planOf(state).stages[state.stage]?.approval === true && !state.approved.includes(state.stage)
  return [
    ...failing.map(({ id, error, attempts }) => `${id} failed ${attempts} times: ${error}`),
    ...(open && state.paused ? [`paused by ${state.paused.by}: aigate canary resume ${name}`] : []),
    ...(open && state.hold !== null ? [`${state.hold}: aigate canary resume ${name}`] : []),
    ...keptNote(state),
    ...(approval && state.mode === 'running' ? [`aigate canary approve ${name}`] : []),
    // The reasons of the last look say it already.
    ...remaining.filter((one) => !reasons.includes(one)),
  ]
}

function keptNote(state: RolloutState): string[] {
  const until = keptUntil(state)
  if (until === null) return []
  return [
    `the old one is kept until ${iso(until) ?? ''}: aigate canary abort ${planOf(state).rollout} goes back at once`,
  ]
}

/** Milliseconds as 45 s, 35 min, 2 h 4 min or 3 d 2 h. */
function time(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 2) return `${Math.round(ms / 1000)} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
