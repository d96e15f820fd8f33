// Whether what was counted can be compared: arms and units that are missing, fields of one arm alone, a wrong split.
import { splitEvidence } from '../../statistics/split-check.ts'
import { wilson } from '../../statistics/wilson.ts'
import { wordsOf } from './evidence.ts'
import type { Judging } from './metrics.ts'
import { saidShare } from './said-time.ts'
import { type Evidence, planOf, type RolloutState, startEvidence, type Totals } from './state.ts'

const SPLIT_LIMIT = Math.log(1000)
/** Level of the bounds by which a share is judged. */
const LEVEL = 0.99
/** More of the events without an arm than this, or of the bad ones, could hide what a candidate does. */
const ARMLESS = 0.01
const ARMLESS_BAD = 0.1
/** More of the bad events of an arm without a unit than this could. */
const UNITLESS = 0.1
/** A field is there in one arm, and not in the other. */
const THERE = 0.5
const GONE = 0.1

const beyond = (count: number, of: number, limit: number): boolean =>
  count > 0 && wilson(Math.min(count, of), of, LEVEL).low > limit

/** The split is not as planned: said once, it stays until a person resumes, for what was counted meanwhile stays too. */
function splitSaid({ evidence }: RolloutState): string | null {
  if (Math.max(evidence.split_peak ?? 0, splitEvidence(evidence.split)) < SPLIT_LIMIT) return null
  const { candidate, baseline } = evidence.units
  return `Traffic is not split as planned: ${candidate} new units in the candidate, ${baseline} in the baseline. \`aigate canary resume\` compares anew.`
}

/** Too many events say no arm, or too many of the bad ones. */
function armlessSaid(state: RolloutState): string | null {
  const { armless, compared = 0, metrics } = state.evidence
  if (!armless) return null
  const mend = 'Log the variant with every event; one such as `off` where it is outside of the rollout.'
  const all = armless.requests + compared
  if (beyond(armless.requests, all, ARMLESS))
    return `${armless.requests} of ${all} events say no arm (${saidShare(armless.requests / all)}): what the candidate does may be among them. ${mend}`
  for (const { name, role } of wordsOf(planOf(state)).judging) {
    const known = metrics[name]
    const missing = armless.bad[name] ?? 0
    const bad = missing + (known ? known.baseline.bad + known.candidate.bad : 0)
    if (role === 'guardrail' && beyond(missing, bad, ARMLESS_BAD))
      return `${missing} of ${bad} bad events of ${name} say no arm: they may be those of the candidate. ${mend}`
  }
  return null
}

/** Why no comparison is to be trusted, by what events say of arms; null: it is. */
export function armsDistrusted(state: RolloutState): string | null {
  return splitSaid(state) ?? armlessSaid(state)
}

/** Share of the events (of a rate: of the good ones, for many log an error only where there is one) with the field. */
function presence({ n, bad, blank = 0 }: Totals, rate: boolean): { low: number; high: number; share: number } | null {
  const [all, there] = rate ? [n - bad, n - bad - blank] : [n + blank, n]
  if (!(all > 0)) return null
  return { ...wilson(Math.max(0, there), all, LEVEL), share: Math.max(0, there) / all }
}

/** Why this metric is not to be trusted, whatever the others are; null: it is. */
export function metricDistrusted(state: RolloutState, { name, method }: Judging): string | null {
  const known = state.evidence.metrics[name]
  const metric = planOf(state).metrics[name]
  if (!known || !metric) return null
  for (const arm of ['candidate', 'baseline'] as const) {
    const { unitless = 0, bad } = known[arm]
    if (method === 'arm-share' && beyond(unitless, bad, UNITLESS))
      return `${unitless} of ${bad} bad events of ${name} in the ${arm} name no unit, so that they count for nobody. Log the key of the unit with every event.`
  }
  const baseline = presence(known.baseline, 'bad' in metric)
  const candidate = presence(known.candidate, 'bad' in metric)
  if (!baseline || !candidate) return null
  if (!((baseline.low > THERE && candidate.high < GONE) || (candidate.low > THERE && baseline.high < GONE))) return null
  return `The field of ${name} is in ${saidShare(baseline.share)} of the events of the baseline and ${saidShare(candidate.share)} of those of the candidate: they do not log alike.`
}

/** What was compared without being comparable is forgotten: a person has looked into it. */
export function comparedAnew(state: RolloutState): RolloutState {
  const broken = wordsOf(planOf(state)).judging.some((one) => metricDistrusted(state, one) !== null)
  if (!broken && armsDistrusted(state) === null) return state
  const { clock, newest, candidate_seen, units, requests, triggers, from_generation } = state.evidence
  const kept = { clock, newest, candidate_seen, units, requests, triggers }
  const evidence: Evidence = { ...startEvidence(from_generation), ...kept }
  return { ...state, evidence }
}
