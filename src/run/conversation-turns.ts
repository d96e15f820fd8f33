// The calls of one conversation: each waits for its turn at whoever it goes to, and is counted, paced and booked by itself.
import type { AskRequest, Attempt, CallTurn, Provider } from '../ports.ts'
import type { ErrorKind } from '../schema/run.ts'
import { admit, book, houseOf, spentInside, type Talk, timeLeft, wasSent } from './budget.ts'
import { type Call, dropCall, endCall, type House, laneOf, type Lane, startCall, waitFor } from './pacing/lane.ts'
import { LONGEST_TIMER, type Pass, wakeAll } from './pass.ts'
import { ceilingsOf, type Item, type Queue, tokensOf, type Waiting } from './queue.ts'

/** Where a call goes, and under which limits. */
type Way = { house: House; lane: Lane } & Pick<Waiting, 'ceilings' | 'provider'>

export type Turns = {
  turn: CallTurn
  /** Milliseconds that were waited for turns so far. */
  waited(): number
  /** true: calls were made here, and each is booked. The conversation is over; what is under way ends with `attempt`. */
  end(attempt: Attempt): boolean
  /** The conversation is given up. */
  abort(): void
}

/** true: one attempt is several calls. */
export const isTalk = ({ case: { turns, user, tools } }: Pick<AskRequest, 'case'>): boolean =>
  Boolean(turns ?? user ?? tools)

/** A conversation before its first call. */
export const newTalk = ({ case: { turns } }: AskRequest): Talk => ({ calls: 0, least: turns?.length ?? 1 })

const refusedBy = (kind: ErrorKind, message: string): { refused: Attempt } => ({
  refused: { completion: { outcome: 'error', text: '', tool_calls: [], attempts: 1, error: { kind, message } } },
})
type Refused = ReturnType<typeof refusedBy>

/** The turns of a conversation whose first call `first` was let through already. `signal`: it is given up. */
export function turnsOf(pass: Pass, queue: Queue, item: Item, first: Call, signal: AbortSignal): Turns {
  const { budget, clock } = pass.input
  const own: Way = { house: queue.house, lane: queue.lane, ceilings: item.ceilings, provider: item.provider }
  const talk = newTalk(item.request)
  talk.calls = 1
  budget.talks.open.add(talk)
  queue.house.talks += 1
  let current: { way: Way; call: Call } | undefined = { way: own, call: first }
  let used = false
  let waited = 0
  let since: number | undefined
  const over = (completed: boolean) => {
    if (!budget.talks.open.delete(talk)) return
    queue.house.talks -= 1
    if (!completed) return
    budget.talks.ended += 1
    budget.talks.calls += talk.calls
  }
  const ended = (attempt: Attempt, cost_usd: number | undefined) => {
    if (!current) return
    const { way, call } = current
    current = undefined
    const { completion } = attempt
    const { conversation: _told, ...one } = completion
    book(budget, cost_usd === undefined ? one : { ...one, cost_usd })
    const now = clock.monotonic()
    if (wasSent(completion)) endCall(way, way.ceilings, { call, attempt, patience: pass.timing, now })
    else dropCall(way, call, false)
    wakeAll(budget)
  }
  const turn: CallTurn = async (request, other) => {
    if (signal.aborted) return refusedBy('interrupted', 'Interrupted.')
    const way = other ? wayTo(other) : own
    const isFirst = !used
    used = true
    if (isFirst && way.lane === own.lane) return { ended }
    if (isFirst) giveBack()
    since = clock.monotonic()
    const refused = await myTurn(pass, way, request, signal)
    waited += clock.monotonic() - since
    since = undefined
    if ('refused' in refused) return refused
    current = { way, call: refused.call }
    talk.calls += 1
    return { ended }
  }
  /** Somebody else speaks first: the call that was let through is not made yet. */
  const giveBack = () => {
    if (!current) return
    budget.inFlight -= 1
    budget.calls -= 1
    talk.calls -= 1
    dropCall(current.way, current.call, false)
    // Nor does it keep its distance from the next one.
    const now = clock.monotonic()
    if (queue.lane.starts === current.call.starts) queue.lane.next = Math.min(queue.lane.next, now)
    queue.house.next = Math.min(queue.house.next, now)
    current = undefined
    wakeAll(budget)
  }
  const wayTo = (provider: Provider): Way => {
    const house = houseOf(budget, provider.name)
    return { house, lane: laneOf(house, provider.lane?.key ?? ''), ceilings: ceilingsOf(provider), provider }
  }
  return {
    turn,
    waited: () => waited + (since === undefined ? 0 : clock.monotonic() - since),
    end: (attempt) => {
      if (used) ended(attempt, undefined)
      const { error, conversation } = attempt.completion
      over(used && error === undefined && conversation !== undefined)
      return used
    },
    abort: () => {
      over(false)
      if (!current) return
      budget.inFlight -= 1
      dropCall(current.way, current.call, true)
      current = undefined
    },
  }
}

/** Waits for the turn of one further call, which then counts. Before it no new request of that model is begun. */
function myTurn(pass: Pass, way: Way, request: AskRequest, signal: AbortSignal): Promise<Refused | { call: Call }> {
  const { budget, clock } = pass.input
  const { lane } = way
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const settle = (result: Refused | { call: Call }) => {
      clearTimeout(timer)
      budget.passes.delete(look)
      signal.removeEventListener('abort', look)
      lane.waiting -= 1
      resolve(result)
      // What waited behind this one may go on, but not in the middle of a look at it.
      queueMicrotask(() => wakeAll(budget))
    }
    const look = () => {
      clearTimeout(timer)
      if (signal.aborted) return settle(refusedBy('interrupted', 'Interrupted.'))
      const now = clock.monotonic()
      const need = tokensOf(way, { request, ...way }, budget)
      if ('problem' in need) return settle({ refused: { completion: need.problem } })
      const why = spentInside(budget, need.tokens, now)
      if (why && budget.inFlight === 0) {
        budget.spent ??= why
        return settle(refusedBy('budget', why.message))
      }
      const patience = { tokens: need.tokens, longestPause: pass.timing.longestPause }
      const wait = why ? Infinity : waitFor(way, way.ceilings, patience, now)
      if (wait > 0) {
        // When the time is up only the end of a call is waited for.
        const time = timeLeft(budget, now)
        const longest = time > 0 ? Math.min(wait, time) : Infinity
        if (longest < Infinity) timer = setTimeout(look, Math.min(Math.ceil(longest), LONGEST_TIMER))
        return
      }
      admit(budget, now)
      settle({ call: startCall(way, way.ceilings, need, now) })
    }
    lane.waiting += 1
    budget.passes.add(look)
    signal.addEventListener('abort', look, { once: true })
    look()
  })
}
