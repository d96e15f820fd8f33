// aigate canary abort --force: back to the baseline by the plan file and the control plane alone, whatever the journal says.
import { existsSync } from 'node:fs'
import { AigateError } from '../../errors.ts'
import type { Actuator, Context, Ending, LoadedPlan } from '../../ports.ts'
import type { Desired } from '../../schema/rollout-journal.ts'
import { loadProject } from '../../store/project.ts'
import { journalFile, readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { applyAndRead, percent } from './canary-act.ts'
import { type CanaryOptions, putAside, type Session } from './canary-session.ts'
import { say } from '../versions/release.ts'

/**
 * Sends everybody back, and reads it back. A journal that is damaged is put aside, so that the rollout can be started anew.
 * @returns action_failed where the control plane did not do it
 */
export async function abortByForce(
  context: Context,
  name: string | undefined,
  options: CanaryOptions & { reason?: string },
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const loaded = await loadPlan(project, name)
  const { plan, hash } = loaded
  if (plan.strategy === 'rolling')
    throw new AigateError('usage', {
      problem: 'Under rolling the orchestrator moves the traffic: aigate cannot send anybody back.',
      mend: 'Undo it there.',
    })
  const { openActuator } = await import('../../act/actuators.ts')
  const actuator = openActuator(plan, { root: project.root, env: context.env, planHash: hash })
  const found = await readOrNull(actuator, context.signal)
  const generation = (found?.generation ?? 0) + 1
  const components = Object.keys(plan.release)
  const back: Desired = { ppm: 0, generation, killed: true, lease_until: null, components }
  const { problem } = await applyAndRead(actuator, back, context.signal)
  const aside = problem === null && isDamaged(rolloutFolder(project, plan.rollout))
  const kept = aside ? putAside(rolloutFolder(project, plan.rollout)) : null
  const told = problem !== null || !existsSync(journalFile(rolloutFolder(project, plan.rollout)))
  const untold = told
    ? ''
    : `Its journal knows nothing of this: say \`aigate canary abort ${plan.rollout}\` as soon as you can.`
  const value = { aigate: 'rollout-forced-abort', version: 1, rollout: plan.rollout, failed: problem, put_aside: kept }
  if (problem !== null) context.stderr.write(`error: ${problem.trimEnd()}\n`)
  const lines = [
    problem === null ? `${plan.rollout}: everybody is served the baseline, and it was read back.` : '',
    kept === null ? untold : `The damaged journal is kept as ${kept}.`,
  ]
  const text = lines.filter((line) => line !== '').map((line) => `${line}\n`)
  if (text.length > 0 || options.json) say(context, options.json, value, text.join(''))
  return problem === null ? 'pass' : 'action_failed'
}

async function readOrNull(actuator: Actuator, signal: AbortSignal) {
  try {
    return await actuator.read(signal)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return null
  }
}

function isDamaged(folder: string): boolean {
  try {
    readRolloutJournal(folder)
    return false
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return error.code === 'bad_file'
  }
}

/** What a start should know: the candidate is served already, and no journal says why. */
export async function servedAlready(session: Session, { plan, hash }: LoadedPlan): Promise<string | null> {
  const { context, project, state } = session
  if (plan.strategy === 'rolling') return null
  const { openActuator } = await import('../../act/actuators.ts')
  const actuator = openActuator(plan, { root: project.root, env: context.env, planHash: hash })
  const shown = await readOrNull(actuator, context.signal)
  if (shown === null || shown.ppm === 0 || shown.killed === true || shown.ppm === state.applied?.ppm) return null
  const lease = shown.lease_until == null ? Number.POSITIVE_INFINITY : Date.parse(shown.lease_until)
  if (context.now().getTime() >= lease) return null
  return `The control plane serves the candidate to ${percent(shown.ppm)} already, and no journal says why: see whether another runner is at it, or a journal was lost.`
}
