// The control plane that is a number in a file in git: a commit sets it, an operator of the cluster does the rest.
import type { Actuator } from '../ports.ts'
import type { RolloutPlan } from '../schema/rollout.ts'
import type { ActuatorOptions, ControlOf } from './actuator-options.ts'
import { gitValue } from './git-value.ts'
import { servedPpm, units, wishId } from './put-in.ts'
import { wholeRelease } from './whole-release.ts'

const TIMEOUT_MS = 60_000

/** Writes the percentage at `pointer` of `path`, with the trailer `Aigate-Intent: <rollout>-<generation>-<millionths>`. */
export function gitActuator(
  { path, pointer, push }: ControlOf<'git'>,
  plan: RolloutPlan,
  { root, env, timeoutMs = TIMEOUT_MS }: ActuatorOptions,
): Actuator {
  const number = gitValue({ path, pointer, push, kind: 'number' }, { root, env, timeoutMs })
  return wholeRelease(plan, {
    async set(desired, signal) {
      const percent = servedPpm(desired) / units.percent
      const intent = { id: wishId(plan, desired), subject: `${plan.rollout}: candidate at ${percent} %` }
      await number.set(percent, intent, signal)
    },
    ppm: async (signal) => Math.round(Number(await number.read(signal)) * units.percent),
  })
}
