// The provider that runs a program for each case: the case as JSON on stdin, the answer on stdout.
import type { Provider, ResolvedTarget } from '../../ports.ts'
import { bareEnv, runProgram } from '../programs.ts'
import { redactor } from '../redact.ts'
import { type AppOptions, failed, LONGEST_ANSWER, question, readText } from './app.ts'

type Target = Extract<ResolvedTarget, { kind: 'command' }>['target']

/**
 * A provider that runs `target.command` without a shell in the folder of the suite. Answers are text, or a JSON object
 * {text, tool_calls?, usage?, model?, cost_usd?}. A program that cannot be started or exits with another code than 0 is
 * the error `command_failed`, with the last line of its stderr. It sees PATH, HOME and the named variables, no others.
 */
export function commandProvider(target: Target, { dir, env, clock }: AppOptions): Provider {
  const redact = redactor(env, target.env)
  return {
    name: 'command',
    concurrency: target.concurrency,
    timeout_ms: target.timeout,
    retries: 0,
    ask: async (request, signal) => {
      const start = clock.monotonic()
      const { exitCode, stdout, stderr, problem } = await runProgram({
        argv: target.command,
        stdin: JSON.stringify(question(request)),
        cwd: dir,
        env: bareEnv(env, target.env),
        maxOutput: LONGEST_ANSWER,
        signal,
      })
      const latency_ms = clock.monotonic() - start
      if (problem === undefined && exitCode === 0) return readText(stdout, latency_ms)
      const what = problem ?? `${target.command[0]} exited with ${exitCode}.`
      const last = redact(stderr.trimEnd().split('\n').at(-1)?.trim() ?? '').slice(0, 500)
      return failed('command_failed', last === '' ? what : `${what} ${last}`, latency_ms)
    },
  }
}
