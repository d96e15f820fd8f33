// The verdict on an experiment: the split first, nothing but intervals before the horizon, then the primary decides and guardrails veto.
import type { LoadedExperiment } from '../../schema/experiment.ts'
import type { Compared, ExperimentReport, GuardrailResult } from '../../schema/experiment-report.ts'
import type { ExperimentSummary } from '../../schema/experiment-summary.ts'
import { compareAlways, compareOnce, NO_UNITS, type Pair, type Question, settle } from './compare-variants.ts'
import { answerBefore, answerInvalid, answerOf, type Fate } from './answer.ts'
import { guardAlways, guardOnce, marginText } from './guardrail.ts'
import { horizonOf } from './horizon.ts'
import { metricOf, treatmentsOf } from './metric-kind.ts'
import { segmentResults } from './segment-results.ts'
import { checkSplit } from './split.ts'
import { warningsOf } from './experiment-warnings.ts'
import { isExcluded } from './wanted-effect.ts'

export type Look = {
  /** Milliseconds since 1970. */
  now: number
  /** Intervals that may be read before the horizon are wanted. */
  peek: boolean
  /** From the start to the horizon, or to now where it was not reached. */
  summary: ExperimentSummary
  /** What `horizonOf` said of everything until now. */
  horizon: ReturnType<typeof horizonOf>
}

function questionOf({ plan }: LoadedExperiment, name: string, variant: string): Question {
  const { metric, kind, better } = metricOf(plan, name)
  const { direction } = plan.primary
  const wanted = direction === 'increase' ? 'higher' : 'lower'
  const range = 'mean' in metric && metric.per_unit === 'mean' ? metric.range : undefined
  return { metric: name, variant, kind, better: name === plan.primary.metric ? wanted : better, range }
}

function pairOf({ plan }: LoadedExperiment, { variants }: ExperimentSummary, { metric, variant }: Question): Pair {
  const of = (name: string) => variants[name]?.metrics[metric] ?? NO_UNITS
  return { variant: of(variant), control: of(plan.control) }
}

/** Why nothing can be concluded, whatever the numbers say; the first reason that holds, or null. */
function invalidity(
  { plan }: LoadedExperiment,
  summary: ExperimentSummary,
  split: ExperimentReport['split'],
): string | null {
  const units = split.variants.reduce((sum, one) => sum + one.units, 0)
  if (units === 0) return 'no event of this experiment was found'
  const missing = split.variants.filter((one) => one.units === 0).map(({ variant }) => `"${variant}"`)
  if (missing.length > 0 && !split.ok) return `no unit was served ${missing.join(' and ')}`
  if (!split.ok) return 'the units did not come in the planned shares'
  if (summary.both > plan.max_multiple_exposure * units)
    return `${summary.both} of ${units} units were served several variants`
  return null
}

/** Holm over the treatments for the primary, over treatments and metrics for the secondaries. */
function compareAll(
  loaded: LoadedExperiment,
  { summary, horizon }: Look,
): Pick<ExperimentReport, 'primary' | 'secondary'> {
  const { plan } = loaded
  const { alpha } = plan.primary
  const treatments = treatmentsOf(plan)
  const ask = (name: string, level: number) =>
    treatments.map((variant) => {
      const question = questionOf(loaded, name, variant)
      const pair = pairOf(loaded, summary, question)
      return horizon.reached ? compareOnce(question, pair, level) : compareAlways(question, pair, 1 - level)
    })
  const shared = 1 - alpha / treatments.length
  const secondary = plan.secondary.flatMap((name) =>
    ask(name, horizon.reached ? 1 - alpha : 1 - alpha / (treatments.length * plan.secondary.length)),
  )
  const primary = ask(plan.primary.metric, shared)
  return horizon.reached
    ? { primary: settle(primary, alpha), secondary: settle(secondary, alpha) }
    : { primary, secondary }
}

function guardAll(loaded: LoadedExperiment, { summary, horizon }: Look): GuardrailResult[] {
  const { plan } = loaded
  const { alpha } = plan.primary
  const treatments = treatmentsOf(plan)
  const names = Object.keys(plan.guardrails)
  // All guardrails must hold, which needs no correction; one that is broken is enough for a veto, which does.
  const levels = { held: alpha, broken: alpha / (names.length * treatments.length) }
  return names.flatMap((name) =>
    treatments.map((variant): GuardrailResult => {
      const { better } = metricOf(plan, name)
      const question = { ...questionOf(loaded, name, variant), better }
      const pair = pairOf(loaded, summary, question)
      const margin = plan.guardrails[name] ?? {}
      const guarded = { kind: question.kind, better, margin, range: question.range }
      const state = horizon.reached ? guardOnce(guarded, pair, levels) : guardAlways(guarded, pair, levels)
      const compared = horizon.reached
        ? compareOnce(question, pair, 1 - 2 * levels.held)
        : compareAlways(question, pair, 2 * levels.broken)
      return { metric: name, variant, margin: marginText(margin, question.kind === 'rate'), state, compared }
    }),
  )
}

/** What becomes of one variant at the horizon. */
function fateOf(loaded: LoadedExperiment, primary: Compared, guardrails: readonly GuardrailResult[]): Fate {
  const own = guardrails.filter(({ variant }) => variant === primary.variant)
  if (own.some(({ state }) => state === 'broken')) return 'vetoed'
  if (primary.finding === 'not measured') return 'not measured'
  if (primary.finding === 'worse') return 'worse'
  if (primary.finding === 'open') return isExcluded(loaded.plan, primary) ? 'too small' : 'open'
  if (own.some(({ state }) => state === 'not measured')) return 'not measured'
  return own.every(({ state }) => state === 'held') ? 'ships' : 'unproven'
}

/** The whole report. Pure: the same plan, summary and time give the same verdict. */
export function judgeExperiment(loaded: LoadedExperiment, look: Look): ExperimentReport {
  const { plan } = loaded
  const { summary, horizon, peek } = look
  const split = checkSplit(plan, summary, horizon.reached)
  const head = {
    aigate: 'experiment' as const,
    version: 1 as const,
    experiment: plan.experiment,
    plan_hash: loaded.hash,
    hypothesis: plan.hypothesis,
    control: plan.control,
    unit: plan.assignment.unit,
    horizon,
    split,
    peek: peek && !horizon.reached,
    summary,
  }
  const nothing = { primary: [], secondary: [], guardrails: [], segments: [] }
  const wrong = invalidity(loaded, summary, split)
  if (wrong !== null)
    return { ...head, ...nothing, ...answerInvalid(plan, wrong), warnings: warningsOf(plan, summary, []) }
  if (!horizon.reached && !peek)
    return { ...head, ...nothing, ...answerBefore(plan, horizon, []), warnings: warningsOf(plan, summary, []) }
  const compared = compareAll(loaded, look)
  const guardrails = guardAll(loaded, look)
  const warnings = warningsOf(plan, summary, compared.primary)
  if (!horizon.reached)
    return { ...head, ...compared, guardrails, segments: [], ...answerBefore(plan, horizon, guardrails), warnings }
  const questions = treatmentsOf(plan).map((variant) => questionOf(loaded, plan.primary.metric, variant))
  const fates = compared.primary.map((primary) => ({ primary, fate: fateOf(loaded, primary, guardrails) }))
  return {
    ...head,
    ...compared,
    guardrails,
    segments: segmentResults(plan, summary, questions),
    ...answerOf(plan, fates, guardrails),
    warnings,
  }
}
