// The numbers of each metric that a decision shows, as a journal takes them: what is not finite is none.
import type { Decision } from '../../schema/rollout-journal.ts'
import { wordsOf } from './evidence.ts'
import { estimateOf } from './metric-evidence.ts'
import { planOf, type RolloutState } from './state.ts'

const finite = (value: number | null | undefined): number | null =>
  value != null && Number.isFinite(value) ? value : null

/** Evidence with its bounds, and the estimate with its interval, of every metric of the plan. */
export function numbersOf(state: RolloutState): Decision['metrics'] {
  const metrics = wordsOf(planOf(state)).judging.map((one) => {
    const known = state.evidence.metrics[one.name]
    const seen = known ? estimateOf(known, one) : null
    const numbers = {
      harm: finite(known?.harm),
      harm_bound: one.harm_bound,
      safe: finite(known?.safe),
      safe_bound: one.safe_bound,
      estimate: finite(seen?.estimate),
      low: finite(seen?.low),
      high: finite(seen?.high),
      baseline: finite(seen?.baseline),
      candidate: finite(seen?.candidate),
    }
    return [one.name, numbers] as const
  })
  return Object.fromEntries(metrics)
}
