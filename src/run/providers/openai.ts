// The provider for every API that speaks OpenAI chat completions: OpenAI, Azure, vLLM, Ollama, OpenRouter, LiteLLM and others.
import type { AskRequest, Attempt, Provider } from '../../ports.ts'
import type { OpenAiProvider } from '../../schema/config.ts'
import type { Completion } from '../../schema/run.ts'
import type { Message, Tool } from '../../schema/suite.ts'
import { readLimits } from '../pacing/limit-headers.ts'
import { namesIn, redactCompletion, redactor } from '../redact.ts'
import { readAnswer } from './openai-answer.ts'
import { failureOfReply, failureOfThrown, shorten } from './openai-failure.ts'
import { type Reply, transportFor } from './transport.ts'

type Env = Readonly<Record<string, string | undefined>>
type Options = { env: Env; clock: { monotonic(): number } }

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
  let send: Sender | undefined

  async function attempt(request: AskRequest, signal: AbortSignal): Promise<Attempt> {
    if (missing) return refuse('no_key', missing)
    if (!request.model) return refuse('bad_request', `Provider ${name} was asked without a model.`)
    if (request.model.params['stream'] === true) {
      return refuse('bad_request', 'Answers are read whole: remove `stream` from the params of the model.')
    }
    try {
      send ??= sender(config, keyName ? (env[keyName] ?? '').trim() : 'none', env)
      const reply = await send(request.model.id, JSON.stringify(bodyOf(request, request.model)), signal)
      if (reply.status < 200 || reply.status > 299) return failureOfReply(reply)
      return { ...readAnswer(reply.text, reply, redactError), limits: readLimits(reply.headers) }
    } catch (thrown) {
      return failureOfThrown(thrown)
    }
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

/** Sends a body of JSON to a path of the API, for a model. Rejects where the connection fails or is aborted. */
type Sender = (model: string, body: string, signal: AbortSignal) => Promise<Reply>

/**
 * Sends requests as OpenAI's client does, which takes more time for a call than all the rest of a run: with exactly the
 * headers that are meant, and without following redirects, which would carry the key along to any other host. A deployment
 * of Azure is named in the path.
 */
export function sender(config: OpenAiProvider, apiKey: string, env: Env, path = '/chat/completions'): Sender {
  const transport = transportFor(env)
  const azure = config.api_version !== undefined
  const auth: [string, string] = azure ? ['api-key', apiKey] : ['authorization', `Bearer ${apiKey}`]
  const json = { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'aigate' }
  const headers = Object.fromEntries(new Headers([auth, ...Object.entries(json), ...headersOf(config, env)]))
  const base = azure ? azureBase(config) : config.base_url
  const slashless = base.replace(/\/$/, '')
  const deployments = azure && !base.includes('/deployments')
  return (model, body, signal) => {
    const url = new URL(`${slashless}${deployments ? `/deployments/${model}` : ''}${path}`)
    if (config.api_version !== undefined) url.searchParams.set('api-version', config.api_version)
    return transport(url.href, { method: 'POST', headers, body, signal })
  }
}

export const headersOf = (config: OpenAiProvider, env: Env) =>
  Object.entries(config.headers).map(([name, value]): [string, string] => [
    name,
    value.replace(/\$\{(\w+)\}/g, (_, variable: string) => (env[variable] ?? '').trim()),
  ])

/** The address of an Azure resource as its portal shows it lacks the path. */
function azureBase({ base_url }: OpenAiProvider): string {
  const base = new URL(base_url)
  return base.pathname === '/' ? `${base.origin}/openai` : base_url
}

/** The body of a chat completion. */
export function bodyOf(request: AskRequest, model: NonNullable<AskRequest['model']>): Record<string, unknown> {
  return {
    ...model.params,
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
