// For tests of `aigate watch`: a project with a guard and its log, a clock that is put by hand, and processes that can be killed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Context, Ending } from '../../ports.ts'
import type { ActionRecord } from '../../schema/action-journal.ts'
import { temporary } from '../cli-testing.ts'
import { watchGuardCommand } from './watch.ts'

export const NOW = Date.now()
export const MINUTE = 60_000

/** Requests from so many minutes ago until now, ten a minute; `bad`: which minutes are. */
export function log(minutes: number, bad: (ago: number) => boolean): string {
  const lines: string[] = []
  for (let ago = minutes; ago > 0; ago -= 1)
    for (let i = 0; i < 30; i += 1)
      lines.push(
        JSON.stringify({
          ts: new Date(NOW - ago * MINUTE + i * 100).toISOString(),
          'gen_ai.response.id': `r-${ago}-${i}`,
          'feature_flag.context.id': `u-${i}`,
          'error.type': bad(ago) && i % 2 === 0 ? 'timeout' : null,
          duration_ms: 100,
        }),
      )
  return `${lines.join('\n')}\n`
}

/** Events of the minutes from `from` until `to` after `start` (milliseconds since 1970), thirty a minute; half are bad where `bad`. */
export function eventLines(start: number, from: number, to: number, bad: boolean): string {
  const lines: string[] = []
  for (let minute = from; minute < to; minute += 1)
    for (let i = 0; i < 30; i += 1)
      lines.push(
        JSON.stringify({
          ts: new Date(start + minute * MINUTE + i * 2000).toISOString(),
          'gen_ai.response.id': `e-${start}-${minute}-${i}`,
          'feature_flag.context.id': `u-${i}`,
          'error.type': bad && i % 2 === 0 ? 'timeout' : null,
          duration_ms: 100,
        }),
      )
  return `${lines.join('\n')}\n`
}

export const guard = (action: object, more: object = {}) =>
  JSON.stringify({
    guard: 'production',
    source: { type: 'jsonl', path: 'logs/*.jsonl', lateness: '1s', freshness: '10m' },
    metrics: { error_rate: { bad: 'error.type != null' } },
    triggers: [{ id: 'errors', metric: 'error_rate', above: '5%', window: '10m', do: ['act'] }],
    actions: { act: action },
    ...more,
  })

export function project(guardText: string, logText: string, root = temporary()): string {
  for (const [name, text] of [
    ['aigate.yaml', 'version: 1\n'],
    ['guard.yaml', guardText],
    ['logs/app.jsonl', logText],
  ] as const) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

export function contextOf(cwd: string, env: Record<string, string> = {}, clock = { now: NOW }) {
  const out: string[] = []
  const err: string[] = []
  const context: Context = {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    now: () => new Date(clock.now),
    monotonic: () => clock.now,
    signal: new AbortController().signal,
    toolVersion: '0.0.0',
  }
  return { context, out, err, clock }
}
export const look = (context: Context): Promise<Ending> =>
  watchGuardCommand(context, 'guard.yaml', { once: true, every: MINUTE })
export const actions = (root: string): ActionRecord[] =>
  readFileSync(join(root, '.aigate/actions/journal.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ActionRecord)
export const kinds = (root: string) => actions(root).map(({ kind }) => kind)

/** The command as one file, for processes that are killed. */
let child = ''
export async function bundleWatch(): Promise<void> {
  const { build } = await import('rolldown')
  child = join(
    import.meta.dirname,
    '..',
    '..',
    '..',
    'node_modules',
    '.cache',
    `aigate-watch-${process.pid}`,
    'watch.mjs',
  )
  await build({
    input: join(import.meta.dirname, 'watch.ts'),
    platform: 'node',
    logLevel: 'silent',
    output: { file: child, format: 'esm', codeSplitting: false },
    // Sources that these guards do not name.
    external: [/^[a-z@]/, /\/(prometheus|sql)\.ts$/],
  })
}

export function startChild(root: string, env: Record<string, string>) {
  const script = `import { watchGuardCommand } from ${JSON.stringify(pathToFileURL(child).href)}
    const context = { cwd: ${JSON.stringify(root)}, env: process.env, stdout: { write() {} }, stderr: process.stderr,
      now: () => new Date(${NOW}), monotonic: () => performance.now(), signal: new AbortController().signal, toolVersion: '0' }
    console.log(await watchGuardCommand(context, 'guard.yaml', { once: true, every: 60000 }))`
  const running = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  running.stdout.on('data', (data: Buffer) => (said += data.toString()))
  return { running, ended: once(running, 'exit').then(() => said.trim()) }
}
