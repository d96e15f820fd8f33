// Carries out what a guard wants: intent first, then the act, then what the other side said; nothing is believed unread.
import { failing, type GuardStep, guardSteps, runName, standings } from '../../decide/guard/actions.ts'
import { guardPlanOf } from '../../decide/guard/state.ts'
import { AigateError } from '../../errors.ts'
import type { ActionEntry } from '../../schema/action-journal.ts'
import type { GuardAction } from '../../schema/guard.ts'
import type { Json } from '../../schema/values.ts'
import { actionsFolder, openActions, readActions, withActions } from '../../store/action-journal.ts'
import type { GuardSession } from './guard-session.ts'

/** One action may call for another (a failure, then its page); more rounds than that are a fault. */
const MOST_ROUNDS = 3

/** `done`: what was done; `failed`: what is wanted and is not done, whether it was tried now or waits for its next attempt. */
export type GuardActed = { done: string[]; failed: string[] }

function append(session: GuardSession, entry: ActionEntry): Promise<unknown> {
  const folder = actionsFolder(session.project)
  const stamp = () => ({ at: session.context.now().toISOString(), by: session.by })
  return withActions(folder, 'runner', () => openActions(folder, stamp).add(entry))
}

function known(session: GuardSession) {
  const { records, torn } = readActions(actionsFolder(session.project))
  if (torn !== undefined) session.warnings.push(torn)
  return standings(records, runName(guardPlanOf(session.state).guard))
}

/** Does all that is due. Never throws for an action that fails: that is what `failed` says. */
export async function actForGuard(session: GuardSession): Promise<GuardActed> {
  const done: string[] = []
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const due = guardSteps(session.state, known(session), session.context.now().getTime())
    if (due.length === 0 || session.context.signal.aborted) break
    for (const step of due) if (await carryOut(session, step)) done.push(step.id)
  }
  const failed = failing(session.state, known(session)).map(({ id, error }) => `${id}: ${error}`)
  return { done, failed }
}

/** What the journal keeps of an action: its settings, which hold names of secrets, never secrets. */
function wantedOf(step: GuardStep): Json {
  if (step.do === 'breaker') return { flag: step.breaker.flag.name, ...step.wish }
  const { headers: _, url: __, ...rest } = { headers: {}, url: '', ...step.action }
  return JSON.parse(JSON.stringify(rest)) as Json
}

async function carryOut(session: GuardSession, step: GuardStep): Promise<boolean> {
  const run = runName(guardPlanOf(session.state).guard)
  const { id, why } = step
  const action = step.do === 'breaker' ? 'breaker' : step.action.type
  const subject = step.do === 'breaker' ? step.breaker.id : step.name
  const attempt = (known(session).get(id)?.attempts ?? 0) + 1
  await append(session, { kind: 'intent', run, id, action, subject, wanted: wantedOf(step), why })
  try {
    const readBack = await perform(session, step)
    await append(session, { kind: 'applied', run, id, read_back: readBack })
    return true
  } catch (error) {
    if (session.context.signal.aborted || !(error instanceof AigateError)) throw error
    await append(session, { kind: 'failed', run, id, error: error.message, attempt })
    return false
  }
}

async function perform(session: GuardSession, step: GuardStep): Promise<Json> {
  const { context, project } = session
  if (step.do === 'breaker') {
    const { serveBreaker } = await import('../../act/breaker-flag.ts')
    await serveBreaker(step.breaker, step.wish, project.root)
    return { ...step.wish }
  }
  const { action, episode, resolve } = step
  if (action.type === 'rollback') return goBack(session, action, { id: step.id, text: episode.text })
  const { performAction } = await import('../../act/notices/registry.ts')
  const { killFiles, killOptions } = await import('./kill-files.ts')
  const notice = {
    key: step.id,
    incident: step.id.replace(/-resolve$/, ''),
    guard: guardPlanOf(session.state).guard,
    cause: episode.cause,
    metric: episode.metric,
    value: episode.value,
    at: new Date(episode.at).toISOString(),
    title: episode.title,
    text: episode.text,
    resolve,
  }
  return performAction(action, notice, {
    root: project.root,
    env: context.env,
    signal: context.signal,
    now: () => context.now().getTime(),
    flagFiles: action.type === 'kill' ? await killFiles(project) : [],
    killed: killOptions(project).flags,
  })
}

/** Through the verb itself: its plan, its verification, its record in the ledger. */
async function goBack(
  session: GuardSession,
  { components, to, env }: Extract<GuardAction, { type: 'rollback' }>,
  { id, text }: { id: string; text: string },
): Promise<Json> {
  const key = `[${id}]`
  const reason = `${text.slice(0, 200)} ${key}`
  // One that ended well while its end could not be written here: once more would go back one release further.
  if (wasDone(session, key)) return { rollback: 'done before' }
  const { rollbackCommand } = await import('./rollback.ts')
  const said: string[] = []
  const quiet = { write: (text: string) => said.push(text) }
  const ending = await rollbackCommand({ ...session.context, stdout: quiet, stderr: quiet }, components, {
    apply: true,
    reason,
    json: true,
    env,
    config: session.project.file,
    ...(to === undefined ? {} : { to }),
  })
  if (ending === 'pass') return { rollback: ending }
  const problem = `the rollback of ${components.join(', ') || 'all components'} ended with ${ending}`
  throw new AigateError('control_failed', { problem, mend: 'Run `aigate rollback --plan` to see why.' })
}

function wasDone(session: GuardSession, key: string): boolean {
  const { records } = readActions(actionsFolder(session.project))
  const runs = records.flatMap((one) => (one.kind === 'begun' && !one.drill && one.why.includes(key) ? [one.run] : []))
  return records.some((one) => one.kind === 'ended' && one.outcome === 'pass' && runs.includes(one.run))
}
