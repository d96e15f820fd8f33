// The provider that asks an application over HTTP: your deployed app, with its own URL, headers, body and answer.
import type { Attempt, Provider, ResolvedTarget } from '../../ports.ts'
import type { ErrorKind } from '../../schema/run.ts'
import type { Json } from '../../schema/values.ts'
import { strictLiquid } from '../liquid.ts'
import { namesIn, redactCompletion, redactor } from '../redact.ts'
import { besideIn, besides, noTrajectory } from './besides.ts'
import { type AppOptions, failed, LONGEST_ANSWER, question, readAnswer, sentenceOf } from './app.ts'
import { readLimits, retryAfter } from '../pacing/limit-headers.ts'
import { failureOfThrown, shorten } from './openai-failure.ts'
import { readAppStream } from '../streams/app-stream.ts'

type Target = Extract<ResolvedTarget, { kind: 'http' }>['target']
type Render = (request: Parameters<Provider['ask']>[0]) => { url: string; init: RequestInit }

/** Further attempts after a transient failure: enough to bridge a restart of the application. */
const RETRIES = 3

/**
 * A provider that sends each case to `target.http`. Templates see the variables of the case, and its `id`, `trial` and
 * `messages` where no variable has that name; a text of the body that is nothing but one variable with a list or an
 * object becomes that value. `${NAME}` is read from the environment; a missing one is the error `no_key`.
 * 401 and 403 are `auth`, 429 `rate_limit`, 408 and 5xx `server_error`, other refusals and redirects `bad_request`,
 * an answer that is not where it should be `malformed`.
 */
export function httpProvider(target: Target, { env, clock }: AppOptions): Provider {
  const { http } = target
  const names = [...new Set([http.url, ...Object.values(http.headers)].flatMap(namesIn))]
  const missing = names.find((name) => (env[name] ?? '').trim() === '')
  const redactError = redactor(env, names)
  const redactAnswer = redactor(env, names, { patterns: false })
  let ready: Promise<Render> | undefined

  const attempt: Provider['ask'] = async (request, signal) => {
    if (missing !== undefined) return failed('no_key', `The environment variable ${missing} is not set.`, 0)
    let sent: ReturnType<Render>
    try {
      ready ??= renderer(http, env)
      sent = (await ready)(request)
    } catch (error) {
      return failed('bad_request', `The request cannot be written: ${sentenceOf(error)}`, 0)
    }
    try {
      // Redirects are not followed: a POST could become a GET, and headers with keys would go to another host.
      const begun = clock.monotonic()
      const response = await fetch(sent.url, { ...sent.init, signal, redirect: 'manual' })
      const limits = readLimits(response.headers)
      if (http.stream && response.ok)
        return { ...(await readAppStream(response, http, () => clock.monotonic() - begun)), limits }
      const body = await boundedText(response)
      if (body === undefined) return failed('malformed', `The answer is longer than ${LONGEST_ANSWER} bytes.`, 0)
      const attempt = response.ok ? await answerIn(body, http) : failureOf(response, body)
      return { ...attempt, limits }
    } catch (error) {
      return failureOfThrown(error)
    }
  }

  return {
    name: 'http',
    lane: { key: http.url },
    concurrency: target.concurrency,
    timeout_ms: target.timeout,
    retries: RETRIES,
    ask: async (request, signal) => {
      const start = clock.monotonic()
      const { completion, ...how } = await attempt(request, signal)
      const measured = { ...completion, latency_ms: Math.max(0, clock.monotonic() - start) }
      return { ...how, completion: redactCompletion(measured, completion.error ? redactError : redactAnswer) }
    },
  }
}

/** Parses the templates once. */
async function renderer(http: Target['http'], env: AppOptions['env']): Promise<Render> {
  const engine = await strictLiquid()
  const value = (name: string) => (env[name] ?? '').trim()
  type Scope = Record<string, unknown>
  const text = (template: string): ((scope: Scope) => string) => {
    const parsed = engine.parse(template)
    return (scope) => String(engine.renderSync(parsed, scope))
  }
  const node = (json: Json): ((scope: Scope) => unknown) => {
    if (typeof json === 'string') {
      const only = /^\s*\{\{\s*([A-Za-z_]\w*)\s*\}\}\s*$/.exec(json)?.[1]
      const render = text(json)
      return (scope) => {
        const whole = only !== undefined && Object.hasOwn(scope, only) ? scope[only] : undefined
        return typeof whole === 'object' && whole !== null ? whole : render(scope)
      }
    }
    if (Array.isArray(json)) {
      const items = json.map(node)
      return (scope) => items.map((render) => render(scope))
    }
    if (json === null || typeof json !== 'object') return () => json
    const entries = Object.entries(json).map(([key, inner]) => [key, node(inner)] as const)
    return (scope) => Object.fromEntries(entries.map(([key, render]) => [key, render(scope)]))
  }
  // The variables of the environment go in between the templates: no case can ask for one, and none is read as a template.
  const pieces = http.url.split(/(\$\{\w+\})/)
  const url = pieces.map((piece) => {
    const [name] = namesIn(piece)
    return name === undefined ? text(piece) : () => value(name)
  })
  const body = http.body === undefined ? undefined : node(http.body)
  const headers = Object.entries(http.headers).map(([name, written]): [string, string] => [
    name,
    written.replace(/\$\{(\w+)\}/g, (_, variable: string) => value(variable)),
  ])
  return (request) => {
    const { vars, ...rest } = question(request)
    const scope = { ...rest, ...vars }
    const all = new Headers(body && { 'content-type': 'application/json' })
    for (const [name, written] of headers) all.set(name, written)
    const init = { method: http.method, headers: all, ...(body && { body: JSON.stringify(body(scope)) }) }
    return { url: url.map((render) => render(scope)).join(''), init }
  }
}

/** The body as text; undefined when it is too long to be an answer. */
async function boundedText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > LONGEST_ANSWER) return undefined
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

/** Finds the answer: the whole body for `$`, else what a JSONPath finds first; values other than text as JSON. */
async function answerIn(body: string, http: Target['http']): Promise<Attempt> {
  const { answer: path } = http
  const asked = besides.filter((name) => http[name] !== undefined)
  if (path === '$' && asked.length === 0) return readAnswer(body, 0)
  let json: Json
  try {
    json = JSON.parse(body) as Json
  } catch {
    return failed('malformed', `The answer is not JSON: ${shorten(body).slice(0, 200)}`, 0)
  }
  const { query } = await import('jsonpath-rfc9535')
  let found: unknown[]
  try {
    found = query(json, path)
  } catch (error) {
    return failed('bad_request', `\`answer: ${path}\` is no JSONPath: ${sentenceOf(error)}`, 0)
  }
  if (found.length === 0) return failed('malformed', `The answer has nothing at ${path}.`, 0)
  const text = path === '$' ? body : typeof found[0] === 'string' ? found[0] : JSON.stringify(found[0])
  if (asked.length === 0) return readAnswer(text, 0)
  const more: Record<string, unknown> = {}
  for (const name of asked) {
    const at = http[name] ?? ''
    try {
      const told = besideIn(json, name, at, query)
      if (told) more[name] = told.value
    } catch (error) {
      return failed('bad_request', `\`${name}: ${at}\` is no JSONPath: ${sentenceOf(error)}`, 0)
    }
  }
  if (http.trajectory !== undefined && !('trajectory' in more))
    return failed('malformed', noTrajectory(http.trajectory), 0)
  return readAnswer({ text, ...more }, 0)
}

function failureOf({ status, headers }: Response, body: string): Attempt {
  const location = headers.get('location')
  const said = location === null ? shorten(body.trim()).slice(0, 300) : `redirected to ${location}`
  const message = `HTTP ${status}${said === '' ? '' : `: ${said}`}`
  const kind = kindOf(status)
  if (kind === 'auth' || kind === 'bad_request') return failed(kind, message, 0, { status })
  return failed(kind, message, 0, { status, retry: { after_ms: retryAfter(headers, status) } })
}

function kindOf(status: number): ErrorKind {
  if (status === 401 || status === 403) return 'auth'
  if (status === 429) return 'rate_limit'
  return status === 408 || status >= 500 ? 'server_error' : 'bad_request'
}
