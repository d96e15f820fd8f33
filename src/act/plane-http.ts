// The plane behind an HTTP API: one call sets the version, another reads it back.
import { controlFailed } from './failure.ts'
import { callHttp, checkCalls, valueAt } from './http.ts'
import type { BarePlane, PlaneOf, PlaneWorld } from './bare-plane.ts'

/** A plane may take a moment until it reads what was written. */
const SEEN_AFTER_MS = [200, 1_000, 3_000]

/**
 * `set` is called once: whoever applies tries again, and reads in between what came of it. What secrets of the environment
 * hold is never in an error.
 */
export function httpPlane({ set, read, timeout }: PlaneOf<'http'>, { env, component }: PlaneWorld): BarePlane {
  const idle = { version: '', component, key: '', reason: '' }
  const say = checkCalls([set, read], idle, env)
  const { host } = new URL(read.url)
  return {
    where: `${read.pointer || 'the answer'} at ${host}`,
    waits: SEEN_AFTER_MS,
    async apply(wanted, signal) {
      await callHttp(set, {
        words: { ...wanted, component },
        env,
        signal,
        say,
        timeoutMs: timeout,
        key: wanted.key,
        retries: [],
      })
    },
    async read(signal) {
      const text = await callHttp(read, { words: idle, env, signal, say, timeoutMs: timeout })
      const mend = 'Correct `read.pointer`, or see what the API answers.'
      const value = valueAt(text, { pointer: read.pointer, say, mend })
      if (typeof value === 'string' || typeof value === 'number') return { version: String(value) }
      throw controlFailed(`the answer of ${host} has no version at ${read.pointer || 'its root'}`, mend)
    },
  }
}
