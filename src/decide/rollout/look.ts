// One look: absolute trigger, invalid, fail, pass, hold; the first that applies is the outcome.
import type { Decision } from '../../schema/rollout-journal.ts'
import { aheadBy } from './clock.ts'
import { numbersOf } from './decision-numbers.ts'
import { saidLate } from './late.ts'
import { handsOn } from './effects.ts'
import { absorb, type LookInput, wordsOf } from './evidence.ts'
import { brokenCriteria } from './limits.ts'
import { estimateOf } from './metric-evidence.ts'
import { remaining } from './remaining.ts'
import { saidNumber, saidTime } from './said-time.ts'
import { elapsedIn, gateOf, isApplied, isLast, leastTime, observedFrom, servedUntil } from './stages.ts'
import { planOf, type RolloutState } from './state.ts'
import { armsDistrusted, lacking, metricDistrusted } from './trust.ts'

/** Of the rules by which a look is decided: a journal of older ones comes out otherwise. */
export const RULES = 4

type Verdict = Pick<Decision, 'outcome' | 'reasons' | 'next'>
const verdict = (outcome: Decision['outcome'], next: Decision['next'], reasons: string[]): Verdict => ({
  outcome,
  next,
  reasons,
})
/** What is asked of a look: `now` in milliseconds since 1970, and the hash of the plan file as it is at this moment. */
export type Look = LookInput & { now: number; planHash: string; reached?: number | null | undefined }

/** Triggers that fire; the one that does most comes first. */
export function firing(state: RolloutState) {
  const order = ['kill', 'rollback', 'hold', 'notify', 'incident'] as const
  const rank = (actions: readonly string[]) => order.findIndex((one) => actions.includes(one))
  return planOf(state)
    .triggers.filter((trigger) => (state.evidence.triggers[trigger.id]?.fired_at ?? null) !== null)
    .sort((a, b) => rank(a.do) - rank(b.do))
}

function byTrigger(state: RolloutState): Verdict | null {
  for (const trigger of firing(state)) {
    const value = state.evidence.triggers[trigger.id]?.value ?? null
    const seen = value === null ? '' : ` (${saidNumber(value)} over ${saidTime(trigger.window)})`
    const said = `Trigger ${trigger.id} fired: ${trigger.metric} is beyond its limit${seen}.`
    if (trigger.do.includes('kill') || trigger.do.includes('rollback')) return verdict('fail', 'rollback', [said])
    if (trigger.do.includes('hold')) return verdict('inconclusive', 'hold', [said])
  }
  return null
}

/** Why the comparison is not to be trusted; null where it is. */
function distrust(state: RolloutState, look: Look): string | null {
  if (look.lowered != null) return look.lowered
  if (look.failure !== null) return `The source could not be read: ${look.failure}`
  if (look.reading === null) return 'There is no reading.'
  return armsDistrusted(state)
}

/** How long there was no data that the stage needs; null while there is. */
function silence(state: RolloutState, now: number): { text: string; since: number } | null {
  const plan = planOf(state)
  const from = observedFrom(state)
  if (from === null) return null
  const newest = Math.max(state.evidence.newest ?? 0, from)
  if (now - newest > plan.source.freshness) return { text: `No event for ${saidTime(now - newest)}.`, since: newest }
  const { candidate_seen: candidate, baseline_seen: baseline, clock } = state.evidence
  const both = state.wanted.ppm < 1_000_000
  // Whom nobody is served cannot be heard: not after the lease has run out, nor before it was renewed.
  const served = Math.max(from, ...state.gaps.map(({ to }) => to))
  const arms = [
    { arm: 'candidate', seen: Math.max(candidate ?? 0, served), until: servedUntil(state) },
    ...(both ? [{ arm: 'baseline', seen: Math.max(baseline ?? 0, from), until: clock }] : []),
  ]
  for (const { arm, seen, until } of arms) {
    const quiet = until - seen
    if (state.wanted.ppm > 0 && quiet > plan.on_no_data.after)
      return { text: `The ${arm} has sent no event for ${saidTime(quiet)}.`, since: seen }
  }
  return null
}

/** The plan of the journal stays in force until it is amended: an edit stops growth, and shields nobody from a rollback. */
function byPlan(state: RolloutState, look: Look, found: Verdict): Verdict {
  if (look.planHash === state.plan_hash || found.outcome === 'fail' || goesBack(found.next)) return found
  const said = 'The plan was changed: record it with `aigate canary amend`, or put it back.'
  return verdict('invalid', 'hold', [said, ...(found.outcome === 'invalid' ? found.reasons : [])])
}

const goesBack = (next: Decision['next']) => next === 'rollback' || next === 'previous-stage'

function byTrust(state: RolloutState, look: Look, now: number): Verdict | null {
  const reason = distrust(state, look)
  const quiet = silence(state, now)
  if (quiet && now - quiet.since > planOf(state).on_no_data.after) {
    const rollBack = planOf(state).on_no_data.do === 'rollback' && isOpenToFall(state)
    return verdict('invalid', rollBack ? 'rollback' : 'hold', [...(reason ? [reason] : []), quiet.text])
  }
  const said = reason ?? quiet?.text
  return said === undefined ? null : verdict('invalid', 'hold', [said])
}

const isOpenToFall = (state: RolloutState) => state.mode === 'running' && state.wanted.ppm > 0

/** Guardrails whose harm is proven, and absolute limits that are broken beyond doubt. */
function byHarm(state: RolloutState): Verdict | null {
  const { judging } = wordsOf(planOf(state))
  const trusted = judging.filter((one) => metricDistrusted(state, one) === null)
  const proven = trusted.filter((one) => (state.evidence.metrics[one.name]?.peak ?? -1) >= one.harm_bound)
  const said = (name: string) => {
    const judged = judging.find((one) => one.name === name)
    const known = state.evidence.metrics[name]
    const seen = judged && known ? estimateOf(known, judged) : null
    const how =
      seen?.estimate == null ? '' : ` (${known?.means ? 'difference' : 'risk ratio'} ${saidNumber(seen.estimate)})`
    return `${name} is worse than the baseline, proven${how}.`
  }
  const broken = brokenCriteria(state)
  const harmed = proven.filter((one) => one.role === 'guardrail').map((one) => said(one.name))
  const limits = broken.filter((one) => one.role === 'guardrail').map((one) => one.said)
  if (harmed.length + limits.length > 0) return verdict('fail', 'rollback', [...harmed, ...limits])
  const signals = [
    ...proven.filter((one) => one.role === 'signal').map((one) => said(one.name)),
    ...broken.filter((one) => one.role === 'signal').map((one) => one.said),
  ]
  return signals.length > 0 ? verdict('inconclusive', 'hold', signals) : null
}

/** What came too late was not counted, and it may be what is slow and bad; harm that is proven without it is proven. */
function byLate(state: RolloutState): Verdict | null {
  if (state.late === undefined) return null
  return verdict('invalid', 'hold', [saidLate(state.late, planOf(state).source.lateness)])
}

/** Guardrails that cannot be told; what is proven of others goes before. */
function byMetricTrust(state: RolloutState): Verdict | null {
  const reasons = wordsOf(planOf(state)).judging.flatMap((one) =>
    one.role === 'guardrail' ? (metricDistrusted(state, one) ?? lacking(state, one) ?? []) : [],
  )
  return reasons.length > 0 ? verdict('invalid', 'hold', reasons) : null
}

/** What a stage that may be left has come to: not more than its gate asked. */
function fulfilled(state: RolloutState): string {
  const plan = planOf(state)
  const stage = plan.stages[state.stage]
  if (!stage || (gateOf(stage) === 'none' && (stage.success ?? []).length === 0)) return 'The stage took its time'
  if (gateOf(stage) !== 'no-harm') return 'Everything is proven that was asked'
  const events = wordsOf(plan).judging.flatMap((one) =>
    one.role === 'guardrail' ? [state.evidence.metrics[one.name]?.candidate.n ?? 0] : [],
  )
  return `No harm seen (${Math.min(...events)} events of the candidate)`
}

/**
 * Under `rolling`: why it is watched on though all that was asked holds; null: it need not be. What a few percent have shown
 * says little of everybody, and the orchestrator waits for a pass before it goes on.
 */
function wholeProblem(state: RolloutState): string | null {
  const plan = planOf(state)
  const { whole_since: since } = state
  if (plan.strategy !== 'rolling' || since === undefined) return null
  if (since === null) return 'It is watched on until the orchestrator serves everybody the new one.'
  const [stage] = plan.stages
  const left = since + (stage ? leastTime(stage, plan) : 0) - state.evidence.clock
  return left > 0 ? `It is watched on for ${saidTime(left)}: everybody is served the new one.` : null
}

function byStage(state: RolloutState, now: number): Verdict {
  const plan = planOf(state)
  const stage = plan.stages[state.stage]
  if (!stage || !isApplied(state))
    return verdict('inconclusive', 'wait', ['The share of this stage is not applied yet.'])
  const open = remaining(state, now)
  if (open.length === 0) {
    if (state.paused)
      return verdict('pass', 'hold', [`Paused by ${state.paused.by}: ${state.paused.reason}`.replace(/: $/, '.')])
    if (state.hold !== null) return verdict(plan.strategy === 'rolling' ? 'inconclusive' : 'pass', 'hold', [state.hold])
    if (stage.approval && !state.approved.includes(state.stage))
      return verdict('pass', 'hold', [`${fulfilled(state)}; a person must approve.`])
    const notYet = wholeProblem(state)
    if (notYet !== null) return verdict('pass', 'wait', [`${fulfilled(state)}.`, notYet])
    return verdict('pass', isLast(plan, state.stage) ? 'finish' : 'advance', [`${fulfilled(state)}.`])
  }
  const late = stage.max_duration !== undefined && elapsedIn(state) >= stage.max_duration
  if (!late) return verdict('inconclusive', state.paused || state.hold !== null ? 'hold' : 'wait', open)
  const said = `The stage took longer than ${saidTime(stage.max_duration ?? 0)}.`
  // A person who pauses wants it to stay where it is; a deadline is no harm.
  const back = plan.on_deadline === 'rollback' && !state.paused
  return verdict('inconclusive', back ? 'rollback' : 'hold', [said, ...open])
}

function warningsOf(state: RolloutState, look: Look, now: number): string[] {
  const said: string[] = []
  const ahead = aheadBy(state, look.now)
  if (ahead > 0) said.push(`The clock of the last look was ${saidTime(ahead)} ahead: its time was not kept.`)
  if (look.now < now) said.push('The clock has gone backwards: the time of the last record was used.')
  if (look.reading && look.reading.unreadable > 0) said.push(`${look.reading.unreadable} lines could not be read.`)
  if (look.reading && look.reading.late > 0)
    said.push(`${look.reading.late} events came after their minute was closed.`)
  if (look.reading && look.reading.without_arm > 0) said.push(`${look.reading.without_arm} events say no arm.`)
  said.push(...(look.reading?.notes ?? []))
  for (const { arm, requested, answered } of look.reading?.models ?? [])
    if (requested !== answered) said.push(`The ${arm} asked for ${requested} and was answered by ${answered}.`)
  for (const trigger of firing(state))
    if (!trigger.do.some((one) => one === 'kill' || one === 'rollback' || one === 'hold'))
      said.push(`Trigger ${trigger.id} fired.`)
  return said
}

/** The decision about a state into which the reading was folded; see `decideLook`. */
export function judgeLook(state: RolloutState, look: Look): Decision {
  const now = Math.max(look.now, state.at)
  const first =
    state.mode === 'running'
      ? byPlan(
          state,
          look,
          byTrigger(state) ??
            byTrust(state, look, now) ??
            byHarm(state) ??
            byLate(state) ??
            byMetricTrust(state) ??
            byStage(state, now),
        )
      : verdict(state.mode === 'succeeded' ? 'pass' : 'inconclusive', 'wait', [`The rollout is ${state.mode}.`])
  return { ...first, warnings: warningsOf(state, look, now), stage: state.stage, metrics: numbersOf(state) }
}

/**
 * What a look comes to: the reading folded in and judged. A function of its arguments alone. A clock that went back is
 * taken as standing still. Throws Error before the start record.
 */
export function decideLook(
  state: RolloutState,
  look: Omit<Look, 'failure' | 'reading'> & Partial<LookInput>,
): Decision {
  const whole: Look = { ...look, reading: look.reading ?? null, failure: look.failure ?? null }
  const now = Math.max(look.now, state.at)
  return judgeLook(absorb(handsOn(state, whole, now), now, whole), whole)
}
