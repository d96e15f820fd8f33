// Calls a function of the user's that may never come back: what blocks the thread is broken off at its time limit.
import { type Context as Realm, createContext, Script } from 'node:vm'

let realm: Realm | undefined
let script: Script | undefined

/** The longest that a timer takes. */
const LONGEST = 2 ** 31 - 1

/**
 * The result of `call`, which may be a promise: only the part before its first wait is measured. V8 breaks off whatever runs
 * below a script with a timeout, wherever that was written: endless loops, and regular expressions that find no end.
 * Throws Error after `timeoutMs` milliseconds; else what `call` throws.
 */
export function callWithin<T>(call: () => T, timeoutMs: number): T {
  realm ??= createContext({})
  script ??= new Script('call()')
  realm['call'] = call
  const timeout = Math.min(LONGEST, Math.max(1, Math.ceil(timeoutMs)))
  try {
    return script.runInContext(realm, { timeout, displayErrors: false }) as T
  } catch (error) {
    if (!isTimeout(error)) throw error
    throw new Error(`it did not come to an end within ${timeoutMs} ms, and was broken off`, { cause: error })
  }
}

const isTimeout = (error: unknown): boolean =>
  (error as { code?: unknown } | null | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
/** true for what `callWithin` throws at the time limit. */
export const wasTooLate = (error: unknown): boolean => error instanceof Error && isTimeout(error.cause)
