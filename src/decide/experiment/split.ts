// Did the variants get the shares that were planned? If not, nothing else of the experiment can be trusted.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { ExperimentReport } from '../../schema/experiment-report.ts'
import type { ExperimentSummary } from '../../schema/experiment-summary.ts'
import { proportionTest } from '../../statistics/chi-square.ts'
import { logMean } from '../../statistics/log-space.ts'
import { splitEvidence, startSplit, stepSplit } from '../../statistics/split-check.ts'
import { treatmentsOf } from './metric-kind.ts'

/** One experiment in a thousand may be thrown away by chance. */
const LEVEL = 0.001

/**
 * At the horizon chi-square, which looks once; at every look the mean over the pairs with the control of an evidence that may be
 * looked at daily. `reached`: the horizon is there.
 */
export function checkSplit(
  plan: ExperimentPlan,
  summary: ExperimentSummary,
  reached: boolean,
): ExperimentReport['split'] {
  const variants = Object.entries(plan.variants).map(([variant, { share }]) => ({
    variant,
    planned: share,
    units: summary.variants[variant]?.units ?? 0,
  }))
  const of = (name: string) => variants.find(({ variant }) => variant === name) ?? { planned: 0, units: 0 }
  const control = of(plan.control)
  const evidence = logMean(
    treatmentsOf(plan).map((name) => {
      const { planned, units } = of(name)
      const share = planned / (planned + control.planned)
      return splitEvidence(stepSplit(startSplit(), { share, candidate: units, baseline: control.units }))
    }),
  )
  const test = proportionTest(
    variants.map(({ units }) => units),
    variants.map(({ planned }) => planned),
  )
  const p = reached ? test.p : null
  return { ok: (p === null || p >= LEVEL) && evidence < Math.log(1 / LEVEL), p, evidence, variants }
}
