// The pass rate that people would have found, from the verdicts of a judge and what is known of its errors.
// Source of the joint interval: Zou & Donner, Stat. Med. 27 (2008) 1693-1702 (bounds of a sum from the bounds of its parts).
import { type JudgeUse, NOBODY } from '../../schema/judge.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { CaseInfo, Observation, Score } from '../../schema/run.ts'
import type { Count } from '../../statistics/counts.ts'
import { foundShare, type Shown, shownShare } from '../../statistics/attenuated-difference.ts'
import { labelledTable, predictionPowered } from '../../statistics/prediction-powered.ts'
import { roganGladen } from '../../statistics/rogan-gladen.ts'
import { populationRate, type Rate, suiteRate } from '../../statistics/suite-rate.ts'
import { isMeasured } from '../gate/tally.ts'
import { distinctTrials } from '../gate/repeats.ts'

/** What one case says: trials in which everything but the judge passed, of them those that the judge passed, and all. */
type CaseCount = {
  id: string
  category: string | undefined
  trials: number
  passes: number
  open: number
  judged: boolean
}
export type Corrected = Rate & { method: string; judge: string }
export type Corrector = {
  /** The rate of these cases with one-sided bounds of `level`; null where no judge decides any of them. */
  rateOf(ids: ReadonlySet<string>, level: number, scope?: GatePolicy['scope']): Corrected | null
  /** The cases that the judge decides. */
  judged: ReadonlySet<string>
  /** The share of a true difference that the judge shows, with one-sided bounds of `level`; null: not corrected. */
  shownAt(level: number): { name: string; shown: Shown } | null
  /** The share of what people fail that the judge fails too; null: not corrected. */
  foundAt(level: number): { name: string; shown: Shown } | null
  /** Why rates are not corrected although a calibration is there. */
  problem: string | null
}

/** With fewer errors of the judge among the labels, its rate of errors is not told by them alone. */
const FEWEST_ERRORS = 5

/** The judged score that decides an observation, with the use of its judge; several of them cannot be told apart. */
const judgedScores = ({ scores }: Observation): Score[] =>
  scores.filter((one) => one.judged && one.judged.advisory === undefined && one.weight > 0 && judgesOf(one) !== NOBODY)
export const judgesOf = (score: Score): string => [...new Set(score.judged?.votes.map(({ judge }) => judge))].join('+')

/** What labels are a sample of: other suites ask the same target other cases. */
export const sampleName = (suite: string, target: string): string => `${suite} ${target}`

/** Null where no calibration may correct anything. */
export function correctorOf(input: {
  cases: readonly CaseInfo[]
  observations: readonly Observation[]
  uses: readonly JudgeUse[]
  /** What the run asks, as `sampleName`. */
  target?: string | undefined
}): Corrector | null {
  const usable = input.uses.filter(({ corrects }) => corrects)
  if (usable.length === 0) return null
  const counts: CaseCount[] = []
  const used = new Set<JudgeUse | undefined>()
  let several = false
  const byId = grouped(input.observations)
  for (const { id, category } of input.cases) {
    const trials = distinctTrials((byId.get(id) ?? []).filter((one) => one.purpose === 'pass').filter(isMeasured))
    const judged = trials.map(judgedScores)
    for (const scores of judged) {
      several ||= scores.length > 1
      for (const score of scores)
        used.add(usable.find((use) => use.type === score.type && use.judge === judgesOf(score)))
    }
    const free = trials.filter(({ scores }) =>
      scores.every((one) => one.passed || one.weight === 0 || one.judged !== undefined),
    )
    const isJudged = judged.some((scores) => scores.length > 0)
    const open = isJudged ? free.length : 0
    counts.push({
      id,
      category,
      trials: trials.length,
      open,
      judged: isJudged,
      passes: trials.filter(({ passed }) => passed).length,
    })
  }
  if (used.size === 0) return null
  const [use] = used
  const problem = several
    ? 'A case is judged by several assertions: pass rates and differences are not corrected for the errors of judges.'
    : used.size > 1 || !use
      ? 'Several judges decide, or one that is not calibrated: pass rates and differences are not corrected for their errors.'
      : null
  const judged = new Set(counts.flatMap((one) => (one.judged ? [one.id] : [])))
  if (problem !== null || !use?.table)
    return { problem, judged, rateOf: () => null, shownAt: () => null, foundAt: () => null }
  const { table, judge: name } = use
  // The labels are a sample of all of them: of a category they say no more than how often the judge errs.
  const isWhole = (ids: ReadonlySet<string>) => [...judged].every((id) => ids.has(id))
  return {
    problem: null,
    judged,
    shownAt: (level) => {
      const shown = shownShare(table, level)
      return shown && shown.estimate > 0 ? { name, shown } : null
    },
    foundAt: (level) => {
      const shown = foundShare(table.trueFail, table.falsePass, level)
      return shown && { name, shown }
    },
    rateOf: (ids, level, scope = 'suite') =>
      rateOf(
        counts.filter(({ id }) => ids.has(id)),
        use,
        { level, plainAt: scope === 'population' ? populationRate : suiteRate },
        isWhole(ids) ? input.target : undefined,
      ),
  }
}

function grouped(observations: readonly Observation[]): Map<string, Observation[]> {
  const found = new Map<string, Observation[]>()
  for (const one of observations) {
    const own = found.get(one.case)
    if (own) own.push(one)
    else found.set(one.case, [one])
  }
  return found
}

type Part = { weight: number; estimate: number; low: number; high: number }

type Plain = { level: number; plainAt: (counts: readonly Count[], level: number) => Rate }

function rateOf(
  all: readonly CaseCount[],
  use: JudgeUse,
  { level, plainAt }: Plain,
  target: string | undefined,
): Corrected | null {
  const counts = all.filter(({ trials }) => trials > 0)
  const judged = counts.filter((one) => one.judged)
  const open = judged.filter((one) => one.open > 0)
  if (open.length === 0 || !use.table) return null
  const seen = plainAt(
    open.map((one) => ({ passes: one.passes, trials: one.open })),
    level,
  )
  const x = Math.min(seen.effectiveN, seen.estimate * seen.effectiveN)
  const corrected = truth({ x, n: seen.effectiveN }, use, level, target)
  if (!corrected) return null
  const parts: Part[] = []
  // Share of the judged trials in which everything else passed: known without error.
  const free = judged.map((one) => ({ passes: one.open, trials: one.trials }))
  const share = plainAt(free, level)
  const weight = judged.length / counts.length
  parts.push({ ...corrected, weight: weight * share.estimate })
  if (share.estimate < 1) parts.push({ ...share, weight: weight * corrected.estimate, estimate: share.estimate })
  const others = counts.filter((one) => !one.judged)
  const rest = others.length > 0 ? plainAt(others, level) : null
  if (rest) parts.push({ ...rest, weight: 1 - weight })
  const estimate = weight * share.estimate * corrected.estimate + (rest ? (1 - weight) * rest.estimate : 0)
  const reach = (of: (part: Part) => number) =>
    Math.sqrt(parts.reduce((sum, part) => sum + (part.weight * of(part)) ** 2, 0))
  const low = Math.max(0, estimate - reach((part) => part.estimate - part.low))
  const high = Math.min(1, estimate + reach((part) => part.high - part.estimate))
  return {
    estimate,
    low,
    high,
    effectiveN: sizeOf(estimate, low, high, seen.effectiveN),
    method: corrected.method,
    judge: use.judge,
  }
}

/** The size of the simple sample with such an interval, for the question how many trials would settle it. */
function sizeOf(estimate: number, low: number, high: number, most: number): number {
  const width = (high - low) / 2
  if (!(width > 0)) return most
  return Math.max(1, Math.min(most, (1.645 ** 2 * Math.max(0.01, estimate * (1 - estimate))) / width ** 2))
}

/**
 * PPI++ where the labels are a random sample of answers to the very thing that is asked here; else Rogan-Gladen, which asks
 * only that the judge errs as often here as on the labels. A candidate that got worse must not be pulled towards old labels.
 */
function truth(
  { x, n }: { x: number; n: number },
  { table, sample_of }: JudgeUse,
  level: number,
  target: string | undefined,
) {
  if (!table) return null
  const sided = 2 * level - 1
  const errors = table.falsePass + table.falseFail
  if (sample_of !== null && sample_of === target && errors >= FEWEST_ERRORS && n > 1) {
    const { estimate, low, high } = predictionPowered(labelledTable(table), { n, f: x, ff: x }, sided)
    const cut = (rate: number) => Math.min(1, Math.max(0, rate))
    return { estimate: cut(estimate), low: cut(low), high: cut(high), method: 'PPI++' }
  }
  const found = roganGladen(x, n, table, sided)
  // The bounds come from an adjusted estimate, which may lie beyond the plain one.
  return (
    found && {
      ...found,
      low: Math.min(found.low, found.estimate),
      high: Math.max(found.high, found.estimate),
      method: 'Rogan-Gladen',
    }
  )
}
