// Success criteria and trigger conditions of a deployment file, in all their spellings, as one form.
import { type Condition, type Limit, readCondition, readDuration, readLimit, readOperator } from './amounts.ts'
import { type At, child, isMap, items, left, type Outline, use, words } from './outline.ts'
import { limitOf, limitText, metricWord, type MetricWord, sideOf } from './metric-words.ts'

/** One condition on a metric, with where it stands. `window`, `held`: milliseconds. */
export type Criterion = {
  at: At
  written: string
  word: MetricWord
  side: 'above' | 'below'
  limit: Limit
  window?: number
  held?: number
}

const bounds = {
  max: 'above',
  maximum: 'above',
  above: 'above',
  min: 'below',
  minimum: 'below',
  below: 'below',
} as const

/**
 * The conditions of a list of texts or maps, or of a map from metric to limit. `meaning`: a bare limit is the least or the
 * most that is allowed (`success`), or that from which on something happens (`trigger`). What is not understood is reported.
 */
export function criteriaOf(outline: Outline, at: At | undefined, meaning: 'success' | 'trigger'): Criterion[] {
  if (at === undefined) return []
  if (isMap(at.value) && child(at, 'metric', 'condition') !== undefined) return one(outline, at, meaning)
  return items(at).flatMap((item) => {
    if (isMap(item.value) && child(item, 'metric', 'condition', 'name') !== undefined)
      return one(outline, item, meaning, item.name)
    if (item.name !== undefined) return namedCriterion(outline, item, item.name, meaning)
    return isMap(item.value)
      ? items(item).flatMap((inner) => namedCriterion(outline, inner, inner.name ?? '', meaning))
      : criterionFrom(outline, item, String(item.value))
  })
}

/** `error_rate: 5%`, `max_error_rate: 0.05`, `error_rate: {max: 1%}`, `error_rate: "< 1%"`. */
export function namedCriterion(outline: Outline, at: At, name: string, meaning: 'success' | 'trigger'): Criterion[] {
  if (isMap(at.value)) {
    const found = items(at).flatMap((inner) => {
      const side = bounds[inner.name as keyof typeof bounds] as 'above' | 'below' | undefined
      return side === undefined
        ? []
        : build(outline, inner, { metric: name, side: allowed(side, meaning) }, inner.value)
    })
    return found.length > 0 ? found : one(outline, at, meaning, name)
  }
  const text = String(at.value).trim()
  if (/^[<>]/.test(text)) return criterionFrom(outline, at, `${name} ${text}`)
  const edge = /^(max|min)(imum)?_/i.exec(name)?.[1]?.toLowerCase()
  const metric = name.replace(/^(max|min)(imum)?_|_(threshold|max|min|limit)$/gi, '')
  const word = metricWord(metric)
  if (word === undefined) return unknown(outline, at, name)
  const good = word.kind === 'mean' || word.inverted
  const bad = edge === undefined ? (good ? 'below' : 'above') : edge === 'max' ? 'above' : 'below'
  return build(outline, at, { metric, side: allowed(bad, meaning) }, at.value)
}
/** A maximum of 5 % is "below 5 %" where it is what must hold, "above 5 %" where it is what must not. */
const allowed = (bad: 'above' | 'below', meaning: 'success' | 'trigger') =>
  meaning === 'trigger' ? bad : bad === 'above' ? 'below' : 'above'

export function criterionFrom(outline: Outline, at: At, text: string): Criterion[] {
  const read = readCondition(text)
  if (read?.metric === undefined) {
    left(outline, at, `"${text}" is no condition such as error_rate < 1%`)
    return []
  }
  return finish(outline, at, { ...read, metric: read.metric })
}

/** `{metric, operator, threshold, duration, window}`, or `{name, condition: "error_rate > 5%"}`. */
function one(outline: Outline, at: At, meaning: 'success' | 'trigger', name?: string): Criterion[] {
  const metric =
    words(outline, child(at, 'metric')) ??
    name ??
    (child(at, 'condition') ? undefined : words(outline, child(at, 'name')))
  const during = time(
    outline,
    child(at, 'for', 'duration', 'sustained_for', 'duration_seconds', 'duration_minutes', 'for_duration'),
  )
  const window = time(
    outline,
    child(at, 'window', 'time_window', 'evaluation_window', 'window_seconds', 'window_minutes', 'period', 'interval'),
  )
  const more = { ...(during === undefined ? {} : { held: during }), ...(window === undefined ? {} : { window }) }
  const condition = child(at, 'condition', 'when', 'expression')
  const text = typeof condition?.value === 'string' ? condition.value : undefined
  const threshold = child(at, 'threshold', 'value', 'limit', 'target', 'max', 'min', 'above', 'below')
  if (condition !== undefined && text !== undefined && readCondition(text) !== undefined) {
    const full = readCondition(text)?.metric === undefined ? `${metric ?? ''} ${text}` : text
    return criterionFrom(outline, condition, full).map((found) => ({
      ...more,
      ...found,
      ...(found.held === undefined ? more : {}),
      at,
    }))
  }
  if (metric === undefined || threshold === undefined) {
    left(outline, at, 'it names no metric with a limit that can be read')
    return []
  }
  const key = String(threshold.path.at(-1))
  const operator =
    child(at, 'operator', 'comparison', 'op', 'comparator') ?? (text === undefined ? undefined : condition)
  const stated = operator === undefined ? undefined : readOperator(String(operator.value))
  if (operator !== undefined && stated === undefined && plainText(operator.value) !== '') {
    left(outline, at, `the operator "${plainText(operator.value)}" has no counterpart`)
    return []
  }
  use(outline, operator)
  const limitText =
    typeof threshold.value === 'string' && /^\s*[<>]/.test(threshold.value) ? threshold.value : undefined
  if (limitText !== undefined)
    return criterionFrom(outline, threshold, `${metric} ${limitText}`).map((found) => ({ ...found, ...more, at }))
  const word = metricWord(metric)
  if (word === undefined) return unknown(outline, at, metric)
  const good = word.kind === 'mean' || word.inverted
  const edge = bounds[key as keyof typeof bounds] as 'above' | 'below' | undefined
  const side = stated ?? allowed(edge ?? (good ? 'below' : 'above'), meaning)
  return build(outline, threshold, { metric, side }, threshold.value).map((found) => ({ ...found, ...more, at }))
}

const plainText = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

function time(outline: Outline, at: At | undefined): number | undefined {
  if (at === undefined) return undefined
  const ms = readDuration(at.value, String(at.path.at(-1)))
  if (ms === undefined) left(outline, at, 'this duration cannot be read')
  else use(outline, at)
  return ms
}

function build(
  outline: Outline,
  at: At,
  { metric, side }: { metric: string; side: 'above' | 'below' },
  value: unknown,
): Criterion[] {
  const limit = readLimit(value)
  if (limit !== undefined) return finish(outline, at, { metric, side, limit })
  left(outline, at, `the limit of ${metric} cannot be read`)
  return []
}

function unknown(outline: Outline, at: At, name: string): Criterion[] {
  left(outline, at, `no event tells of "${name}": add a metric for it by hand`)
  return []
}

function finish(
  outline: Outline,
  at: At,
  { metric, side, limit, during, window }: Condition & { metric: string },
): Criterion[] {
  const word = metricWord(metric)
  if (word === undefined) return unknown(outline, at, metric)
  use(outline, at)
  return [
    {
      at,
      written: metric,
      word,
      side: sideOf(word, side),
      limit,
      ...(during === undefined ? {} : { held: during }),
      ...(window === undefined ? {} : { window }),
    },
  ]
}

/** The limit as it stands in a plan; undefined where it is of another kind than the metric, or compares with the baseline. */
export function writtenLimit({ word, limit, written }: Criterion): string | number | undefined {
  const value = limitOf(word, limit, written)
  return value === undefined ? undefined : limitText(word, value)
}
