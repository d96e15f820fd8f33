// Success criteria and trigger conditions of a deployment file, in all their spellings, as one form.
import { type Condition, type Limit, reaches, readCondition, readDuration, readLimit, readOperator } from './amounts.ts'
import { type At, child, isMap, items, left, type Outline, plain, use, words } from './outline.ts'
import { changeIn, isGood, limitOf, limitText, metricWord, type MetricWord, scaled, sideOf } from './metric-words.ts'

/** One condition on a metric, with where it stands. `window`, `held`: milliseconds. */
export type Criterion = {
  at: At
  written: string
  word: MetricWord
  side: 'above' | 'below'
  limit: Limit
  /** The limit itself counts: `>=`, or a threshold without an operator. */
  reached: boolean
  window?: number
  held?: number
  /** So many events, at least. */
  least?: number
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
    return isMap(item.value) ? keyed(outline, item, meaning) : criterionFrom(outline, item, String(item.value))
  })
}

const STRUCTURE =
  /^(name|id|type|description|enabled|actions?|do|ontrigger|window|.*window|for|duration.*|.*duration|sustainedfor|period|interval|cooldown.*|.*timeout|timeout.*|fallback.*|.*model|primary|severity|priority|min(imum)?(samples|requests|events|samplesize)|recovery.*|halfopen.*|openfor|success.*threshold|failurethreshold|fallbacks|channels?|notify|notifications?)$/
/** Whether a key says something about a condition, and is not the name of a metric. */
export const isStructure = (key: string): boolean => STRUCTURE.test(plain(key))

/** `{error_rate: "> 5%", window: 5m}`: a metric is the key. */
export function keyed(outline: Outline, at: At, meaning: 'success' | 'trigger'): Criterion[] {
  const parts = items(at).filter(({ name = '' }) => !isStructure(name))
  if (parts.length === 0) {
    left(outline, at, 'it names no metric with a limit that can be read')
    return []
  }
  const more = timesOf(outline, at)
  return parts.flatMap((inner) =>
    namedCriterion(outline, inner, inner.name ?? '', meaning).map((found) => ({ ...more, ...found })),
  )
}

/** `error_rate: 5%`, `max_error_rate: 0.05`, `error_rate: {max: 1%}`, `error_rate: "< 1%"`. */
export function namedCriterion(outline: Outline, at: At, name: string, meaning: 'success' | 'trigger'): Criterion[] {
  if (isMap(at.value)) {
    const found = items(at).flatMap((inner) => {
      const side = bounds[inner.name as keyof typeof bounds] as 'above' | 'below' | undefined
      return side === undefined
        ? []
        : build(outline, inner, { metric: name, side: allowed(side, meaning), reached: false }, inner.value)
    })
    return found.length > 0 ? found : one(outline, at, meaning, name)
  }
  const text = String(at.value).trim()
  if (/^[<>]/.test(text)) return criterionFrom(outline, at, `${name} ${text}`)
  const edge = /^(max|min)(imum)?_/i.exec(name)?.[1]?.toLowerCase()
  const metric = name.replace(/^(max|min)(imum)?_|_(threshold|max|min|limit)$/gi, '')
  const bad = edge === undefined ? badSide(metric) : edge === 'max' ? 'above' : 'below'
  if (bad === undefined) return unknown(outline, at, name)
  return build(outline, at, { metric, side: allowed(bad, meaning), reached: edge === undefined }, at.value)
}
/** On which side of a limit it is worse. A drop or a rise is worse the larger it is. */
function badSide(metric: string): 'above' | 'below' | undefined {
  if (changeIn(metric) !== undefined) return 'above'
  const word = metricWord(metric)
  return word === undefined ? undefined : isGood(word) ? 'below' : 'above'
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
  const stated = words(outline, child(at, 'metric')) ?? conditionName(outline, at) ?? name
  const metric = stated ?? (child(at, 'condition') ? undefined : words(outline, child(at, 'name')))
  const more = timesOf(outline, at)
  const condition = child(at, 'condition', 'when', 'expression')
  const text = typeof condition?.value === 'string' ? condition.value : undefined
  const threshold = child(at, ...THRESHOLDS)
  if (condition !== undefined && text !== undefined && !isName(text) && readCondition(text) !== undefined) {
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
  const written = child(at, 'operator', 'comparison', 'op', 'comparator')
  const operator = written ?? (text === undefined || isName(text) ? undefined : condition)
  const sign = operator === undefined ? '' : plainText(operator.value)
  const key = plain(String(threshold.path.at(-1)))
  const change = changeOf(outline, at, { metric, sign, key })
  if (change === null) return []
  const side = sign === '' || change !== undefined ? undefined : readOperator(sign)
  if (sign !== '' && change === undefined && side === undefined) {
    left(outline, at, `the operator "${sign}" has no counterpart`)
    return []
  }
  use(outline, operator)
  const subject = change ?? metric
  const limitText =
    typeof threshold.value === 'string' && /^\s*[<>]/.test(threshold.value) ? threshold.value : undefined
  if (limitText !== undefined)
    return criterionFrom(outline, threshold, `${subject} ${limitText}`).map((found) => ({ ...found, ...more, at }))
  const edge = bounds[key as keyof typeof bounds] as 'above' | 'below' | undefined
  const bad = edge ?? badSide(subject)
  if (bad === undefined) return unknown(outline, at, subject)
  const asked = {
    metric: subject,
    side: side ?? allowed(bad, meaning),
    reached: sign === '' ? edge === undefined : reaches(sign),
  }
  return build(outline, threshold, asked, threshold.value).map((found) => ({ ...found, ...more, at }))
}

const THRESHOLDS = ['threshold', 'value', 'limit', 'target', 'max', 'min', 'above', 'below', 'drop', 'drop_by', 'decrease', 'decrease_by', 'below_baseline', 'increase', 'increase_by', 'above_baseline'] // biome-ignore format: one list
const DROPS = /^(drops?|dropsby|dropby|decreases?|decreasesby|decreaseby|declines?|belowbaseline|fallsby)$/
const RISES = /^(rises?|risesby|increases?|increasesby|increaseby|spikes?|abovebaseline|growsby)$/

/**
 * `{operator: drops_by}`, `{below_baseline: 0.1}`, `{compare_to: baseline}`: the metric with `_drop` or `_increase`. Undefined: it is
 * compared with nothing; null: with something that is not known, and reported.
 */
function changeOf(
  outline: Outline,
  at: At,
  { metric, sign, key }: { metric: string; sign: string; key: string },
): string | null | undefined {
  const to = child(at, 'relative_to', 'compare_to', 'compared_to', 'comparison_to', 'versus', 'reference', 'against')
  const [word, of] = [plain(sign), changeIn(metric)?.of ?? metric]
  if (DROPS.test(word) || DROPS.test(key)) return `${of}_drop`
  if (RISES.test(word) || RISES.test(key)) return `${of}_increase`
  if (to === undefined) return undefined
  if (!/baseline|control|stable|previous|current|production/i.test(plainText(to.value))) {
    left(outline, at, 'what it is compared with cannot be told')
    return null
  }
  use(outline, to)
  if (changeIn(metric) !== undefined) return metric
  return badSide(metric) === 'below' ? `${metric}_drop` : `${metric}_increase`
}

/** `condition: latency_p95` beside a threshold: there the condition is the name. */
const isName = (text: string): boolean =>
  /^[A-Za-z][\w.-]*(\s[a-z]+)?$/.test(text.trim()) && readOperator(text) === undefined
function conditionName(outline: Outline, at: At): string | undefined {
  const condition = child(at, 'condition', 'when', 'expression')
  if (typeof condition?.value !== 'string' || !isName(condition.value)) return undefined
  return child(at, ...THRESHOLDS) === undefined ? undefined : words(outline, condition)
}

const DURATIONS = ['for', 'duration', 'sustained_for', 'duration_seconds', 'duration_minutes', 'for_duration']
const WINDOWS = ['window', 'time_window', 'evaluation_window', 'window_seconds', 'window_minutes', 'period', 'interval']
const LEAST = ['min_samples', 'min_requests', 'min_events', 'minimum_requests', 'minimum_samples', 'min_sample_size']
/** For how long, over which window, and of how many events at least. */
export function timesOf(outline: Outline, at: At): Pick<Criterion, 'held' | 'window' | 'least'> {
  const held = time(outline, child(at, ...DURATIONS))
  const window = time(outline, child(at, ...WINDOWS))
  const count = child(at, ...LEAST)
  const least =
    typeof count?.value === 'number' && Number.isInteger(count.value) && count.value > 0 ? count.value : undefined
  if (least !== undefined) use(outline, count)
  return {
    ...(held === undefined ? {} : { held }),
    ...(window === undefined ? {} : { window }),
    ...(least === undefined ? {} : { least }),
  }
}

const plainText = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

function time(outline: Outline, at: At | undefined): number | undefined {
  if (at === undefined) return undefined
  const ms = readDuration(at.value, String(at.path.at(-1)))
  if (ms === undefined) left(outline, at, 'this duration cannot be read')
  else use(outline, at)
  return ms
}

type Asked = { metric: string; side: 'above' | 'below'; reached: boolean }

function build(outline: Outline, at: At, asked: Asked, value: unknown): Criterion[] {
  const limit = readLimit(oneOf(asked.metric, value))
  if (limit !== undefined) return finish(outline, at, { ...asked, limit })
  left(outline, at, `the limit of ${asked.metric} cannot be read`)
  return []
}
/** "any" of something that is counted is one. */
const oneOf = (metric: string, value: unknown): unknown =>
  metricWord(metric)?.count === true && (value === true || /^(any|one|first|true)$/i.test(plainText(value))) ? 1 : value

function unknown(outline: Outline, at: At, name: string): Criterion[] {
  left(outline, at, `no event tells of "${name}": add a metric for it by hand`)
  return []
}

function finish(outline: Outline, at: At, asked: Condition & { metric: string }): Criterion[] {
  const { metric, during, window, reached = false } = asked
  const change = changeIn(metric)
  const found = metricWord(change?.of ?? metric)
  if (found === undefined) return unknown(outline, at, metric)
  const turned = change === undefined ? asked : fromBaseline(asked, change.way)
  if (turned === undefined) {
    left(outline, at, `how far ${metric} goes from the baseline cannot be read from this limit`)
    return []
  }
  use(outline, at)
  const word = scaled(found, turned.limit)
  return [
    {
      at,
      written: metric,
      word,
      reached,
      side: sideOf(word, turned.side),
      limit: word.inverted ? opposite(turned.limit) : turned.limit,
      ...(during === undefined ? {} : { held: during }),
      ...(window === undefined ? {} : { window }),
    },
  ]
}

/** A drop above 0.1 is a value below "baseline - 0.1". */
function fromBaseline(
  { side, limit }: Condition,
  way: 'drop' | 'rise',
): { side: 'above' | 'below'; limit: Limit } | undefined {
  if (limit.kind !== 'amount' || (limit.unit !== '' && limit.unit !== '%') || !(limit.value > 0)) return undefined
  const percent = limit.unit === '%'
  const by = limit.value / (percent ? 100 : 1)
  const turned = side === 'above' ? 'below' : 'above'
  return way === 'drop'
    ? { side: turned, limit: { kind: 'baseline', by: -by, percent } }
    : { side, limit: { kind: 'baseline', by, percent } }
}
/** Where the guide counts what is good: less of that is more of what is bad. */
const opposite = (limit: Limit): Limit =>
  limit.kind === 'baseline' && 'by' in limit ? { ...limit, by: -limit.by } : limit

/** The limit as it stands in a plan; undefined where it is of another kind than the metric, or compares with the baseline. */
export function writtenLimit({ word, limit, written }: Criterion): string | number | undefined {
  const value = limitOf(word, limit, written)
  return value === undefined ? undefined : limitText(word, value)
}
