// What is wasted on an API that only refuses, and how long it takes: the engine against hidden limits, by a clock that the test turns.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Attempt, Provider } from '../../ports.ts'
import { newBudget, runPass } from '../engine.ts'
import { unitOf } from '../random.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => void vi.useRealTimers())

/** A bucket of `burst` calls that refills `rpm` times a minute, and at most `under` at once; from call `from` on as `later` says. */
type Hidden = { rpm?: number; burst?: number; under?: number }
type Limit = Hidden & { calls: number; latency?: number; way?: number; later?: Hidden & { from: number } }
type Told = 'milliseconds' | 'seconds' | 'nothing'

const answered = { outcome: 'answered', text: 'x', tool_calls: [], latency_ms: 1, attempts: 1 } as const
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks all calls, 50 at once. @returns how many were refused, of how many, and how long it took against what the limit needs */
async function run(limit: Limit, told: Told, seed: number) {
  const { calls, latency = 0, way = 1, later } = limit
  let { rpm = 1e9, burst = 1e6, under = Infinity } = limit
  let [level, at] = [burst, Date.now()]
  const ends = new Set<{ at: number }>()
  const seen = { requests: 0, refused: 0, answered: 0 }
  const serve = () => {
    const now = Date.now()
    seen.requests += 1
    if (later && seen.requests > later.from) ({ rpm = 1e9, burst = 1e6, under = Infinity } = later)
    level = Math.min(burst, level + ((now - at) * rpm) / 60_000)
    at = now
    if (level < 1) return ((1 - level) * 60_000) / rpm
    if (ends.size >= under) return Math.max(1, Math.min(...[...ends].map((end) => end.at)) - now)
    level -= 1
    return 0
  }
  let nth = 0
  const jitter = () => 0.6 + 0.8 * unitOf(`${seed}/${(nth += 1)}`)
  const ask = async (): Promise<Attempt> => {
    await after((way / 2) * jitter())
    const wait = serve()
    if (wait === 0) {
      const takes = latency * jitter()
      const end = { at: Date.now() + takes }
      ends.add(end)
      await after(takes)
      ends.delete(end)
      await after(way / 2)
      return { completion: { ...answered, tool_calls: [] } }
    }
    seen.refused += 1
    await after((way / 2) * jitter())
    const error = { kind: 'rate_limit' as const, message: 'slow down' }
    const whole = told === 'seconds' ? Math.ceil(wait / 1_000) * 1_000 : Math.ceil(wait)
    return {
      completion: { ...answered, tool_calls: [], outcome: 'error', error },
      retry: told === 'nothing' ? {} : { after_ms: whole },
    }
  }
  const provider: Provider = { name: 'p', concurrency: 50, timeout_ms: 600_000, retries: 3, ask }
  const requests = Array.from({ length: calls }, (_, i) => ({
    key: `k${i}`,
    case: { id: `c${i}`, tags: [], critical: false, vars: {}, assert: [] },
    trial: 1,
    messages: [],
  }))
  const start = Date.now()
  const state = { done: false }
  const pass = runPass({
    requests,
    provider,
    seed,
    signal: new AbortController().signal,
    clock: { monotonic: () => Date.now() },
    budget: newBudget(),
    onCompletion: (_request, { outcome }) => void (seen.answered += outcome === 'answered' ? 1 : 0),
  }).finally(() => {
    state.done = true
  })
  for (let turns = 0; !state.done && turns < 100_000; turns += 1) await vi.advanceTimersToNextTimerAsync()
  await pass
  expect(seen.answered).toBe(calls)
  const first = later ? Math.min(calls, later.from) : calls
  const took = Date.now() - start
  const needed = ({ rpm = 1e9, burst = 0, under = Infinity }: Hidden, asked: number) =>
    Math.max((Math.max(0, asked - burst) * 60_000) / rpm, (asked * latency) / under)
  const limited = needed(limit, first) + (later ? needed({ ...later, burst: 0 }, calls - first) : 0) + latency + way
  const needs = Math.max(limited, (calls / 50) * (latency + way))
  return { share: seen.refused / seen.requests, ratio: took / needs, took, needs }
}

const each = async (limit: Limit, told: Told, seeds: number) => {
  const runs: Awaited<ReturnType<typeof run>>[] = []
  for (let seed = 1; seed <= seeds; seed += 1) runs.push(await run(limit, told, seed))
  const mean = (of: 'share' | 'ratio') => runs.reduce((sum, one) => sum + one[of], 0) / runs.length
  const most = (of: 'share' | 'ratio') => Math.max(...runs.map((one) => one[of]))
  return { mean: { share: mean('share'), ratio: mean('ratio') }, most: { share: most('share'), ratio: most('ratio') } }
}

describe.each<Told>(['milliseconds', 'seconds', 'nothing'])('refusals that tell %s', (told) => {
  it.each<Limit>([
    { rpm: 300, burst: 5, calls: 100 },
    { rpm: 1_200, burst: 20, calls: 200 },
  ])('$rpm a minute in bursts of $burst: at most 2 % of the calls are wasted', async (limit) => {
    const { most } = await each(limit, told, 8)
    expect(most.share).toBeLessThanOrEqual(0.02)
    expect(most.ratio).toBeLessThanOrEqual(1.1)
  })

  it('answers that take long cost little more', async () => {
    const { mean } = await each({ rpm: 300, burst: 5, calls: 100, latency: 400, way: 4 }, told, 8)
    expect(mean.share).toBeLessThanOrEqual(0.028)
    expect(mean.ratio).toBeLessThanOrEqual(1.12)
  })

  it('a limit that rises is found again, one that falls is ridden out', async () => {
    const rises = { rpm: 300, burst: 5, calls: 600, latency: 100, later: { from: 200, rpm: 1_200, burst: 20 } }
    const up = await each(rises, told, 3)
    expect(up.mean.share).toBeLessThanOrEqual(0.03)
    expect(up.mean.ratio).toBeLessThanOrEqual(1.3)
    const falls = { rpm: 1_200, burst: 20, calls: 500, latency: 100, later: { from: 300, rpm: 300, burst: 5 } }
    const down = await each(falls, told, 3)
    expect(down.mean.share).toBeLessThanOrEqual(0.03)
    expect(down.mean.ratio).toBeLessThanOrEqual(1.2)
  })

  it('limits of all sizes: none is lost, few are wasted', async () => {
    const shares: number[] = []
    let [took, needed] = [0, 0]
    for (let seed = 1; seed <= 15; seed += 1) {
      const of = (what: string) => unitOf(`${seed}/${what}`)
      const rpm = Math.round(60 * 100 ** of('rpm'))
      const limit = { rpm, burst: Math.round(30 ** of('burst')), calls: 400, latency: 300 * of('latency') }
      const one = await run(limit, told, seed)
      shares.push(one.share)
      took += one.took
      needed += one.needs
    }
    expect(Math.max(...shares)).toBeLessThanOrEqual(0.02)
    expect(took / needed).toBeLessThanOrEqual(1.1)
  })
})

describe.each<[Told, number]>([
  ['milliseconds', 1.2],
  ['seconds', 1.5],
  ['nothing', 1.3],
])('a number of calls under way, refusals tell %s', (told, middle) => {
  it(`is found by few refusals and used: ${middle} times what it needs at most, as a median`, async () => {
    const ratios: number[] = []
    for (const under of [2, 5, 6, 16])
      for (const latency of [50, 200, 600]) {
        const calls = 100 + 100 * (ratios.length % 5)
        const { ratio, took, needs, share } = await run({ calls, under, latency }, told, ratios.length)
        ratios.push(ratio)
        expect(share * calls).toBeLessThanOrEqual(9)
        // One pause of a second before it is known what it is, and one of a call that is tried beyond it.
        expect(took).toBeLessThanOrEqual(1.35 * needs + 2_500)
      }
    expect(ratios.toSorted((a, b) => a - b)[ratios.length >> 1]).toBeLessThanOrEqual(middle)
  })

  it.each<Limit & { most: number }>([
    { under: 16, calls: 400, latency: 200, later: { from: 150, under: 5 }, most: 1.5 },
    { under: 5, calls: 400, latency: 200, later: { from: 150, under: 16 }, most: 1.8 },
    { under: 6, calls: 300, latency: 200, later: { from: 150, rpm: 300, burst: 5 }, most: 1.2 },
  ])('one that becomes another limit in the middle is given up: $under, then $later', async ({ most, ...limit }) => {
    const { mean } = await each(limit, told, 5)
    expect(mean.ratio).toBeLessThanOrEqual(most)
    expect(mean.share).toBeLessThanOrEqual(0.03)
  })

  it.each<Limit>([
    { under: 6, rpm: 300, burst: 5, calls: 200, latency: 200 },
    { under: 3, rpm: 600, burst: 10, calls: 200, latency: 400 },
    { under: 5, rpm: 1_200, burst: 20, calls: 200, latency: 600 },
  ])('with a rate as well, none is lost: $under at once, $rpm a minute in bursts of $burst', async (limit) => {
    const { mean } = await each(limit, told, 3)
    expect(mean.ratio).toBeLessThanOrEqual(1.15)
    expect(mean.share).toBeLessThanOrEqual(0.03)
  })
})

it('where nothing is refused nothing is held back', async () => {
  const { ratio } = await run({ rpm: 1e9, burst: 1e6, calls: 2_000, latency: 50 }, 'nothing', 1)
  expect(ratio).toBeLessThanOrEqual(1.15)
})
