// Whether an attempt that failed is made again.
import type { Attempt } from '../ports.ts'
import type { Completion } from '../schema/run.ts'
import type { Item, Queue } from './queue.ts'

/** So many refusals of one request are laid to the crowd and not to the request. */
const FREE = 8
/** Refusals that are no farther apart have the same cause. */
const CROWD_MS = 60_000

/**
 * A refusal that others got as well, of a provider that does answer, says nothing about the request: it does not use up a
 * retry. Nor does one for the number of calls under way.
 */
export function isFree(
  { house, lane, refusals }: Queue,
  item: Item,
  { completion }: Attempt,
  startedAt: number,
): boolean {
  if (completion.error?.kind !== 'rate_limit' || !house.health.up || item.freed >= FREE) return false
  if (lane.crowd.belief === 'number') return true
  const { last, other } = refusals
  const another = last?.item === item ? other : last
  return another !== undefined && another.item !== item && another.at >= startedAt - CROWD_MS
}

export function noteRefusal({ refusals }: Queue, item: Item, { error }: Completion, at: number): void {
  if (error?.kind !== 'rate_limit') return
  if (refusals.last && refusals.last.item !== item) refusals.other = refusals.last
  refusals.last = { item, at }
}

/**
 * True after a transient failure, as long as the provider's retries last. A timeout is tried once more where the provider
 * answers others: a connection that hangs is no slow answer.
 */
export function isTriedAgain({ house }: Queue, { provider, tries, last }: Item, { retry }: Attempt): boolean {
  if (tries > provider.retries) return false
  return retry !== undefined || (last?.outcome === 'timeout' && tries < 2 && house.health.up)
}
