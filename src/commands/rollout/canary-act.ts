// Carries out what a rollout wants: intent first, then the act, then what reading back says; nothing is believed unread.
import { actionsFor, type PlannedAction } from '../../decide/rollout/actions.ts'
import type { Applied } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Actuator } from '../../ports.ts'
import type { Action, Desired } from '../../schema/rollout-journal.ts'
import { safeLine } from '../../report/safe-text.ts'
import { record, type Session } from './canary-session.ts'

/** Rounding of planes that know only percent with decimals. */
const CLOSE_PPM = 50
/** One action may call for another (a rollback, then its notice); more rounds than that are a fault. */
const MOST_ROUNDS = 5

/** `left`: more of the candidate was due, but somebody has lowered its share in the meantime. */
export type Acted = { done: string[]; failed: string[]; left?: string }
type Shown = Awaited<ReturnType<Actuator['read']>>
type Wanted = PlannedAction

/** What the plane shows instead of what is desired, in words; null: as desired. */
export function differs(desired: Pick<Desired, 'ppm' | 'generation' | 'killed'>, shown: Shown): string | null {
  const killed = shown.killed ?? false
  if (shown.killed !== undefined && killed !== desired.killed)
    return desired.killed ? 'the kill switch is off' : 'the kill switch is on'
  if (!killed && Math.abs(shown.ppm - desired.ppm) > CLOSE_PPM)
    return `the candidate has ${percent(shown.ppm)} instead of ${percent(desired.ppm)}`
  if (shown.generation !== undefined && shown.generation !== desired.generation)
    return `it is generation ${shown.generation} instead of ${desired.generation}`
  return null
}
export const percent = (ppm: number): string => `${Number((ppm / 10_000).toFixed(4))} %`

/** As `differs`, the lease too: right after a change it must be the one that was written. */
function unverified(desired: Desired, shown: Shown): string | null {
  const found = differs(desired, shown)
  if (found !== null || desired.lease_until === null || shown.lease_until === undefined) return found
  const written = shown.lease_until === null ? Number.NaN : Date.parse(shown.lease_until)
  // Leases are kept in whole seconds.
  return Math.abs(written - Date.parse(desired.lease_until)) <= 1000
    ? null
    : 'the lease is not the one that was written'
}

/** `only` leaves actions out; `found`: what was read from the control plane just before; `unread`: that it cannot be read. */
export type CarryOptions = {
  only?: ((action: Action) => boolean) | undefined
  found?: Shown | undefined
  unread?: boolean
}

/** Does all that is due, until nothing is. A failed action ends the pass: it is tried again at the next. */
export async function carryOut(
  session: Session,
  actuator: Actuator,
  { only = () => true, found, unread = false }: CarryOptions = {},
): Promise<Acted> {
  const acted: Acted = { done: [], failed: [] }
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const due = actionsFor(session.state, session.context.now().getTime(), round === 0 ? found : undefined).filter(
      ({ action }) => only(action) && mayAct(session, action, found),
    )
    if (due.length === 0) return acted
    for (const wanted of due) {
      const left = unread ? null : await loweredByHand(session, actuator, wanted.action)
      if (left !== null) return { ...acted, left }
      record(session, { kind: 'intent', id: wanted.id, action: wanted.action, why: wanted.why })
      if (!mayAct(session, wanted.action, found)) continue
      const problem = await carryOutOne(session, actuator, wanted, unread)
      if (problem === null) acted.done.push(wanted.why)
      else acted.failed.push(problem)
    }
    if (acted.failed.length > 0) return acted
  }
  return acted
}

/** What nobody will find written down may only be less of the candidate. */
function mayAct({ unwritten, state }: Session, action: Action, found: Shown | undefined): boolean {
  if (unwritten === null || action.do === 'notify') return true
  const { ppm, killed, components } = action.desired
  const served = Math.max(found?.ppm ?? 0, state.applied?.ppm ?? 0)
  return killed || ppm === 0 || ppm < served || components.length < (state.applied?.components.length ?? 0)
}

/** How somebody serves less than was applied where the action would serve more again; null: nobody does, or it would not. */
async function loweredByHand(session: Session, actuator: Actuator, action: Action): Promise<string | null> {
  const { applied } = session.state
  if (applied === null || action.do === 'notify' || action.desired.killed || action.desired.ppm === 0) return null
  const shown = await shownBy(actuator, session.context.signal)
  // A runner that was killed between act and record has left what is desired, not what was applied.
  if (shown === null || differs(action.desired, shown) === null) return null
  const problem = differs(applied, shown)
  const more = servedBy(shown) > applied.ppm
  const less = raises(action.desired, applied) || servedBy(shown) < action.desired.ppm - CLOSE_PPM
  return problem === null || more || !less ? null : changedByHand(problem)
}

const raises = (desired: Desired, applied: Applied) => desired.ppm >= applied.ppm
/** What the candidate is really served, in millionths. */
export const servedBy = (shown: Pick<Shown, 'ppm' | 'killed'>): number => (shown.killed === true ? 0 : shown.ppm)
export const changedByHand = (problem: string): string =>
  `The control plane was changed by somebody else: ${problem}. \`aigate canary resume\` takes it over again.`

/** @returns what went wrong; null: done, seen, and recorded */
async function carryOutOne(
  session: Session,
  actuator: Actuator,
  { id, action, why }: Wanted,
  unread: boolean,
): Promise<string | null> {
  if (action.do === 'notify') {
    session.context.stderr.write(safeLine(`notice: ${action.title}: ${action.text}\n`))
    record(session, { kind: 'applied', id, read_back: null })
    return null
  }
  // A runner that was killed may have done it already: then it is only written down. A plane that hangs is not waited for twice.
  const before = action.do === 'set' && !unread ? await shownBy(actuator, session.context.signal) : null
  const there = before !== null && unverified(action.desired, before) === null
  const { problem, shown } = there
    ? { problem: null, shown: before }
    : await applyAndRead(actuator, action.desired, session.context.signal)
  if (problem === null) {
    record(session, { kind: 'applied', id, read_back: { ...shown } })
    return null
  }
  const attempt = (session.state.failing.find((one) => one.id === id)?.attempts ?? 0) + 1
  record(session, { kind: 'failed', id, error: problem, attempt })
  return `${why}: ${problem}`
}

async function shownBy(actuator: Actuator, signal: AbortSignal): Promise<Shown | null> {
  try {
    return await actuator.read(signal)
  } catch (error) {
    if (error instanceof AigateError) return null
    throw error
  }
}

/** Applies and reads back. Never throws for a control plane that fails; that is what `problem` says. */
export async function applyAndRead(
  actuator: Actuator,
  desired: Desired,
  signal: AbortSignal,
): Promise<{ problem: string | null; shown: Partial<Shown> }> {
  try {
    await actuator.apply(desired, signal)
    const shown = await actuator.read(signal)
    return { problem: unverified(desired, shown), shown }
  } catch (error) {
    if (error instanceof AigateError) return { problem: error.message, shown: {} }
    throw error
  }
}
