// What a failed request means: the kind of the error, whether to try again, and how long to wait.
import type { Attempt } from '../../ports.ts'
import type { Completion, ErrorKind } from '../../schema/run.ts'
import { type FieldReader, readLimits, retryAfter } from '../pacing/limit-headers.ts'
import type { Reply } from './transport.ts'

/** Longer error texts are whole web pages. */
const MAX_MESSAGE = 2000

/** A failed attempt, before its latency is known. `retry` present: worth another attempt. */
export function failed(
  kind: ErrorKind,
  message: string,
  more: { status?: number; retry?: Attempt['retry']; completion?: Partial<Completion> } = {},
): Attempt {
  const { status, retry, completion } = more
  const error = { kind, message, ...(status !== undefined && { status }) }
  return {
    completion: { outcome: 'error', text: '', tool_calls: [], latency_ms: 0, attempts: 1, ...completion, error },
    ...(retry && { retry }),
  }
}

/** What an exception of the SDK or of fetch means. Anything unknown was never sent: `bad_request`. */
export function failureOfThrown(thrown: unknown): Attempt {
  const { status, headers, error } = facts(thrown)
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (status !== undefined) return failureOfStatus(status, message, error, headers)
  const causes = chain(thrown)
  const code = causes.map((one) => one.code).find((one) => typeof one === 'string') ?? ''
  if (/^UND_ERR_(HEADERS|BODY)_TIMEOUT$/.test(code) || causes.some(({ name }) => name === 'AbortError')) {
    return { completion: { outcome: 'timeout', text: '', tool_calls: [], latency_ms: 0, attempts: 1 } }
  }
  const isConnection = causes.some(({ message: said }) => /^(fetch failed|terminated|Connection error\.?)$/.test(said))
  if (!isConnection && code === '') return failed('bad_request', `The request could not be sent: ${message}`)
  const reason = [...new Set(causes.map((one) => one.message))].filter((said) => said !== '').slice(-2)
  const text = `The connection failed: ${reason.join(': ')}${code && !reason.join().includes(code) ? ` (${code})` : ''}`
  // A certificate that is not accepted now is not accepted a second later.
  return failed('connection', text, /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code) ? {} : { retry: {} })
}

/** What a reply that is no success means; its sentence reads as the SDK would write it. */
export function failureOfReply({ status, headers, text }: Reply): Attempt {
  const error = errorIn({ text, headers })
  const { message } = error
  const said = message === undefined || message === '' ? JSON.stringify(error) : message
  const words = typeof said === 'string' ? said : JSON.stringify(said)
  return failureOfStatus(
    status,
    words === '{"message":""}' ? `${status} status code (no body)` : `${status} ${words}`,
    error,
    headers,
  )
}

/** The error object of a failed response; where the body has none, what it says instead. */
export function errorIn({ text, headers }: { text: string; headers: FieldReader }): Record<string, unknown> {
  const body = parsed(text)
  // Gemini wraps the object in a list.
  const whole: unknown = Array.isArray(body) ? body[0] : body
  if (isRecord(whole) && isRecord(whole['error'])) return whole['error']
  const location = headers.get('location')
  return { message: location ? `redirected to ${location}` : text }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * What an HTTP status means, with the code and the text that the API sent.
 * 401, 403 auth; 402 and the billing codes quota; 404 unknown_model; 429 rate_limit; 408, 409, 425, 5xx server_error;
 * other 3xx and 4xx bad_request. A content filter is a refusal, which is a measurement.
 */
export function failureOfStatus(status: number, message: string, error: unknown, headers?: FieldReader): Attempt {
  const codes = codesOf(error)
  const request_id = headers && requestId(headers)
  const completion = { ...(request_id !== undefined && { request_id }) }
  const has = (...wanted: string[]) => wanted.some((code) => codes.includes(code))
  if (isFiltered(status, codes, message, error)) {
    const text = message.replace(/^\d{3} /, '')
    const refusal = { outcome: 'refused', text, finish_reason: 'content_filter', ...completion } as const
    return { completion: { tool_calls: [], latency_ms: 0, attempts: 1, ...refusal } }
  }
  const stop = (kind: ErrorKind, text = message) => failed(kind, text, { status, completion })
  if (has('insufficient_quota', 'billing_not_active', 'billing_hard_limit_reached') || status === 402)
    return stop('quota')
  if (status === 401 || status === 403) return stop('auth')
  if (has('model_not_found')) return stop('unknown_model')
  if (status === 404) return stop('unknown_model', `${message} (is the model id right, and base_url?)`)
  const after_ms = headers && retryAfter(headers, status)
  const limits = headers && readLimits(headers)
  const again = (kind: ErrorKind): Attempt => ({
    ...failed(kind, message, { status, completion, retry: { after_ms } }),
    ...(limits && { limits }),
  })
  if (status === 429) return again('rate_limit')
  if (status === 408 || status === 409 || status === 425 || status >= 500) return again('server_error')
  return stop('bad_request')
}

/** The prompt was refused before any model answered: Azure and OpenAI by a code, OpenRouter by a 403 that quotes the input. */
function isFiltered(status: number, codes: readonly string[], message: string, error: unknown): boolean {
  if (status === 400) {
    if (codes.some((code) => /^(content_filter|content_policy_violation|ResponsibleAIPolicyViolation)$/.test(code)))
      return true
    return codes.includes('invalid_prompt') && /usage policy/i.test(message)
  }
  const metadata = isRecord(error) ? error['metadata'] : undefined
  return status === 403 && isRecord(metadata) && 'flagged_input' in metadata
}

/** The id under which the provider knows the request. */
export function requestId(headers: FieldReader): string | undefined {
  return headers.get('x-request-id') ?? headers.get('request-id') ?? headers.get('apim-request-id') ?? undefined
}

/** Every code and type that an error body gives, the inner ones of Azure too. */
function codesOf(error: unknown): string[] {
  if (!isRecord(error)) return []
  const own = [error['code'], error['type']].filter((code) => typeof code === 'string')
  return [...own, ...codesOf(error['innererror'])]
}

function facts(thrown: unknown): { status?: number; headers?: Headers; error?: unknown } {
  if (!isRecord(thrown)) return {}
  const { status, headers, error } = thrown
  return {
    ...(typeof status === 'number' && { status }),
    ...(headers instanceof Headers && { headers }),
    error,
  }
}

type Cause = { name: string; message: string; code: unknown }

/** The error and its causes, outermost first. */
function chain(thrown: unknown): Cause[] {
  const found: Cause[] = []
  for (let one = thrown; one instanceof Error && found.length < 8; one = one.cause) {
    // Several addresses of one host: the first failure speaks for all.
    const inner: unknown = one instanceof AggregateError ? one.errors[0] : undefined
    const message = one.message || (inner instanceof Error ? inner.message : '')
    found.push({ name: one.name, message, code: 'code' in one ? one.code : undefined })
  }
  return found
}

export function shorten(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)} … (${text.length} characters)`
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
