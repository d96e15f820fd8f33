// The state machine of a rollout: its journal, record by record, folded into a state. Nothing else changes a state.
import type { RolloutRecord } from '../../schema/rollout-journal.ts'
import { amended } from './amend.ts'
import { believed, resetClock } from './clock.ts'
import { applied, ended, failed, handsOn, heldAgain } from './effects.ts'
import { absorb } from './evidence.ts'
import { firing } from './look.ts'
import { degrade, goBack, goOn, orchestratorMustUndo } from './moves.ts'
import { isApplied, isLast, nextStage } from './stages.ts'
import { comparedAnew } from './trust.ts'
import { draft, isKept, isOver, planOf, ppmOf, type RolloutState, withNotice } from './state.ts'

type RecordOf<K extends RolloutRecord['kind']> = Extract<RolloutRecord, { kind: K }>
/** What the fold needs of a look; the simulator has no journal around it. */
export type LookFacts = Pick<RecordOf<'look'>, 'reading' | 'failure' | 'lowered' | 'reached' | 'decision'>

function started(record: RecordOf<'start'>, at: number): RolloutState {
  const plan = record.plan
  const components = Object.keys(plan.release)
  return {
    ...draft(),
    plan,
    plan_hash: record.plan_hash,
    started_at: at,
    verified_at: at,
    mode: 'running',
    wanted: { ppm: ppmOf(plan, 0), generation: 1, killed: false, components, why: 'The rollout was started.' },
  }
}

/** A trigger that began to fire tells people, whatever else it does. */
function toldOfTriggers(before: RolloutState, state: RolloutState): RolloutState {
  let told = state
  for (const trigger of firing(state)) {
    if ((before.evidence.triggers[trigger.id]?.fired_at ?? null) !== null) continue
    const tells = trigger.do.find((one) => one === 'incident') ?? trigger.do.find((one) => one === 'notify')
    if (!tells) continue
    const title = `${tells === 'incident' ? 'Incident' : 'Trigger'} ${trigger.id} of rollout ${planOf(state).rollout}`
    const text = `${trigger.metric} is beyond its limit.`
    told = withNotice(told, {
      id: `trigger-${trigger.id}-${state.evidence.triggers[trigger.id]?.fired_at ?? 0}`,
      title,
      text,
    })
  }
  return told
}

function toldOfHold(state: RolloutState, facts: LookFacts): RolloutState {
  const { outcome, next, reasons } = facts.decision
  if (next !== 'hold' || state.paused) return state
  const id = `hold-g${state.wanted.generation}-${outcome}`
  return withNotice(state, {
    id,
    title: `Rollout ${planOf(state).rollout} waits at stage ${state.stage + 1}`,
    text: reasons.join(' '),
  })
}

/** A look that was decided, at the time `at`: its reading and then its decision. */
export function foldLook(state: RolloutState, facts: LookFacts, at: number): RolloutState {
  const { decision } = facts
  const before = handsOn(state, facts, at)
  const read = absorb(before, at, facts)
  return settleLook(before, read, facts, at, decision.outcome !== 'invalid')
}

/** As `foldLook`, with the reading already folded in (`read`). */
export function settleLook(
  before: RolloutState,
  read: RolloutState,
  facts: LookFacts,
  at: number,
  verified: boolean,
): RolloutState {
  const { decision } = facts
  const looked = toldOfTriggers(before, {
    ...read,
    last: { at, decision },
    looks: read.looks + 1,
    verified_at: verified ? at : read.verified_at,
  })
  if (looked.mode !== 'running') return looked
  const why = decision.reasons.join(' ')
  const worse = decision.outcome === 'fail' || decision.next === 'rollback' || decision.next === 'previous-stage'
  if (worse && planOf(looked).strategy === 'rolling') return orchestratorMustUndo(looked, why)
  if (worse)
    return degrade(
      looked,
      why,
      firing(looked).some((trigger) => trigger.do.includes('kill')),
    )
  const proven = decision.outcome === 'pass' && mayGoOn(looked)
  if (proven && decision.next === 'finish' && isLast(planOf(looked), looked.stage))
    return goOn(looked, looked.stage, why, at)
  if (proven && decision.next === 'advance' && !isLast(planOf(looked), looked.stage))
    return goOn(looked, nextStage(looked), why, at)
  return toldOfHold(looked, facts)
}

/** No decision goes on over a pause, a hold, a share that is not served yet or an approval that is missing. */
function mayGoOn(state: RolloutState): boolean {
  const needsApproval = planOf(state).stages[state.stage]?.approval === true && !state.approved.includes(state.stage)
  return isApplied(state) && !state.paused && state.hold === null && !needsApproval
}

function said(state: RolloutState, record: RecordOf<'said'>, at: number): RolloutState {
  const why = record.reason === '' ? `${record.by} said ${record.verb}.` : record.reason
  if (record.verb === 'kill') return goBack(state, why, state.mode === 'aborting' ? 'aborting' : 'rolling-back', true)
  if (record.verb === 'amend') return isOver(state) ? state : amended(state, record, at)
  // The old one still stands beside the new one: going back to it is one step.
  if (record.verb === 'abort' && isKept(state, at)) return goBack(state, why, 'aborting', false)
  if (state.mode !== 'running') return state
  switch (record.verb) {
    case 'pause':
      return { ...state, paused: { at, by: record.by, reason: record.reason } }
    case 'resume':
      // Whoever says so has looked: for the time of a lease that counts as much as a look.
      return { ...comparedAnew(heldAgain(state, at)), paused: null, hold: null, verified_at: at }
    case 'approve': {
      const stage = record.stage ?? state.stage
      return state.approved.includes(stage) ? state : { ...state, approved: [...state.approved, stage] }
    }
    case 'advance':
      // Said twice, or of a stage that is past: done already.
      if ((record.stage ?? state.stage) !== state.stage) return state
      return { ...goOn(state, state.stage + 1, why, at), verified_at: at }
    case 'abort':
      return goBack(state, why, 'aborting', false)
    default:
      return record.verb satisfies never
  }
}

function step(state: RolloutState, record: RolloutRecord, at: number): RolloutState {
  if (record.kind === 'start') return state.mode === 'draft' ? started(record, at) : state
  if (state.mode === 'draft') return state
  switch (record.kind) {
    case 'look':
      return foldLook(state, record, at)
    case 'intent':
      return { ...state, intents: { ...state.intents, [record.id]: record.action } }
    case 'applied':
      return applied(state, record.id, at)
    case 'failed':
      return failed(state, record, at)
    case 'said':
      return said(state, record, at)
    case 'checked':
      return {
        ...state,
        checks: { ...state.checks, [record.check]: { at, outcome: record.outcome, said: record.said } },
      }
    default:
      return record satisfies never
  }
}

/** Under `rolling` the orchestrator moves the traffic: there is nothing to apply, and what is wanted is its business. */
function handedOver(state: RolloutState, at: number): RolloutState {
  if (state.plan?.strategy !== 'rolling' || isApplied(state)) return state
  const { ppm, generation, killed, components } = state.wanted
  const now = { ppm, generation, killed, components, lease_until: null, at, times: 0, renewals: 0 }
  return ended({ ...state, applied: now }, at)
}

/** One record further. A time before that of the last record counts as that time (but see `believed`); a record that was folded is passed over. */
export function foldRecord(state: RolloutState, record: RolloutRecord): RolloutState {
  if (record.seq <= state.seq) return state
  const said = Date.parse(record.at)
  const from = record.kind === 'said' && record.verb === 'resume' && state.plan ? resetClock(state, said) : state
  const at = Math.max(from.at, said)
  const next = handedOver(step(from, record, at), at)
  return { ...next, seq: record.seq, at: believed(from, next, record, at) }
}

/** The state after all records; `from` is a snapshot that the records go on from (those that it has are passed over). */
export function foldJournal(records: Iterable<RolloutRecord>, from: RolloutState = draft()): RolloutState {
  let state = from
  for (const record of records) state = foldRecord(state, record)
  return state
}
