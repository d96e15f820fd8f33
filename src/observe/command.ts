// Source that asks a program: it prints the events of a time span as JSON lines.
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import { withoutSecrets } from '../secrets.ts'
import type { Source, SourceRequest } from '../ports.ts'
import type { SourceConfig } from '../schema/rollout.ts'
import type { Json } from '../schema/values.ts'
import { keepAnswers, type Counting } from './counting.ts'
import { fieldsOf, timeOf } from './events.ts'
import { addText, type Unpack } from './lines.ts'
import { lookAt } from './look.ts'
import type { World } from './world.ts'

/** So much before the rollout is asked for too (milliseconds), to learn what is normal for the baseline. */
const PAST = 3_600_000
const SHOWN = 500
const Place = z.strictObject({ from: z.number() })
type CommandConfig = Extract<SourceConfig, { type: 'command' }>

/**
 * Runs the program without a shell for each look, with `{{since}}` and `{{until}}` put into its arguments: RFC 3339,
 * since included, until not. Spans adjoin and end `lateness` before now, so that what comes late is in its span.
 */
export function commandSource(config: CommandConfig, world: World): Source {
  const feed = async (counting: Counting, place: Json): Promise<Json> => {
    const { request } = counting
    const from = Place.safeParse(place).data?.from ?? request.since - PAST
    const until = request.until - config.lateness
    if (until <= from) return { from }
    const span = { since: new Date(from).toISOString(), until: new Date(until).toISOString() }
    // What lies outside the span comes again, or came already.
    const ts = fieldsOf(config.mapping)('ts')
    const within: Unpack = (event) => {
      const time = timeOf(ts(event))
      return Number.isNaN(time) || (time >= from && time < until) ? [event] : []
    }
    keepAnswers(counting)
    await runForSpan(config, world, { span, signal: request.signal }, (text) => addText(counting, text, within))
    return { from: until }
  }
  return { read: (request: SourceRequest) => lookAt(request, config.mapping, feed) }
}

/** RFC 3339, `since` included, `until` not. */
type Asked = { span: { since: string; until: string }; signal: AbortSignal }

/** Runs the program for a span and hands its output over, whole lines at a time. Throws AigateError `source_failed`. */
export async function runForSpan(
  config: CommandConfig,
  { root, env }: World,
  { span, signal }: Asked,
  take: (text: string) => void,
): Promise<void> {
  const { execa } = await import('execa')
  const [program = '', ...args] = config.argv.map((part) =>
    part.replace(/\{\{\s*(since|until)\s*\}\}/g, (_, name: string) => (name === 'since' ? span.since : span.until)),
  )
  const child = execa(program, args, {
    cwd: root,
    env: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    extendEnv: false,
    stdin: 'ignore',
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: 1_000_000 },
    timeout: config.timeout,
    forceKillAfterDelay: 1000,
    cancelSignal: signal,
    reject: false,
  })
  let rest = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (piece: string) => {
    const text = rest + piece
    const end = text.lastIndexOf('\n') + 1
    rest = text.slice(end)
    if (end > 0) take(text.slice(0, end))
  })
  const result = await child
  signal.throwIfAborted()
  if (result.failed) {
    const why = result.timedOut
      ? `it did not end within ${config.timeout} ms`
      : result.exitCode === undefined
        ? `it could not be run (${result.code ?? result.signal ?? 'no reason given'})`
        : `it ended with code ${result.exitCode}`
    throw failure(program, why, result.stderr, env)
  }
  if (rest !== '') take(rest)
}

function failure(program: string, why: string, stderr: string, env: World['env']): AigateError {
  const said = withoutSecrets(stderr, env).trim().slice(-SHOWN)
  const problem = `${program}: ${why}${said === '' ? '' : `, saying: ${said}`}`
  return new AigateError('source_failed', { problem, mend: 'Run it by hand with the same arguments.' })
}
