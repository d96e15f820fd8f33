// What waits to be asked, one queue for each provider and model: fresh requests in their order, and those that failed for now.
import type { AskRequest, Provider } from '../ports.ts'
import type { Completion } from '../schema/run.ts'
import { type BudgetState, houseOf } from './budget.ts'
import { triesOthers } from './pacing/health.ts'
import { type Ceilings, type House, type Lane, laneOf } from './pacing/lane.ts'
import { expectCalls } from './pacing/width.ts'
import { estimateTokens, UNKNOWN_ANSWER } from './pacing/tokens.ts'

/** A request with who answers it, under which ceilings, and its place in the order of the pass. */
export type Waiting = { request: AskRequest; provider: Provider; ceilings: Ceilings; place: number }

export type Item = Waiting & {
  /** Attempts that left this machine. */
  sent: number
  /** Attempts that count against the retries of the provider, and refusals that do not. */
  tries: number
  freed: number
  /** What came of the last attempt. */
  last: Completion | undefined
  readyAt: number
}

export type Queue = {
  house: House
  lane: Lane
  fresh: Waiting[]
  next: number
  /** The fresh request that is looked at, until it is asked. */
  head: Item | undefined
  again: Item[]
  /** The last refusal, and the last one of another request than that. */
  refusals: { last?: { item: Item; at: number }; other?: { item: Item; at: number } }
}

/** The queues of a pass. Whoever shares limits shares a queue, so that the order of the pass holds among them. */
export function queuesOf(order: readonly AskRequest[], provider: Provider, budget: BudgetState): Queue[] {
  const queues = new Map<string, Queue>()
  const known = new Map<Provider, { ceilings: Ceilings; queue: Queue }>()
  const placed = (owner: Provider) => {
    const key = `${owner.name}\0${owner.lane?.key ?? ''}`
    const queue = queues.get(key) ?? emptyQueue(owner, budget)
    queues.set(key, queue)
    return { ceilings: ceilingsOf(owner), queue }
  }
  let place = 0
  for (const request of order) {
    const owner = provider.ownerOf?.(request) ?? provider
    const own = known.get(owner) ?? placed(owner)
    known.set(owner, own)
    own.queue.fresh.push({ request, provider: owner, ceilings: own.ceilings, place })
    place += 1
  }
  for (const { lane, fresh } of queues.values()) expectCalls(lane.width, fresh.length)
  return [...queues.values()]
}

export const ceilingsOf = ({ concurrency, rpm, tpm, lane }: Provider): Ceilings => ({
  concurrency,
  rpm,
  tpm,
  laneRpm: lane?.rpm,
  laneTpm: lane?.tpm,
})

function emptyQueue(provider: Provider, budget: BudgetState): Queue {
  const house = houseOf(budget, provider.name)
  const lane = laneOf(house, provider.lane?.key ?? '')
  return { house, lane, fresh: [], next: 0, head: undefined, again: [], refusals: {} }
}

/** The place in the order of the pass of what a queue would ask next; Infinity: nothing. */
export const placeOf = ({ again, fresh, next }: Queue): number =>
  Math.min(again[0]?.place ?? Infinity, fresh[next]?.place ?? Infinity)

/** Puts a request back until its time has come; those that wait stand in the order of their times. */
export function putBack({ again }: Queue, item: Item): void {
  let [low, high] = [0, again.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((again[middle]?.readyAt ?? 0) <= item.readyAt) low = middle + 1
    else high = middle
  }
  again.splice(low, 0, item)
}

/** The request that is to be asked next; none: `wait` milliseconds until one is due again, Infinity when nothing is left. */
export function nextItem(queue: Queue, now: number): { item?: Item; wait: number } {
  const [soonest] = queue.again
  if (soonest && soonest.readyAt <= now) return { item: soonest, wait: 0 }
  const waiting = queue.fresh[queue.next]
  const { house, lane, again } = queue
  if (waiting && triesOthers(house.health, again.length + lane.inFlight, lane.width.first)) {
    const { request, provider, ceilings, place } = waiting
    queue.head ??= { request, provider, ceilings, place, sent: 0, tries: 0, freed: 0, last: undefined, readyAt: 0 }
    return { item: queue.head, wait: 0 }
  }
  return { wait: soonest ? soonest.readyAt - now : Infinity }
}

/** Takes a request that `nextItem` gave out of the queue. */
export function takeItem(queue: Queue, item: Item): void {
  if (item === queue.head) {
    queue.head = undefined
    queue.next += 1
  } else queue.again.splice(queue.again.indexOf(item), 1)
}

/** What a request may take: tokens in all and of its prompt, rather too many than too few. 0 where nobody counts. */
export function tokensOf(
  { lane }: Pick<Queue, 'lane'>,
  { request, ceilings, provider }: Pick<Item, 'request' | 'ceilings' | 'provider'>,
  budget: BudgetState,
): { tokens: number; input: number } | { problem: Completion } {
  const { tpm, laneTpm } = ceilings
  const ceiling = Math.min(tpm ?? Infinity, laneTpm ?? Infinity)
  if (ceiling === Infinity && !lane.left.tokens && budget.maxTokens === Infinity) return { tokens: 0, input: 0 }
  const { answers } = lane
  const { input, output, limited } = estimateTokens(request, answers.count > 0 ? answers.output * 1.5 : UNKNOWN_ANSWER)
  const prompt = Math.ceil(input * answers.scale)
  if (prompt + (limited ? output : 0) > ceiling) {
    const message = `This request may take ${prompt + output} tokens (${prompt} of the prompt, ${output} of the answer), and ${provider.name} is limited to ${ceiling} a minute (tpm): raise tpm, or lower max_tokens.`
    const error = { kind: 'bad_request' as const, message }
    return { problem: { outcome: 'error', text: '', tool_calls: [], error, latency_ms: 0, attempts: 0 } }
  }
  return { tokens: Math.min(prompt + output, ceiling), input }
}
