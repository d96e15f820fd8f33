// Reads what an HTTP answer says of its rate limits, in the headers of every vendor that is known to send them.
import type { Limit, Limits } from '../../ports.ts'

/** What is read of the headers of an answer. */
export type FieldReader = Pick<Headers, 'get'>

/** Names of limit, what remains, and reset. */
type Names = readonly [limit: string, remaining: string, reset: string]

/**
 * OpenAI, Azure, Groq, vLLM gateways and LiteLLM count requests and tokens apart; so does Anthropic, also behind its layer
 * for the OpenAI API; OpenRouter and GitHub have one `x-ratelimit-*`, the draft of the IETF one `ratelimit-*`.
 */
const REQUESTS: readonly Names[] = [
  ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  [
    'anthropic-ratelimit-requests-limit',
    'anthropic-ratelimit-requests-remaining',
    'anthropic-ratelimit-requests-reset',
  ],
  ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
]
const TOKENS: readonly Names[] = [
  ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ['anthropic-ratelimit-tokens-limit', 'anthropic-ratelimit-tokens-remaining', 'anthropic-ratelimit-tokens-reset'],
  [
    'anthropic-ratelimit-input-tokens-limit',
    'anthropic-ratelimit-input-tokens-remaining',
    'anthropic-ratelimit-input-tokens-reset',
  ],
]

const DAY_MS = 86_400_000
/** Plain numbers above these are moments since 1970, in seconds and in milliseconds. */
const EPOCH_S = 1e9
const EPOCH_MS = 1e11

/** What the headers say; undefined when they say nothing of limits. Values that make no sense are left out. */
export function readLimits(headers: FieldReader): Limits | undefined {
  const requests = firstOf(headers, REQUESTS)
  const tokens = firstOf(headers, TOKENS)
  const concurrent = amount(headers.get('x-ratelimit-limit-concurrent'))
  if (!requests && !tokens && concurrent === undefined) return undefined
  return {
    ...(requests && { requests }),
    ...(tokens && { tokens }),
    ...(concurrent !== undefined && concurrent >= 1 && { concurrent }),
  }
}

function firstOf(headers: FieldReader, styles: readonly Names[]): Limit | undefined {
  for (const names of styles) {
    // Most answers have none of them, and every answer comes by here.
    const written = headers.get(names[1])
    const remaining = written === null ? undefined : amount(written)
    if (remaining === undefined) continue
    const [limitName, , resetName] = names
    const limit = amount(headers.get(limitName))
    const reset_ms = resetTime(headers.get(resetName), headers)
    return {
      remaining,
      ...(limit !== undefined && limit > 0 && { limit }),
      ...(reset_ms !== undefined && { reset_ms }),
    }
  }
  return undefined
}

/** A count; of `100, 100;w=60` the first. */
function amount(written: string | null): number | undefined {
  const [, digits] = /^\s*(\d{1,15})(?:\.\d+)?\s*(?:[,;]|$)/.exec(written ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

/**
 * Milliseconds until a reset: `20ms`, `6m0s`, `1h2m3.5s`; plain seconds; seconds or milliseconds since 1970; a date. Of a
 * moment in the past, or more than a day ahead, nothing is known: undefined.
 */
export function resetTime(written: string | null, headers: FieldReader): number | undefined {
  const text = written?.trim() ?? ''
  if (text === '') return undefined
  const wait = spanOf(text) ?? momentOf(text, headers)
  return wait !== undefined && wait >= 0 && wait <= DAY_MS ? wait : undefined
}

function spanOf(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) < EPOCH_S ? Number(text) * 1000 : undefined
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS }
  const parts = text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)
  return [...parts].reduce((sum, [, value, unit]) => sum + Number(value) * (units[unit ?? ''] ?? 0), 0)
}

function momentOf(text: string, headers: FieldReader): number | undefined {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  const moment = Number.isNaN(number) ? dateOf(text) : number >= EPOCH_MS ? number : number * 1000
  return Number.isNaN(moment) ? undefined : moment - serverTime(headers)
}

/** A date of HTTP or of RFC 3339: JavaScript would read `-5` as a year too. */
const dateOf = (text: string): number =>
  /^[A-Z][a-z]{2}, \d|^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN

/** The server's own clock where it tells, so that ours need not be right. */
function serverTime(headers: FieldReader): number {
  const said = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(said) ? Date.now() : said
}

/**
 * Milliseconds that the server asks to wait: retry-after-ms, then Retry-After (seconds or a date, 0 for one in the past),
 * then, of a 429, the reset of the limit that is used up. undefined: it does not say.
 */
export function retryAfter(headers: FieldReader, status: number): number | undefined {
  const precise = headers.get('retry-after-ms')?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(precise)) return Number(precise)
  const written = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(written)) return Number(written) * 1000
  const wait = dateOf(written) - serverTime(headers)
  if (!Number.isNaN(wait)) return Math.max(0, wait)
  if (status !== 429) return undefined
  // Where what remains is told, the pace follows from that: the reset is when all is there again, not when something is.
  for (const [, remaining, reset] of [...REQUESTS, ...TOKENS]) {
    const left = amount(headers.get(remaining))
    if (left !== undefined) continue
    const until = resetTime(headers.get(reset), headers)
    if (until !== undefined) return until
  }
  return undefined
}
