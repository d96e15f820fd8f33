// The effects that assertions may need: running a program and loading a function, both relative to the suite.
import type { GraderTools } from '../ports.ts'
import { callWithin } from './call-within.ts'
import { loadExport } from './modules.ts'
import { bareEnv, runProgram } from './programs.ts'

/** No grader may write more: 10 million characters. */
const LONGEST_OUTPUT = 10_000_000

/** The result of `work`, or an Error when it takes longer than that many milliseconds. */
async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no grade came within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Tools for assertions. Programs run without a shell in the folder of the suite and see PATH and HOME only.
 * @param options `dir`: absolute folder of the suite
 */
export function graderTools({
  dir,
  env,
}: {
  dir: string
  env: Readonly<Record<string, string | undefined>>
}): GraderTools {
  return {
    runCommand: async (argv, stdin, timeoutMs) => {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(), timeoutMs)
      const { signal } = controller
      try {
        const ended = await runProgram({ argv, stdin, cwd: dir, env: bareEnv(env), maxOutput: LONGEST_OUTPUT, signal })
        const last = ended.stderr.trimEnd().split('\n').at(-1)?.trim() ?? ''
        const said = last === '' ? '' : ` It said last: ${last.slice(0, 300)}`
        if (signal.aborted) throw new Error(`${argv[0]} did not end within ${timeoutMs} ms.${said}`)
        if (ended.problem !== undefined || ended.exitCode === undefined) throw new Error(`${ended.problem}${said}`)
        return { exitCode: ended.exitCode, stdout: ended.stdout, stderr: ended.stderr }
      } finally {
        clearTimeout(timer)
      }
    },
    loadExport: (path, name) => loadExport(dir, path, name),
    within,
    call: callWithin,
  }
}
