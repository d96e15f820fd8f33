// What the parts of one run know of their judges, as the whole knows it: whatever one of them saw move has moved.
import type { Judging } from '../../schema/judge.ts'
import { pooledChecks } from './answered-by.ts'

/** Of shards, each of which asked a part of the gold answers; null where no part was judged by a model. */
export function mergedJudging(parts: readonly (Judging | undefined)[]): Judging | null {
  const known = parts.flatMap((one) => one ?? [])
  const whole = together(known)
  return whole && { ...whole, gold: pooledChecks(whole.gold) }
}

/** Of a run that is gone on with: what was found before, and what is found today. */
export function continuedJudging(before: Judging, now: Judging): Judging {
  return together([before, now]) ?? before
}

function together(known: readonly Judging[]): Judging | null {
  const [first] = known
  if (!first) return null
  const costs = known.flatMap(({ cost }) => cost ?? [])
  const cost = {
    calls: costs.reduce((sum, { calls }) => sum + calls, 0),
    cost_usd: costs.some(({ cost_usd }) => cost_usd === null)
      ? null
      : costs.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0),
  }
  return {
    ...first,
    gold: known.flatMap(({ gold }) => gold),
    notes: [...new Set(known.flatMap(({ notes }) => notes))],
    ...(costs.length > 0 && { cost }),
  }
}
