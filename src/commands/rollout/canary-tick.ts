// One pass over a rollout: finish what was begun, read, decide, write down, act, read back. Doing it twice does no harm.
import { decideLook, RULES } from '../../decide/rollout/look.ts'
import { limitsOf } from '../../decide/rollout/criterion.ts'
import type { Found } from '../../decide/rollout/actions.ts'
import { type Applied, planOf } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Actuator, Ending, Source } from '../../ports.ts'
import type { Decision, Desired, RolloutEntry } from '../../schema/rollout-journal.ts'
import { type Acted, applyAndRead, carryOut, changedByHand, differs, percent, servedBy } from './canary-act.ts'
import { currentPlan, record, type Session, sourceFolder } from './canary-session.ts'
import { makePreChecks } from '../gate/pre-checks.ts'
import { isRecordable, type Read, recordable } from '../gate/recordable.ts'

export type Edges = { source: Source; actuator: Actuator }
export type Tick = { ending: Ending; decision: Decision | null; acted: Acted; notes: string[] }

/** The ways out of a rollout, from the state that it came to. */
function ended(session: Session): Ending | null {
  const { mode } = session.state
  if (mode === 'succeeded') return 'pass'
  return mode === 'rolled-back' || mode === 'aborted' ? 'fail' : null
}

/** Of a decision after which everything that was wanted was done. */
export function endingOf({ outcome, next }: Decision): Ending {
  if (outcome === 'inconclusive') return next === 'wait' || next === 'advance' ? 'pass' : outcome
  // Everything is proven, and yet it does not go on: it is paused, or a person must approve.
  return outcome === 'pass' && next === 'hold' ? 'inconclusive' : outcome
}

/**
 * One tick; the caller holds the lock.
 * @returns `action_failed` where something that was wanted could not be verified, else by the decision
 * @throws AigateError of the disk where the look could not be written down and nothing had to go back
 */
export async function tick(session: Session, edges: Edges): Promise<Tick> {
  const { context } = session
  session.survives = true
  const control = await lookAtControl(session, edges.actuator)
  const only = control.less === null && !control.unread ? undefined : lowers(session, control.found)
  const { unread } = control
  const late = await carryOut(session, edges.actuator, { found: control.found, only, unread })
  const over = ended(session)
  const notes = [...control.notes, ...(control.less === null ? [] : [control.less])]
  if (session.unwritten !== null && (late.failed.length > 0 || over !== null))
    notes.push(unwrittenNote(session.name, session.unwritten, late))
  // What could not be done must not keep anybody from seeing that the candidate is bad: a share that does not grow goes back all the same.
  if (late.failed.length > 0 && (session.state.mode !== 'running' || session.unwritten !== null))
    return { ending: 'action_failed', decision: null, acted: late, notes }
  if (over !== null) return { ending: over, decision: null, acted: late, notes }
  const plan = await currentPlan(session.project, session.name)
  const planHash = 'hash' in plan ? plan.hash : ''
  if ('problem' in plan) session.warnings.push(`The plan cannot be read: ${plan.problem}`)
  if (control.less === null && session.unwritten === null) await makePreChecks(session)
  const read = await readSource(session, edges.source)
  if (context.signal.aborted) return { ending: 'interrupted', decision: null, acted: late, notes }
  const now = context.now().getTime()
  const lowered = control.less
  const lookOf = (found: Read): Extract<RolloutEntry, { kind: 'look' }> => {
    const { reached } = control
    const decision = decideLook(session.state, { now, planHash, lowered, reached, ...found })
    const hands = { ...(lowered !== null && { lowered }), ...(reached !== undefined && { reached }) }
    return { kind: 'look', ...found, ...hands, plan_hash: planHash, decision, rules: RULES }
  }
  const whole = lookOf(read)
  // What cannot be written down was not seen; what is known already is judged all the same.
  const look = isRecordable(whole) ? whole : lookOf({ reading: null, failure: 'what it gave cannot be recorded.' })
  const { decision } = look
  record(session, look)
  const { unwritten } = session
  if (unwritten !== null && !wentBack(session)) throw unwritten
  const acted = await carryOut(session, edges.actuator, { only, unread })
  if (acted.left !== undefined) notes.push(acted.left)
  if (unwritten !== null) notes.push(unwrittenNote(session.name, unwritten, acted))
  const together = { done: [...late.done, ...acted.done], failed: [...late.failed, ...acted.failed] }
  const ending = together.failed.length > 0 || control.broken ? 'action_failed' : endingOf(decision)
  return { ending, decision, acted: together, notes }
}

/** Of a state that less of the candidate is wanted in than is served. */
function wentBack({ state: { mode, wanted, applied } }: Session): boolean {
  const less = wanted.ppm < (applied?.ppm ?? 0) || wanted.components.length < (applied?.components.length ?? 0)
  return mode !== 'running' || less
}

/** The disk is full and the candidate is bad: going back matters more than writing it down. */
export function unwrittenNote(name: string, error: AigateError, { failed }: Acted): string {
  const back = failed.length > 0 ? 'It could not go back either.' : 'It went back all the same.'
  return `The journal could not be written (${error.message.trimEnd()}) ${back} It knows nothing of this: run \`aigate canary abort ${name}\` once it can be written.`
}

/**
 * What can do no harm while somebody else has a hand on the control plane, or nobody knows what it serves: notices, and less of
 * the candidate than is served there.
 */
const lowers =
  (session: Session, found: Found | undefined) =>
  ({ desired }: { do: string; desired?: Desired }) => {
    if (desired === undefined || desired.killed || desired.ppm === 0) return true
    const { applied, lowered_since: lowered = null } = session.state
    const most = found === undefined ? (lowered === null ? Infinity : 0) : servedBy(found)
    return desired.ppm < Math.min(applied?.ppm ?? 0, most)
  }

/**
 * `less`: why nothing but going back may be done; `unread`: nobody knows what the plane serves; `broken`: and it could not be
 * written anew either.
 */
type Control = {
  found: Found | undefined
  less: string | null
  notes: string[]
  unread: boolean
  broken: boolean
  /** Under `rolling`: how far the orchestrator is, in millionths; null: it cannot be asked. */
  reached?: number | null
}
const asWanted = { found: undefined, less: null, notes: [], unread: false, broken: false } satisfies Control

/**
 * What the control plane shows. More of the candidate than was decided is put back by an action of its own; less is
 * somebody's decision: it is respected, and the rollout holds until `canary resume`.
 */
async function lookAtControl(session: Session, actuator: Actuator): Promise<Control> {
  const { applied, wanted } = session.state
  if (applied === null) return asWanted
  const { signal } = session.context
  if (planOf(session.state).strategy === 'rolling') return { ...asWanted, ...(await orchestrator(actuator, signal)) }
  let found: Found
  try {
    found = await actuator.read(signal)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return unreadable(session, actuator, error)
  }
  // A runner that was killed between act and record has left what is wanted, not what was applied.
  const problem = differs(wanted, found) === null ? null : differs(applied, found)
  if (problem === null) return { ...asWanted, found }
  const more = !(found.killed ?? false) && found.ppm > Math.max(applied.ppm, wanted.ppm)
  const said = `the control plane was changed by somebody else: ${problem}`
  if (more) return { ...asWanted, found, notes: [`${said}; it is put back to ${percent(wanted.ppm)}`] }
  return { ...asWanted, found, less: changedByHand(problem) }
}

/**
 * A plane that cannot be read. A flag file that is torn or was edited beyond understanding is written anew: applications ignore
 * it, or go on with what they knew. Nothing is written where it would undo what somebody has lowered: not where less was found
 * before, and never where a service did not answer, which tells nothing of what it serves. What waits to go back goes back.
 */
async function unreadable({ state, context }: Session, actuator: Actuator, error: AigateError): Promise<Control> {
  const { applied, wanted, lowered_since: lowered = null } = state
  if (applied === null || !actuator.leases || lowered !== null)
    return { ...asWanted, notes: [error.message], unread: true, broken: true }
  const ppm = Math.min(applied.ppm, wanted.ppm)
  const { problem } = await applyAndRead(actuator, { ...desiredOf(applied), ppm }, context.signal)
  const note = problem === null ? 'It was written anew.' : `It cannot be put right: ${problem}`
  return { ...asWanted, notes: [`${error.message} ${note}`], unread: problem !== null, broken: problem !== null }
}

/** How far the orchestrator is; that it cannot be asked changes no verdict, but then the rollout does not end. */
async function orchestrator(actuator: Actuator, signal: AbortSignal): Promise<Pick<Control, 'notes' | 'reached'>> {
  const rule = 'under `rolling` the orchestrator moves the traffic, and aigate only says its verdict'
  try {
    const { ppm } = await actuator.read(signal)
    return { notes: [`${rule}; it serves the new one to ${percent(ppm)}`], reached: Math.min(1_000_000, ppm) }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { notes: [`${rule}; how far it is cannot be read: ${error.message}`], reached: null }
  }
}

/** Reads the source from where the last look ended. A source that fails is no data, never a zero. */
async function readSource(session: Session, source: Source): Promise<Read> {
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
    return recordable(reading)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { reading: null, failure: error.message }
  }
}

/**
 * Puts the control plane to what was applied last, whoever changed it; where less is wanted since, to that much.
 * @returns what went wrong; null: nothing
 */
export async function takeOver(session: Session, actuator: Actuator): Promise<string | null> {
  const { applied, wanted } = session.state
  if (applied === null || planOf(session.state).strategy === 'rolling') return null
  const ppm = Math.min(applied.ppm, wanted.ppm)
  return (await applyAndRead(actuator, { ...desiredOf(applied), ppm }, session.context.signal)).problem
}

function desiredOf({ ppm, generation, killed, components, lease_until: lease }: Applied): Desired {
  return { ppm, generation, killed, components, lease_until: lease === null ? null : new Date(lease).toISOString() }
}

/** The control plane of the plan that was started or amended, whatever its file says now. */
export async function openPlane({ context, project, state }: Session): Promise<Actuator> {
  const { openActuator } = await import('../../act/actuators.ts')
  return openActuator(planOf(state), { root: project.root, env: context.env, planHash: state.plan_hash })
}

/** Both edges of that plan; opened only where they are needed. */
export async function openEdges(session: Session): Promise<Edges> {
  const { context, project, state } = session
  const { openSource } = await import('../../observe/registry.ts')
  const source = openSource(planOf(state).source, { root: project.root, env: context.env })
  return { source, actuator: await openPlane(session) }
}
