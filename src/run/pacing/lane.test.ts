// The pace of a provider under a fake clock: ceilings in every sliding minute, recovery, and the bucket of the other side.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../ports.ts'
import { downBecause } from './health.ts'
import { type Ceilings, endCall, laneOf, newHouse, type Patience, startCall, waitFor } from './lane.ts'
import { widthOf } from './width.ts'

const patience: Patience = { backoffBase: 500, backoffCap: 30_000, longestPause: 300_000, longestSpacing: 10_000 }
const answered = { outcome: 'answered', text: 'x', tool_calls: [], attempts: 1 } as const
const ok = (tokens = 0): Attempt => ({
  completion: { ...answered, tool_calls: [], usage: { input_tokens: tokens, output_tokens: 0 } },
})
const refusal = (after_ms?: number): Attempt => ({
  completion: { ...answered, tool_calls: [], outcome: 'error', error: { kind: 'rate_limit', message: 'slow down' } },
  retry: { after_ms },
})

type Server = (now: number, tokens: number) => { attempt: Attempt; takes: number }

/** Sends `calls` calls as fast as the lane lets them go; time stands in no relation to that of the machine. */
function simulate(calls: number, ceilings: Ceilings, server: Server, tokensOf: (nth: number) => number = () => 0) {
  const house = newHouse()
  const lane = laneOf(house, 'm')
  const at = { house, lane }
  const starts: { at: number; tokens: number }[] = []
  const under: { ends: number; end: () => void; nth: number }[] = []
  let [now, waiting] = [0, Array.from({ length: calls }, (_, i) => i)]
  const seen = { refused: 0, answers: 0 }
  for (let steps = 0; seen.answers < calls && steps < 200_000; steps += 1) {
    const [nth] = waiting
    const tokens = nth === undefined ? 0 : tokensOf(nth)
    const wait = nth === undefined ? Infinity : waitFor(at, ceilings, { tokens, longestPause: 300_000 }, now)
    if (nth !== undefined && wait === 0) {
      waiting = waiting.slice(1)
      const call = startCall(at, ceilings, { tokens, input: tokens }, now)
      starts.push({ at: now, tokens })
      const { attempt, takes } = server(now, tokens)
      const end = () => {
        endCall(at, ceilings, { call, attempt, patience, now })
        if (attempt.completion.error) {
          seen.refused += 1
          waiting.push(nth)
        } else seen.answers += 1
      }
      under.push({ ends: now + takes, end, nth })
      continue
    }
    const next = under.toSorted((a, b) => a.ends - b.ends)[0]
    // Timers fire on whole milliseconds, not before.
    now = Math.min(next?.ends ?? Infinity, wait === Infinity ? Infinity : Math.ceil(now + wait))
    if (next && next.ends <= now) {
      under.splice(under.indexOf(next), 1)
      next.end()
    }
  }
  return { starts, ...seen, took: now, lane }
}

const mostIn = (starts: { at: number; tokens: number }[], amount: (one: { tokens: number }) => number) =>
  Math.max(
    ...starts.map(({ at }) =>
      starts.filter((one) => one.at >= at && one.at < at + 60_000).reduce((sum, one) => sum + amount(one), 0),
    ),
  )

describe('ceilings that are known in advance', () => {
  const shape = fc.record({
    limit: fc.integer({ min: 1, max: 60 }),
    concurrency: fc.integer({ min: 1, max: 40 }),
    calls: fc.integer({ min: 1, max: 150 }),
    takes: fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 5 }),
    headers: fc.boolean(),
  })

  it.each(['rpm', 'laneRpm'] as const)('never more than %s starts in any sixty seconds', (ceiling) => {
    fc.assert(
      fc.property(shape, ({ limit, concurrency, calls, takes, headers }) => {
        let nth = 0
        // A provider that promises far more than the ceiling allows.
        const limits = { requests: { limit: 10_000, remaining: 9_999, reset_ms: 6 } }
        const server = () => ({
          attempt: { ...ok(), ...(headers && { limits }) },
          takes: takes[nth++ % takes.length] ?? 0,
        })
        const { starts, answers } = simulate(calls, { concurrency, [ceiling]: limit }, server)
        expect(answers).toBe(calls)
        expect(mostIn(starts, () => 1)).toBeLessThanOrEqual(limit)
      }),
      { numRuns: 60 },
    )
  })

  it.each(['tpm', 'laneTpm'] as const)('never more than %s tokens in any sixty seconds', (ceiling) => {
    const sizes = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(
        shape,
        sizes,
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        ({ concurrency, calls, takes }, all, share) => {
          let nth = 0
          const used: number[] = []
          const size = (i: number) => all[i % all.length] ?? 1
          const server: Server = (_now, tokens) => {
            used.push(Math.ceil(tokens * share))
            return { attempt: ok(used.at(-1)), takes: takes[nth++ % takes.length] ?? 0 }
          }
          const { starts, answers } = simulate(calls, { concurrency, [ceiling]: 1_000 }, server, size)
          expect(answers).toBe(calls)
          const really = starts.map(({ at }, i) => ({ at, tokens: used[i] ?? 0 }))
          expect(mostIn(really, ({ tokens }) => tokens)).toBeLessThanOrEqual(1_000)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('uses what an answer did not take', () => {
    const server = () => ({ attempt: ok(100), takes: 1_000 })
    // Reserved 500 each, taken 100: 6 in the first minute instead of 2.
    const { took } = simulate(10, { concurrency: 4, tpm: 1_000 }, server, () => 500)
    expect(took).toBeLessThan(70_000)
  })
})

/** The account of a provider: so many at once, refilled all the time or at the end of a window. */
function account({ burst, perMinute, window }: { burst: number; perMinute: number; window?: number }) {
  let [level, at, end] = [burst, 0, window ?? 0]
  return (now: number) => {
    if (window === undefined) level = Math.min(burst, level + ((now - at) * perMinute) / 60_000)
    else if (now >= end) {
      level = burst
      end = now - (now % window) + window
    }
    at = now
    const admitted = level >= 1
    if (admitted) level -= 1
    const reset_ms = window === undefined ? ((burst - level) * 60_000) / perMinute : end - now
    const requests = { limit: window === undefined ? perMinute : burst, remaining: Math.floor(level), reset_ms }
    const wait = window === undefined ? ((1 - level) * 60_000) / perMinute : end - now
    return { admitted, attempt: { ...(admitted ? ok() : refusal(Math.ceil(wait))), limits: { requests } } }
  }
}

describe('what the provider says of its limits', () => {
  it('a bucket is used up to its burst and to its rate, and nearly nothing is refused', () => {
    const shape = fc.record({
      burst: fc.integer({ min: 5, max: 60 }),
      perMinute: fc.integer({ min: 60, max: 3_000 }),
      takes: fc.integer({ min: 0, max: 1_500 }),
    })
    fc.assert(
      fc.property(shape, ({ burst, perMinute, takes }) => {
        fc.pre(burst <= perMinute)
        const serve = account({ burst, perMinute })
        const server: Server = (now) => ({ attempt: serve(now).attempt, takes })
        const calls = burst + 150
        const { refused, took, answers } = simulate(calls, { concurrency: 200 }, server)
        expect(answers).toBe(calls)
        expect(refused).toBeLessThanOrEqual(0.02 * calls)
        const needs = (150 * 60_000) / perMinute + takes
        expect(took).toBeLessThanOrEqual(1.1 * needs + 4 * takes)
      }),
      { numRuns: 80 },
    )
  })

  it('who tells that there is room gets as many calls at once as are wanted, from the first answer on', () => {
    const serve = account({ burst: 1_000, perMinute: 60_000 })
    const { starts } = simulate(200, { concurrency: 50 }, (now) => ({ attempt: serve(now).attempt, takes: 100 }))
    expect(starts.filter(({ at }) => at < 100).length).toBe(5)
    expect(starts.filter(({ at }) => at < 200).length).toBe(55)
  })

  it('a window of a fixed length is used up and then waited for', () => {
    const serve = account({ burst: 40, perMinute: 0, window: 20_000 })
    const { refused, answers, took } = simulate(130, { concurrency: 50 }, (now) => ({
      attempt: serve(now).attempt,
      takes: 300,
    }))
    expect(answers).toBe(130)
    expect(refused).toBeLessThanOrEqual(8)
    expect(took).toBeLessThan(75_000)
  })

  it('calls under way stay below what it takes', () => {
    let [under, most] = [0, 0]
    const ends: number[] = []
    const server: Server = (now) => {
      under = ends.filter((end) => end > now).length + 1
      most = Math.max(most, under)
      ends.push(now + 100)
      return { attempt: { ...ok(), limits: { concurrent: 8 } }, takes: 100 }
    }
    simulate(200, { concurrency: 50 }, server)
    expect(most).toBe(8)
  })

  it('a pause that is asked for is kept, also where the account explains the refusal', () => {
    const house = newHouse()
    const at = { house, lane: laneOf(house, 'm') }
    const ceilings = { concurrency: 4 }
    const call = startCall(at, ceilings, { tokens: 0, input: 0 }, 0)
    const limits = { requests: { limit: 600, remaining: 0, reset_ms: 100 } }
    endCall(at, ceilings, { call, attempt: { ...refusal(5_000), limits }, patience, now: 10 })
    expect(at.lane.pausedUntil).toBe(5_010)
  })

  it('a wait that nobody would wait for is not believed, but asked', () => {
    const house = newHouse()
    const at = { house, lane: laneOf(house, 'm') }
    const ceilings = { concurrency: 4 }
    const call = startCall(at, ceilings, { tokens: 0, input: 0 }, 0)
    const limits = { requests: { limit: 200, remaining: 0, reset_ms: 80_000_000 } }
    endCall(at, ceilings, { call, attempt: { ...ok(), limits }, patience, now: 10 })
    expect(waitFor(at, ceilings, { tokens: 0, longestPause: 300_000 }, 10)).toBe(0)
  })
})

describe('concurrency', () => {
  it('is halved once by all refusals of one moment, and recovers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 0, max: 5 }), (concurrency, cuts) => {
        const house = newHouse()
        const at = { house, lane: laneOf(house, 'm') }
        const ceilings = { concurrency }
        let now = 0
        const one = (attempt: Attempt) => {
          const call = startCall(at, ceilings, { tokens: 0, input: 0 }, now)
          now += 1
          endCall(at, ceilings, { call, attempt, patience, now })
        }
        for (let i = 0; i < 40; i += 1) one(ok())
        expect(widthOf(at.lane.width, concurrency)).toBe(concurrency)
        for (let i = 0; i < cuts; i += 1) one(refusal())
        const low = widthOf(at.lane.width, concurrency)
        expect(low).toBe(Math.max(1, Math.floor(concurrency / 2 ** cuts)))
        for (let i = 0; i < 40 * concurrency; i += 1) one(ok())
        expect(widthOf(at.lane.width, concurrency)).toBe(concurrency)
      }),
    )
  })

  it('refusals that say when to come back tell the rate, whatever the burst and however late they are heard', () => {
    const shape = fc.record({
      burst: fc.integer({ min: 1, max: 25 }),
      perMinute: fc.integer({ min: 120, max: 2_400 }),
      takes: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 7 }),
      concurrency: fc.integer({ min: 5, max: 64 }),
    })
    fc.assert(
      fc.property(shape, ({ burst, perMinute, takes, concurrency }) => {
        const serve = account({ burst, perMinute })
        let nth = 0
        const server: Server = (now) => {
          const { admitted, attempt } = serve(now)
          const { limits: _unsaid, ...said } = attempt
          // A refusal costs the provider no work.
          return { attempt: said, takes: admitted ? (takes[nth++ % takes.length] ?? 1) : 2 }
        }
        const calls = burst + 150
        const { refused, took, answers } = simulate(calls, { concurrency }, server)
        expect(answers).toBe(calls)
        expect(refused).toBeLessThanOrEqual(0.1 * calls)
        expect(took).toBeLessThanOrEqual(3 * Math.max((150 * 60_000) / perMinute, (calls * 400) / concurrency))
      }),
      { numRuns: 150 },
    )
  })

  it('refusals without a word bring the rate near the limit, and few are wasted once it is found', () => {
    const serve = account({ burst: 5, perMinute: 300 })
    let nth = 0
    const late: boolean[] = []
    const server: Server = (now) => {
      const { admitted } = serve(now)
      if (++nth > 200) late.push(admitted)
      return { attempt: admitted ? ok() : refusal(), takes: 20 }
    }
    const { answers, took } = simulate(600, { concurrency: 20 }, server)
    expect(answers).toBe(600)
    expect(late.filter((admitted) => !admitted).length / late.length).toBeLessThan(0.06)
    expect(took).toBeLessThan(1.5 * 119_000)
  })
})

describe('whoever says when to come back', () => {
  const overloaded = (after_ms?: number): Attempt => ({
    completion: {
      ...answered,
      tool_calls: [],
      outcome: 'error',
      error: { kind: 'server_error', message: 'maintenance', status: 503 },
    },
    retry: { after_ms },
  })
  const after = (attempts: readonly Attempt[], spacing: number, up: boolean) => {
    const house = newHouse()
    house.health.up = up
    const lane = laneOf(house, 'm')
    for (const [nth, attempt] of attempts.entries()) {
      const call = startCall({ house, lane }, { concurrency: 8 }, { tokens: 0, input: 0 }, nth * spacing)
      endCall({ house, lane }, { concurrency: 8 }, { call, attempt, patience, now: nth * spacing })
    }
    const now = (attempts.length - 1) * spacing
    return { down: downBecause(house.health, 8, now), pause: lane.pausedUntil - now }
  }
  it('is busy and not gone, and is left alone until then', () => {
    const told = after(
      Array.from({ length: 14 }, () => overloaded(12_000)),
      1_000,
      true,
    )
    expect(told).toEqual({ down: undefined, pause: 12_000 })
    const untold = after(
      Array.from({ length: 14 }, () => overloaded()),
      1_000,
      true,
    )
    expect(untold.down).toBe('14 attempts in a row')
  })
  it('refusals and nothing else: given up once every limit a minute has had its minute', () => {
    const refusals = (count: number) => Array.from({ length: count }, () => refusal())
    expect(after(refusals(12), 7_000, false).down).toBeUndefined()
    expect(after(refusals(12), 9_000, false).down).toBe('12 attempts in a row')
    expect(after(refusals(12), 9_000, true).down).toBeUndefined()
  })
})
