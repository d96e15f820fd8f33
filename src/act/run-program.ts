// Runs a program of a control plane: no shell, a time limit, and nothing of it is left when that is over.
import process from 'node:process'
import { withoutSecrets } from '../secrets.ts'
import { controlFailed } from './failure.ts'

export type Program = {
  argv: readonly string[]
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  stdin?: string
  /** Standard output as it is, its last line end included. */
  whole?: boolean
  timeoutMs: number
  signal: AbortSignal
}

/** How a program ended. */
export type Ended = { exitCode: number | undefined; stdout: string; stderr: string; timedOut: boolean; problem: string }

/** Runs it to its end; it and what it started are killed when the time is up or the signal aborts. Never rejects. */
export async function runToEnd({ argv, cwd, env, stdin, whole = false, timeoutMs, signal }: Program): Promise<Ended> {
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
    stripFinalNewline: !whole,
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

/** Its standard output where it ends well; else `control_failed` with what tells why, secrets apart. */
export async function outputOf(program: Program): Promise<string> {
  const { exitCode, stdout, stderr, problem } = await runToEnd(program)
  program.signal.throwIfAborted()
  if (exitCode === 0) return stdout
  const said = tellingLines(stderr, program.env)
  const name = program.argv[0] === 'git' ? gitName(program.argv) : (program.argv[0] ?? '')
  throw controlFailed(`${name} ${problem}${said === '' ? '' : ` (${said})`}`, mendOf(stderr))
}

const gitName = (argv: readonly string[]) => argv.slice(0, argv[1] === '-c' ? 4 : 2).join(' ')

function mendOf(stderr: string): string {
  if (/\.lock': File exists/.test(stderr))
    return 'See whether another git is at work there; a lock that a crash left behind is removed by hand.'
  return 'Run it by hand in the folder of aigate.yaml to see what it needs.'
}

const MOST_LINES = 3
const MOST_SIGNS = 400
/** How programs begin or word the line that says what went wrong. */
const TELLING =
  /\b(error|fatal|panic|exception|denied|declined|rejected|refused|unable|cannot|could not|no such|not found|failed|invalid|timed? ?out)\b|Error:|Exception\b/i
/** What git says around the cause. */
const AROUND = /^(hint:|To \S|error: failed to push some refs)/

/**
 * Of what a program said on its standard error, the lines that tell why: those that name an error, at most three; else the
 * last one. On one line, at most 400 characters, secrets apart.
 */
export function tellingLines(stderr: string, env: Program['env']): string {
  const all = withoutSecrets(stderr, env)
    .split(/[\r\n]+/)
    .map((line) =>
      line
        .replace(/^remote:/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && !AROUND.test(line))
  const telling = [...new Set(all.filter((line) => TELLING.test(line)))].slice(0, MOST_LINES)
  return (telling.length > 0 ? telling : all.slice(-1)).join('; ').slice(0, MOST_SIGNS)
}
