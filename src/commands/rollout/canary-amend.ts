// Taking the plan as its file is now: only what may be changed, and never with two control planes that serve the candidate.
import { amendProblems, movesControl, placeUnder } from '../../decide/rollout/amend.ts'
import { planOf } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Actuator, LoadedPlan } from '../../ports.ts'
import type { Amendment, Desired } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { faultError, joinErrors } from '../../store/faults.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { applyAndRead } from './canary-act.ts'
import type { Session } from './canary-session.ts'
import { rolloutProblems } from './rollout-check.ts'

type Said = { plan: RolloutPlan; plan_hash: string; stage: number; amended: Amendment }

/**
 * What the journal is told of an amended plan. Where the share is written to another place from now on, everybody was sent
 * back on the old one, and the new one serves nobody yet. Throws AigateError with what is wrong with the plan, and
 * `control_failed` where a control plane did not do it: then the plan before stays in force.
 */
export async function amendment(session: Session): Promise<Said> {
  const { context, project, name, state } = session
  const loaded = await loadPlan(project, name)
  const { plan, hash } = loaded
  const problems = await rolloutProblems(context, project, loaded)
  const fixed = amendProblems(planOf(state), plan).map(({ path, problem, mend }) =>
    faultError([{ problem, mend, place: loaded.locate(path) }]),
  )
  if (problems.length + fixed.length > 0) throw joinErrors([...problems, ...fixed])
  const place = placeUnder(state, plan)
  const moves = movesControl(planOf(state), plan) && plan.strategy !== 'rolling'
  const left = moves ? { left: await changePlanes(session, loaded) } : {}
  return { plan, plan_hash: hash, stage: state.stage, amended: { ...place, ...left } }
}

/** The old plane first: in between nobody is served the candidate. @returns what the old one said at last */
async function changePlanes({ context, project, state }: Session, { plan, hash }: LoadedPlan) {
  const { openActuator } = await import('../../act/actuators.ts')
  const open = (of: RolloutPlan, planHash: string): Actuator =>
    openActuator(of, { root: project.root, env: context.env, planHash })
  const generation = state.wanted.generation + 1
  const nobody = { ppm: 0, generation, lease_until: null }
  const before = planOf(state)
  const whole: Desired = { ...nobody, killed: true, components: Object.keys(before.release) }
  const { problem, shown } = await applyAndRead(open(before, state.plan_hash), whole, context.signal)
  if (problem !== null) throw refused('old', problem)
  const none: Desired = { ...nobody, killed: false, components: state.wanted.components }
  const next = await applyAndRead(open(plan, hash), none, context.signal)
  if (next.problem !== null) throw refused('new', next.problem)
  return { ...shown }
}

function refused(which: 'old' | 'new', problem: string): AigateError {
  const after = which === 'new' ? '; nobody is served the candidate now, on the old one either' : ''
  const resume = which === 'new' ? ', or put the plan back and run `aigate canary resume`' : ''
  return new AigateError('control_failed', {
    problem: `the ${which} control plane did not take that nobody is served the candidate (${problem.trimEnd()})${after}`,
    mend: `Put it right and amend again${resume}.`,
  })
}
