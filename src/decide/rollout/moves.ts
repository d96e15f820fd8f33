// What a decision or a person does to the state: go on, go back, finish, stop.
import { startEvidence, type Mode, planOf, ppmOf, type RolloutState, withNotice } from './state.ts'
import { isLast } from './stages.ts'

/** Another share is wanted: a new generation. */
function want(state: RolloutState, ppm: number, why: string, rest: Partial<RolloutState['wanted']> = {}): RolloutState {
  const wanted = { ...state.wanted, ...rest, ppm, generation: state.wanted.generation + 1, why }
  // What failed for an earlier generation is no longer wanted.
  return { ...state, wanted, failing: state.failing.filter((one) => !/^(set|renew)-/.test(one.id)) }
}

const UNDO = 'aigate moves no traffic here: the orchestrator must undo it.'
const nameOf = (state: RolloutState) => planOf(state).rollout

/** Everybody is served the baseline again; `mode` says what that ends in. */
export function goBack(state: RolloutState, why: string, mode: Mode, killed: boolean): RolloutState {
  if (state.mode === mode && (state.wanted.killed || !killed)) return state
  const back = want({ ...state, mode, ended_at: null }, 0, why, { killed: killed || state.wanted.killed })
  const title = mode === 'aborting' ? `Rollout ${nameOf(state)} is aborted` : `Rollout ${nameOf(state)} is rolled back`
  const text = planOf(state).strategy === 'rolling' ? `${why} ${UNDO}` : why
  return withNotice(back, { id: `back-g${back.wanted.generation}`, title, text })
}

/** A proven fault under `rolling`: people are told, and the verdict does not turn good again until one of them resumes. */
export function orchestratorMustUndo(state: RolloutState, why: string): RolloutState {
  if (state.hold !== null) return state
  const title = `Rollout ${nameOf(state)} must go back`
  const id = `undo-${state.looks}`
  return withNotice({ ...state, hold: `${why} A person must resume.` }, { id, title, text: `${why} ${UNDO}` })
}

/** A smaller step: evidence starts anew, and only a person lets the rollout go on. */
function stepDown(state: RolloutState, why: string, ppm: number, stage: number, components: string[]): RolloutState {
  const down = want({ ...state, stage, hold: `${why} A person must resume.` }, ppm, why, { components })
  const { clock, newest, candidate_seen, baseline_seen, units, requests } = state.evidence
  const heard = { candidate_seen, ...(baseline_seen !== undefined && { baseline_seen }) }
  const evidence = { ...startEvidence(down.wanted.generation), clock, newest, ...heard, units, requests }
  const approved = state.approved.filter((index) => index < stage)
  const title = `Rollout ${nameOf(state)} went a step back`
  return withNotice({ ...down, evidence, approved }, { id: `back-g${down.wanted.generation}`, title, text: why })
}

/** After proven harm: what `on_degradation` says; `kill` overrides it. */
export function degrade(state: RolloutState, why: string, kill: boolean): RolloutState {
  const plan = planOf(state)
  const { rollback } = plan.on_degradation
  if (kill || rollback === 'all') return goBack(state, why, 'rolling-back', kill)
  if (rollback === 'previous-stage') {
    const ppm = Math.min(ppmOf(plan, state.stage - 1), state.wanted.ppm)
    if (state.stage === 0) return goBack(state, why, 'rolling-back', false)
    return stepDown(state, why, ppm, state.stage - 1, state.wanted.components)
  }
  const left = state.wanted.components.filter((component) => !rollback.includes(component))
  const nothingToTakeBack = left.length === state.wanted.components.length
  if (left.length === 0 || nothingToTakeBack) return goBack(state, why, 'rolling-back', false)
  return stepDown(state, why, state.wanted.ppm, state.stage, left)
}

/** On to stage `index`, or to the end after the last one. */
export function goOn(state: RolloutState, index: number, why: string, at: number): RolloutState {
  const plan = planOf(state)
  const free = { ...state, hold: null, paused: null }
  if (isLast(plan, state.stage)) {
    // The last share stays, now without a lease: nobody will be there to renew it.
    const done = want({ ...free, mode: 'succeeded', ended_at: at }, state.wanted.ppm, why)
    const title = `Rollout ${nameOf(state)} has succeeded`
    return withNotice(done, { id: `done-g${done.wanted.generation}`, title, text: why })
  }
  return want({ ...free, stage: index }, ppmOf(plan, index), why)
}

/** The share of the present stage by a plan that was amended; never more than before while a person must resume. */
export function toPlan(state: RolloutState, why: string): RolloutState {
  if (state.mode !== 'running') return state
  const ppm = ppmOf(planOf(state), state.stage)
  return ppm > state.wanted.ppm && state.hold !== null ? state : toShare(state, ppm, why)
}

/** Another share than is wanted, where it is another. */
export function toShare(state: RolloutState, ppm: number, why: string): RolloutState {
  if (state.mode !== 'running' || ppm === state.wanted.ppm) return state
  return want(state, ppm, why)
}
