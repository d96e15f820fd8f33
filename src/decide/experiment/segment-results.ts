// The primary metric in each segment: shown to ask new questions, never to answer this one.
import type { ExperimentPlan } from '../../schema/experiment.ts'
import type { Compared, SegmentResult } from '../../schema/experiment-report.ts'
import type { ExperimentSummary, VariantSummary } from '../../schema/experiment-summary.ts'
import { chiSquareTail } from '../../statistics/chi-square.ts'
import { normalQuantile } from '../../statistics/normal.ts'
import { byText } from '../words.ts'
import { compareOnce, NO_UNITS, type Question, settle } from './compare-variants.ts'

const unitsIn = (variants: Record<string, VariantSummary>) =>
  Object.values(variants).reduce((sum, { units }) => sum + units, 0)

/** The largest segments, one table a question (variant); p is adjusted over all rows of all tables together. */
export function segmentResults(
  plan: ExperimentPlan,
  summary: ExperimentSummary,
  questions: readonly Question[],
): SegmentResult[] {
  const { segments } = summary
  if (plan.segments === undefined || segments === undefined) return []
  const { alpha } = plan.primary
  const chosen = Object.entries(segments)
    .sort(([a, first], [b, second]) => unitsIn(second) - unitsIn(first) || byText(a, b))
    .slice(0, plan.segments.most)
  const rows = questions.flatMap((question) =>
    chosen.map(([segment, variants]) => {
      const of = (name: string) => variants[name]?.metrics[question.metric] ?? NO_UNITS
      const pair = { variant: of(question.variant), control: of(plan.control) }
      return { segment, compared: compareOnce(question, pair, 1 - alpha) }
    }),
  )
  const settled = settle(
    rows.map(({ compared }) => compared),
    alpha,
  )
  return questions.map(({ variant }) => {
    const own = rows.flatMap(({ segment }, i) => {
      const compared = settled[i]
      return compared?.variant === variant ? [{ segment, compared }] : []
    })
    return { variant, heterogeneity: heterogeneityOf(own.map(({ compared }) => compared)), rows: own }
  })
}

/** Cochran's Q: p of "the effect is the same in every segment", from the estimates and the widths of their intervals. */
function heterogeneityOf(list: readonly Compared[]): number | null {
  const parts = list.flatMap(({ difference, superiority, level }) => {
    const { estimate, low, high } = superiority ?? difference ?? { estimate: 0, low: null, high: null }
    if (low === null || high === null || !(high > low)) return []
    const error = (high - low) / (2 * normalQuantile((1 + level) / 2))
    return [{ estimate, weight: 1 / error ** 2 }]
  })
  if (parts.length < 2) return null
  const weight = parts.reduce((sum, one) => sum + one.weight, 0)
  const mean = parts.reduce((sum, one) => sum + one.weight * one.estimate, 0) / weight
  const q = parts.reduce((sum, one) => sum + one.weight * (one.estimate - mean) ** 2, 0)
  return chiSquareTail(q, parts.length - 1)
}
