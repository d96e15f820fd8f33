// One case trial by trial and assertion by assertion, beside its medians of the baseline: for reading, no gate looks at it.
import type { CaseTally } from '../../schema/baseline.ts'
import type { Observation } from '../../schema/run.ts'
import type { CaseReport } from '../../schema/verdict.ts'
import { mean } from '../gate/cost.ts'
import { median } from '../gate/latency.ts'
import { isMeasured } from '../gate/tally.ts'

type Detail = NonNullable<CaseReport['detail']>

/** `all`: the observations of one case in the order of their trials; `old`: the same case of the baseline. */
export function caseDetail(all: readonly Observation[], old: CaseTally | undefined): Detail {
  const most = all.reduce((longest, { scores }) => Math.max(longest, scores.length), 0)
  return {
    trials: all.map((one) => ({
      trial: one.trial,
      passed: isMeasured(one) ? one.passed : null,
      latency_ms: one.completion.latency_ms ?? null,
      cost_usd: one.completion.cost_usd ?? null,
    })),
    assertions: Array.from({ length: most }, (_, nth) => assertionDetail(all, nth)),
    before_latency_ms: old && old.latencies_ms.length > 0 ? median(old.latencies_ms) : null,
    before_cost_usd: old && old.costs_usd.length > 0 ? mean(old.costs_usd) : null,
  }
}

/** The nth assertion of the case in every trial. */
function assertionDetail(all: readonly Observation[], nth: number): Detail['assertions'][number] {
  const grades = all.map((one) => (isMeasured(one) ? one.scores[nth] : undefined))
  const told = grades.find((score) => score?.passed === false) ?? grades.find((score) => score !== undefined)
  return {
    assertion: told?.assertion ?? 'not graded',
    passed: grades.map((score) => score?.passed ?? null),
    reason: told?.reason ?? '',
  }
}
