// One action of a guard, carried out: through the flag file, an endpoint, a program, or the verb rollback itself.
import type { GuardStep } from '../../decide/guard/actions.ts'
import { superseded } from '../../decide/guard/release-pins.ts'
import { guardPlanOf } from '../../decide/guard/state.ts'
import { aimOf } from '../../decide/rollback/target.ts'
import { AigateError } from '../../errors.ts'
import type { GuardAction } from '../../schema/guard.ts'
import type { Json } from '../../schema/values.ts'
import { actionsFolder, readActions } from '../../store/action-journal.ts'
import { readLedger, releasesFolder } from '../../store/ledger.ts'
import type { GuardSession } from './guard-session.ts'
import { planesOf } from './rollback-plan.ts'

type Rollback = Extract<GuardAction, { type: 'rollback' }>
type Act = Extract<GuardStep, { do: 'act' }>

/** Of one attempt at an endpoint, in milliseconds: three of them fit into a look. */
const ENDPOINT_MS = 5_000

/** Does the step and says what the other side said. `signal`: ends it. Throws AigateError where it is not done. */
export async function perform(session: GuardSession, step: GuardStep, signal: AbortSignal): Promise<Json> {
  const { context, project } = session
  if (step.do === 'breaker') {
    const { serveBreaker } = await import('../../act/breaker-flag.ts')
    await serveBreaker(step.breaker, step.wish, project.root)
    return { ...step.wish }
  }
  const { action, episode, resolve } = step
  if (action.type === 'rollback') return goBack(session, step, action)
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
    signal,
    now: () => context.now().getTime(),
    timeoutMs: ENDPOINT_MS,
    flagFiles: action.type === 'kill' ? await killFiles(project) : [],
    killed: killOptions(project).flags,
  })
}

/**
 * Why a rollback is not wanted any more although its trigger fired; null: it is. What a trigger of an hour ago would take
 * back now may be the release that mended it.
 */
export function givenUp(session: GuardSession, { id, action, episode }: Act): string | null {
  if (action.type !== 'rollback' || isDone(session, id)) return null
  const look = `Production was not changed by it: see \`aigate rollback ${action.components.join(' ')} --plan\`.`.replace(/ {2,}/g, ' ') // biome-ignore format: one sentence
  const newer = supersededNow(session, { action, episode })
  if (newer !== null) return `not done any more: ${newer}. ${look}`
  if (episode.ended === null) return null
  return `not done any more: ${episode.cause} was over at ${new Date(episode.ended).toISOString()}. ${look}`
}

function supersededNow(session: GuardSession, { action, episode }: { action: Rollback; episode: Act['episode'] }) {
  const { records, faults } = readLedger(releasesFolder(session.project))
  const to = faults.length > 0 ? null : targetOf(session, action, episode)
  return superseded(records, action.env, episode, to)
}

/** The release that it goes back to: what is written, else what was the last good one when it fired; null: by the ledger. */
function targetOf({ project }: GuardSession, action: Rollback, { pins }: Act['episode']): string | null {
  const { env, components, to } = action
  if (to === undefined) return pins?.[env]?.to ?? null
  const { records } = readLedger(releasesFolder(project))
  try {
    return aimOf(records, { env, components, to, planes: planesOf(project, env) }).target?.id ?? null
  } catch (error) {
    if (error instanceof AigateError) return null
    throw error
  }
}

const keyOf = (id: string) => `[${id}]`
const isDone = (session: GuardSession, id: string) => wasDone(session, keyOf(id))

/** Through the verb itself: its plan, its verification, its record in the ledger. */
async function goBack(session: GuardSession, { id, episode }: Act, action: Rollback): Promise<Json> {
  const { components, env } = action
  const reason = `${episode.text.slice(0, 200)} ${keyOf(id)}`
  // One that ended well while its end could not be written here: once more would go back one release further.
  if (isDone(session, id)) return { rollback: 'done before' }
  const to = action.to ?? targetOf(session, action, episode)
  const { rollbackCommand } = await import('./rollback.ts')
  const said: string[] = []
  const quiet = { write: (text: string) => said.push(text) }
  const ending = await rollbackCommand({ ...session.context, stdout: quiet, stderr: quiet }, components, {
    apply: true,
    reason,
    json: true,
    env,
    config: session.project.file,
    ...(to === null ? {} : { to }),
  })
  session.context.signal.throwIfAborted()
  if (ending === 'pass') return { rollback: ending, ...(to !== null && { to }) }
  const problem = `the rollback of ${components.join(', ') || 'all components'} ended with ${ending}`
  throw new AigateError('control_failed', { problem, mend: 'Run `aigate rollback --plan` to see why.' })
}

function wasDone(session: GuardSession, key: string): boolean {
  const { records } = readActions(actionsFolder(session.project))
  const runs = records.flatMap((one) => (one.kind === 'begun' && !one.drill && one.why.includes(key) ? [one.run] : []))
  return records.some((one) => one.kind === 'ended' && one.outcome === 'pass' && runs.includes(one.run))
}
