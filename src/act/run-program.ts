// Runs a program of a control plane: no shell, a time limit, and nothing of it is left when that is over.
import process from 'node:process'
import { withoutSecrets } from '../secrets.ts'
import { controlFailed } from './failure.ts'

export type Program = {
  argv: readonly string[]
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  stdin?: string
  timeoutMs: number
  signal: AbortSignal
}

/** How a program ended. */
export type Ended = { exitCode: number | undefined; stdout: string; stderr: string; timedOut: boolean; problem: string }

/** Runs it to its end; it and what it started are killed when the time is up or the signal aborts. Never rejects. */
export async function runToEnd({ argv, cwd, env, stdin, timeoutMs, signal }: Program): Promise<Ended> {
  const { execa } = await import('execa')
  const [file = '', ...args] = argv
  const group = process.platform !== 'win32'
  const child = execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    reject: false,
    detached: group,
    maxBuffer: 1_000_000,
    windowsHide: true,
    ...(stdin === undefined ? { stdin: 'ignore' as const } : { input: stdin }),
  })
  let timedOut = false
  const kill = () => {
    if (child.pid === undefined) return
    try {
      if (group) process.kill(-child.pid, 'SIGKILL')
      else child.kill('SIGKILL')
    } catch {
      // It has ended already.
    }
  }
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, timeoutMs)
  if (signal.aborted) kill()
  signal.addEventListener('abort', kill, { once: true })
  try {
    const { exitCode, stdout, stderr, code, signal: ending } = await child
    const problem = timedOut
      ? `did not end within ${timeoutMs} ms`
      : exitCode !== undefined
        ? `ended with exit code ${exitCode}`
        : code === 'ENOENT'
          ? 'could not be started: there is no such program'
          : `was ended by ${ending ?? code ?? 'the system'}`
    return { exitCode, stdout, stderr, timedOut, problem }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
  }
}

/** Its standard output where it ends well; else `control_failed` with what it said last, secrets apart. */
export async function outputOf(program: Program): Promise<string> {
  const { exitCode, stdout, stderr, problem } = await runToEnd(program)
  program.signal.throwIfAborted()
  if (exitCode === 0) return stdout
  const said = withoutSecrets(stderr, program.env).trim().split('\n').at(-1)?.slice(0, 200) ?? ''
  throw controlFailed(
    `${program.argv[0] ?? ''} ${problem}${said === '' ? '' : ` (${said})`}`,
    'Run it by hand in the folder of aigate.yaml to see what it needs.',
  )
}
