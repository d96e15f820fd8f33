// The floors: is the pass rate of the suite, or of a category, at least what was asked for?
import type { CaseTally } from '../schema/baseline.ts'
import type { GatePolicy } from '../schema/gate.ts'
import type { GateResult, Outcome } from '../schema/verdict.ts'
import { normalQuantile } from '../statistics/normal.ts'
import { populationRate, type Rate, suiteRate } from '../statistics/suite-rate.ts'
import { type Gates, interval, type Judged, result } from './gate.ts'
import type { Look } from './look.ts'
import { byText, counted, intervalText, percent } from './words.ts'

type Context = { policy: GatePolicy; look: Look; maxTrials: number }

/** The gates `floor` and `floor/<category>`. Categories with a floor and without a case are warned about. */
export function floorGates(tallies: readonly CaseTally[], partial: boolean, context: Context): Gates {
  const { policy } = context
  const gates = [floorGate(tallies, policy.min_pass_rate, null, context)]
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
  const counts = tallies.filter(({ trials }) => trials > 0)
  const base = {
    id: category === null ? 'floor' : `floor/${category}`,
    kind: 'floor' as const,
    ...(category !== null && { category }),
    limit: threshold,
    unit: 'share' as const,
    n: counts.length,
  }
  const where = category === null ? 'Pass rate' : `Category ${category}: pass rate`
  if (counts.length === 0) {
    const sentence = `${where} unknown: not one of ${counted(tallies.length, 'case')} was measured.`
    return { result: result({ ...base, outcome: 'invalid', test: 'none', sentence }), open: false }
  }
  const rate =
    policy.scope === 'population' ? populationRate(counts, look.absoluteLevel) : suiteRate(counts, look.absoluteLevel)
  const total = totalOf(counts)
  const proof = proofOf(rate, total, threshold)
  const outcome: Outcome = proof === 'open' ? (policy.burden === 'prove-good' ? 'inconclusive' : 'pass') : proof
  const sentence = sentenceOf({ where, rate, total, threshold, proof, look, policy })
  const test = threshold === 1 ? 'every trial' : 'Wilson at effective size'
  const gate: GateResult = result({
    ...base,
    outcome,
    test,
    estimate: rate.estimate,
    interval: interval(rate, look.absoluteLevel, [0, 1]),
    sentence,
    needed: proof === 'open' ? neededOf(rate, counts.length, threshold, context) : null,
  })
  // An undecided floor that blocks nobody is worth further passes only while it looks missed.
  return { result: gate, open: proof === 'open' && (outcome === 'inconclusive' || rate.estimate < threshold) }
}

type Total = { passes: number; trials: number }
type Proof = 'pass' | 'fail' | 'open'

const totalOf = (counts: readonly CaseTally[]): Total => ({
  passes: counts.reduce((sum, { passes }) => sum + passes, 0),
  trials: counts.reduce((sum, { trials }) => sum + trials, 0),
})

/** A floor of 1 is no rate but a rule: one failure breaks it, and without any it holds. */
function proofOf(rate: Rate, { passes, trials }: Total, threshold: number): Proof {
  if (threshold >= 1) return passes < trials ? 'fail' : 'pass'
  if (rate.high < threshold) return 'fail'
  return rate.low >= threshold ? 'pass' : 'open'
}

function sentenceOf(facts: {
  where: string
  rate: Rate
  total: Total
  threshold: number
  proof: Proof
  look: Look
  policy: GatePolicy
}): string {
  const { where, rate, total, threshold, proof, look, policy } = facts
  const { passes, trials } = total
  const seen = `${where} ${percent(rate.estimate)} (${passes} of ${counted(trials, 'trial')})`
  if (threshold >= 1) {
    if (proof === 'pass') return `${seen}: every trial passed, as the floor of 100 % demands.`
    return `${seen}: the floor is 100 %, and ${counted(trials - passes, 'trial')} failed.`
  }
  const bounds = interval(rate, look.absoluteLevel, [0, 1])
  const range = bounds ? `, ${intervalText(bounds, percent)}` : ''
  const floor = percent(threshold)
  if (proof === 'fail') return `${seen} is below the floor of ${floor}${range}.`
  if (proof === 'pass') return `${seen} is at or above the floor of ${floor}${range}.`
  const could =
    rate.estimate < threshold ? `could be as high as ${percent(rate.high)}` : `could be as low as ${percent(rate.low)}`
  const meaning = policy.burden === 'prove-good' ? 'and the policy wants proof' : 'it does not block'
  const missed = rate.estimate < threshold ? `a miss of the floor of ${floor}` : `the floor of ${floor}`
  return `${seen}, but it ${could}: ${missed} is not proven, ${meaning}.`
}

/** Wilson's bound meets the threshold at n = z² t (1 - t) / (rate - t)²: that many independent trials settle it. */
function neededOf(rate: Rate, cases: number, threshold: number, { look, policy, maxTrials }: Context): string {
  const z = normalQuantile(look.absoluteLevel)
  const size = (z * z * threshold * (1 - threshold)) / (rate.estimate - threshold) ** 2
  const factor = size / rate.effectiveN
  if (!(factor <= 100)) return 'The rate lies too near to the floor: no affordable number of trials settles it.'
  const more = `${Math.max(Math.ceil(cases * factor), cases + 1)} cases like these instead of ${cases}`
  if (policy.scope === 'population') return `About ${more}, if the rate stays as it is.`
  const trials = Math.max(Math.ceil(look.passes * factor), look.passes + 1)
  const may = look.passes < maxTrials ? ` (this run may ask up to ${maxTrials})` : ''
  return `About ${trials} trials a case instead of ${look.passes}${may}, or ${more}, if the rate stays as it is.`
}
