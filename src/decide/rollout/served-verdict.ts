// What a rollout says to those who ask from outside: its last decision, unless something since then speaks against it.
import type { Outcome } from '../../schema/verdict.ts'
import { saidTime } from './said-time.ts'
import type { RolloutState } from './state.ts'

/** `stage` counts from 0; `at`: when the last look was, in milliseconds since 1970. */
export type ServedVerdict = {
  verdict: Outcome
  reasons: string[]
  mode: RolloutState['mode']
  stage: number
  ppm: number
  at: number | null
}

/**
 * The verdict as of `now` (milliseconds since 1970). First match: rolled back, stopped or aborted is `fail` and stays so;
 * succeeded is `pass`; an action that failed, no look for longer than the source may be silent, and an `invalid` look are
 * `invalid`; no look yet, a pause, a hold, and a pass after which a person is waited for are `inconclusive`. With `stage` (from 0) the question is whether that stage was
 * passed: an earlier one was, a later one not yet, the current one only when the next step is to leave it.
 */
export function servedVerdict(state: RolloutState, now: number, stage?: number): ServedVerdict {
  const [verdict, reasons] = judged(state, now, stage)
  const { applied } = state
  const lapsed = now >= (applied?.lease_until ?? Number.POSITIVE_INFINITY)
  const ppm = applied === null || applied.killed || lapsed ? 0 : applied.ppm
  return { verdict, reasons, mode: state.mode, stage: state.stage, ppm, at: state.last?.at ?? null }
}

/**
 * As `servedVerdict`, for those who let something go on by it. Who names no stage asks about the whole rollout: that one stage was
 * passed, and the next one got its share, says nothing of what comes now.
 */
export function gatingVerdict(state: RolloutState, now: number, stage?: number): ServedVerdict {
  const served = servedVerdict(state, now, stage)
  const { last, plan } = state
  if (stage !== undefined || served.verdict !== 'pass' || state.mode === 'succeeded') return served
  if (last?.decision.next !== 'advance') return served
  const goesOn = `Stage ${last.decision.stage} was passed; the rollout goes on with stage ${state.stage} of 0 to ${(plan?.stages.length ?? 1) - 1}.`
  return { ...served, verdict: 'inconclusive', reasons: [goesOn, ...served.reasons] }
}

const gone: ReadonlySet<RolloutState['mode']> = new Set(['rolling-back', 'rolled-back', 'aborting', 'aborted'])

function judged(state: RolloutState, now: number, stage: number | undefined): [Outcome, string[]] {
  const { plan, last, failing, paused, hold } = state
  if (gone.has(state.mode) || state.wanted.killed)
    return ['fail', whyGone(state.wanted.why, last?.decision.outcome === 'fail' ? last.decision.reasons : [])]
  if (plan === null) return ['inconclusive', ['The rollout was not started.']]
  const [broken] = failing
  if (broken) return ['invalid', [`An action failed ${broken.attempts} times: ${broken.error}`]]
  if (state.mode === 'succeeded') return ['pass', ['The rollout came to its end.']]
  if (last === null) return ['inconclusive', ['There was no look yet.']]
  const { outcome, reasons, next } = last.decision
  if (outcome === 'fail') return ['fail', reasons]
  const silent = now - last.at
  if (silent > plan.source.freshness)
    return ['invalid', [`The last look was ${Math.round(silent / 1000)} s ago: nobody watches the rollout.`]]
  // By a clock that was ahead: nobody knows when that was.
  if (-silent > plan.source.freshness)
    return ['invalid', [`The last look says that it was ${saidTime(-silent)} from now: its clock was wrong.`]]
  if (outcome === 'invalid') return ['invalid', reasons]
  if (paused) return ['inconclusive', [`Paused by ${paused.by}${paused.reason === '' ? '.' : `: ${paused.reason}`}`]]
  if (hold !== null) return ['inconclusive', [hold, ...reasons]]
  if (outcome === 'pass' && next === 'hold') return ['inconclusive', reasons]
  if (stage === undefined) return [outcome, reasons]
  if (stage < state.stage) return ['pass', [`The rollout is in stage ${state.stage} already.`]]
  if (stage > state.stage) return ['inconclusive', [`The rollout is in stage ${state.stage}.`, ...reasons]]
  // That the stage before it was passed is no word about this one.
  if (last.decision.stage !== stage) return ['inconclusive', [`Nobody has looked since stage ${stage} began.`]]
  return [outcome === 'pass' && next !== 'advance' && next !== 'finish' ? 'inconclusive' : outcome, reasons]
}

/** What made it go back is a reason of that look already, more often than not. */
function whyGone(why: string, reasons: readonly string[]): string[] {
  return [why, ...reasons.filter((one) => !why.includes(one))].filter(Boolean)
}
