// A plan that was changed in the middle: what was learnt of things that stayed as they were is kept, and nobody is served more.
import type { Amendment, RolloutRecord } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { boundOf } from './criterion.ts'
import { judgingOf } from './metrics.ts'
import { toPlan, toShare } from './moves.ts'
import { planOf, ppmOf, type RolloutState } from './state.ts'
import type { PlanProblem } from './strategy.ts'

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Sources of one kind go on from each other's cursors. */
const kindOf = (source: RolloutPlan['source']) => [source.type, 'engine' in source ? source.engine : null]

/** Of `known`, what `stays` says is measured as before. */
function kept<T>(known: Record<string, T>, stays: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(known).filter(([name]) => stays(name)))
}

const sorted = (parts: Readonly<Record<string, string>>) =>
  Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1))

/** What makes a rollout another one; a list of what was changed of it, empty where the plan may be amended. */
export function amendProblems(before: RolloutPlan, plan: RolloutPlan): PlanProblem[] {
  const who = (of: RolloutPlan) => [of.assignment.unit, of.assignment.salt ?? of.rollout]
  const fixed: [string, unknown, unknown][] = [
    ['release', sorted(before.release), sorted(plan.release)],
    ['baseline', sorted(before.baseline), sorted(plan.baseline)],
    ['assignment', who(before), who(plan)],
    ['strategy', before.strategy ?? 'canary', plan.strategy ?? 'canary'],
  ]
  return fixed.flatMap(([key, was, is]): PlanProblem[] =>
    same(was, is)
      ? []
      : [
          {
            path: [key],
            problem: `${key} was changed: what was learnt of the rollout is no evidence for another one.`,
            mend: 'Put it back, or abort this rollout and start one of another name.',
          },
        ],
  )
}

/** True where the share is written to another place than before; the lease and the time of settling are no place. */
export function movesControl(before: RolloutPlan, plan: RolloutPlan): boolean {
  const place = ({ control }: RolloutPlan) => ({ ...control, settle: 0, ...('lease' in control && { lease: 0 }) })
  return !same(place(before), place(plan))
}

/** What is served, and no more than is wanted; before the first share that is the one which was started with. */
function servedPpm({ applied, wanted }: RolloutState): number {
  if (wanted.killed || applied?.killed) return 0
  return applied === null ? wanted.ppm : Math.min(applied.ppm, wanted.ppm)
}

/**
 * Where a rollout stands under another plan: at the greatest stage that serves no more than is served now; among alike ones
 * at the number that it is at, or the first. Where even the least stage serves more, it holds at what is served.
 */
export function placeUnder(state: RolloutState, plan: RolloutPlan): Amendment {
  const served = servedPpm(state)
  const all = plan.stages.map((_, index) => ppmOf(plan, index))
  const most = Math.max(-1, ...all.filter((ppm) => ppm <= served))
  if (most < 0) {
    const hold = `The amended plan has no stage at or below the ${served / 10_000} % that is served. A person must resume.`
    return { stage: 0, ppm: served, hold }
  }
  const stage = all[state.stage] === most ? state.stage : all.indexOf(most)
  return { stage, ppm: most, hold: null }
}

/** The state under the amended plan. Evidence of a metric, criterion or trigger that now means something else starts anew. */
export function amended(
  state: RolloutState,
  record: Extract<RolloutRecord, { kind: 'said' }>,
  at: number,
): RolloutState {
  if (!record.plan || record.plan_hash === undefined) return state
  const [before, plan] = [planOf(state), record.plan]
  // The cursor of one kind of source says nothing to another one; what was counted is not counted again.
  const cursor = same(kindOf(before.source), kindOf(plan.source)) ? state.cursor : null
  const under = { ...state, plan, plan_hash: record.plan_hash, evidence: evidenceUnder(state, plan), cursor }
  const { amended: place } = record
  if (place === undefined)
    return toPlan({ ...under, stage: Math.min(state.stage, plan.stages.length - 1) }, record.reason)
  // An approval is of a stage as it was read.
  const approved = state.approved.filter((index) => same(before.stages[index], plan.stages[index]))
  const ppm = Math.min(place.ppm, servedPpm(state))
  const stage = Math.min(place.stage, plan.stages.length - 1)
  const there = place.left === undefined ? under : onNewPlane(under, at)
  return toShare({ ...there, stage, approved, hold: place.hold ?? state.hold }, ppm, record.reason)
}

function evidenceUnder(state: RolloutState, plan: RolloutPlan): RolloutState['evidence'] {
  const before = planOf(state)
  const [judged, judging] = [judgingOf(before), judgingOf(plan)]
  const sameMetric = (name: string) => {
    const how = [judged, judging].map((all) => all.find((one) => one.name === name))
    return same(before.metrics[name], plan.metrics[name]) && same(how[0]?.method, how[1]?.method)
  }
  const sameTrigger = (id: string) => {
    const [old, now] = [before, plan].map((one) => one.triggers.find((trigger) => trigger.id === id))
    return same(old, now) && sameMetric(now?.metric ?? '')
  }
  const sameCriterion = (text: string) => {
    const [old, now] = [boundOf(before, text), boundOf(plan, text)]
    return typeof now !== 'string' && same(old, now) && sameMetric(now.metric)
  }
  return {
    ...state.evidence,
    metrics: kept(state.evidence.metrics, sameMetric),
    criteria: kept(state.evidence.criteria, sameCriterion),
    triggers: kept(state.evidence.triggers, sameTrigger),
  }
}

/** Everybody was sent back on the old control plane, and the new one serves nobody yet: a generation of its own. */
function onNewPlane(state: RolloutState, at: number): RolloutState {
  const { generation, components } = state.wanted
  const applied = {
    ppm: 0,
    generation: generation + 1,
    killed: false,
    components,
    lease_until: null,
    at,
    times: 0,
    renewals: 0,
  }
  const changes = [...state.changes, { at, generation: generation + 1, ppm: 0 }].slice(-100)
  return { ...state, applied, changes, wanted: { ...state.wanted, generation: generation + 1, ppm: 0 } }
}
