// The control plane behind an HTTP API: one call sets the share, another reads it back.
import { randomBytes } from 'node:crypto'
import type { Actuator } from '../ports.ts'
import type { RolloutPlan } from '../schema/rollout.ts'
import type { Json } from '../schema/values.ts'
import type { ActuatorOptions, ControlOf } from './actuator-options.ts'
import { withoutSecrets } from '../secrets.ts'
import { controlFailed, saying } from './failure.ts'
import { fillEnv, fillJson, fillText, secretsIn, units, type Words, wordsOf } from './put-in.ts'
import { pause, wholeRelease } from './whole-release.ts'

type Http = ControlOf<'http'>
export type Call = Pick<Http['set'], 'url' | 'headers' | 'body'> & { method: string }
type Env = ActuatorOptions['env']

const TIMEOUT_MS = 10_000
/** Before each further attempt: enough for a restart of the other side, short enough for a rollback. */
const RETRY_AFTER_MS = [200, 1_000]
/** A plane may take a moment until it reads what was written. */
const SEEN_AFTER_MS = [200, 1_000, 3_000]
const LONGEST_ANSWER = 5_000_000

/**
 * `set` carries an Idempotency-Key, the same at every attempt of one call; a timeout, a broken connection, 408, 429 and 5xx are
 * tried twice more, other refusals and redirects are not. What secrets of the environment hold is never in an error.
 */
export function httpActuator(
  control: Http,
  plan: RolloutPlan,
  { env, timeoutMs = TIMEOUT_MS }: ActuatorOptions,
): Actuator {
  const idle = { ppm: 0, generation: 0, killed: false, lease_until: null, components: [] }
  const words = wordsOf(plan, idle)
  // A wrong name in a text is found now, not in the middle of a rollback.
  const say = checkCalls([control.set, control.read], words, env)
  return wholeRelease(
    plan,
    {
      async set(desired, signal) {
        const wanted = wordsOf(plan, desired)
        // A wish may come again (after somebody else's change, in a rollout that is started again): a plane that takes it for
        // a repetition would answer with what it said then, and do nothing.
        const key = `${String(wanted['key'])}-${randomBytes(6).toString('hex')}`
        await callHttp(control.set, { words: wanted, env, signal, say, timeoutMs, key })
      },
      async ppm(signal) {
        const text = await callHttp(control.read, { words, env, signal, say, timeoutMs })
        return Math.round(numberAt(text, control.read.pointer, say) * units[control.read.unit])
      },
    },
    SEEN_AFTER_MS,
  )
}

/** Throws `control_failed` for a text that cannot be filled. @returns what hides the secrets of these calls in a text */
export function checkCalls(calls: readonly Call[], words: Words, env: Env): (text: string) => string {
  for (const one of calls) requestOf(one, words, undefined)
  const headers = calls.flatMap((one) => Object.values(one.headers ?? {}))
  const secrets = secretsIn(headers, env)
  return (text) => withoutSecrets(text, env, secrets)
}

type Asked = {
  words: Words
  env: Env
  signal: AbortSignal
  say: (text: string) => string
  timeoutMs: number
  key?: string
  /** Pauses before further attempts, in milliseconds; none for what must not be repeated unseen. */
  retries?: readonly number[]
}

function requestOf({ url, method, headers = {}, body }: Call, words: Words, env: Env | undefined) {
  const filled = Object.entries(headers).map(([name, value]) => {
    const text = fillText(value, words)
    return [name, env ? fillEnv(text, env) : text] as const
  })
  return {
    url: fillText(url, words, encodeURIComponent),
    method,
    headers: new Headers(env ? filled.map(([name, value]) => [name, value]) : []),
    body: body === undefined ? undefined : JSON.stringify(fillJson(body, words)),
  }
}

/** The text of a 2xx answer. Tried again as said above; then `control_failed`. */
export async function callHttp(described: Call, asked: Asked): Promise<string> {
  const { url, headers, ...request } = requestOf(described, asked.words, asked.env)
  if (request.body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
  if (asked.key !== undefined) headers.set('idempotency-key', asked.key)
  // What is read back is what is there now, not what something in between remembers.
  if (described.method === 'GET' && !headers.has('cache-control')) headers.set('cache-control', 'no-cache')
  const { host } = new URL(url)
  for (let attempt = 0; ; attempt++) {
    const answer = await once(url, { ...request, headers }, asked)
    if ('text' in answer) return answer.text
    const wait = (asked.retries ?? RETRY_AFTER_MS)[attempt]
    if (!answer.again || wait === undefined)
      throw controlFailed(
        `${request.method} at ${host} ${asked.say(answer.problem)}`,
        'Check the address, the token and the state of the control plane.',
      )
    await pause(wait, asked.signal)
  }
}

type Answer = { text: string } | { problem: string; again: boolean }

async function once(
  url: string,
  init: { method: string; headers: Headers; body: string | undefined },
  asked: Asked,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(asked.timeoutMs)
  try {
    // Redirects are not followed: the token would go to another host.
    const response = await fetch(url, {
      method: init.method,
      headers: init.headers,
      ...(init.body === undefined ? {} : { body: init.body }),
      redirect: 'manual',
      signal: AbortSignal.any([asked.signal, timeout]),
    })
    const text = await boundedText(response)
    if (text === undefined) return { problem: `answered more than ${LONGEST_ANSWER} bytes`, again: false }
    if (response.ok) return { text }
    const { status } = response
    const said = text.replace(/\s+/g, ' ').trim().slice(0, 200)
    return {
      problem: `answered HTTP ${status}${said === '' ? '' : ` (${said})`}`,
      again: status >= 500 || status === 408 || status === 429,
    }
  } catch (error) {
    if (asked.signal.aborted) throw error
    if (timeout.aborted) return { problem: `gave no answer within ${asked.timeoutMs} ms`, again: true }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return { problem: `could not be reached (${saying(cause)})`, again: true }
  }
}

async function boundedText(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > LONGEST_ANSWER) return undefined
  }
  return text + decoder.decode()
}

/** The number at a JSON pointer of an answer; a text that is a number counts as one. */
function numberAt(text: string, pointer: string, say: (text: string) => string): number {
  const mend = 'Correct `read.pointer` and `read.unit`, or see what the control plane answers.'
  const value = valueAt(text, { pointer, say, mend })
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number
  throw controlFailed(`its answer has no number at ${pointer || 'its root'}`, mend)
}

type Look = { pointer: string; say: (text: string) => string; mend: string }

/** What stands at a JSON pointer (RFC 6901) of an answer; undefined: nothing. Throws `control_failed` where it is no JSON. */
export function valueAt(text: string, { pointer, say, mend }: Look): Json | undefined {
  let value: Json | undefined
  try {
    value = JSON.parse(text) as Json
  } catch {
    throw controlFailed(`it answered no JSON when it was read back (${say(text.slice(0, 100))})`, mend)
  }
  for (const part of pointerParts(pointer)) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string, Json>)[part]
        : undefined
  }
  return value
}

/** The steps of a JSON pointer. Throws `control_failed` where it is none. */
export function pointerParts(pointer: string): string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) throw controlFailed(`${pointer} is no JSON pointer`, 'Write it as /spec/weight.')
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}
