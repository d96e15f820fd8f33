// Absolute criteria as people write them (`error_rate < 1%`, `latency_p95 < 2000ms`, `user_satisfaction > 4.5/5`), read and turned into bounds.
import type { Metric, RolloutPlan } from '../../schema/rollout.ts'

/**
 * What a criterion asks of one metric of the plan:
 * `rate`: the share of bad events is below `limit`; `quantile`: the share of events above `value` is below `limit`
 * (p95 below 2 s is "less than 5 % are slower than 2 s"); `mean`: the mean is below or above `limit`.
 */
export type Bound =
  | { kind: 'rate'; metric: string; limit: number }
  | { kind: 'quantile'; metric: string; limit: number; value: number; over: number }
  | { kind: 'mean'; metric: string; limit: number; side: 'below' | 'above' }

const FORM = /^\s*([A-Za-z][\w.-]*)\s*(<=?|>=?)\s*(\$?)(\d+(?:\.\d+)?)\s*(%|ms|s|m|\/\s*\d+(?:\.\d+)?)?\s*$/

type Parsed = { subject: string; below: boolean; amount: number; unit: string; outOf: number | null; dollars: boolean }

function parse(text: string): Parsed | null {
  const found = FORM.exec(text)
  if (!found) return null
  const [, subject = '', sign = '', dollar = '', amount = '', unit = ''] = found
  return {
    subject,
    below: sign.startsWith('<'),
    amount: Number(amount),
    unit: unit.startsWith('/') ? '/' : unit,
    outOf: unit.startsWith('/') ? Number(unit.slice(1).trim()) : null,
    dollars: dollar === '$',
  }
}

/** The metric that a criterion speaks of: its exact name, or the one whose name it continues (`cost_per_request`: `cost`). */
export function metricNamed(metrics: RolloutPlan['metrics'], subject: string): string | null {
  if (Object.hasOwn(metrics, subject)) return subject
  const longest = Object.keys(metrics)
    .filter((name) => subject.startsWith(`${name}_`))
    .sort((a, b) => b.length - a.length)
  return longest[0] ?? null
}

/** The quantile (0 to 1) that a name says (`latency_p95`, `p99_latency`, `p99.9`, `p999`), else that of `tail_at`, else 0.95. */
export function quantileOf(subject: string, metric: Metric): number {
  const written = writtenQuantile(subject)
  if (written !== null && isQuantile(written)) return written
  if ('value' in metric && typeof metric.tail_at === 'string')
    return Number(metric.tail_at.slice('baseline.p'.length)) / 100
  return 0.95
}

/** `p95` as a word of its own, or behind another one as in latencyP95 and latencyp95. */
const QUANTILE =
  /(?:(?<![A-Za-z0-9])[pP]|(?<=[a-z])P|(?<=[a-z])p(?=50|75|80|9\d))(\d{2,5})(?:[._](\d{1,3}))?(?=$|[^A-Za-z0-9])/

/** What stands as `p95` in a name; null: nothing. `p100` and the like are 1 and more: no quantile. */
function writtenQuantile(subject: string): number | null {
  const [, whole, part] = QUANTILE.exec(subject) ?? []
  if (whole === undefined) return null
  if (part !== undefined) return Number(`${whole}.${part}`) / 100
  // p999 is how many write p99.9; p100 is what nobody is above.
  return whole.length > 2 && whole.startsWith('9') ? Number(whole) / 10 ** whole.length : Number(whole) / 100
}
const isQuantile = (share: number) => share > 0 && share < 1

const MILLISECONDS: Record<string, number> = { s: 1000, m: 60_000 }

/** Every absolute limit on a value that the source must count events above, by metric, each once, in the order of the plan. */
export function limitsOf(plan: RolloutPlan): Record<string, number[]> {
  const limits: Record<string, number[]> = {}
  const add = (metric: string, value: number) => {
    const known = (limits[metric] ??= [])
    if (!known.includes(value)) known.push(value)
  }
  for (const text of plan.stages.flatMap((stage) => stage.success ?? [])) {
    const bound = read(plan, text, () => 0)
    if (typeof bound !== 'string' && bound.kind === 'quantile') add(bound.metric, bound.value)
  }
  for (const trigger of plan.triggers) {
    const metric = plan.metrics[trigger.metric]
    if (metric && 'value' in metric && trigger.above !== undefined && trigger.above > 1)
      add(trigger.metric, trigger.above)
  }
  return limits
}

/** The bound that `text` asks for; a sentence where it cannot be asked of this plan. */
export function boundOf(plan: RolloutPlan, text: string): Bound | string {
  const limits = limitsOf(plan)
  return read(plan, text, (metric, value) => (limits[metric] ?? []).indexOf(value))
}

function read(plan: RolloutPlan, text: string, overOf: (metric: string, value: number) => number): Bound | string {
  const parsed = parse(text)
  if (!parsed) return `"${text}" is no criterion such as error_rate < 1%.`
  const name = metricNamed(plan.metrics, parsed.subject)
  const metric = name === null ? undefined : plan.metrics[name]
  if (name === null || !metric) return `"${text}" speaks of ${parsed.subject}, which is no metric of the plan.`
  if ('mean' in metric) return meanBound(name, metric, parsed)
  if ('bad' in metric) {
    if (parsed.unit === 'ms' || parsed.unit === 's' || parsed.unit === 'm' || parsed.dollars)
      return `"${text}" compares the rate ${name} with an amount: write a share such as 1%.`
    return rateBound(name, parsed, text)
  }
  if (parsed.unit === '%' || parsed.unit === '/') return rateBound(name, parsed, text)
  if (!parsed.below) return `"${text}" asks a tail to be long: write ${parsed.subject} < ….`
  const value = parsed.amount * (MILLISECONDS[parsed.unit] ?? 1)
  const written = writtenQuantile(parsed.subject)
  if (written !== null && !isQuantile(written))
    return `"${text}" asks for a quantile that there is not: write one between p1 and p99.9.`
  const limit = round(1 - quantileOf(parsed.subject, metric))
  return { kind: 'quantile', metric: name, limit, value, over: overOf(name, value) }
}

const round = (share: number) => Math.round(share * 1e9) / 1e9

/** A rate metric counts what is bad; `> 90%` of it means that more than 90 % are good. */
function rateBound(metric: string, parsed: Parsed, text: string): Bound | string {
  const share = parsed.outOf !== null ? parsed.amount / parsed.outOf : parsed.amount / (parsed.unit === '%' ? 100 : 1)
  const limit = round(parsed.below ? share : 1 - share)
  if (!(limit > 0 && limit < 1)) return `"${text}" can never be told: the share must lie between 0 and 100 %.`
  return { kind: 'rate', metric, limit }
}

function meanBound(name: string, metric: Extract<Metric, { mean: string }>, parsed: Parsed): Bound {
  const [low, high] = metric.range ?? [0, parsed.outOf ?? 1]
  // 4.5/5 is 4.5 on a scale that ends at 5, and nine tenths of any other scale.
  const scaled =
    parsed.outOf === null || parsed.outOf === high ? parsed.amount : low + (parsed.amount / parsed.outOf) * (high - low)
  const limit =
    parsed.unit === '%' ? low + (parsed.amount / 100) * (high - low) : scaled * (MILLISECONDS[parsed.unit] ?? 1)
  return { kind: 'mean', metric: name, limit, side: parsed.below ? 'below' : 'above' }
}

/** Why a criterion that can be read can hardly be meant; null: it can. */
export function oddCriterion(plan: RolloutPlan, text: string): string | null {
  const bound = boundOf(plan, text)
  const parsed = parse(text)
  if (typeof bound === 'string' || !parsed) return null
  if (bound.kind === 'rate' && !parsed.below && bound.limit > 0.5)
    return `"${text}" asks that more than ${Number(((1 - bound.limit) * 100).toPrecision(6))} % are good, which nearly all bad would fulfil.`
  const metric = plan.metrics[bound.metric]
  const range = metric && 'mean' in metric ? metric.range : undefined
  if (bound.kind !== 'mean' || !range) return null
  const [low, high] = range
  const never = bound.side === 'above' ? bound.limit >= high : bound.limit <= low
  const always = bound.side === 'above' ? bound.limit < low : bound.limit > high
  if (!never && !always) return null
  return `"${text}" is ${never ? 'never' : 'always'} true: ${bound.metric} lies between ${low} and ${high}.`
}
