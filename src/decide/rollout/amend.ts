// A plan that was changed in the middle: what was learnt of things that stayed as they were is kept.
import type { RolloutRecord } from '../../schema/rollout-journal.ts'
import { boundOf } from './criterion.ts'
import { judgingOf } from './metrics.ts'
import { toPlan } from './moves.ts'
import { planOf, type RolloutState } from './state.ts'

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Of `known`, what `stays` says is measured as before. */
function kept<T>(known: Record<string, T>, stays: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(known).filter(([name]) => stays(name)))
}

/** The state under the amended plan. Evidence of a metric, criterion or trigger that now means something else starts anew. */
export function amended(state: RolloutState, record: Extract<RolloutRecord, { kind: 'said' }>): RolloutState {
  if (!record.plan || record.plan_hash === undefined) return state
  const [before, plan] = [planOf(state), record.plan]
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
  const evidence = {
    ...state.evidence,
    metrics: kept(state.evidence.metrics, sameMetric),
    criteria: kept(state.evidence.criteria, sameCriterion),
    triggers: kept(state.evidence.triggers, sameTrigger),
  }
  const stage = Math.min(state.stage, plan.stages.length - 1)
  return toPlan({ ...state, plan, plan_hash: record.plan_hash, stage, evidence }, record.reason)
}
