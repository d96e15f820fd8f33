// The provider for every API that speaks OpenAI chat completions: OpenAI, Azure, vLLM, Ollama, OpenRouter, LiteLLM and others.
import type { AskRequest, Attempt, Provider } from '../../ports.ts'
import type { OpenAiProvider } from '../../schema/config.ts'
import type { Completion } from '../../schema/run.ts'
import type { Message, Tool } from '../../schema/suite.ts'
import type { OpenAI } from 'openai'
import { readLimits } from '../pacing/limit-headers.ts'
import { namesIn, redactCompletion, redactor } from '../redact.ts'
import { readAnswer } from './openai-answer.ts'
import { errorIn, failureOfReply, failureOfThrown, shorten } from './openai-failure.ts'
import { type Reply, type Transport, transportFor } from './transport.ts'
import { isEventStream, readStream, streamParams } from '../streams/openai-stream.ts'

type Env = Readonly<Record<string, string | undefined>>
type Options = { env: Env; clock: { monotonic(): number } }

/** The longest that a timer takes: the caller's signal decides how long one waits. */
const NEVER = 2_147_483_647

/**
 * A provider that speaks OpenAI chat completions. One `ask` is one request; it never throws.
 * Sent are the model id, the messages, the params of the request, tools and response_format: nothing else.
 * A key that is needed and missing is the error `no_key`, which names the variable. No text of an attempt holds the
 * key or another variable of the headers; errors are also cleared of everything that looks like a key.
 */
export function openaiProvider(name: string, config: OpenAiProvider, options: Options): Provider {
  const { env, clock } = options
  const keyName = keyNameOf(config)
  const names = [...(keyName ? [keyName] : []), ...Object.values(config.headers).flatMap(namesIn)]
  const redactError = redactor(env, names)
  // Answers are graded later: only our own secrets go, not what a case may be looking for.
  const redactAnswer = redactor(env, names, { patterns: false })
  const missing = unusable(names, env)
  const key = keyName ? (env[keyName] ?? '').trim() : 'none'
  let client: Promise<OpenAI> | undefined
  const plain = missing === undefined ? plainWay(config, key, env) : undefined

  async function attempt(request: AskRequest, signal: AbortSignal): Promise<Attempt> {
    if (missing) return refuse('no_key', missing)
    if (!request.model) return refuse('bad_request', `Provider ${name} was asked without a model.`)
    try {
      if (plain && !request.model.params['stream'])
        return await askDirectly(plain, bodyOf(request, request.model), signal)
      client ??= connect(config, key, env)
      // The SDK wants a body of its own type; params are the user's, and the API judges them.
      const body = bodyOf(request, request.model) as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming
      const ready = await client
      const sent = clock.monotonic()
      const response = await ready.chat.completions.create(body, { signal }).asResponse()
      const limits = readLimits(response.headers)
      if (isEventStream(response))
        return { ...(await readStream(response, () => clock.monotonic() - sent, redactError)), limits }
      return { ...readAnswer(await response.text(), response, redactError), limits }
    } catch (thrown) {
      return failureOfThrown(thrown)
    }
  }

  /** What the client does with a question, without what it does for all the other things that it can ask. */
  async function askDirectly({ url, headers, transport }: Way, body: unknown, signal: AbortSignal): Promise<Attempt> {
    const reply = await transport(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
    if (reply.status < 200 || reply.status > 299) return failureOfReply(reply)
    const limits = readLimits(reply.headers)
    if (isEventStream(reply)) {
      const whole = new Response(reply.text, { status: reply.status, headers: [...reply.headers.entries()] })
      return { ...(await readStream(whole, () => 0, redactError)), limits }
    }
    return { ...readAnswer(reply.text, reply, redactError), limits }
  }

  return {
    name,
    concurrency: config.concurrency,
    rpm: config.rpm,
    tpm: config.tpm,
    timeout_ms: config.timeout,
    retries: config.retries,
    ask: async (request, signal) => {
      const start = clock.monotonic()
      const { completion, ...how } = await attempt(request, signal)
      const latency_ms = Math.max(0, clock.monotonic() - start)
      if (signal.aborted && completion.error && completion.error.status === undefined) {
        return { completion: { outcome: 'timeout', text: '', tool_calls: [], latency_ms, attempts: 1 } }
      }
      const measured = { ...completion, latency_ms }
      if (!completion.error) return { completion: redactCompletion(measured, redactAnswer), ...how }
      const { error, ...clean } = redactCompletion(measured, redactError)
      return {
        completion: { ...clean, ...(error && { error: { ...error, message: shorten(error.message) } }) },
        ...how,
      }
    },
  }
}

function refuse(kind: 'no_key' | 'bad_request', message: string): Attempt {
  const completion: Completion = {
    outcome: 'error',
    text: '',
    tool_calls: [],
    error: { kind, message },
    latency_ms: 0,
    attempts: 0,
  }
  return { completion }
}

/** The variable that holds the key; undefined when none is needed. */
export function keyNameOf({ api_key_env, base_url }: OpenAiProvider): string | undefined {
  return api_key_env ?? (new URL(base_url).hostname === 'api.openai.com' ? 'OPENAI_API_KEY' : undefined)
}

/** Why a variable cannot be sent in a header, without its value. */
export function unusable(names: readonly string[], env: Env): string | undefined {
  for (const name of names) {
    const value = (env[name] ?? '').trim()
    if (value === '') return `The environment variable ${name} is not set. Set it to the key of the provider.`
    if (!/^[\x20-\x7e]+$/.test(value)) {
      return `The environment variable ${name} holds characters that cannot be sent in an HTTP header. Copy the key again.`
    }
  }
  return undefined
}

/** The headers of the configuration, filled from the environment. */
export const headersOf = (config: Pick<OpenAiProvider, 'headers'>, env: Env): [string, string][] =>
  Object.entries(config.headers).map(([name, value]) => [
    name,
    value.replace(/\$\{(\w+)\}/g, (_, variable: string) => (env[variable] ?? '').trim()),
  ])

/** Where questions go, and with which headers. */
type Way = { url: string; headers: Record<string, string>; transport: Transport }

/**
 * Where every API but Azure's takes a question, as the client would send it: a call needs no client then, and its parts need
 * not be loaded. undefined: only the client knows.
 */
function plainWay({ base_url, api_version, ...config }: OpenAiProvider, key: string, env: Env): Way | undefined {
  if (api_version !== undefined || /[?#]/.test(base_url)) return undefined
  const url = new URL(`${base_url.replace(/\/$/, '')}/chat/completions`).href
  const json = 'application/json'
  const headers: Record<string, string> = {
    accept: json,
    authorization: `Bearer ${key}`,
    'content-type': json,
    'user-agent': AGENT,
  }
  for (const [name, value] of headersOf(config, env)) headers[name.toLowerCase()] = value.trim()
  return { url, headers, transport: transportFor(env) }
}

/** As which all calls of aigate are known. */
const AGENT = 'aigate'

/** The SDK's client. It would read many OPENAI_* and AZURE_* variables by itself: each is given a value here. */
export async function connect(config: OpenAiProvider, apiKey: string, env: Env): Promise<OpenAI> {
  const { AzureOpenAI, OpenAI } = await import('openai')
  const headers = headersOf(config, env)
  const common = {
    apiKey,
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: NEVER,
  } as const
  if (config.api_version !== undefined) {
    const base = new URL(config.base_url)
    // The address of an Azure resource as its portal shows it lacks the path.
    const baseURL = base.pathname === '/' ? `${base.origin}/openai` : config.base_url
    const fetch = plainFetch(['api-key', apiKey], headers, env)
    return buildingOnce(new AzureOpenAI({ ...common, baseURL, apiVersion: config.api_version, fetch }))
  }
  const fetch = plainFetch(['authorization', `Bearer ${apiKey}`], headers, env)
  return buildingOnce(new OpenAI({ ...common, baseURL: config.base_url, fetch }))
}

/**
 * Lets the SDK put its headers together for the first call only: `plainFetch` takes three of them, which are alike for every body
 * in JSON, and their making is the most expensive part of a call. Without the method it stays as it is.
 */
function buildingOnce(client: OpenAI): OpenAI {
  const inner = client as unknown as { buildHeaders?: (given: unknown) => Promise<Headers> }
  const build = inner.buildHeaders?.bind(client)
  let built: Promise<Headers> | undefined
  if (build) inner.buildHeaders = (given) => (built ??= build(given))
  return client
}

/**
 * `fetch` with exactly the headers that are meant: the SDK adds those of OPENAI_CUSTOM_HEADERS and facts about this
 * machine. Redirects are not followed, since fetch would carry `api-key` along to any other host.
 */
function plainFetch(auth: [string, string], headers: [string, string][], env: Env): typeof fetch {
  const transport = transportFor(env)
  // Alike from call to call: made once for each form of body.
  const known = new Map<string, Record<string, string>>()
  const headersFor = (init: RequestInit['headers']): Record<string, string> => {
    const given = init instanceof Headers ? init : new Headers(init)
    const kept = ['accept', 'content-type'].map((name): [string, string] => [name, given.get(name) ?? ''])
    const key = JSON.stringify(kept)
    const before = known.get(key)
    if (before) return before
    const sent = new Headers([auth, ['user-agent', AGENT], ...kept])
    for (const [name, value] of headers) sent.set(name, value)
    const made = Object.fromEntries(sent)
    known.set(key, made)
    return made
  }
  return async (input, init) => {
    const sent = headersFor(init?.headers)
    const body = init?.body
    // Only what is read whole goes over the faster way: a stream is passed on as it comes.
    if (typeof input !== 'string' || typeof body !== 'string' || /"stream":\s*true/.test(body)) {
      const response = await fetch(input, { ...init, headers: sent, redirect: 'manual' })
      return response.ok ? response : withError(response)
    }
    const signal = init?.signal ?? undefined
    const reply = await transport(input, { method: init?.method ?? 'POST', headers: sent, body, signal })
    const response = responseOf(reply)
    return response.ok ? response : withError(response)
  }
}

/** What is read of a Response: Node's own would carry the text through a stream, which takes longer than all else here. */
function responseOf({ status, statusText, headers: fields, text }: Reply): Response {
  const headers = new Headers([...fields.entries()])
  // The text is no longer compressed.
  for (const name of ['content-encoding', 'content-length']) headers.delete(name)
  const ok = status >= 200 && status < 300
  const whole = { text: async () => text, json: async (): Promise<unknown> => JSON.parse(text) }
  return { ok, status, statusText, headers, url: '', body: null, ...whole } as Response
}

/** A failed response in the shape that the SDK reads: of any other it would drop the text. */
async function withError(response: Response): Promise<Response> {
  const { status, statusText, headers } = response
  const error = errorIn({ text: await response.text(), headers })
  const plain = new Headers(headers)
  for (const name of ['content-encoding', 'content-length']) plain.delete(name)
  return new Response(JSON.stringify({ error }), { status, statusText, headers: plain })
}

/** The body of a chat completion. */
export function bodyOf(request: AskRequest, model: NonNullable<AskRequest['model']>): Record<string, unknown> {
  return {
    ...streamParams(model.params),
    model: model.id,
    messages: request.messages.map(messageOf),
    ...(request.tools && request.tools.length > 0 && { tools: request.tools.map(toolOf) }),
    ...(request.response_format && { response_format: request.response_format }),
  }
}

function messageOf({ role, content, tool_calls, tool_call_id }: Message): Record<string, unknown> {
  if (!tool_calls || tool_calls.length === 0) {
    return { role, content, ...(tool_call_id !== undefined && { tool_call_id }) }
  }
  const calls = tool_calls.map((call, index) => ({
    id: call.id ?? `call_${index + 1}`,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }))
  // Some servers refuse an empty text beside tool calls; all take null.
  return { role, content: content === '' ? null : content, tool_calls: calls }
}

function toolOf(tool: Tool): Record<string, unknown> {
  return { type: 'function', function: { ...tool } }
}
