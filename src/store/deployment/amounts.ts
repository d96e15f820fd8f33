// Amounts as guides write them: 5, "5%", 0.05; "30m", "30 minutes", 1800; "> 2s", "gt", "baseline - 0.1".
import { plain } from './outline.ts'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const unitOf = (word: string): number | undefined => {
  const short = /^(ms|milli)/.test(word) ? 'ms' : (word[0] ?? '')
  return /^(ms|millis(econds?)?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/.test(word)
    ? UNITS[short]
    : undefined
}

/** A duration in milliseconds. A bare number is in the unit that `key` ends with, else seconds. Undefined: none. */
export function readDuration(value: unknown, key = ''): number | undefined {
  const named = /_(ms|milliseconds|s|secs?|seconds|m|mins?|minutes|h|hours|d|days|weeks)$/i
    .exec(key)?.[1]
    ?.toLowerCase()
  if (typeof value === 'number') return value >= 0 ? value * (unitOf(named ?? 's') ?? 1000) : undefined
  if (typeof value !== 'string') return undefined
  const text = value.trim().toLowerCase()
  if (/^\d+(\.\d+)?$/.test(text)) return readDuration(Number(text), key)
  const iso = /^p(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)?$/.exec(text)
  if (iso && text.length > 2)
    return ['d', 'h', 'm', 's'].reduce((sum, unit, i) => sum + Number(iso[i + 1] ?? 0) * (UNITS[unit] ?? 0), 0)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)]
  if (parts.length === 0 || text.replaceAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g, '').replaceAll(/[\s,]|and/g, '') !== '')
    return undefined
  let sum = 0
  for (const [, amount, unit = ''] of parts) {
    const size = unitOf(unit)
    if (size === undefined) return undefined
    sum += Number(amount) * size
  }
  return sum
}

/** As aigate writes it: the largest unit that leaves a whole number. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNITS[unit] ?? 1
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${Math.round(ms)}ms`
}

/** A share of one: "5%" and 5 are 0.05, and so is 0.05. Undefined: none, or not between 0 and 1. */
export function readShare(value: unknown): number | undefined {
  const [, amount = '', percent = ''] = /^\s*(\d+(?:\.\d+)?)\s*(%|percent)?\s*$/.exec(String(value)) ?? []
  if (amount === '') return undefined
  const number = Number(amount)
  const share = percent !== '' || number >= 1 ? number / 100 : number
  return share <= 1 ? round(share) : undefined
}

/** Several shares of one list: where one of them is a fraction such as 0.25, 1 is everything, else it is one percent. */
export function readShares(values: readonly unknown[]): (number | undefined)[] {
  const numbers = values.map((value) => (typeof value === 'string' && /%/.test(value) ? NaN : Number(value)))
  const fractions = numbers.some((number) => number > 0 && number < 1) && numbers.every((number) => !(number > 1))
  return values.map((value, i) => (fractions && numbers[i] === 1 ? 1 : readShare(value)))
}
export const percentText = (share: number): string => `${round(share * 100)}%`
export const round = (value: number): number => Number(value.toPrecision(9))

/** Whether "greater than" is meant; undefined: an operator that has no place here. */
export function readOperator(text: string): 'above' | 'below' | undefined {
  const word = plain(text)
  if (/^(>|>=|gt|gte|ge|greater(than)?(orequal(to)?)?|above|over|exceeds?|morethan|max|maximum)$/.test(word))
    return 'above'
  if (/^(<|<=|lt|lte|le|less(than)?(orequal(to)?)?|below|under|fewerthan|min|minimum|dropsbelow)$/.test(word))
    return 'below'
  return undefined
}

/** Whether an operator is true at the limit itself. */
export const reaches = (text: string): boolean => /=|^(gte|ge|lte|le)$|orequal|atleast|atmost/.test(plain(text))

/** `baseline`: compared with the other arm: `ratio` times it, or `by` more or less. */
export type Limit =
  | { kind: 'amount'; value: number; unit: string; outOf?: number }
  | { kind: 'baseline'; ratio: number }
  | { kind: 'baseline'; by: number; percent: boolean }

/** A limit by itself: 5, "5%", "2000ms", "$0.05", "4.5/5", "baseline * 1.5", "2x baseline", "baseline - 0.1". */
export function readLimit(value: unknown): Limit | undefined {
  const text = String(value).trim().toLowerCase()
  const amount =
    /^(\$?)(\d+(?:\.\d+)?)\s*(%|percent|[a-z]+|\/\s*\d+(?:\.\d+)?)?(?:\s*(?:usd|per request|\/request))?$/.exec(text)
  if (amount) {
    const [, dollar = '', number = '', unit = ''] = amount
    if (unit.startsWith('/')) return { kind: 'amount', value: Number(number), unit: '/', outOf: Number(unit.slice(1)) }
    const known = unit === '' || unit === '%' || unit === 'percent' || unit === 'usd' || unitOf(unit) !== undefined
    if (!known) return undefined
    const sign = dollar !== '' || unit === 'usd' ? '$' : unit === 'percent' ? '%' : unit
    return { kind: 'amount', value: Number(number), unit: sign }
  }
  const times =
    /^(\d+(?:\.\d+)?)\s*(?:x|times|\*)\s*(?:the\s+)?baseline$/.exec(text) ??
    /^baseline\s*[*x]\s*(\d+(?:\.\d+)?)$/.exec(text)
  if (times) return { kind: 'baseline', ratio: Number(times[1]) }
  const by = /^baseline\s*([+-])\s*(\d+(?:\.\d+)?)\s*(%?)$/.exec(text)
  if (by) {
    const sign = by[1] === '-' ? -1 : 1
    const percent = by[3] === '%'
    return { kind: 'baseline', by: (sign * Number(by[2])) / (percent ? 100 : 1), percent }
  }
  return text === 'baseline' ? { kind: 'baseline', ratio: 1 } : undefined
}

/** `reached`: the limit itself counts. */
export type Condition = {
  metric?: string
  side: 'above' | 'below'
  limit: Limit
  reached?: boolean
  during?: number
  window?: number
}

/** A condition as a text: `error_rate > 5% for 5m`, `> 0.05`, `quality_score drops below 0.8`. Undefined: not understood. */
export function readCondition(text: string): Condition | undefined {
  const [, metric, sign = '', rest = '', how = '', , during] =
    /^\s*([A-Za-z][\w.-]*(?:\s+(?:rate|score|latency|cost))?)?\s*(<=?|>=?|(?:is |drops )?(?:above|below|greater than|less than|exceeds)|gte?|lte?)\s*(.+?)(?:\s+(for|over|in|within)\s+(the last\s+)?(\d.*))?$/i.exec(
      text,
    ) ?? []
  const side = readOperator(sign.replace(/^(is|drops)\s+/i, ''))
  const limit = readLimit(rest)
  if (side === undefined || limit === undefined) return undefined
  const ms = during === undefined ? undefined : readDuration(during)
  if (during !== undefined && ms === undefined) return undefined
  const time = ms === undefined ? {} : how.toLowerCase() === 'for' ? { during: ms } : { window: ms }
  const name = metric?.trim().replaceAll(/\s+/g, '_')
  return { ...(name ? { metric: name } : {}), side, limit, reached: reaches(sign), ...time }
}
