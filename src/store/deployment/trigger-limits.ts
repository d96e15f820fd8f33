// What a condition on a metric becomes in a trigger of a guard: a limit, a number of events, a sum, or a distance from the baseline.
import { type Criterion, writtenLimit } from './criteria.ts'

type Data = Record<string, unknown>

/** The limit as a trigger writes it; undefined: it has none of this kind. */
export function limitIn(criterion: Criterion): Data | undefined {
  const { word, side, limit, written, reached } = criterion
  if (limit.kind === 'baseline') return baselineIn(criterion)
  const number = word.count && word.kind === 'rate' && limit.unit === '' && Number.isInteger(limit.value)
  if (number) {
    // A threshold that is reached counts: one harmful answer is enough where the threshold is one.
    const most = reached && limit.value > 0 ? limit.value - 1 : limit.value
    return side === 'above' ? { count_above: most } : undefined
  }
  // "More than none": one is enough, which no share can say beyond doubt.
  if (word.kind === 'rate' && !word.inverted && side === 'above' && limit.value === 0) return { count_above: 0 }
  const value = writtenLimit({ ...criterion, written })
  if (value === undefined) return undefined
  if (isSum(criterion)) return side === 'above' ? { sum_above: value } : undefined
  if (side === 'below') return word.kind === 'mean' || word.kind === 'cost' ? { below: value } : undefined
  return { above: value }
}

/** A budget, and not what one request costs. */
function isSum({ word, limit, written }: Criterion): boolean {
  if (word.kind !== 'cost' || limit.kind !== 'amount') return false
  if (word.span !== undefined) return true
  if (/request|query|call|avg|average|mean|_per_/i.test(written)) return false
  return /total|budget|spend/i.test(written) || limit.value >= 1
}

/** Further from the baseline than that, in the direction that is worse. */
function baselineIn({ word, side, limit }: Criterion): Data | undefined {
  const by = 'by' in limit ? limit.by : undefined
  if (by === undefined || ('percent' in limit && limit.percent && (word.kind !== 'mean' || word.scale !== undefined)))
    return undefined
  if (word.kind === 'mean' && word.lower !== true)
    return side === 'below' && by < 0 ? { below_baseline: -by } : undefined
  return (word.kind === 'rate' || word.kind === 'mean') && side === 'above' && by > 0
    ? { above_baseline: by }
    : undefined
}
