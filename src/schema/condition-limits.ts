// Limits that can be written and can never be meant: what they ask is never true, or always.
import type { Metric } from './rollout.ts'

/** A condition on a metric, as triggers and breakers write it. */
export type Limited = {
  above?: number | undefined
  below?: number | undefined
  below_baseline?: number | undefined
  above_baseline?: number | undefined
  window: number
}
type Key = keyof Limited
export type LimitFault = { key: Key; problem: string; mend: string }

const percent = (share: number) => `${Number((share * 100).toPrecision(6))}%`

/** Of a share (0 to 1) of the events. */
function ofRate(key: Exclude<Key, 'window'>, limit: number): Omit<LimitFault, 'key'> | null {
  const written = `${key} ${percent(limit)} of a rate, which lies between 0 and 100%,`
  const share = limit > 1 && limit <= 100 ? `${limit}%` : '5%'
  const mend = `Write a share between 0 and 100%, such as ${share}.`
  const never = key === 'below' ? limit <= 0 : limit >= 1
  if (never) return { problem: `${written} is never true`, mend }
  const always = key === 'below' ? limit >= 1 : limit < 0
  return always ? { problem: `${written} is always true`, mend } : null
}

/** Of a mean whose values lie between `low` and `high`. */
function ofMean(
  key: Exclude<Key, 'window'>,
  limit: number,
  [low, high]: readonly [number, number],
): Omit<LimitFault, 'key'> | null {
  const by = key.endsWith('_baseline')
  const [least, most] = by ? [0, high - low] : [low, high]
  const mend = `Write a limit between ${least} and ${most}.`
  const written = `${key} ${limit} of a mean whose values lie between ${low} and ${high}`
  const never = key === 'below' ? limit <= least : limit >= most
  if (never) return { problem: `${written} is never true`, mend }
  const always = key === 'below' ? limit > most : limit < least
  return always ? { problem: `${written} is always true`, mend } : null
}

function ofLimit(key: Exclude<Key, 'window'>, limit: number, metric: Metric): Omit<LimitFault, 'key'> | null {
  if ('bad' in metric) return ofRate(key, limit)
  if ('mean' in metric) {
    if (metric.range) return ofMean(key, limit, metric.range)
    const negative = key.endsWith('_baseline') && limit < 0
    return negative ? { problem: `${key} ${limit} is always true`, mend: 'Write a number above 0.' } : null
  }
  if (key === 'below')
    return { problem: 'below asks a tail to be long', mend: 'Write above, with the longest that may be.' }
  // Above 1 it is a value in the unit of the metric; up to there a share of the events.
  if (key === 'above' && limit > 1) return null
  return ofRate(key, limit)
}

/** Every limit of a condition that cannot be meant; `metric`: undefined where there is none of that name. */
export function limitFaults(one: Limited, metric: Metric | undefined): LimitFault[] {
  const faults: LimitFault[] = []
  if (!(one.window > 0))
    faults.push({ key: 'window', problem: 'a window of 0 holds no event', mend: 'Write a window such as 15m.' })
  if (metric === undefined) return faults
  for (const key of ['above', 'below', 'below_baseline', 'above_baseline'] as const) {
    const limit = one[key]
    const fault = limit === undefined ? null : ofLimit(key, limit, metric)
    if (fault) faults.push({ key, ...fault })
  }
  return faults
}
