// Every control plane by its type: a new one is a variant of the schema, a file here and a line below.
import type { Actuator, LoadedPlan } from '../ports.ts'
import type { Control, RolloutPlan } from '../schema/rollout.ts'
import type { ActuatorOptions, ControlOf } from './actuator-options.ts'
import { commandActuator } from './command.ts'
import { flagdActuator } from './flagd.ts'
import { gitActuator } from './git.ts'
import { httpActuator } from './http.ts'

type Open<T extends Control['type']> = (control: ControlOf<T>, plan: RolloutPlan, options: ActuatorOptions) => Actuator

const actuators: { [T in Control['type']]: Open<T> } = {
  flagd: flagdActuator,
  http: httpActuator,
  command: commandActuator,
  git: gitActuator,
}

/** The control plane of a plan. Touches nothing yet. Throws `control_failed` for texts that cannot be filled. */
export function openActuator(plan: RolloutPlan | LoadedPlan, options: ActuatorOptions): Actuator {
  if ('plan' in plan) return openActuator(plan.plan, { planHash: plan.hash, ...options })
  return open(plan.control, plan, options)
}

function open<T extends Control['type']>(control: ControlOf<T>, plan: RolloutPlan, options: ActuatorOptions): Actuator {
  const of: Open<T> = actuators[control.type]
  return of(control, plan, options)
}
