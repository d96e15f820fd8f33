// The control plane behind a program: one command sets the share, another prints it.
import type { Actuator } from '../ports.ts'
import type { RolloutPlan } from '../schema/rollout.ts'
import type { ActuatorOptions, ControlOf } from './actuator-options.ts'
import { controlFailed } from './failure.ts'
import { fillText, units, type Words, wordsOf } from './put-in.ts'
import { outputOf } from './run-program.ts'
import { wholeRelease } from './whole-release.ts'

const TIMEOUT_MS = 60_000
/** A cluster may take a moment until it says what it was told. */
const SEEN_AFTER_MS = [500, 2_000, 5_000]

/** `set` and `read` run in the folder of aigate.yaml with the environment of aigate; what `read` prints is a percentage. */
export function commandActuator(
  control: ControlOf<'command'>,
  plan: RolloutPlan,
  { root, env, timeoutMs = TIMEOUT_MS }: ActuatorOptions,
): Actuator {
  const idle = wordsOf(plan, { ppm: 0, generation: 0, killed: false, lease_until: null, components: [] })
  const fill = (argv: readonly string[], words: Words) => argv.map((part) => fillText(part, words))
  fill(control.set, idle)
  fill(control.read, idle)
  const run = (argv: string[], signal: AbortSignal) => outputOf({ argv, cwd: root, env, timeoutMs, signal })
  return wholeRelease(
    plan,
    {
      set: async (desired, signal) => void (await run(fill(control.set, wordsOf(plan, desired)), signal)),
      async ppm(signal) {
        const printed = await run(fill(control.read, idle), signal)
        const [, percent] = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(printed) ?? []
        if (percent !== undefined && Number(percent) <= 100) return Math.round(Number(percent) * units.percent)
        throw controlFailed(
          `${control.read[0] ?? ''} printed ${JSON.stringify(printed.trim().slice(0, 60))} where a percentage was expected`,
          'Let `read` print one number from 0 to 100 and nothing else.',
        )
      },
    },
    SEEN_AFTER_MS,
  )
}
