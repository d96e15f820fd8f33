// The regression gates: is this suite's pass rate worse than the baseline's, overall and in each category?
import type { GatePolicy } from '../../schema/gate.ts'
import { meanRate } from '../../statistics/counts.ts'
import { normalQuantile } from '../../statistics/normal.ts'
import { detectableDrop, varianceComponents } from '../../statistics/power.ts'
import type { Corrector } from '../judge/corrected-rate.ts'
import { type Gates, interval, type Judged, result } from './gate.ts'
import type { Look } from './look.ts'
import type { Pairing } from './pairing.ts'
import { isDecided } from './tally.ts'
import { type PairedCount, regressionUnits, SMALLEST_CATEGORY, type Unit } from './regression-units.ts'
import { counted, differenceText, intervalText, percent, points, pText } from '../words.ts'

/** A category that looks this bad without having passed keeps the ladder open, whatever the suite as a whole says. */
const SUSPICIOUS = 0.05
/** z of 95 % plus z of 80 %: a margin of so many standard errors is proven 4 times of 5 when nothing changed. */
const AFFORDABLE = 2.49
const ENOUGH_BASELINE_TRIALS = 5
/** Share of the variance that lies between the cases, where the data cannot tell. */
const USUAL_ICC = 0.5

type Input = {
  pairing: Pairing
  policy: GatePolicy
  look: Look
  maxTrials: number
  corrector?: Corrector | undefined
}

/** The gates `regression` and `regression/<category>`; none when the policy wants no comparison. */
export function regressionGates({ pairing, policy, look, maxTrials, corrector }: Input): Gates {
  const { max_regression: margin } = policy
  if (margin === false) return { gates: [], warnings: [] }
  const pairs = pairing.pairs.filter(({ candidate }) => isDecided(candidate))
  if (pairs.length === 0) return { gates: [nothingToCompare(margin, pairing.stale)], warnings: [] }
  const counts = pairs.map(({ info, candidate, baseline }) => ({
    category: info.category,
    passes: candidate.passes,
    trials: candidate.trials,
    basePasses: baseline.passes,
    baseTrials: baseline.trials,
    judged: corrector?.judged.has(info.id),
  }))
  const judge = corrector?.shownAt(look.passLevel) ?? null
  const units = regressionUnits(counts, { ...policy, max_regression: margin }, look, SMALLEST_CATEGORY, judge?.shown)
  const context = { policy, look, maxTrials, repeats: repeatsOf(counts), stale: pairing.stale, judge }
  return {
    gates: units.map((unit) => gateOf(unit, context)),
    warnings: [...baselineWarnings(counts, context), ...marginWarnings(units[0], context)],
  }
}

type Repeats = { candidate: number; baseline: number }
type Context = {
  policy: GatePolicy
  look: Look
  maxTrials: number
  repeats: Repeats
  stale: boolean
  judge: ReturnType<Corrector['shownAt']>
}

/** Trials a case on both sides: harmonic means, since the noise goes with 1/k. */
function repeatsOf(counts: readonly PairedCount[]): Repeats {
  const harmonic = (values: number[]) => values.length / values.reduce((sum, value) => sum + 1 / value, 0)
  return {
    candidate: harmonic(counts.map(({ trials }) => trials)),
    baseline: harmonic(counts.map(({ baseTrials }) => baseTrials)),
  }
}

function gateOf(unit: Unit, context: Context): Judged {
  const { category } = unit
  const { policy, look, stale } = context
  const outcome = stale ? 'inconclusive' : unit.status
  // When the baseline is stale the suite as a whole is undecided; its categories are only shown.
  const decides = unit.decides && (category === null || !stale)
  const test = policy.scope === 'population' ? 'sign-flip' : 'stratified'
  return {
    result: result({
      id: category === null ? 'regression' : `regression/${category}`,
      kind: 'regression',
      ...(category !== null && { category }),
      outcome,
      decides,
      estimate: unit.candidate,
      baseline: unit.baseline,
      difference: unit.difference,
      interval: interval(unit, look.passLevel, [-1, 1]),
      limit: unit.margin,
      unit: 'share',
      test: `exact ${test}${policy.exact ? '' : ' mid-p'}${unit.corrected ? ', difference corrected for the judge' : ''}`,
      n: unit.n,
      p: unit.p,
      adjusted_p: unit.adjusted,
      sentence: sentenceOf(unit, context),
      needed: decides && outcome === 'inconclusive' ? neededOf(unit, context) : null,
    }),
    open:
      decides &&
      !stale &&
      unit.status === 'inconclusive' &&
      (category === null || unit.p <= Math.max(SUSPICIOUS, policy.alpha)),
  }
}

function sentenceOf(unit: Unit, { look, stale, judge }: Context): string {
  const where = unit.category === null ? 'Pass rate' : `Category ${unit.category}: pass rate`
  const bounds = interval(unit, look.passLevel, [-1, 1])
  const range = bounds ? ` (${intervalText(bounds, points)})` : ''
  const rates = `${where} ${percent(unit.candidate)} against ${percent(unit.baseline)}`
  const seen =
    unit.corrected && judge
      ? `${rates} as judged by ${judge.name}, which shows ${percent(judge.shown.estimate)} of a difference; for people ${differenceText(unit.difference)}${range}`
      : `${rates}: ${differenceText(unit.difference)}${range}`
  const p =
    unit.adjusted !== null && pText(unit.adjusted) !== pText(unit.p) ? ` (${pText(unit.adjusted)} adjusted)` : ''
  const test = `${pText(unit.p)}${p}`
  const margin = `${points(unit.margin)} points`
  if (stale && unit.category === null) {
    return `${seen}, ${test}. The baseline is stale: fewer than 80 % of its cases are still in the suite as they were.`
  }
  if (!unit.decides) return `${seen}, ${test}. Shown only: fewer than ${SMALLEST_CATEGORY} cases cannot decide.`
  if (unit.status === 'fail')
    return `${seen}, ${test}. This is a regression; that it is smaller than the margin of ${margin} is not shown.`
  if (unit.status === 'pass') return `${seen}. A drop of ${margin} or more is ruled out.`
  return `${seen}, ${test}. Neither a regression nor its absence (margin ${margin}) is shown.`
}

/**
 * What would settle it if the difference stays what it is: the standard error at which the lower bound clears the margin
 * or the p-value falls to alpha, whichever comes first, turned into trials (the variance falls with 1/k + 1/m) and cases.
 */
function neededOf(unit: Unit, { look, policy, repeats, stale, maxTrials, judge }: Context): string {
  if (stale) return 'Record the baseline again: `aigate baseline record`.'
  const toPass = (unit.difference + unit.margin) / normalQuantile(look.passLevel)
  const toFail = -unit.difference / normalQuantile(1 - policy.alpha)
  const error = Math.max(toPass, toFail)
  const share = (error / unit.standardError) ** 2
  const noise = 1 / repeats.candidate + 1 / repeats.baseline
  const ways: string[] = []
  const needed = 1 / (share * noise - 1 / repeats.baseline)
  const trials = Math.max(Math.ceil(needed), Math.ceil(repeats.candidate) + 1)
  if (policy.scope === 'suite' && needed > 0 && trials <= 30)
    ways.push(`${trials} trials a case instead of ${Math.round(repeats.candidate)}`)
  const both = Math.ceil(2 / (share * noise))
  if (policy.scope === 'suite' && ways.length === 0 && both <= 40) ways.push(`${both} trials a case on both sides`)
  const cases = Math.max(casesFor(error, unit, pseudoOf(policy, noise, unit, judge)), unit.n + 1)
  if (cases <= 100 * unit.n) ways.push(`${cases} cases like these instead of ${unit.n}`)
  const more = repeats.candidate < maxTrials ? ` (this run may ask up to ${maxTrials} trials)` : ''
  if (ways.length === 0)
    return 'The difference lies too near to what it is compared with: no affordable number of trials settles it.'
  return `About ${ways.join(', or ')}, if the difference stays as it is${more}.`
}

/** The gate `regression` when there is a baseline, and nothing of it can be compared. */
export function nothingToCompare(margin: number, stale: boolean): Judged {
  const why = stale ? 'the baseline is stale' : 'no case was measured on both sides'
  return {
    result: result({
      id: 'regression',
      kind: 'regression',
      outcome: 'inconclusive',
      limit: margin,
      unit: 'share',
      test: 'none',
      sentence: `Nothing could be compared with the baseline: ${why}.`,
      needed: stale
        ? 'Record the baseline again: `aigate baseline record`.'
        : 'Cases with the same id and content on both sides.',
    }),
    open: false,
  }
}

/** Says what a thin baseline costs: the drop that is found 4 times of 5, now and with enough trials. */
function baselineWarnings(counts: readonly PairedCount[], { policy, maxTrials, judge }: Context): string[] {
  const fewest = Math.min(...counts.map(({ baseTrials }) => baseTrials))
  if (fewest >= ENOUGH_BASELINE_TRIALS) return []
  const thin = counts.filter(({ baseTrials }) => baseTrials < ENOUGH_BASELINE_TRIALS).length
  const before = counts.map(({ basePasses, baseTrials }) => ({ passes: basePasses, trials: baseTrials }))
  const passRate = meanRate(before)
  // Nothing but the candidate may have been repeated; without any repeat the middle of what is usual is assumed.
  const icc = varianceComponents([...counts, ...before])?.icc ?? USUAL_ICC
  const design = { cases: counts.length, trials: maxTrials, passRate, icc, alpha: policy.alpha, power: 0.8 }
  const judged = counts.filter((one) => one.judged === true).length / counts.length
  // What is found is what the judge shows; people would see a larger drop.
  const shown = 1 - judged + judged * (judge?.shown.estimate ?? 1)
  const drop = (baseTrials: number) => {
    const found = passRate > 0 ? detectableDrop({ ...design, baseTrials }) : null
    return found === null || found > shown * passRate ? null : found / shown
  }
  const say = (found: number | null) =>
    found === null ? 'no drop at all' : `only a drop of ${points(found)} points or more`
  const has = `${counted(thin, 'case')} of the baseline ${thin === 1 ? 'has' : 'have'} fewer than ${ENOUGH_BASELINE_TRIALS} trials (fewest: ${fewest})`
  return [
    `${has}: ${say(drop(fewest))} is found 4 times of 5; with ${ENOUGH_BASELINE_TRIALS} trials a case, ${say(drop(ENOUGH_BASELINE_TRIALS))}. \`aigate baseline record\` asks ${ENOUGH_BASELINE_TRIALS}.`,
  ]
}

/** A margin that the full ladder could seldom prove, even when nothing changed. */
function marginWarnings(unit: Unit | undefined, { repeats, maxTrials, policy, judge }: Context): string[] {
  // What broke spreads the cases: the noise of a run that failed says nothing about an unchanged suite.
  if (!unit || unit.status === 'fail') return []
  const trials = Math.max(maxTrials, repeats.candidate)
  const noise = 1 / trials + 1 / repeats.baseline
  const gain = policy.scope === 'suite' ? noise / (1 / repeats.candidate + 1 / repeats.baseline) : 1
  const planned = unit.standardError * Math.sqrt(gain)
  if (unit.margin >= AFFORDABLE * planned) return []
  const target = unit.margin / AFFORDABLE
  const cases = casesFor(target, { n: unit.n, standardError: planned }, pseudoOf(policy, noise, unit, judge))
  const needs =
    unit.margin > 0
      ? `It takes about ${cases} cases instead of ${unit.n}, or a larger margin.`
      : 'No number of cases can prove a margin of 0.'
  return [
    `This suite seldom proves a margin of ${points(unit.margin)} points, even when nothing changed (standard error ${points(planned)} points). ${needs}`,
  ]
}

/**
 * The part of the variance that does not grow with the cases: the pseudo-count of the interval, times n squared; on the
 * scale of people where the verdicts of a judge are corrected.
 */
const pseudoOf = ({ scope }: GatePolicy, noise: number, { corrected }: Unit, judge: Context['judge']): number =>
  (scope === 'suite' ? noise : 2) / (corrected ? (judge?.shown.estimate ?? 1) : 1) ** 2

/** The cases at which the standard error falls to `target`: V(n) = (s n + pseudo) / n², with s from the cases there are. */
function casesFor(target: number, { n, standardError }: Pick<Unit, 'n' | 'standardError'>, pseudo: number): number {
  const spread = Math.max(0, standardError ** 2 * n - pseudo / n)
  return Math.ceil((spread + Math.sqrt(spread ** 2 + 4 * target ** 2 * pseudo)) / (2 * target ** 2))
}
