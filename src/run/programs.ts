// Runs programs: no shell, a bare environment, bounded output, and no process left behind.
import process from 'node:process'

type Env = Readonly<Record<string, string | undefined>>

/** Without these most programs cannot start, and none of them holds a secret. */
const BARE = ['PATH', 'HOME']
const BARE_WINDOWS = [
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'PATHEXT',
  'COMSPEC',
  'USERPROFILE',
  'TEMP',
  'TMP',
  'APPDATA',
  'LOCALAPPDATA',
]

/** The environment of a program: the bare one and the named variables. Names are compared as the system does. */
export function bareEnv(env: Env, names: readonly string[] = []): Record<string, string> {
  const windows = process.platform === 'win32'
  const same = (name: string) => (windows ? name.toUpperCase() : name)
  const wanted = new Set([...BARE, ...(windows ? BARE_WINDOWS : []), ...names].map(same))
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && wanted.has(same(name)) ? [[name, value]] : [],
    ),
  )
}

export type Program = {
  argv: readonly string[]
  stdin: string
  /** Absolute working folder; a relative program is looked for in it. */
  cwd: string
  env: Record<string, string>
  /** Most characters of stdout, and of stderr. */
  maxOutput: number
  signal: AbortSignal
}

/** `problem`: could not be started, was ended by a signal or wrote too much; the sentence says which. */
export type Ended = { exitCode: number | undefined; stdout: string; stderr: string; problem?: string | undefined }

/** Nothing may outlive us: how to kill each program that still runs when the tool itself exits. */
const running = new Set<() => void>()
function killAll(): void {
  for (const kill of running) kill()
}

/** Runs a program to its end. When the signal aborts, it and all that it started are killed. Never rejects. */
export async function runProgram({ argv, stdin, cwd, env, maxOutput, signal }: Program): Promise<Ended> {
  const { execa } = await import('execa')
  const [file = '', ...args] = argv
  if (signal.aborted) return { exitCode: undefined, stdout: '', stderr: '', problem: `${file} was not started.` }
  // A group of its own, so that its children die with it.
  const detached = process.platform !== 'win32'
  const child = execa(file, args, {
    input: stdin,
    cwd,
    env,
    extendEnv: false,
    reject: false,
    maxBuffer: maxOutput,
    stripFinalNewline: true,
    detached,
    windowsHide: true,
  })
  const kill = () => killTree(child.pid, detached)
  signal.addEventListener('abort', kill, { once: true })
  running.add(kill)
  if (running.size === 1) process.on('exit', killAll)
  try {
    const result = await child
    if (result.isMaxBuffer) kill()
    const { exitCode, stdout, stderr } = result
    return { exitCode, stdout, stderr, problem: problemOf(file, result, maxOutput) }
  } finally {
    signal.removeEventListener('abort', kill)
    running.delete(kill)
    if (running.size === 0) process.removeListener('exit', killAll)
  }
}

type Result = {
  exitCode?: number | undefined
  isMaxBuffer: boolean
  signal?: string | undefined
  code?: string | undefined
  originalMessage?: string | undefined
}

function problemOf(file: string, result: Result, maxOutput: number): string | undefined {
  if (result.isMaxBuffer) return `${file} wrote more than ${maxOutput} characters.`
  if (result.signal !== undefined) return `${file} was ended by ${result.signal}.`
  if (result.exitCode !== undefined) return undefined
  const reason = result.code === 'ENOENT' ? 'there is no such program' : (result.originalMessage ?? 'unknown reason')
  return `${file} could not be started: ${reason}.`
}

function killTree(pid: number | undefined, group: boolean): void {
  if (pid === undefined) return
  try {
    if (group) process.kill(-pid, 'SIGKILL')
    else
      void import('execa').then(({ execa }) => execa('taskkill', ['/pid', String(pid), '/T', '/F'], { reject: false }))
  } catch {
    // It has ended already.
  }
}
