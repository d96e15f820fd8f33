// What the absolute limits of a plan can tell with the traffic that there is: hours until a criterion is proven, from where on a trigger fires.
// Source of the hours: the expected growth of the log evidence is a Kullback-Leibler divergence an event (Wald 1945).
import type { RolloutPlan, Trigger } from '../../schema/rollout.ts'
import { type Bound, quantileOf } from './criterion.ts'
import { wordsOf } from './evidence.ts'
import { meanBounds } from './one-mean.ts'
import type { Traffic } from './traffic.ts'
import { beyond } from './triggers.ts'

/** Hours of the candidate's traffic at this stage until a criterion is proven of an equal candidate; null: never. */
export type CriterionFeasibility = { text: string; hours: number | null }
/**
 * `from`: the candidate's rate or mean from which on the trigger fires at full window (a `below_baseline`: so much worse than
 * the baseline; a tail: the share that is above its limit); null: nothing would make it fire, for its window holds too few
 * events, or no baseline is served. `events`: so many of the candidate are in the window.
 */
export type TriggerFeasibility = {
  id: string
  from: number | null
  events: number
  kind: 'rate' | 'tail' | 'mean'
  gap: boolean
}

/** What mixing over alternatives costs: -ln of the weight of the best one, and of those that do nearly as well. */
const COST = 1.2
const MOST_EVENTS = 1e12

const entropy = (p: number, q: number) => {
  const part = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b))
  return part(p, q) + part(1 - p, 1 - q)
}

/** Events of a metric for each request. */
export const eventsEach = ({ events }: Traffic, name: string): number => events?.[name] ?? 1

/** Events of the candidate per hour for a metric: those of the requests of its share, or half of what is judged. */
export function eventsPerHour(plan: RolloutPlan, name: string, traffic: Traffic, share: number): number {
  const budget = plan.metrics[name]?.judged?.budget_per_hour
  const requests = 60 * traffic.per_minute * share * eventsEach(traffic, name)
  return budget === undefined ? requests : Math.min(requests, budget / 2)
}

/** What is usual for what a bound speaks of; null: nothing is known. */
export function usualOf(bound: Bound, traffic: Traffic): number | null {
  if (bound.kind === 'mean') return traffic.means[bound.metric]?.mean ?? null
  if (bound.kind === 'rate') return traffic.rates[bound.metric] ?? null
  return traffic.over?.[bound.metric]?.[bound.over] ?? null
}

/** So many events of a candidate like the baseline prove that it keeps the bound; Infinity: it does not keep it, or nothing is known. */
function eventsNeeded(bound: Bound, traffic: Traffic, alpha: number): number {
  const usual = usualOf(bound, traffic)
  if (usual === null) return Infinity
  if (bound.kind !== 'mean')
    return usual < bound.limit ? (Math.log(1 / alpha) + COST) / entropy(usual, bound.limit) : Infinity
  if (bound.side === 'below' ? usual >= bound.limit : usual <= bound.limit) return Infinity
  const deviation = traffic.means[bound.metric]?.deviation ?? 0
  for (let n = 100; n < MOST_EVENTS; n *= 1.05) {
    const bounds = meanBounds({ n, sum: n * usual, squares: n * (usual * usual + deviation * deviation) }, alpha)
    if (bounds && (bound.side === 'below' ? bounds.high < bound.limit : bounds.low > bound.limit)) return n
  }
  return Infinity
}

/**
 * Hours of a stage until each of its criteria is proven. `gained`: events of the candidate by criterion that earlier stages
 * have brought.
 */
export function criteriaFeasibility(
  plan: RolloutPlan,
  traffic: Traffic,
  stage: { success?: readonly string[] | undefined; traffic: number },
  gained: ReadonlyMap<string, number>,
): CriterionFeasibility[] {
  const bounds = new Map(wordsOf(plan).criteria)
  return (stage.success ?? []).flatMap((text) => {
    const bound = bounds.get(text)
    if (!bound) return []
    const missing = Math.max(0, eventsNeeded(bound, traffic, plan.promote_alpha) - (gained.get(text) ?? 0))
    const hours = missing / eventsPerHour(plan, bound.metric, traffic, stage.traffic)
    return [{ text, hours: Number.isFinite(hours) ? hours : null }]
  })
}

/** The least value on a grid that makes `fires` true; null: none. */
function least(fires: (value: number) => boolean, values: Iterable<number>): number | null {
  for (const value of values) if (fires(value)) return value
  return null
}
const percents = Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000)

/** From where on a trigger fires in a stage with this share, when its window is full. */
export function triggerFeasibility(
  plan: RolloutPlan,
  traffic: Traffic,
  trigger: Trigger,
  share: number,
): TriggerFeasibility {
  const { id, metric: name, above, below, below_baseline: gap } = trigger
  const metric = plan.metrics[name]
  const hours = trigger.window / 3_600_000
  const n = Math.floor(eventsPerHour(plan, name, traffic, share) * hours)
  const theirs = Math.floor(eventsPerHour(plan, name, traffic, 1 - share) * hours)
  const tail = metric && 'value' in metric && above !== undefined && above > 1 ? 1 - quantileOf(name, metric) : null
  const kind = metric && 'mean' in metric ? ('mean' as const) : tail === null ? ('rate' as const) : ('tail' as const)
  const found = { id, events: n, kind, gap: gap !== undefined }
  if (!metric) return { ...found, from: null }
  const cell = (count: number, value: number, deviation: number) => ({
    n: count,
    x: count * value,
    squares: count * (value * value + deviation * deviation),
  })
  if (!('mean' in metric)) {
    const usual = traffic.rates[name] ?? 0
    const other = cell(theirs, usual, 0)
    const fires = (value: number) => beyond(trigger, metric, cell(n, value, 0), other, tail, name)?.beyond === true
    const values = below === undefined ? percents : percents.toReversed()
    const from = least(fires, values)
    return { ...found, from: from !== null && gap !== undefined ? Math.max(0, from - usual) : from }
  }
  const { mean: usual = 0, deviation = 0 } = traffic.means[name] ?? {}
  const limit = above ?? below ?? usual
  const scale = deviation > 0 ? deviation : Math.abs(limit) || 1
  const away = percents.map((part) => part * 20 * scale)
  const fires = (value: number) =>
    beyond(trigger, metric, cell(n, value, deviation), cell(theirs, usual, deviation), null, name)?.beyond === true
  if (gap === undefined)
    return {
      ...found,
      from: least(
        fires,
        away.map((d) => (above === undefined ? limit - d : limit + d)),
      ),
    }
  const distance = least((d) => fires(usual + d) || fires(usual - d), away)
  return { ...found, from: distance }
}
