// The changes that doctor imagines: none, or a drop of so many points that is spread out or sits in a few cases.
import { sum } from '../../statistics/counts.ts'
import { chosen, type Random } from './random.ts'

/** diffuse: every answer fails a little more often; concentrated: a few cases break completely. */
export type Kind = 'diffuse' | 'concentrated'

/**
 * The success rates after a drop of the mean by `drop` (a share, > 0) over the cases at `places`; the others keep theirs.
 * A drop larger than the mean takes all of it. The mean falls by exactly `drop`: the last case that breaks may break in part.
 */
export function dropped(
  rates: readonly number[],
  places: readonly number[],
  { drop, kind }: { drop: number; kind: Kind },
  random: Random,
): number[] {
  const after = [...rates]
  const total = sum(places.map((i) => rates[i] ?? 0))
  let left = Math.min(drop * places.length, total)
  if (kind === 'diffuse') {
    const factor = total > 0 ? 1 - left / total : 1
    for (const i of places) after[i] = (rates[i] ?? 0) * factor
    return after
  }
  for (const i of chosen(places, places.length, random)) {
    if (left <= 0) break
    const rate = rates[i] ?? 0
    const lost = Math.min(rate, left)
    after[i] = rate - lost
    left -= lost
  }
  return after
}
