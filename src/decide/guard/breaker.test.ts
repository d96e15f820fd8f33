// The life of a circuit breaker: opens, tries again, closes, escalates, and stays open when it flaps.
import { expect, it } from 'vitest'
import { blockAt, counts, guardWith, runner } from './guard-testing.ts'
import { wishOf } from './breaker.ts'

const plan = (more: object = {}) =>
  guardWith({
    triggers: [],
    breakers: [
      {
        id: 'model',
        when: [{ metric: 'error_rate', above: '10%', window: '2m', for: '1m' }],
        flag: { path: 'flags.json', name: 'model', variants: { main: 'gpt-a', previous: 'gpt-b', human: 'queue' } },
        open_for: '5m',
        probe_share: '1%',
        settle: '0s',
        max_opens_per_day: 3,
        do: ['page'],
        ...more,
      },
    ],
  })
const key = (variant: string) => `error_rate.of.model.${variant}`
const minute = (at: number, rates: Record<string, [number, number]>) =>
  blockAt(at, Object.fromEntries(Object.entries(rates).map(([name, [n, bad]]) => [key(name), counts(n, bad)])))
const phase = (run: ReturnType<typeof runner>) => run.state().breakers['model']?.phase
function serving(run: ReturnType<typeof runner>, guard = plan()) {
  const [breaker] = guard.breakers
  const standing = run.state().breakers['model']
  return breaker && standing ? wishOf(breaker, standing) : null
}

/** Opens it within the first four minutes. */
function opened(guard = plan()) {
  const run = runner(guard)
  expect(run.act(0)).toEqual(['breaker-model-g0'])
  for (const at of [0, 1, 2]) run.look(at + 1, [minute(at, { main: [200, 100] })])
  return run
}

it('opens on a condition that was held, serves the fallback, and tells once', () => {
  const run = runner(plan())
  run.look(1, [minute(0, { main: [200, 100] })])
  expect(phase(run)).toBe('closed')
  expect(run.look(2, [minute(1, { main: [200, 100] })])).toBe('fail')
  expect(phase(run)).toBe('open')
  expect(serving(run)).toEqual({ serving: 'previous', ppm: 0, generation: 1 })
  expect(run.act(2).map((id) => id.replace(/@\d+/, ''))).toEqual(['breaker-model-g1', 'model-page'])
  expect(run.act(3)).toEqual([])
})

it('tries the primary with a small share, closes when it is proven well', () => {
  const run = opened()
  run.look(5, [minute(4, { previous: [200, 1] })])
  expect(phase(run)).toBe('open')
  run.look(8, [minute(7, { previous: [200, 1] })])
  expect(phase(run)).toBe('half-open')
  expect(serving(run)).toEqual({ serving: 'previous', ppm: 10_000, generation: 2 })
  run.look(9, [minute(8, { previous: [200, 1], main: [5, 0] })])
  expect(phase(run)).toBe('half-open')
  for (let at = 9; at < 60 && phase(run) === 'half-open'; at += 1)
    run.look(at + 1, [minute(at, { previous: [200, 1], main: [10, 0] })])
  expect(phase(run)).toBe('closed')
  expect(serving(run)).toEqual({ serving: 'main', ppm: 0, generation: 3 })
})

it('a probe that fails opens it again, twice as long; too often, it stays open until a person closes it', () => {
  const run = opened()
  let at = 3
  const step = (rates: Record<string, [number, number]>) => run.look(++at, [minute(at - 1, rates)])
  const pauses: number[] = []
  for (let i = 0; i < 200 && phase(run) !== 'stuck'; i += 1) {
    const before = phase(run)
    step({ previous: [200, 1], main: phase(run) === 'half-open' ? [10, 8] : [0, 0] })
    const { open_until: until, since } = run.state().breakers['model'] ?? {}
    if (before === 'half-open' && phase(run) === 'open') pauses.push(((until ?? 0) - (since ?? 0)) / 60_000)
  }
  expect(pauses).toEqual([10, 20])
  expect(phase(run)).toBe('stuck')
  for (let i = 0; i < 100; i += 1) step({ previous: [200, 1] })
  expect(phase(run)).toBe('stuck')
  run.add(at + 1, { kind: 'said', verb: 'close', breaker: 'model', reason: 'mended' })
  expect(phase(run)).toBe('closed')
  expect(serving(run)?.serving).toBe('main')
})

it('a fallback that is bad itself hands over to the next, and the last one stays', () => {
  const run = opened()
  for (let at = 3; at < 6; at += 1) run.look(at + 1, [minute(at, { previous: [200, 150] })])
  expect(serving(run)?.serving).toBe('human')
  for (let at = 6; at < 9; at += 1) run.look(at + 1, [minute(at, { human: [200, 150] })])
  expect(serving(run)?.serving).toBe('human')
})

it('events within `settle` of a change do not count', () => {
  const guard = plan({ settle: '10m' })
  const run = opened(guard)
  for (let at = 3; at < 8; at += 1) run.look(at + 1, [minute(at, { previous: [200, 150] })])
  expect(serving(run, guard)?.serving).toBe('previous')
})

it('quality may open it: a mean below its limit', () => {
  const guard = guardWith({
    triggers: [],
    metrics: { quality: { mean: 'eval.quality.score', range: [0, 1] } },
    breakers: [
      {
        id: 'model',
        when: [{ metric: 'quality', below: 0.7, window: '5m' }],
        flag: { path: 'f', name: 'm', variants: { main: 1, previous: 2 } },
        open_for: '5m',
        settle: 0,
      },
    ],
  })
  const run = runner(guard)
  const at = (i: number, variant: string, mean: number) =>
    blockAt(i, {
      [`quality.of.model.${variant}`]: counts(100, 0, { sum: 100 * mean, squares: 100 * (mean * mean + 0.01) }),
    })
  expect(run.look(1, [at(0, 'main', 0.9)])).toBe('pass')
  run.look(10, [at(8, 'main', 0.5), at(9, 'main', 0.5)])
  expect(phase(run)).toBe('open')
  run.look(16, [at(15, 'previous', 0.9)])
  expect(phase(run)).toBe('half-open')
  for (let i = 16; i < 40 && phase(run) === 'half-open'; i += 1) run.look(i + 1, [at(i, 'main', 0.9)])
  expect(phase(run)).toBe('closed')
})
