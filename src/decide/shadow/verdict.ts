// The verdict of a shadow: every criterion proven and enough pairs is a promotion; one broken criterion is enough to fail.
import type { ShadowPair, ShadowPlan } from '../../schema/shadow.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { type CriterionFinding, findings } from './criteria.ts'

/** What was read besides the pairs. */
export type ShadowCounts = { unreadable: number; duplicates: number; unpaired: number; notes: string[] }
export type ShadowVerdict = {
  shadow: string
  outcome: Outcome
  reasons: string[]
  warnings: string[]
  pairs: number
  min_pairs: number
  criteria: CriterionFinding[]
}

function warningsOf({ unreadable, duplicates, unpaired, notes }: ShadowCounts, pairs: number): string[] {
  const said = [...notes]
  if (unreadable > 0) said.push(`${unreadable} lines could not be read.`)
  if (unreadable > 0 && pairs === 0) said.push('Pairs are read as JSON lines: one JSON object a line.')
  if (duplicates > 0) said.push(`${duplicates} pairs came twice and count once.`)
  if (unpaired > pairs / 10) said.push(`${unpaired} answers have no answer of the other side: are failures left out?`)
  return said
}

/**
 * First match: no pair (invalid), a criterion broken beyond doubt (fail), all proven with enough pairs (pass), else
 * inconclusive. A criterion without data is `invalid` once there are enough pairs: it will not come by waiting.
 */
export function shadowVerdict(plan: ShadowPlan, pairs: readonly ShadowPair[], counts: ShadowCounts): ShadowVerdict {
  const criteria = findings(plan, pairs)
  const enough = pairs.length >= plan.min_pairs
  const of = (state: CriterionFinding['state']) => criteria.filter((one) => one.state === state)
  const say = (list: readonly CriterionFinding[]) => list.map(({ name, said }) => `${name}: ${said}.`)
  const missing = enough ? [] : [`${plan.min_pairs - pairs.length} more pairs are needed.`]
  const frame = {
    shadow: plan.shadow,
    warnings: warningsOf(counts, pairs.length),
    pairs: pairs.length,
    min_pairs: plan.min_pairs,
    criteria,
  }
  const verdict = (outcome: Outcome, reasons: string[]): ShadowVerdict => ({ ...frame, outcome, reasons })
  if (pairs.length === 0) return verdict('invalid', ['There is no pair.'])
  if (of('broken').length > 0) return verdict('fail', say(of('broken')))
  if (enough && of('no-data').length > 0) return verdict('invalid', say(of('no-data')))
  const open = [...missing, ...say([...of('no-data'), ...of('open')])]
  return open.length > 0 ? verdict('inconclusive', open) : verdict('pass', ['Every criterion is proven.'])
}
