// Whether what was counted can be compared: arms and units that are missing, fields of one arm alone, a wrong split.
import type { Metric } from '../../schema/rollout.ts'
import { splitEvidence } from '../../statistics/split-check.ts'
import { wilson } from '../../statistics/wilson.ts'
import { wordsOf } from './evidence.ts'
import type { Judging } from './metrics.ts'
import { brokenCriteria } from './limits.ts'
import { saidShare } from './said-time.ts'
import { type Evidence, type MetricEvidence, planOf, type RolloutState, startEvidence, type Totals } from './state.ts'

const SPLIT_LIMIT = Math.log(1000)
/** Level of the bounds by which a share is judged. */
const LEVEL = 0.99
const EXPOSURE_LEVEL = 0.9
/** More of the events without an arm than this, or of the bad ones, could hide what a candidate does. */
const ARMLESS = 0.01
const ARMLESS_BAD = 0.1
/** More of the bad events of an arm without a unit than this could. */
const UNITLESS = 0.1
/** A field is there in one arm, and not in the other. */
const THERE = 0.5
const GONE = 0.1
/** A field is lacking so much more often in one arm that what lacks it may be what is bad. */
const LACKING = 0.1

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
  const { armless, compared = 0, metrics, bad_whole: whole = {} } = state.evidence
  if (!armless) return null
  const mend = 'Log the variant with every event; one such as `off` where it is outside of the rollout.'
  const all = armless.requests + compared
  if (beyond(armless.requests, all, ARMLESS))
    return `${armless.requests} of ${all} events say no arm (${saidShare(armless.requests / all)}): what the candidate does may be among them. ${mend}`
  for (const { name, role } of wordsOf(planOf(state)).judging) {
    const known = metrics[name]
    const missing = armless.bad[name] ?? 0
    const bad = missing + (whole[name] ?? 0) + (known ? known.baseline.bad + known.candidate.bad : 0)
    if (role === 'guardrail' && beyond(missing, bad, ARMLESS_BAD))
      return `${missing} of ${bad} bad events of ${name} say no arm: they may be those of the candidate. ${mend}`
  }
  return null
}

/** Units that are in both arms: neither tells what its version does. */
function exposureSaid(state: RolloutState): string | null {
  const { units, both } = state.evidence
  const limit = planOf(state).max_multiple_exposure
  const all = units.baseline + units.candidate
  if (all === 0 || wilson(Math.min(both, all), all, EXPOSURE_LEVEL).low <= limit) return null
  return `${saidShare(both / all)} of the units were seen in both arms; ${saidShare(limit)} are allowed. \`aigate canary resume\` compares anew.`
}

/** Why no comparison is to be trusted, by what events say of arms; null: it is. */
export function armsDistrusted(state: RolloutState): string | null {
  return splitSaid(state) ?? armlessSaid(state) ?? exposureSaid(state)
}

type Presence = { low: number; high: number; share: number }
type Presences = { baseline: Presence; candidate: Presence }
/** Share of the events (of a rate: of the good ones, for many log an error only where there is one) with the field. */
function presence({ n, bad, blank = 0 }: Totals, rate: boolean): Presence | null {
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
  const found = presences(known, metric)
  if (found === null) return null
  const { baseline, candidate } = found
  if (!((baseline.low > THERE && candidate.high < GONE) || (candidate.low > THERE && baseline.high < GONE))) return null
  return unlike(name, found)
}

function presences(known: MetricEvidence, metric: Metric): Presences | null {
  const baseline = presence(known.baseline, 'bad' in metric)
  const candidate = presence(known.candidate, 'bad' in metric)
  return baseline && candidate ? { baseline, candidate } : null
}

const unlike = (name: string, { baseline, candidate }: Presences) =>
  `The field of ${name} is in ${saidShare(baseline.share)} of the events of the baseline and ${saidShare(candidate.share)} of those of the candidate: they do not log alike.`

/**
 * Why nothing good is to be believed of this metric; null: it may be. A value that one arm lacks far more often is no
 * value that is missing by chance: what is proven bad without it is bad, and what looks good without it may not be.
 */
export function lacking(state: RolloutState, { name }: Judging): string | null {
  const known = state.evidence.metrics[name]
  const metric = planOf(state).metrics[name]
  if (!known || !metric || 'bad' in metric) return null
  const found = presences(known, metric)
  if (found === null) return null
  const { baseline, candidate } = found
  const apart = Math.max(baseline.low - candidate.high, candidate.low - baseline.high)
  return apart > LACKING ? unlike(name, found) : null
}

/** What was compared without being comparable is forgotten: a person has looked into it. So are signals: they were seen. */
export function comparedAnew(before: RolloutState): RolloutState {
  const state = signalsSeen(before)
  const { judging } = wordsOf(planOf(state))
  const broken = judging.some((one) => metricDistrusted(state, one) !== null || lacking(state, one) !== null)
  if (!broken && armsDistrusted(state) === null) return state
  const { clock, newest, candidate_seen, baseline_seen, units, requests, triggers, from_generation } = state.evidence
  const heard = { candidate_seen, ...(baseline_seen !== undefined && { baseline_seen }) }
  const kept = { clock, newest, ...heard, units, requests, triggers }
  const evidence: Evidence = { ...startEvidence(from_generation), ...kept }
  return { ...state, evidence }
}

/** Signals that hold a rollout begin anew, and so do their limits: else nothing that a person says would let it go on. */
function signalsSeen(state: RolloutState): RolloutState {
  const { judging } = wordsOf(planOf(state))
  const { metrics, criteria } = state.evidence
  const raised = judging.filter(
    ({ name, role, harm_bound }) => role === 'signal' && (metrics[name]?.peak ?? -1) >= harm_bound,
  )
  const broken = brokenCriteria(state).filter(({ role }) => role === 'signal')
  if (raised.length + broken.length === 0) return state
  const without = <T>(known: Record<string, T>, gone: readonly string[]) =>
    Object.fromEntries(Object.entries(known).filter(([name]) => !gone.includes(name)))
  const evidence = {
    ...state.evidence,
    metrics: without(
      metrics,
      raised.map(({ name }) => name),
    ),
    criteria: without(
      criteria,
      broken.map(({ text }) => text),
    ),
  }
  return { ...state, evidence }
}
