// The true change behind the verdicts of a judge who errs alike on both sides: errors shrink a change to sensitivity +
// specificity - 1 of it. Sources: Bross, Biometrics 10 (1954) 478-486 (how misclassified answers shrink a difference);
// Zou & Donner, Stat. Med. 27 (2008) 1693-1702 and Donner & Zou, Stat. Med. 31 (2012) 2911-2922 (bounds of a ratio from
// those of its parts, so that the uncertainty of both of the judge's rates is counted).
import { requireBetween, requireStrata, type Stratum, sum } from './counts.ts'
import { meanDifference } from './mean-difference.ts'
import { normalQuantile } from './normal.ts'
import { type JudgeTable, judgeRates } from './rogan-gladen.ts'
import { type Difference, variance } from './suite-difference.ts'
import { wilson } from './wilson.ts'

/** The share of a true change that a judge shows. `low` and `high` are one-sided bounds. */
export type Shown = { estimate: number; low: number; high: number }
/** One case on both sides, and whether the judge decides it. */
export type JudgedStratum = Stratum & { judged: boolean }
type Scope = 'suite' | 'population'

/**
 * Sensitivity + specificity - 1 with bounds of `level` each (ONE-SIDED), from Wilson's bounds of both rates, so that a
 * judge without an error among the labels is not taken for infallible. null unless people said both yes and no.
 */
export function shownShare(table: JudgeTable, level: number): Shown | null {
  const rates = judgeRates(table)
  if (!rates) return null
  const yes = wilson(table.truePass, table.truePass + table.falseFail, 2 * level - 1)
  const no = wilson(table.trueFail, table.trueFail + table.falsePass, 2 * level - 1)
  const { sensitivity, specificity, youden } = rates
  return {
    estimate: youden,
    low: youden - Math.hypot(sensitivity - yes.low, specificity - no.low),
    high: youden + Math.hypot(yes.high - sensitivity, no.high - specificity),
  }
}

/**
 * The change as people would have found it: of judged cases the judged change divided by `shown`, of the others as it is.
 * With `shown` certain to be 1 these are the bounds of `suiteDifference` or `populationDifference`. `level`: confidence of each
 * ONE-SIDED bound. Bounds of -1 and 1 where the judge may be no more than a coin.
 * @throws RangeError on no case or impossible counts, and unless `shown.estimate` > 0
 */
export function attenuatedDifference(
  strata: readonly JudgedStratum[],
  shown: Shown,
  { level, scope }: { level: number; scope: Scope },
): Difference {
  requireStrata(strata)
  requireBetween('level', level, 0.5, 1)
  if (strata.length === 0) throw new RangeError('there is no case to compare')
  const share = shown.estimate
  if (!(share > 0)) throw new RangeError(`a judge that shows ${share} of a change tells nothing of it`)
  const n = strata.length
  const changeOf = ({ passes, trials, basePasses, baseTrials }: Stratum) => passes / trials - basePasses / baseTrials
  const mean = (judged: boolean) => sum(strata.map((one) => (one.judged === judged ? changeOf(one) : 0))) / n
  const [judged, others] = [mean(true), mean(false)]
  // Everything on the scale of the judge: what it does not judge is shrunk to it.
  const scaled = scope === 'suite' ? suiteScale(strata, share, level) : populationScale(strata, share, level)
  const { half, shift } = scaled
  const centre = judged + shift
  const cut = (change: number) => Math.min(1, Math.max(-1, change))
  const low = cut(others - reach(centre, half, shown))
  const high = cut(others + reach(-centre, half, shown))
  const difference = cut(others + judged / share)
  return { difference, standardError: (high - low) / (2 * normalQuantile(level)), low, high }
}

/** Sensitivity or specificity with one-sided bounds of `level` each; null where people said nothing of the kind. */
export function foundShare(found: number, missed: number, level: number): Shown | null {
  const n = found + missed
  return n > 0 ? { estimate: found / n, ...wilson(found, n, 2 * level - 1) } : null
}

/**
 * The upper bound of a rate of which only the share `found` is found: `rate` was seen, `upper` is its own upper bound of the
 * same level. 1 where it may be that nothing is found.
 */
export const upperBehind = (rate: number, upper: number, found: Shown): number =>
  Math.min(1, reach(-rate, upper - rate, found))

type Scaled = { half: number; shift: number }

/** As `suiteDifference`, each case by its weight; the pseudo-count is spread over the cases. */
function suiteScale(strata: readonly JudgedStratum[], share: number, level: number): Scaled {
  const n = strata.length
  const weighed = strata.map((one) => {
    const pseudo = (1 / one.trials + 1 / one.baseTrials) / n
    return (one.judged ? 1 : share ** 2) * (variance(one) + pseudo)
  })
  return { half: (normalQuantile(level) * Math.sqrt(sum(weighed))) / n, shift: 0 }
}

/** As `populationDifference`: its bounds stand around a mean with pseudo-cases, which lies a little nearer to 0. */
function populationScale(strata: readonly JudgedStratum[], share: number, level: number): Scaled {
  const changes = strata.map(
    ({ judged, passes, trials, basePasses, baseTrials }) =>
      (judged ? 1 : share) * (passes / trials - basePasses / baseTrials),
  )
  const { low, high } = meanDifference([...changes, 1, -1], level)
  return { half: (high - low) / 2, shift: (low + high) / 2 - sum(changes) / changes.length }
}

/**
 * How far below 0 the judged part may truly lie: the smallest x with c + J x at least the joint reach of both parts,
 * sqrt(half² + (x B)²), where B is how far J may lie from its estimate towards the worse side. Infinity where there is none.
 */
function reach(c: number, half: number, { estimate: j, low, high }: Shown): number {
  const worse = c < half
  const b = worse ? j - low : high - j
  const scale = j ** 2 - b ** 2
  if (worse && scale <= 1e-9) return Infinity
  if (Math.abs(scale) <= 1e-9) return (half ** 2 - c ** 2) / (2 * c * j)
  return (-c * j + Math.sqrt(Math.max(0, half ** 2 * scale + (b * c) ** 2))) / scale
}
