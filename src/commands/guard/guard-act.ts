// Carries out what a guard wants: intent first, then the act, then what the other side said; nothing is believed unread.
import { failing, type GuardStep, guardSteps, laneOf, runName, standings } from '../../decide/guard/actions.ts'
import { guardPlanOf } from '../../decide/guard/state.ts'
import { AigateError } from '../../errors.ts'
import type { Context } from '../../ports.ts'
import type { ActionEntry } from '../../schema/action-journal.ts'
import type { Json } from '../../schema/values.ts'
import { actionsFolder, openActions, readActions, withActions } from '../../store/action-journal.ts'
import { givenUp, perform } from './guard-perform.ts'
import type { GuardSession } from './guard-session.ts'

/** One action may call for another (a failure, then its page); more rounds than that are a fault. */
const MOST_ROUNDS = 3
/** What endpoints may take of one look, all of them together, in milliseconds. */
const LOOK_MS = 30_000

/** `done`: what was done; `failed`: what is wanted and is not done, whether it was tried now or waits for its next attempt. */
export type GuardActed = { done: string[]; failed: string[] }
/** What was tried in one look, each once, and until when (monotonic milliseconds) endpoints are waited for. */
export type Attempts = { tried: Set<string>; until: number; given: string[] }

export const newAttempts = (context: Context): Attempts => ({
  tried: new Set(),
  until: context.monotonic() + LOOK_MS,
  given: [],
})

/** Records are written one after the other, whatever is done side by side. */
export function appendAction(session: GuardSession, entry: ActionEntry): Promise<unknown> {
  const folder = actionsFolder(session.project)
  const stamp = () => ({ at: session.context.now().toISOString(), by: session.by })
  const write = () => withActions(folder, 'runner', () => openActions(folder, stamp).add(entry))
  const written = session.writing.then(write, write)
  session.writing = written.catch(() => undefined)
  return written
}

const runOf = (session: GuardSession) => runName(guardPlanOf(session.state).guard)

export function knownActions(session: GuardSession) {
  const { records, torn } = readActions(actionsFolder(session.project))
  if (torn !== undefined && !session.warnings.includes(torn)) session.warnings.push(torn)
  return standings(records, runOf(session))
}

/**
 * Does all that is due and was not tried in this look: what switches off first, then what goes back, then all else side by side.
 * `only`: nothing but what switches off. Never throws for an action that fails: that is what `failed` says.
 */
export async function actForGuard(
  session: GuardSession,
  attempts: Attempts = newAttempts(session.context),
  only: 'all' | 'switch' = 'all',
): Promise<GuardActed> {
  const done: string[] = []
  const now = () => session.context.now().getTime()
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const all = guardSteps(session.state, knownActions(session), now())
    const due = all.filter((one) => !attempts.tried.has(one.id) && (only === 'all' || laneOf(one) === only))
    if (due.length === 0 || session.context.signal.aborted) break
    const quick = (step: GuardStep) => ['switch', 'rollback'].includes(laneOf(step))
    for (const step of due.filter(quick)) if (await tryOnce(session, step, attempts)) done.push(step.id)
    const rest = due.filter((step) => !quick(step))
    const ended = await Promise.allSettled(rest.map((step) => tryOnce(session, step, attempts)))
    for (const [i, one] of ended.entries()) {
      if (one.status === 'rejected') throw one.reason
      if (one.value) done.push(rest[i]?.id ?? '')
    }
  }
  const failed = failing(session.state, knownActions(session)).map(({ id, error }) => `${id}: ${error}`)
  return { done, failed: [...attempts.given, ...failed] }
}

async function tryOnce(session: GuardSession, step: GuardStep, attempts: Attempts): Promise<boolean> {
  attempts.tried.add(step.id)
  const given = whyNot(session, step)
  if (given === null) return carryOut(session, step, attempts)
  const attempt = (knownActions(session).get(step.id)?.attempts ?? 0) + 1
  attempts.given.push(`${step.id}: ${given}`)
  await appendAction(session, { kind: 'failed', run: runOf(session), id: step.id, error: given, attempt, final: true })
  return false
}

/** Why a step is given up instead of tried; null: it is tried. */
function whyNot(session: GuardSession, step: GuardStep): string | null {
  if (step.do !== 'act') return null
  const { action } = step
  if (action.type === 'command' && action.check === undefined && session.unsure.has(step.id))
    return 'not done again: whether it was done is unknown, and it has no `check` that could tell'
  return givenUp(session, step)
}

/** What the journal keeps of an action: its settings, which hold names of secrets, never secrets. */
function wantedOf(step: GuardStep): Json {
  if (step.do === 'breaker') return { flag: step.breaker.flag.name, ...step.wish }
  const { headers: _, url: __, ...rest } = { headers: {}, url: '', ...step.action }
  return JSON.parse(JSON.stringify(rest)) as Json
}

/** A program has its own `timeout`, a rollback its own limits; everything that asks an endpoint shares the time of the look. */
function limitOf(session: GuardSession, step: GuardStep, { until }: Attempts): AbortSignal | null {
  if (step.do === 'breaker' || laneOf(step) === 'rollback' || step.action.type === 'command') return null
  return AbortSignal.timeout(Math.max(1, Math.round(until - session.context.monotonic())))
}

async function carryOut(session: GuardSession, step: GuardStep, attempts: Attempts): Promise<boolean> {
  const run = runOf(session)
  const { id, why } = step
  const action = step.do === 'breaker' ? 'breaker' : step.action.type
  const subject = step.do === 'breaker' ? step.breaker.id : step.name
  const attempt = (knownActions(session).get(id)?.attempts ?? 0) + 1
  await appendAction(session, { kind: 'intent', run, id, action, subject, wanted: wantedOf(step), why })
  const { signal } = session.context
  const limit = limitOf(session, step, attempts)
  try {
    const readBack = await perform(session, step, limit ? AbortSignal.any([signal, limit]) : signal)
    await appendAction(session, { kind: 'applied', run, id, read_back: readBack })
    const { note } = Object(readBack) as { note?: unknown }
    if (typeof note === 'string') session.warnings.push(`${subject}: ${note}`)
    return true
  } catch (error) {
    // The intent stays open: the next look goes on with it.
    signal.throwIfAborted()
    const slow = limit?.aborted ?? false
    if (!slow && !(error instanceof AigateError)) throw error
    const said = error instanceof AigateError ? error.message : `it was not done within the ${LOOK_MS / 1000} s that a look takes` // biome-ignore format: one choice
    await appendAction(session, { kind: 'failed', run, id, error: said, attempt })
    return false
  }
}
