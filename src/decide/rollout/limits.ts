// Absolute criteria against what was seen: met by the bound, broken by the bound, or open.
import { belowEvidence } from '../../statistics/rate-limit.ts'
import type { Bound } from './criterion.ts'
import { wordsOf } from './evidence.ts'
import { isUnknown, meanBounds } from './one-mean.ts'
import { saidNumber, saidShare } from './said-time.ts'
import { type CriterionEvidence, planOf, type RolloutState } from './state.ts'

/** An absolute criterion at this moment; `progress` is evidence against its bound (1: met), null where it is no ratio. */
export type CriterionStatus = {
  text: string
  met: boolean
  said: string
  value: number | null
  progress: number | null
}

function meets(bound: Bound, known: CriterionEvidence, alpha: number): boolean {
  if (bound.kind !== 'mean') return known.rate !== null && belowEvidence(known.rate) >= Math.log(1 / alpha)
  const bounds = known.mean ? meanBounds(known.mean, alpha) : null
  if (bounds === null || (known.mean !== null && isUnknown(known.mean))) return false
  return bound.side === 'below' ? bounds.high < bound.limit : bounds.low > bound.limit
}

function breaks(bound: Bound, known: CriterionEvidence, alpha: number): boolean {
  if (bound.kind !== 'mean') return known.peak >= Math.log(1 / alpha)
  const bounds = known.mean ? meanBounds(known.mean, alpha) : null
  return bounds !== null && (bound.side === 'below' ? bounds.low > bound.limit : bounds.high < bound.limit)
}

/** The criteria of the present stage. */
export function stageCriteria(state: RolloutState): CriterionStatus[] {
  const plan = planOf(state)
  const bounds = new Map(wordsOf(plan).criteria)
  return (plan.stages[state.stage]?.success ?? []).map((text) => {
    const bound = bounds.get(text)
    const known = state.evidence.criteria[text]
    if (!bound) return { text, met: false, said: `${text} cannot be judged.`, value: null, progress: null }
    if (!known || known.n === 0) return { text, met: false, said: `${text}: no data yet.`, value: null, progress: null }
    const value = known.x / known.n
    const met = meets(bound, known, plan.promote_alpha)
    const seen = bound.kind === 'mean' ? saidNumber(value) : saidShare(value)
    const progress = known.rate ? Math.max(0, belowEvidence(known.rate) / Math.log(1 / plan.promote_alpha)) : null
    return {
      text,
      met,
      said: `${text}: ${met ? 'proven' : 'not proven yet'} (${seen} of ${known.n} events)`,
      value,
      progress,
    }
  })
}

/** Criteria of this stage and those before it that are broken beyond doubt. */
export function brokenCriteria(state: RolloutState): { role: string; text: string; said: string }[] {
  const plan = planOf(state)
  const { criteria } = wordsOf(plan)
  const asked = new Set(plan.stages.slice(0, state.stage + 1).flatMap((stage) => stage.success ?? []))
  const alpha = plan.alpha / Math.max(1, criteria.length)
  return criteria.flatMap(([text, bound]) => {
    const known = state.evidence.criteria[text]
    if (!asked.has(text) || !known || !breaks(bound, known, alpha)) return []
    return [{ role: plan.metrics[bound.metric]?.role ?? 'guardrail', text, said: `${text} is broken, proven.` }]
  })
}
