// The regression rule on counts: overall and per category, pass by margin first, then fail by weighted Holm.
import type { GatePolicy } from '../../schema/gate.ts'
import { attenuatedDifference, type Shown } from '../../statistics/attenuated-difference.ts'
import { meanRate, type Stratum } from '../../statistics/counts.ts'
import { exactStratified } from '../../statistics/exact-stratified.ts'
import { weightedHolm } from '../../statistics/holm.ts'
import { populationDifference } from '../../statistics/population-difference.ts'
import { integerDifferences, signFlip } from '../../statistics/sign-flip.ts'
import { suiteDifference } from '../../statistics/suite-difference.ts'
import type { Look } from './look.ts'
import { byText } from '../words.ts'

/** Counts of one case on both sides, the category it belongs to, and whether a judge that was calibrated decides it. */
export type PairedCount = Stratum & { category?: string | undefined; judged?: boolean | undefined }

/** What the rule says about the suite (no category) or about one category. */
export type Unit = {
  category: string | null
  /** false: too small to decide, shown only. */
  decides: boolean
  margin: number
  n: number
  candidate: number
  baseline: number
  /** With its error and bounds: as people would have found it, where `corrected`; the p-value stands as it is. */
  difference: number
  corrected: boolean
  standardError: number
  low: number
  high: number
  p: number
  /** After weighted Holm among the units that decide; null for the others. */
  adjusted: number | null
  status: 'pass' | 'fail' | 'inconclusive'
}

/** Below so many paired cases a category cannot resolve any drop worth blocking for. */
export const SMALLEST_CATEGORY = 20

type Rule = Pick<GatePolicy, 'exact' | 'scope' | 'categories' | 'category_max_regression'> & { max_regression: number }

/**
 * Judges the paired counts at one look. The suite holds half of the error rate, its categories share the other half.
 * A unit passes when the lower bound of its difference lies above minus its margin; else it fails when its adjusted
 * p-value is at most the alpha of the look; else it is inconclusive.
 * @param counts at least one; every `trials` and `baseTrials` >= 1
 * @param smallest paired cases from which on a category decides
 * @param shown the share of a true change that the judge of judged cases shows, with bounds of `passLevel`: a margin is one of
 * what people would find, and the verdicts of a judge shrink every change. That nothing changed looks alike through it
 * @returns the suite first, then the categories by name
 */
export function regressionUnits(
  counts: readonly PairedCount[],
  policy: Rule,
  look: Pick<Look, 'alpha' | 'passLevel'>,
  smallest: number = SMALLEST_CATEGORY,
  shown: Shown | null = null,
): Unit[] {
  const groups = new Map<string, PairedCount[]>()
  for (const count of counts) {
    if (count.category === undefined) continue
    const group = groups.get(count.category)
    if (group) group.push(count)
    else groups.set(count.category, [count])
  }
  // A category that holds every case is the suite by another name, unless it has a margin of its own.
  const own = (name: string) => policy.categories?.[name]?.max_regression !== undefined
  const categories = [...groups.keys()].filter((name) => groups.get(name)?.length !== counts.length || own(name))
  categories.sort(byText)
  const units = [
    measure(counts, null, policy.max_regression, { ...policy, ...look, shown }),
    ...categories.map((name) => {
      const margin = policy.categories?.[name]?.max_regression ?? policy.category_max_regression
      return measure(groups.get(name) ?? [], name, margin, { ...policy, ...look, shown })
    }),
  ]
  for (const unit of units) unit.decides = unit.category === null || unit.n >= smallest
  const deciding = units.filter(({ decides }) => decides)
  const weights = deciding.map(({ category }) => (category === null ? 0.5 : 0.5 / (deciding.length - 1)))
  const adjusted = weightedHolm(
    deciding.map(({ p }) => p),
    weights,
  )
  for (const [i, unit] of deciding.entries()) unit.adjusted = adjusted[i] ?? 1
  for (const unit of units) {
    if (unit.low > -unit.margin) unit.status = 'pass'
    else if (unit.adjusted !== null && unit.adjusted <= look.alpha) unit.status = 'fail'
  }
  return units
}

/** FAIL if any unit fails; else PASS if the suite passes; else INCONCLUSIVE: an undecided category holds nobody up. */
export function regressionOutcome(units: readonly Unit[]): Unit['status'] {
  if (units.some(({ status, decides }) => decides && status === 'fail')) return 'fail'
  return units[0]?.status === 'pass' ? 'pass' : 'inconclusive'
}

function measure(
  counts: readonly PairedCount[],
  category: string | null,
  margin: number,
  rule: Rule & Pick<Look, 'passLevel'> & { shown: Shown | null },
): Unit {
  const { scope, shown, passLevel: level } = rule
  const population = scope === 'population'
  const corrected = shown !== null && counts.some(({ judged }) => judged === true)
  const bounds = corrected
    ? attenuatedDifference(
        counts.map((one) => ({ ...one, judged: one.judged === true })),
        shown,
        { level, scope },
      )
    : population
      ? populationDifference(counts.map(rateDifference), level)
      : suiteDifference(counts, level)
  return {
    category,
    decides: true,
    margin,
    n: counts.length,
    candidate: meanRate(counts),
    baseline: meanRate(counts.map(({ basePasses, baseTrials }) => ({ passes: basePasses, trials: baseTrials }))),
    ...bounds,
    corrected,
    p: pValue(counts, rule, population),
    adjusted: null,
    status: 'inconclusive',
  }
}

const rateDifference = ({ passes, trials, basePasses, baseTrials }: Stratum): number =>
  passes / trials - basePasses / baseTrials

function pValue(counts: readonly PairedCount[], { exact }: Rule, population: boolean): number {
  if (population) {
    const { p, midp } = signFlip(integerDifferences(counts))
    return exact ? p : midp
  }
  const { pRegress, midpRegress } = exactStratified(counts)
  return exact ? pRegress : midpRegress
}
