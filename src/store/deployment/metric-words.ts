// What the names of metrics in guides mean in events: error_rate, p95_latency, hallucination_rate, quality_score, cost.
import type { Limit } from './amounts.ts'
import { percentText, round } from './amounts.ts'

/**
 * `rate`: share of bad events; `tail`: share of events above a value; `mean`: of a score between 0 and 1; `cost`: of dollars.
 * `inverted`: the guide counts what is good (success_rate). `daily`: a sum over a day. `count`: a number of bad events.
 */
export type MetricWord = {
  name: string
  kind: 'rate' | 'tail' | 'mean' | 'cost'
  metric: Record<string, unknown>
  inverted: boolean
  quantile: number
  count: boolean
  daily: boolean
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
const unhappy = { name: 'user_satisfaction', kind: 'rate' as const, metric: { bad: "feedback == 'down'" } }

const rules: readonly Rule[] = [
  [
    /success_?rate|availability|uptime/,
    () => ({ name: 'error_rate', kind: 'rate', metric: { bad: 'error.type != null' }, inverted: true }),
  ],
  [/timeout/, () => ({ name: 'timeout_rate', kind: 'rate', metric: { bad: "error.type == 'timeout'" } })],
  [/hallucination|ungrounded/, () => label('hallucination_rate', 'groundedness')],
  [
    /toxic|harm|safety|unsafe|policy|pii|jailbreak/,
    (name) =>
      /score/.test(name) && /safety/.test(name) ? score('safety_score', 'safety') : label('harmful_rate', 'safety'),
  ],
  [/refusal/, () => label('refusal_rate', 'refusal')],
  [/error|failure|5xx|exception/, () => ({ name: 'error_rate', kind: 'rate', metric: { bad: 'error.type != null' } })],
  [/latency|response_?time|duration|ttft/, tail],
  [/complaint|negative_?feedback|thumbs_?down|dislike|escalation/, () => ({ ...unhappy, name: 'user_complaints' })],
  [/satisf|csat|nps|thumbs_?up|positive_?feedback|user_?rating|feedback/, () => ({ ...unhappy, inverted: true })],
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
  const count = /count|complaints$|incidents$|^num_|_total$/.test(name)
  return { inverted: false, quantile: 0.95, count, daily: /per_day|daily|24h|_day/.test(name), ...make(name) }
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
  const most =
    outOf ?? (word.kind === 'rate' && word.inverted && value > 1 && value <= 5 && unit === '' ? 5 : undefined)
  const share =
    most !== undefined
      ? value / most
      : unit === '%' || value > 1 || (value === 1 && word.kind === 'rate')
        ? value / 100
        : value
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
