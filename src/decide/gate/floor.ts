// The floors: is the pass rate of the suite, or of a category, at least what was asked for?
import type { CaseTally } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { Interval, Outcome } from '../../schema/verdict.ts'
import { normalQuantile } from '../../statistics/normal.ts'
import { populationRate, suiteRates } from '../../statistics/suite-rate.ts'
import { type Gates, interval, type Judged, result } from './gate.ts'
import { isDecided } from './tally.ts'
import type { Corrected, Corrector } from '../judge/corrected-rate.ts'
import { absoluteProof, type Proof } from './increase.ts'
import type { Look } from './look.ts'
import { byText, counted, intervalText, percent } from '../words.ts'

/** More trials of a case than this are no advice. */
const MOST_TRIALS = 30

type Context = { policy: GatePolicy; look: Look; maxTrials: number; corrector?: Corrector | undefined }

/** The gates `floor` and `floor/<category>`. Categories with a floor and without a case are warned about. */
export function floorGates(tallies: readonly CaseTally[], partial: boolean, context: Context): Gates {
  const categories = categoryFloorGates(tallies, partial, context)
  return {
    ...categories,
    gates: [floorGate(tallies, context.policy.min_pass_rate, null, context), ...categories.gates],
  }
}

/** The gates `floor/<category>` alone: what raw thresholds leave as it is. */
export function categoryFloorGates(tallies: readonly CaseTally[], partial: boolean, context: Context): Gates {
  const { policy } = context
  const gates: Judged[] = []
  const warnings: string[] = []
  for (const [category, { min_pass_rate: threshold }] of Object.entries(policy.categories ?? {}).sort(([a], [b]) =>
    byText(a, b),
  )) {
    const own = tallies.filter((tally) => tally.category === category)
    if (own.length > 0 && threshold !== undefined) gates.push(floorGate(own, threshold, category, context))
    if (own.length === 0 && !partial)
      warnings.push(`The gate names the category ${category}, but no case belongs to it.`)
  }
  return { gates, warnings }
}

function floorGate(
  tallies: readonly CaseTally[],
  threshold: number,
  category: string | null,
  context: Context,
): Judged {
  const { policy, look } = context
  const counts = tallies.filter((one) => one.trials > 0 && isDecided(one))
  const base = {
    id: category === null ? 'floor' : `floor/${category}`,
    kind: 'floor' as const,
    ...(category !== null && { category }),
    limit: threshold,
    unit: 'share' as const,
    n: counts.length,
  }
  const where = category === null ? 'Pass rate' : `Category ${category}: pass rate`
  if (counts.length === 0 && tallies.some(({ trials }) => trials > 0)) {
    const sentence = `${where} unknown: nothing grades ${category === null ? 'these cases' : 'its cases'} but a judge that may not block.`
    const needed = 'Assertions besides that judge, or a judge that agrees with people.'
    return { result: result({ ...base, outcome: 'inconclusive', test: 'none', sentence, needed }), open: false }
  }
  if (counts.length === 0) {
    const sentence = `${where} unknown: not one of ${counted(tallies.length, 'case')} was measured.`
    return { result: result({ ...base, outcome: 'invalid', test: 'none', sentence }), open: false }
  }
  const plainAt = policy.scope === 'population' ? (at: number) => populationRate(counts, at) : suiteRates(counts)
  const { corrector } = context
  const ids = corrector && new Set(counts.map(({ id }) => id))
  // A floor of 1 is a rule about trials, not a rate.
  const correctedAt = (level: number) =>
    threshold >= 1 || !ids ? null : (corrector?.rateOf(ids, level, policy.scope) ?? null)
  const rateAt = (level: number) => correctedAt(level) ?? plainAt(level)
  const corrected = correctedAt(look.passLevel)
  const { estimate, effectiveN } = rateAt(look.passLevel)
  const total = totalOf(counts)
  const { proof, bounds, level } = absoluteProof(look, rateAt, {
    // A floor of 1 is no rate but a rule: one failure breaks it, and without any it holds.
    broken: ({ high }) => (threshold >= 1 ? total.passes < total.trials : high < threshold),
    kept: ({ low }) => threshold >= 1 || low >= threshold,
  })
  const range = interval(bounds, level, [0, 1])
  const outcome: Outcome =
    proof === 'bad' ? 'fail' : proof === 'open' && policy.burden === 'prove-good' ? 'inconclusive' : 'pass'
  const gate = result({
    ...base,
    outcome,
    test:
      threshold >= 1
        ? 'every trial'
        : corrected
          ? `${corrected.method}, corrected for the judge`
          : 'Wilson at effective size',
    estimate,
    interval: range,
    sentence: sentenceOf({ where, estimate, range, total, threshold, proof, burden: policy.burden, corrected }),
    needed: proof === 'open' ? neededOf({ estimate, effectiveN, cases: counts.length, threshold }, context) : null,
  })
  // An undecided floor that blocks nobody is worth further passes only while it looks missed.
  return { result: gate, open: proof === 'open' && (outcome === 'inconclusive' || estimate < threshold) }
}

type Total = { passes: number; trials: number }

const totalOf = (counts: readonly CaseTally[]): Total => ({
  passes: counts.reduce((sum, { passes }) => sum + passes, 0),
  trials: counts.reduce((sum, { trials }) => sum + trials, 0),
})

function sentenceOf(facts: {
  where: string
  estimate: number
  range: Interval | null
  total: Total
  threshold: number
  proof: Proof
  burden: GatePolicy['burden']
  corrected: Corrected | null
}): string {
  const { where, estimate, range, total, threshold, proof, burden, corrected } = facts
  const { passes, trials } = total
  const judged = corrected ? `; corrected for the errors of the judge ${corrected.judge}, ${corrected.method}` : ''
  const seen = `${where} ${percent(estimate)} (${passes} of ${counted(trials, 'trial')}${judged})`
  if (threshold >= 1) {
    if (proof === 'good') return `${seen}: every trial passed, as the floor of 100 % demands.`
    return `${seen}: the floor is 100 %, and ${counted(trials - passes, 'trial')} failed.`
  }
  const between = range ? intervalText(range, percent) : 'no interval'
  const floor = percent(threshold)
  if (proof === 'bad') return `${seen} is below the floor of ${floor} (${between}).`
  if (proof === 'good') return `${seen} is at or above the floor of ${floor} (${between}).`
  const missed = estimate < threshold
  const could = missed ? `as high as ${percent(range?.high ?? 1)}` : `as low as ${percent(range?.low ?? 0)}`
  const what = missed ? `a miss of the floor of ${floor}` : `the floor of ${floor}`
  const meaning = burden === 'prove-good' ? 'and the policy wants proof' : 'so it does not block'
  return `${seen}, but it could be ${could} (${between}): ${what} is not proven, ${meaning}.`
}

/** Wilson's bound meets the threshold at n = z² t (1 - t) / (rate - t)²: that many independent trials settle it. */
function neededOf(
  seen: { estimate: number; effectiveN: number; cases: number; threshold: number },
  { look, policy, maxTrials }: Context,
): string {
  const { estimate, effectiveN, cases, threshold } = seen
  const z = normalQuantile(look.passLevel)
  const size = (z * z * threshold * (1 - threshold)) / (estimate - threshold) ** 2
  const factor = size / effectiveN
  if (!(factor <= 100)) return 'The rate lies too near to the floor: no affordable number of trials settles it.'
  const more = `${Math.max(Math.ceil(cases * factor), cases + 1)} cases like these instead of ${cases}`
  const trials = Math.max(Math.ceil(look.passes * factor), look.passes + 1)
  if (policy.scope === 'population' || trials > MOST_TRIALS) return `About ${more}, if the rate stays as it is.`
  const may = look.passes < maxTrials ? ` (this run may ask up to ${maxTrials})` : ''
  return `About ${trials} trials a case instead of ${look.passes}${may}, or ${more}, if the rate stays as it is.`
}
