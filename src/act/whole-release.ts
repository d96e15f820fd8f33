// For planes with one share for everything: sends the whole release back where a part of it should go back alone.
import type { Actuator } from '../ports.ts'
import type { RolloutPlan } from '../schema/rollout.ts'
import type { Desired } from '../schema/rollout-journal.ts'
import { controlFailed } from './failure.ts'
import { servedPpm } from './put-in.ts'

/** Shares are equal when no user would notice: planes hold them as decimal fractions. In millionths. */
const SAME_PPM = 1

type Plane = { set(desired: Desired, signal: AbortSignal): Promise<void>; ppm(signal: AbortSignal): Promise<number> }

/**
 * An Actuator over one share: sets it, reads it back until it is there (`waits`: milliseconds before each further look)
 * and throws `control_failed` where it does not come. A part of the release cannot go back alone here: then all of it does,
 * and the error says so.
 */
export function wholeRelease(plan: RolloutPlan, plane: Plane, waits: readonly number[] = []): Actuator {
  return {
    leases: false,
    read: async (signal) => ({ ppm: await plane.ppm(signal) }),
    async apply(wish, signal) {
      signal.throwIfAborted()
      const apart = Object.keys(plan.release).filter((component) => !wish.components.includes(component))
      const desired = apart.length > 0 ? { ...wish, ppm: 0 } : wish
      await plane.set(desired, signal)
      await verify(plane, servedPpm(desired), signal, waits)
      if (apart.length > 0 && wish.ppm > 0)
        throw controlFailed(
          `it cannot send ${apart.join(', ')} back alone, so everything was sent back to the baseline`,
          'Use control.type flagd for components that go back by themselves, or on_degradation: {rollback: all}.',
        )
    },
  }
}

async function verify(plane: Plane, wanted: number, signal: AbortSignal, waits: readonly number[]): Promise<void> {
  let there = await plane.ppm(signal)
  for (const wait of waits) {
    if (Math.abs(there - wanted) <= SAME_PPM) return
    await pause(wait, signal)
    there = await plane.ppm(signal)
  }
  if (Math.abs(there - wanted) <= SAME_PPM) return
  throw controlFailed(
    `it says ${there / 10_000} % after ${wanted / 10_000} % was set`,
    'See whether somebody else sets it, whether the plane rounds shares, and whether `read` looks at the right place.',
  )
}

/** Waits; ends early, with its reason, when the signal aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })
}
