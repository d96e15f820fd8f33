// One attempt to set one component back, within its time; what failed or was slow is read before it is given up.
import { AigateError } from '../../errors.ts'
import type { Context, Plane } from '../../ports.ts'

/** Of one attempt, reading back included. */
const ATTEMPT_MS = 45_000
/** For the look at a plane that did not answer in time. */
const READ_MS = 8_000

/** `said`: it is set and read back, and what people should know of it. */
export type Tried = { said: readonly string[] } | { problem: string; mend?: string }

/** One attempt, in its time. Never throws for what a plane does. */
export async function applied(context: Context, plane: Plane, wanted: Parameters<Plane['apply']>[0]): Promise<Tried> {
  const limit = AbortSignal.timeout(ATTEMPT_MS)
  const signal = AbortSignal.any([context.signal, limit])
  try {
    return { said: await plane.apply(wanted, signal) }
  } catch (error) {
    if (context.signal.aborted) return { problem: 'it was interrupted' }
    if (limit.aborted) return slow(context, plane, wanted.version)
    if (error instanceof AigateError) return { problem: error.message, mend: error.mend }
    throw error
  }
}

/** Who takes too long may have done it all the same. */
async function slow(context: Context, plane: Plane, wanted: string): Promise<Tried> {
  const problem = `it took longer than ${ATTEMPT_MS / 1000} s`
  try {
    const { version } = await plane.read(AbortSignal.any([context.signal, AbortSignal.timeout(READ_MS)]))
    return version === wanted ? { said: [`it is set, although ${problem}`] } : { problem }
  } catch {
    // It cannot be read either: that it was slow is what is known.
    return { problem }
  }
}
