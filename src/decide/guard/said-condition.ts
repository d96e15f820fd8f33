// What a condition of a guard comes to, in words that people know: rates in percent, tails as a share of the events.
import type { GuardPlan, GuardTrigger } from '../../schema/guard.ts'
import { quantileOf } from '../rollout/criterion.ts'
import { saidNumber, saidShare, saidTime } from '../rollout/said-time.ts'

type Condition = Pick<
  GuardTrigger,
  'window' | 'above' | 'below' | 'below_baseline' | 'above_baseline' | 'count_above' | 'sum_above'
> & { metric: string }

const kinds = ['above', 'below', 'below_baseline', 'above_baseline', 'count_above', 'sum_above'] as const

/** Whether the value of a condition over its window is a share (0 to 1) of the events. */
export function isShare(guard: Pick<GuardPlan, 'metrics'>, condition: Condition): boolean {
  const metric = guard.metrics[condition.metric]
  return metric !== undefined && !('mean' in metric) && [condition.count_above, condition.sum_above].every((one) => one === undefined) // biome-ignore format: one condition
}

/** `error_rate is 19% over 15m: above 5%`; `where`: which events, such as ` in pro`. Without a full stop. */
export function saidCondition(guard: GuardPlan, condition: Condition, value: number | null, where = ''): string {
  const { metric: name, above } = condition
  const metric = guard.metrics[name]
  const said = isShare(guard, condition) ? saidShare : saidNumber
  const over = `over ${saidTime(condition.window)}`
  if (metric && 'value' in metric && above !== undefined && above > 1) {
    const allowed = saidShare(1 - quantileOf(name, metric))
    return `${value === null ? '?' : saidShare(value)} of the events of ${name}${where} ${over} are above ${saidNumber(above)}, where ${allowed} may be`
  }
  const asked = kinds.find((one) => condition[one] !== undefined)
  const by = asked?.endsWith('_baseline') ? ' by' : ''
  const limit = asked === undefined ? '' : `: ${asked.replaceAll('_', ' ')}${by} ${said(Number(condition[asked]))}`
  return `${name}${where} is ${value === null ? '?' : said(value)} ${over}${limit}`
}
