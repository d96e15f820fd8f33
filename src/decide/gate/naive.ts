// Raw thresholds, for teams that must have them: a number is below a line or it is not, and how often that blocks for nothing.
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy, NaivePolicy } from '../../schema/gate.ts'
import { meanRate, type Stratum } from '../../statistics/counts.ts'
import { betaDraw, binomialDraw, randomFrom } from '../../statistics/draws.ts'
import { varianceComponents } from '../../statistics/power.ts'
import { type Gates, type Judged, result } from './gate.ts'
import type { Pairing } from './pairing.ts'
import { nothingToCompare } from './regression.ts'
import { byText, counted, differenceText, fixed, percent, points } from '../words.ts'

/** The rules as teams write them down. */
const usual = { min_pass_rate: 0.85, max_drop: 0.02, max_category_drop: 0.02 } as const
/** The sentence names this number. */
const DRAWS = 2000
const SEED = 1
/** Draws that share one set of case rates: those cost most, and a hundred sets are plenty. */
const REPEATS = 20
/** Share of the variance that lies between the cases, where the data cannot tell. */
const USUAL_ICC = 0.5
/** Rates are sums of shares: what is equal on paper may differ in the last digits. */
const ROUNDING = 1e-9

/** Counts of one case; without `baseTrials` it has no partner in the baseline. */
export type NaiveCount = { category?: string | undefined; passes: number; trials: number } & Partial<
  Pick<Stratum, 'basePasses' | 'baseTrials'>
>

/** One rule as it was applied: to the suite (no category) or to one category. */
export type NaiveRule = {
  kind: 'floor' | 'regression'
  category: string | null
  n: number
  now: number
  before: number | null
  limit: number
  broken: boolean
}

/** The floor that raw thresholds hold the suite to; false: none. */
export const rawFloor = ({ min_pass_rate = usual.min_pass_rate }: NaivePolicy): number | false => min_pass_rate

/** The drop of the suite, or else of a category, that is one too much; false: nothing is compared. */
export function rawDrop({ max_drop, max_category_drop }: NaivePolicy): number | false {
  const drop = max_drop ?? usual.max_drop
  return drop === false ? (max_category_drop ?? usual.max_category_drop) : drop
}

type Compared = { category?: string | undefined } & Stratum

const isCompared = (count: NaiveCount): count is Compared => (count.baseTrials ?? 0) > 0

/**
 * Applies the raw thresholds: the pass rate below the floor, the suite or any category down by more than so much.
 * @param counts at least one, every `trials` >= 1
 */
export function naiveRules(counts: readonly NaiveCount[], policy: NaivePolicy): NaiveRule[] {
  const floor = rawFloor(policy)
  const max_drop = policy.max_drop ?? usual.max_drop
  const max_category_drop = policy.max_category_drop ?? usual.max_category_drop
  const rules: NaiveRule[] = []
  if (floor !== false) {
    const now = meanRate(counts)
    const broken = now < floor - ROUNDING
    rules.push({ kind: 'floor', category: null, n: counts.length, now, before: null, limit: floor, broken })
  }
  const compared = counts.filter(isCompared)
  if (compared.length === 0) return rules
  if (max_drop !== false) rules.push(dropRule(compared, null, max_drop))
  if (max_category_drop === false) return rules
  const groups = new Map<string, Compared[]>()
  for (const count of compared) {
    if (count.category === undefined) continue
    const group = groups.get(count.category)
    if (group) group.push(count)
    else groups.set(count.category, [count])
  }
  const named = [...groups].sort(([a], [b]) => byText(a, b))
  return [...rules, ...named.map(([category, group]) => dropRule(group, category, max_category_drop))]
}

function dropRule(counts: readonly Compared[], category: string | null, limit: number): NaiveRule {
  const now = meanRate(counts)
  const before = meanRate(counts.map(({ basePasses, baseTrials }) => ({ passes: basePasses, trials: baseTrials })))
  const broken = before - now > limit + ROUNDING
  return { kind: 'regression', category, n: counts.length, now, before, limit, broken }
}

/** true when any raw threshold is broken: the whole decision. */
export const naiveBlocks = (counts: readonly NaiveCount[], policy: NaivePolicy): boolean =>
  naiveRules(counts, policy).some(({ broken }) => broken)

/**
 * How often these thresholds block this suite when nothing changed: both sides are drawn again, `draws` times, from case
 * rates that fit the baseline (the run itself for cases without one; beta prior from the suite's mean and spread, posterior
 * of each case), and judged by the very rules. The same seed gives the same share.
 */
export function naiveFalseBlockRate(
  counts: readonly NaiveCount[],
  policy: NaivePolicy,
  { draws = DRAWS, seed = SEED }: { draws?: number; seed?: number } = {},
): number {
  // The baseline is what "nothing changed" means; a candidate that broke must not pass for the usual state.
  const known = counts.map(({ passes, trials, basePasses = 0, baseTrials = 0 }) =>
    baseTrials > 0 ? { passes: basePasses, trials: baseTrials } : { passes, trials },
  )
  const all = known.reduce((sum, one) => sum + one.trials, 0)
  // Half a pass and half a failure more: a suite that never failed yet could.
  const mean = (meanRate(known) * all + 0.5) / (all + 1)
  const icc = Math.min(0.99, Math.max(0.01, varianceComponents(known)?.icc ?? USUAL_ICC))
  const weight = (1 - icc) / icc
  const random = randomFrom(seed)
  let rates: number[] = []
  let blocked = 0
  for (let draw = 0; draw < draws; draw++) {
    if (draw % REPEATS === 0) {
      rates = known.map(({ passes, trials }) =>
        betaDraw(weight * mean + passes, weight * (1 - mean) + trials - passes, random),
      )
    }
    const drawn = counts.map(({ category, trials, baseTrials = 0 }, i): NaiveCount => {
      const rate = rates[i] ?? mean
      const passes = binomialDraw(trials, rate, random)
      if (baseTrials === 0) return { category, trials, passes }
      return { category, trials, passes, baseTrials, basePasses: binomialDraw(baseTrials, rate, random) }
    })
    if (naiveBlocks(drawn, policy)) blocked++
  }
  return blocked / draws
}

/** A run as the raw thresholds see it; cases that were not measured are left out, and with a stale baseline nothing is compared. */
function naiveCounts(tallies: readonly CaseTally[], pairing: Pairing | null): NaiveCount[] {
  const pairs = pairing && !pairing.stale ? pairing.pairs : []
  const before = new Map(pairs.map(({ candidate, baseline }) => [candidate.id, baseline]))
  const measured = tallies.filter(({ trials }) => trials > 0)
  return measured.map(({ id, category, passes, trials }) => {
    const old = before.get(id)
    return { category, passes, trials, ...(old && { basePasses: old.passes, baseTrials: old.trials }) }
  })
}

/**
 * The gates `floor`, `regression` and `regression/<category>` by raw thresholds: each passes or fails. One thing is undecided:
 * a drop, where there is a baseline and nothing of it can be compared.
 */
export function naiveGates(tallies: readonly CaseTally[], pairing: Pairing | null, policy: NaivePolicy): Gates {
  const counts = naiveCounts(tallies, pairing)
  const gates = counts.length > 0 ? naiveRules(counts, policy).map(gateOf) : []
  const drop = rawDrop(policy)
  const nothing = pairing !== null && (pairing.stale || pairing.pairs.length === 0)
  return { gates: nothing && drop !== false ? [...gates, nothingToCompare(drop, pairing.stale)] : gates, warnings: [] }
}

/** The sentence that says how often raw thresholds block a change to this suite that changes nothing. */
export function naiveWarnings(
  tallies: readonly CaseTally[],
  pairing: Pairing | null,
  { naive, alpha }: Pick<GatePolicy, 'naive' | 'alpha'>,
): string[] {
  if (naive === undefined) return []
  const counts = naiveCounts(tallies, pairing)
  if (counts.length === 0) return []
  if (rawFloor(naive) === false && rawDrop(naive) === false)
    return ['No raw threshold is left (`naive`): none decided.']
  if (naiveRules(counts, naive).length === 0)
    return ['Of the raw thresholds (`naive`) only those on drops are on, and nothing could be compared: none decided.']
  const trials = Number(fixed(counts.reduce((sum, one) => sum + one.trials, 0) / counts.length, 1))
  const often = `On this suite they block ${rateText(naiveFalseBlockRate(counts, naive))} of the changes that change nothing`
  const how = `2,000 repeats of ${counted(counts.length, 'case')} with ${counted(trials, 'trial')} each, drawn from its own case rates`
  return [
    `Raw thresholds decide here (\`naive\`), without regard to chance. ${often} (${how}); the tests of aigate would block at most ${percent(alpha)}.`,
  ]
}

/** Draws cannot tell a share from 0 that is below about 3 in as many. */
const rateText = (rate: number): string => (rate === 0 ? 'less than 0.2 %' : `about ${percent(rate)}`)

function gateOf({ kind, category, n, now, before, limit, broken }: NaiveRule): Judged {
  const where = category === null ? 'Pass rate' : `Category ${category}: pass rate`
  const seen =
    before === null
      ? `${where} ${percent(now)}, threshold ${percent(limit)}`
      : `${where} ${percent(now)} against ${percent(before)}: ${differenceText(now - before)}, threshold ${points(limit)} points`
  return {
    result: result({
      id: category === null ? kind : `${kind}/${category}`,
      kind,
      ...(category !== null && { category }),
      outcome: broken ? 'fail' : 'pass',
      estimate: now,
      baseline: before,
      difference: before === null ? null : now - before,
      limit,
      unit: 'share',
      test: 'raw threshold',
      n,
      sentence: `${seen}. ${broken ? 'The raw threshold is broken.' : 'The raw threshold is kept.'}`,
    }),
    open: false,
  }
}
