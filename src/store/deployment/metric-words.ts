// What the names of metrics in guides mean in events: error_rate, p95_latency, hallucination_rate, quality_score, cost.
import type { Limit } from './amounts.ts'
import { percentText, round } from './amounts.ts'

/**
 * `rate`: share of bad events; `tail`: share of events above a value; `mean`: of a score between 0 and 1; `cost`: of dollars.
 * `inverted`: the guide counts what is good (success_rate). `span`: a sum over so many milliseconds. `count`: a number of bad
 * events may be meant. `lower`: a score that is good when it is low. `scale`: its greatest value, where it is not 1.
 */
export type MetricWord = {
  name: string
  kind: 'rate' | 'tail' | 'mean' | 'cost'
  metric: Record<string, unknown>
  inverted: boolean
  quantile: number
  count: boolean
  span?: number
  lower?: boolean
  scale?: number
  guessed?: string
}

type Rule = [RegExp, (name: string) => Partial<MetricWord> & Pick<MetricWord, 'name' | 'kind' | 'metric'>]
const label = (name: string, evaluation: string) => ({
  name,
  kind: 'rate' as const,
  metric: { bad: `eval.${evaluation}.label == 'fail'` },
})
const score = (name: string, evaluation: string) => ({
  name,
  kind: 'mean' as const,
  metric: { mean: `eval.${evaluation}.score`, range: [0, 1] },
})
const lowScore = (name: string, evaluation: string) => {
  const made = score(name, evaluation)
  return { ...made, lower: true, metric: { ...made.metric, better: 'lower' } }
}
const unhappy = { name: 'thumbs_down', kind: 'rate' as const, metric: { bad: "feedback == 'down'" } }
const harmful = {
  name: 'harmful_rate',
  kind: 'rate' as const,
  metric: { bad: "eval.safety.label in ['fail', 'harmful', 'unsafe']" },
}

const rules: readonly Rule[] = [
  [
    /success_?rate|availability|uptime/,
    () => ({ name: 'error_rate', kind: 'rate', metric: { bad: 'error.type != null' }, inverted: true }),
  ],
  [/timeout/, () => ({ name: 'timeout_rate', kind: 'rate', metric: { bad: "error.type == 'timeout'" } })],
  [
    /(toxic|harm|hallucination|risk|bias|drift|error|anomaly|refusal|perplexity)\w*_score$/,
    (name) => lowScore(name, name.replace(/_score$/, '')),
  ],
  [/hallucination|ungrounded/, () => label('hallucination_rate', 'groundedness')],
  [
    /toxic|harm|safety|unsafe|policy|pii|jailbreak/,
    (name) =>
      /score/.test(name) && /safety/.test(name)
        ? score('safety_score', 'safety')
        : { ...harmful, count: !/rate|ratio|share|percent|frac|prob/.test(name) },
  ],
  [/refusal/, () => label('refusal_rate', 'refusal')],
  [/error|failure|5xx|exception/, () => ({ name: 'error_rate', kind: 'rate', metric: { bad: 'error.type != null' } })],
  [/latency|response_?time|duration|ttft/, tail],
  [/complaint|negative_?feedback|thumbs_?down|dislike|escalation/, () => ({ ...unhappy, name: 'user_complaints' })],
  [/satisf|csat|thumbs_?up|positive_?feedback|user_?rating|feedback/, () => ({ ...unhappy, inverted: true })],
  [/cost|spend|price/, () => ({ name: 'cost', kind: 'cost', metric: { mean: 'cost_usd' } })],
  [/ground|faithful/, () => score('groundedness', 'groundedness')],
  [/confidence/, () => score('confidence_score', 'confidence')],
  [/quality|eval_?score|judge|overall_?score/, () => score('quality_score', 'quality')],
  [
    /relevan|accura|coheren|similar|correct|helpful|score$/,
    (name) => score(name, name.replace(/_?(score|rate)$/, '') || 'quality'),
  ],
]

function tail(name: string) {
  const digits = /p(\d{2}(?:[._]?\d)?)/.exec(name)?.[1]
  const known =
    digits !== undefined && /^(50|75|90|95|99|999|99[._]9)$/.test(digits) ? digits.replace(/[._]/, '') : '95'
  const guess = digits === undefined ? { guessed: 'the 95th percentile' } : {}
  const quantile = Number(known) / 10 ** known.length
  return {
    name: known === '999' ? 'latency_p99.9' : `latency_p${known}`,
    kind: 'tail' as const,
    metric: { value: 'duration_ms', tail_at: `baseline.p${known === '999' ? '99.9' : known}` },
    quantile,
    ...guess,
  }
}

/** What a metric's name means; undefined: none that events tell of. */
export function metricWord(written: string): MetricWord | undefined {
  const name = written
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
    .replace(/^(max|min|avg|mean|average|total|candidate|canary)_/, '')
  const [, make] = rules.find(([pattern]) => pattern.test(name)) ?? []
  if (make === undefined) return undefined
  const count = /count|complaints?$|incidents?$|^num_|_total$/.test(name)
  const span = SPANS.find(([pattern]) => pattern.test(name))?.[1]
  return { inverted: false, quantile: 0.95, count, ...(span === undefined ? {} : { span }), ...make(name) }
}
const SPANS: readonly [RegExp, number][] = [
  [/hour/, 3_600_000],
  [/per_day|daily|24h|_day/, 86_400_000],
  [/week/, 604_800_000],
  [/month/, 2_592_000_000],
]

/** Of "accuracy_drop": accuracy, and that what counts is how far it has gone from the baseline. */
export function changeIn(written: string): { of: string; way: 'drop' | 'rise' } | undefined {
  const name = written
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
    .replace(/^(max|maximum)_/, '')
  const [, of = '', how = ''] =
    /^(.+?)_(drop|decrease|decline|degradation|regression|loss|reduction|increase|rise|spike|growth|jump)(?:_(?:pct|percent|rate|threshold))?$/.exec(
      name,
    ) ?? []
  if (of === '') return undefined
  if (/^(drop|decrease|decline|loss|reduction)$/.test(how)) return { of, way: 'drop' }
  if (/^(increase|rise|spike|growth|jump)$/.test(how)) return { of, way: 'rise' }
  const word = metricWord(of)
  // "Degradation" is worse, whichever way that is.
  return { of, way: word !== undefined && isGood(word) ? 'drop' : 'rise' }
}
/** Whether more of it is better, in the words of the guide. */
export const isGood = (word: MetricWord): boolean => (word.kind === 'mean' && word.lower !== true) || word.inverted

/** The word for a limit such as 4.5/5, or 4 of a score: a mean on a scale that ends at 5, 7 or 10. */
export function scaled(word: MetricWord, limit: Limit): MetricWord {
  if (limit.kind !== 'amount' || (limit.unit !== '' && limit.unit !== '/')) return word
  const happy = word.name === 'thumbs_down' && word.inverted
  if (!happy && word.kind !== 'mean') return word
  const { value, outOf } = limit
  const most = outOf ?? (value <= 1 ? 1 : value <= 5 ? 5 : value <= 10 ? 10 : 100)
  if (most === 1 || most === 100) return word
  const base = happy ? 'user_satisfaction' : word.name
  const path = happy ? 'eval.user_satisfaction.score' : word.metric['mean']
  const range = [most <= 10 ? 1 : 0, most]
  const metric = { mean: path, range, ...(word.lower === true ? { better: 'lower' } : {}) }
  const name = happy && most === 5 ? base : `${base}_of_${most}`
  const guessed = `${String(path)}, the mean of a score from ${range.join(' to ')}`
  return { ...word, name, kind: 'mean', inverted: false, metric, scale: most, guessed }
}

/** A limit in what the metric counts: bad shares, milliseconds, scores of 0 to 1, dollars. Undefined: another kind of amount. */
export function limitOf(word: MetricWord, limit: Limit, written: string): number | undefined {
  if (limit.kind !== 'amount') return undefined
  const { value, unit, outOf } = limit
  if (word.kind === 'tail') {
    const sizes: Record<string, number> = { ms: 1, s: 1000, sec: 1000, seconds: 1000, m: 60_000, milliseconds: 1 }
    if (unit !== '') return sizes[unit] === undefined ? undefined : value * sizes[unit]
    if (/_ms$|millis/i.test(written)) return value
    return /_(s|sec|seconds)$/i.test(written) || value < 100 ? value * 1000 : value
  }
  if (word.kind === 'cost') return unit === '' || unit === '$' ? value : undefined
  if (unit !== '' && unit !== '%' && unit !== '/') return undefined
  if (word.scale !== undefined) return value
  const whole = unit === '%' || value > 1 || (value === 1 && word.kind === 'rate')
  const share = outOf !== undefined ? value / outOf : whole ? value / 100 : value
  if (share > 1) return undefined
  return round(word.inverted ? 1 - share : share)
}

/** A limit as aigate writes it for a metric of this kind. */
export function limitText(word: MetricWord, value: number): string | number {
  if (word.kind === 'tail') return `${round(value)}ms`
  if (word.kind === 'cost') return `$${round(value)}`
  return word.kind === 'rate' ? percentText(value) : value
}

/** Above and below change places where the guide counts what is good and aigate what is bad. */
export const sideOf = (word: MetricWord, side: 'above' | 'below') =>
  word.inverted ? (side === 'above' ? 'below' : 'above') : side
