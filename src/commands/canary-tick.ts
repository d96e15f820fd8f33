// One pass over a rollout: finish what was begun, read, decide, write down, act, read back. Doing it twice does no harm.
import { decideLook } from '../decide/rollout/look.ts'
import { limitsOf } from '../decide/rollout/criterion.ts'
import { foldJournal } from '../decide/rollout/fold.ts'
import { actionsFor, type Found } from '../decide/rollout/actions.ts'
import { type Applied, planOf } from '../decide/rollout/state.ts'
import { AigateError } from '../errors.ts'
import type { Actuator, Ending, Source } from '../ports.ts'
import type { Decision, Desired, Reading, RolloutEntry } from '../schema/rollout-journal.ts'
import { type Acted, applyAndRead, carryOut, changedByHand, differs, percent } from './canary-act.ts'
import { currentPlan, record, type Session, sourceFolder } from './canary-session.ts'
import { makePreChecks } from './pre-checks.ts'

export type Edges = { source: Source; actuator: Actuator }
export type Tick = { ending: Ending; decision: Decision | null; acted: Acted; notes: string[] }

/** The ways out of a rollout, from the state that it came to. */
function ended(session: Session): Ending | null {
  const { mode } = session.state
  if (mode === 'succeeded' || mode === 'aborted') return 'pass'
  return mode === 'rolled-back' ? 'fail' : null
}

/** Of a decision after which everything that was wanted was done. */
export function endingOf({ outcome, next }: Decision): Ending {
  return outcome === 'inconclusive' && (next === 'wait' || next === 'advance') ? 'pass' : outcome
}

/**
 * One tick; the caller holds the lock.
 * @returns `action_failed` where something that was wanted could not be verified, else by the decision
 * @throws AigateError of the disk where the look could not be written down and nothing had to go back
 */
export async function tick(session: Session, edges: Edges): Promise<Tick> {
  const { context, state } = session
  const control = await lookAtControl(session, edges.actuator)
  const late = await carryOut(session, edges.actuator, {
    found: control.found,
    only: control.less === null ? undefined : lowers(session),
  })
  const over = ended(session)
  const notes = [...control.notes, ...(control.less === null ? [] : [control.less])]
  if (late.failed.length > 0) return { ending: 'action_failed', decision: null, acted: late, notes }
  if (over !== null) return { ending: over, decision: null, acted: late, notes }
  const plan = await currentPlan(session.project, session.name)
  const planHash = 'hash' in plan ? plan.hash : ''
  if ('problem' in plan) session.warnings.push(`The plan cannot be read: ${plan.problem}`)
  if (control.less === null) await makePreChecks(session)
  const read = await readSource(session, edges.source)
  if (context.signal.aborted) return { ending: 'interrupted', decision: null, acted: late, notes }
  const now = context.now().getTime()
  const lowered = control.less
  const decision = decideLook(session.state, { now, planHash, lowered, ...read })
  const found = 'reading' in read ? { reading: read.reading, failure: null } : { reading: null, failure: read.failure }
  const hands = lowered === null ? {} : { lowered }
  const look: RolloutEntry = { kind: 'look', ...found, ...hands, plan_hash: planHash, decision }
  try {
    record(session, look)
  } catch (error) {
    if (!(error instanceof AigateError) || !goesBack(decision)) throw error
    return backWithoutJournal({ ...session, state }, edges.actuator, { look, decision, error })
  }
  const acted = await carryOut(session, edges.actuator, { only: control.less === null ? undefined : lowers(session) })
  if (acted.left !== undefined) notes.push(acted.left)
  const together = { done: [...late.done, ...acted.done], failed: acted.failed }
  const ending = acted.failed.length > 0 ? 'action_failed' : control.broken ? 'action_failed' : endingOf(decision)
  return { ending, decision, acted: together, notes }
}

const goesBack = ({ next }: Decision) => next === 'rollback' || next === 'previous-stage'
/** What can do no harm while somebody else has a hand on the control plane: notices, and less of the candidate. */
const lowers = (session: Session) => (action: { do: string; desired?: Desired }) =>
  action.desired === undefined || action.desired.ppm < (session.state.applied?.ppm ?? 0) || action.desired.killed

/** `less`: why nothing but going back may be done; `broken`: the plane could neither be read nor written. */
type Control = { found: Found | undefined; less: string | null; notes: string[]; broken: boolean }

/**
 * What the control plane shows. More of the candidate than was decided is put back by an action of its own; less is
 * somebody's decision: it is respected, and the rollout holds until `canary resume`. A plane that cannot be read is
 * written anew.
 */
async function lookAtControl(session: Session, actuator: Actuator): Promise<Control> {
  const { applied, wanted } = session.state
  if (applied === null) return { found: undefined, less: null, notes: [], broken: false }
  const { signal } = session.context
  if (planOf(session.state).strategy === 'rolling')
    return { found: undefined, less: null, notes: [await orchestratorNote(actuator, signal)], broken: false }
  let found: Found
  try {
    found = await actuator.read(signal)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    const { problem } = await applyAndRead(actuator, desiredOf(applied), signal)
    const note = problem === null ? 'It was written anew.' : `It cannot be put right: ${problem}`
    return { found: undefined, less: null, notes: [`${error.message} ${note}`], broken: problem !== null }
  }
  // A runner that was killed between act and record has left what is wanted, not what was applied.
  const problem = differs(wanted, found) === null ? null : differs(applied, found)
  if (problem === null) return { found, less: null, notes: [], broken: false }
  const more = !(found.killed ?? false) && found.ppm > Math.max(applied.ppm, wanted.ppm)
  const said = `the control plane was changed by somebody else: ${problem}`
  if (more) return { found, less: null, notes: [`${said}; it is put back to ${percent(wanted.ppm)}`], broken: false }
  return { found, less: changedByHand(problem), notes: [], broken: false }
}

/** How far the orchestrator is; that it cannot be asked changes no verdict. */
async function orchestratorNote(actuator: Actuator, signal: AbortSignal): Promise<string> {
  const rule = 'under `rolling` the orchestrator moves the traffic, and aigate only says its verdict'
  try {
    return `${rule}; it serves the new one to ${percent((await actuator.read(signal)).ppm)}`
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return `${rule}; how far it is cannot be read: ${error.message}`
  }
}

/** Reads the source from where the last look ended. A source that fails is no data, never a zero. */
async function readSource(session: Session, source: Source): Promise<{ reading: Reading } | { failure: string }> {
  const { context, state, folder } = session
  const until = context.now().getTime()
  try {
    const reading = await source.read({
      plan: planOf(state),
      cursor: state.cursor,
      since: state.started_at,
      until,
      closed: state.closed,
      folder: sourceFolder(folder),
      changes: state.changes,
      limits: limitsOf(planOf(state)),
      signal: context.signal,
    })
    return { reading }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { failure: error.message }
  }
}

/** The disk is full and the candidate is bad: going back matters more than writing it down. The next look decides it again. */
async function backWithoutJournal(
  session: Session,
  actuator: Actuator,
  { look, decision, error }: { look: RolloutEntry; decision: Decision; error: AigateError },
): Promise<Tick> {
  const { context, journal } = session
  const seq = journal.chain.count + 1
  const frame = { aigate: 'rollout', version: 1, seq, at: context.now().toISOString(), by: session.by } as const
  const state = foldJournal([{ ...frame, ...look, prev: journal.chain.head, hash: '' }], session.state)
  const acted: Acted = { done: [], failed: [] }
  for (const { action, why } of actionsFor(state, context.now().getTime())) {
    if (action.do === 'notify') continue
    const { problem } = await applyAndRead(actuator, action.desired, context.signal)
    if (problem === null) acted.done.push(why)
    else acted.failed.push(`${why}: ${problem}`)
  }
  const notes = [`The journal could not be written (${error.message}) It went back all the same.`]
  return { ending: acted.failed.length > 0 ? 'action_failed' : 'fail', decision, acted, notes }
}

/** Puts the control plane to what was applied last, whoever changed it. @returns what went wrong; null: nothing */
export async function takeOver(session: Session, actuator: Actuator): Promise<string | null> {
  const { applied } = session.state
  if (applied === null || planOf(session.state).strategy === 'rolling') return null
  return (await applyAndRead(actuator, desiredOf(applied), session.context.signal)).problem
}

function desiredOf({ ppm, generation, killed, components, lease_until: lease }: Applied): Desired {
  return { ppm, generation, killed, components, lease_until: lease === null ? null : new Date(lease).toISOString() }
}

/** The control plane of the plan that was started or amended, whatever its file says now. */
export async function openPlane({ context, project, state }: Session): Promise<Actuator> {
  const { openActuator } = await import('../act/actuators.ts')
  return openActuator(planOf(state), { root: project.root, env: context.env, planHash: state.plan_hash })
}

/** Both edges of that plan; opened only where they are needed. */
export async function openEdges(session: Session): Promise<Edges> {
  const { context, project, state } = session
  const { openSource } = await import('../observe/registry.ts')
  const source = openSource(planOf(state).source, { root: project.root, env: context.env })
  return { source, actuator: await openPlane(session) }
}
