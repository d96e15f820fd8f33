// Runs the gate as a process of its own: its output comes line by line, and what it must not see is not in its environment.
import { spawn } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'

/** `program`: what is run by this Node, then its arguments. */
type GateProcess = {
  program: readonly string[]
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  /** Called for every line of both streams, in the order in which they come; no line end is in it. */
  onLine: (line: string, stream: 'stdout' | 'stderr') => void
}

/** Characters that a line without an end may have before it is handed on in pieces. */
const LONGEST_LINE = 2_000_000
const lineEnd = /\r\n|[\n\v\f\u0085\u2028\u2029]|\r(?!$)/

/** @returns its exit code; null when it was killed or could not be started. An abort asks it to end as Ctrl-C does. */
export async function runGate({ program, cwd, env, signal, onLine }: GateProcess): Promise<number | null> {
  const child = spawn(process.execPath, program, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const onAbort = () => void child.kill('SIGINT')
  signal.addEventListener('abort', onAbort)
  const ends = (['stdout', 'stderr'] as const).map((name) => {
    const lines = lineSplitter((line) => onLine(line, name))
    const decoder = new StringDecoder('utf8')
    child[name].on('data', (data: Buffer) => lines.take(decoder.write(data)))
    return () => {
      lines.take(decoder.end())
      lines.end()
    }
  })
  return new Promise((resolve) => {
    const done = (code: number | null) => {
      signal.removeEventListener('abort', onAbort)
      for (const end of ends.splice(0)) end()
      resolve(code)
    }
    child.on('error', (error) => {
      onLine(`error: The gate could not be started: ${error.message}`, 'stderr')
      done(null)
    })
    child.on('close', (code) => done(code))
  })
}

/** Every character at which some runner or terminal begins a new line ends one here. */
export function lineSplitter(onLine: (line: string) => void): { take(text: string): void; end(): void } {
  let open = ''
  return {
    take(text) {
      const lines = `${open}${text}`.split(lineEnd)
      open = lines.pop() ?? ''
      for (const line of lines) onLine(line)
      if (open.length < LONGEST_LINE) return
      onLine(open)
      open = ''
    },
    end() {
      if (open !== '') onLine(open.replace(/\r$/, ''))
      open = ''
    },
  }
}
