// The provider that calls a function of the user's own code for each case.
import type { Provider, ResolvedTarget } from '../../ports.ts'
import { callWithin, wasTooLate } from '../call-within.ts'
import { loadExport } from '../modules.ts'
import { codeRedactor } from '../redact.ts'
import { type AppOptions, failed, question, readAnswer, sentenceOf } from './app.ts'

type Target = Extract<ResolvedTarget, { kind: 'module' }>['target']
type Answer = (input: ReturnType<typeof question> & { signal: AbortSignal }) => unknown

/**
 * A provider that calls an exported function with {id, vars, messages, trial, signal}. It returns, or promises, text or
 * an object {text, tool_calls?, usage?, model?, cost_usd?}. A file that cannot be loaded, an export that is no function
 * and a function that throws are the error `command_failed`; one that blocks the thread beyond its time is a timeout.
 */
export function moduleProvider(target: Target, { dir, env, clock }: AppOptions): Provider {
  const redact = codeRedactor(env)
  let loaded: Promise<unknown> | undefined
  return {
    name: 'module',
    concurrency: target.concurrency,
    timeout_ms: target.timeout,
    retries: 0,
    ask: async (request, signal) => {
      loaded ??= loadExport(dir, target.module, target.export)
      let start = clock.monotonic()
      try {
        const answer = await loaded
        if (typeof answer !== 'function') {
          return failed('command_failed', `${target.module}: the export "${target.export}" is no function.`, 0)
        }
        start = clock.monotonic()
        // Its own copy: a function that changes what it was given must not change the case.
        const input = { ...structuredClone(question(request)), signal }
        const given: unknown = await callWithin(() => (answer as Answer)(input), target.timeout)
        return readAnswer(given, clock.monotonic() - start)
      } catch (error) {
        if (wasTooLate(error)) {
          const latency_ms = clock.monotonic() - start
          return { completion: { outcome: 'timeout', text: '', tool_calls: [], latency_ms, attempts: 1 } }
        }
        const what = redact(`${target.module}: ${sentenceOf(error)}`)
        return failed('command_failed', what, clock.monotonic() - start)
      }
    },
  }
}
