// What one shard asks: it cannot know when the whole suite is decided, so it asks what any verdict on the whole may need.
import type { Baseline } from '../../schema/baseline.ts'
import type { CaseInfo, Observation } from '../../schema/run.ts'
import { CONFIRMATIONS, criticalEvidence, criticalGates } from '../gate/critical.ts'
import type { Next } from '../gate/judge.ts'

/**
 * What a shard asks after its pass number `asked`: what confirms its critical cases, as the whole would ask it at this
 * place, then its next pass up to `passes`. The whole asks all of that or less.
 */
export function shardNext({
  cases,
  observations,
  baseline,
  quarantined = [],
  asked,
  min,
  passes,
}: {
  /** Of this shard. */
  cases: readonly CaseInfo[]
  observations: readonly Observation[]
  baseline: Baseline | null
  quarantined?: readonly string[] | undefined
  asked: number
  min: number
  passes: number
}): Next {
  const further: Next = asked < passes ? { kind: 'pass', trial: asked + 1 } : null
  if (asked < min) return further
  const counting = cases.filter(({ id }) => !quarantined.includes(id))
  const evidence = criticalEvidence(counting, observations)
  const { confirm } = criticalGates(evidence, baseline, { cases: counting, imported: false })
  const confirmed = new Set(observations.filter(({ purpose }) => purpose === 'confirm').map((one) => one.case))
  const open = confirm.filter((id) => !confirmed.has(id))
  return open.length > 0 ? { kind: 'confirm', cases: open, trials: CONFIRMATIONS } : further
}
