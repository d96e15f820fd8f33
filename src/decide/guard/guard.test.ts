// Triggers of a guard, look by look: what fires, when, how often, and what is never done.
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { GuardPlan } from '../../schema/guard.ts'
import { blockAt, counts, guardWith, MINUTE, runner, T0 } from './guard-testing.ts'
import { foldGuard } from './fold.ts'

const bad = (minute: number, rate = 0.2, n = 500) => blockAt(minute, { error_rate: counts(n, Math.round(n * rate)) })
const good = (minute: number) => bad(minute, 0.01)
const trigger = (more: object) =>
  guardWith({ triggers: [{ id: 'errors', metric: 'error_rate', above: '5%', window: '2m', do: ['page'], ...more }] })
/** Looks once a minute; the minutes at which it fires. */
function firings(plan: ReturnType<typeof guardWith>, minutes: readonly boolean[]): number[] {
  const run = runner(plan)
  const fired: number[] = []
  minutes.forEach((isBad, i) => {
    run.look(i + 1, [isBad ? bad(i, 0.5) : good(i)])
    if (run.act(i + 1).some((id) => id.endsWith('-page'))) fired.push(i + 1)
  })
  return fired
}
const repeat = (value: boolean, times: number) => Array.from({ length: times }, () => value)

it('fires once, tells once, and resolves what it told', () => {
  const run = runner(trigger({}))
  expect([run.look(1, [good(0)]), run.look(2, [bad(1, 0.5)]), run.look(3, [bad(2, 0.5)])]).toEqual([
    'pass',
    'fail',
    'fail',
  ])
  const [id = ''] = run.act(3)
  expect(id).toBe(`errors@${T0 + 2 * MINUTE}-page`)
  expect(run.act(4)).toEqual([])
  run.look(5, [good(3), good(4)])
  expect(run.look(7, [good(5), good(6)])).toBe('pass')
  expect(run.act(7)).toEqual([`${id}-resolve`])
})

it('few events are no proof: a rate fires by its lower bound', () => {
  const run = runner(trigger({}))
  expect(run.look(1, [blockAt(0, { error_rate: counts(10, 2) })])).toBe('pass')
  expect(run.look(2, [blockAt(1, { error_rate: counts(1000, 200) })])).toBe('fail')
})

it('min_events: with fewer nothing is said', () => {
  const run = runner(trigger({ min_events: 1000 }))
  expect(run.look(1, [bad(0, 0.9, 400)])).toBe('pass')
  expect(run.look(2, [bad(1, 0.9, 700)])).toBe('fail')
})

it('`for` wants the condition without a break, and time without data does not count', () => {
  const plan = trigger({ for: '3m', window: '1m' })
  expect(firings(plan, [...repeat(true, 3), false, ...repeat(true, 3)])).toEqual([])
  expect(firings(plan, repeat(true, 5))).toEqual([4])
  const run = runner(plan)
  run.look(1, [bad(0)])
  expect(run.look(30, [])).not.toBe('fail')
  expect(run.look(31, [bad(30)])).toBe('pass')
  expect(run.look(33, [bad(31), bad(32)])).toBe('fail')
})

it('keep_firing_for bridges a short pause; without it, there are two episodes', () => {
  const minutes = [true, true, ...repeat(false, 3), true, true]
  expect(firings(trigger({ window: '1m' }), minutes)).toEqual([1, 6])
  expect(firings(trigger({ window: '1m', keep_firing_for: '5m' }), minutes)).toEqual([1])
})

it('cooldown: not again so soon, and then again where it still holds', () => {
  const minutes = [true, false, true, true, true, false, true]
  expect(firings(trigger({ window: '1m', cooldown: '4m' }), minutes)).toEqual([1, 5])
})

it('one harmful answer is enough, also among very many', () => {
  const plan = guardWith({
    metrics: { harmful: { bad: "eval.safety.label == 'harmful'" } },
    triggers: [{ id: 'harm', metric: 'harmful', count_above: 0, window: '5m', do: ['page'] }],
  })
  const run = runner(plan)
  expect(run.look(1, [blockAt(0, { harmful: counts(100_000, 0) })])).toBe('pass')
  expect(run.look(2, [blockAt(1, { harmful: counts(100_000, 1) })])).toBe('fail')
})

it('complaints are counted over their window', () => {
  const plan = guardWith({
    metrics: { complaints: { bad: "feedback == 'down'" } },
    triggers: [{ id: 'complaints', metric: 'complaints', count_above: 10, window: '10m', do: ['page'] }],
  })
  const run = runner(plan)
  for (let i = 0; i < 30; i += 1) expect(run.look(i + 1, [blockAt(i, { complaints: counts(1, 1) })])).toBe('pass')
  expect(run.look(31, [blockAt(30, { complaints: counts(5, 5) })])).toBe('fail')
})

it('the cost of a day is a sum; confidence is a mean below; both have no false alarm before', () => {
  const plan = guardWith({
    metrics: { cost: { mean: 'cost_usd' }, confidence: { mean: 'confidence', range: [0, 1] } },
    triggers: [
      { id: 'spend', metric: 'cost', sum_above: '$50', window: '1d', do: ['page'] },
      { id: 'unsure', metric: 'confidence', below: 0.6, window: '10m', do: ['page'] },
    ],
  })
  const run = runner(plan)
  const at = (minute: number, sum: number, mean: number) =>
    blockAt(minute, {
      cost: counts(100, 0, { sum, squares: (sum * sum) / 100 }),
      confidence: counts(100, 0, { sum: 100 * mean, squares: 100 * (mean * mean + 0.01) }),
    })
  for (let i = 0; i < 40; i += 1) expect(run.look(i + 1, [at(i, 1, 0.9)])).toBe('pass')
  run.look(41, [at(40, 11, 0.9)])
  expect(run.state().triggers['spend']?.active).not.toBeNull()
  expect(run.state().triggers['unsure']?.active).toBeNull()
  run.look(60, [at(58, 0, 0.3), at(59, 0, 0.3)])
  expect(run.state().triggers['unsure']?.active).not.toBeNull()
})

it('a percentile is the share above its limit', () => {
  const plan = guardWith({
    metrics: { latency_p95: { value: 'duration_ms' } },
    triggers: [{ id: 'slow', metric: 'latency_p95', above: '2000ms', window: '5m', do: ['page'] }],
  })
  const run = runner(plan)
  expect(run.look(1, [blockAt(0, { latency_p95: counts(2000, 0, { over: [100] }) })])).toBe('pass')
  expect(run.look(2, [blockAt(1, { latency_p95: counts(2000, 0, { over: [300] }) })])).toBe('fail')
})

it('quality falls below what was learnt, and a written reference is there at once', () => {
  const metrics = { quality: { mean: 'eval.quality.score', range: [0, 1] } }
  const triggers = [{ id: 'quality', metric: 'quality', below_baseline: 0.05, window: '10m', do: ['page'] }]
  const at = (minute: number, mean: number) =>
    blockAt(minute, { quality: counts(200, 0, { sum: 200 * mean, squares: 200 * (mean * mean + 0.01) }) })
  const learning = runner(guardWith({ metrics, triggers, learn: '10m' }))
  expect(
    learning.look(
      10,
      Array.from({ length: 10 }, (_, i) => at(i, 0.9)),
    ),
  ).toBe('pass')
  expect(learning.look(12, [at(10, 0.89), at(11, 0.89)])).toBe('pass')
  expect(
    learning.look(
      30,
      Array.from({ length: 10 }, (_, i) => at(20 + i, 0.8)),
    ),
  ).toBe('fail')
  const reference = { quality: { n: 2000, mean: 0.9, deviation: 0.1 } }
  const written = runner(guardWith({ metrics, triggers, reference }))
  expect(written.look(2, [at(0, 0.8), at(1, 0.8)])).toBe('fail')
})

it('a model that answers for another is a fact, told once', () => {
  const plan = guardWith({
    triggers: [{ id: 'swap', changed: 'response_model', window: '10m', do: ['page'] }],
  })
  const run = runner(plan)
  const pair = (answered: string) => [{ arm: 'baseline' as const, requested: 'gpt-4o', answered }]
  expect(run.look(1, [good(0)], pair('gpt-4o-2024-08-06'))).toBe('pass')
  expect(run.look(2, [good(1)], pair('gpt-4o-2024-11-20'))).toBe('fail')
  expect(run.act(2)).toHaveLength(1)
  expect(run.state().episodes[0]?.text).toContain(
    'gpt-4o is answered by gpt-4o-2024-11-20 instead of gpt-4o-2024-08-06',
  )
  run.look(3, [good(2)])
  expect(run.act(3)).toEqual([])
  expect(run.look(20, [good(19)])).toBe('pass')
})

it('no data is invalid, never a pass, and may itself be a trigger', () => {
  const run = runner(guardWith({ triggers: [{ id: 'silence', no_data_for: '20m', do: ['page'] }] }))
  expect(run.look(1, [good(0)])).toBe('pass')
  expect(run.look(2, 'The source is away.')).toBe('invalid')
  expect(run.look(15, 'The source is away.')).toBe('invalid')
  expect(run.look(25, 'The source is away.')).toBe('fail')
  expect(run.act(25)).toHaveLength(1)
})

it('what was over before anybody looked tells people and changes nothing', () => {
  const actions = { page: { type: 'pagerduty', routing_key_env: 'KEY' }, back: { type: 'rollback' } }
  const triggers = [{ id: 'errors', metric: 'error_rate', above: '5%', window: '1m', do: ['back', 'page'] }]
  const late = runner(guardWith({ actions, triggers }))
  expect(late.look(10, [bad(0, 0.5), ...[1, 2, 3, 4].map(good)])).toBe('fail')
  expect(late.act(10).map((id) => id.split('-').at(-1))).toEqual(['page'])
  const timely = runner(guardWith({ actions, triggers }))
  timely.look(1, [bad(0, 0.5)])
  expect(timely.act(1).map((id) => id.split('-').at(-1))).toEqual(['back', 'page'])
})

it('a failed action stays due with a pause, pages at each attempt, and is not begun a day later', () => {
  const actions = { page: { type: 'pagerduty', routing_key_env: 'KEY' }, back: { type: 'rollback' } }
  const triggers = [{ id: 'errors', metric: 'error_rate', above: '5%', window: '1m', do: ['back'] }]
  const run = runner(guardWith({ actions, triggers, on_failure: ['page'] }))
  run.look(1, [bad(0, 0.5)])
  const [id = ''] = run.due(1)
  run.mark(1, { kind: 'intent', id, action: 'rollback', subject: 'back', wanted: null, why: '' })
  expect(run.due(1)).toEqual([id])
  run.mark(1, { kind: 'failed', id, error: 'no', attempt: 1 })
  expect(run.due(1)).toEqual([`failed-${id}-1-page`])
  run.mark(1, { kind: 'applied', id: `failed-${id}-1-page`, read_back: null })
  expect(run.due(1)).toEqual([])
  run.mark(2, { kind: 'failed', id, error: 'no', attempt: 2 })
  expect(run.due(2)).toEqual([`failed-${id}-2-page`])
  expect(run.due(5)).toContain(id)
  const lost = runner(guardWith({ actions, triggers }))
  lost.look(1, [bad(0, 0.5)])
  expect(lost.due(24 * 60 + 2)).toEqual([])
})

it('a day with one incident: the right trigger fires once, the right component goes back, nothing else', () => {
  const plan = guardWith({
    metrics: {
      error_rate: { bad: 'error.type != null' },
      latency_p95: { value: 'duration_ms' },
      hallucination_rate: { bad: "eval.groundedness.label == 'fail'" },
      cost: { mean: 'cost_usd' },
    },
    triggers: [
      { id: 'errors', metric: 'error_rate', above: '5%', window: '15m', for: '5m', do: ['model-back', 'page'] },
      { id: 'slow', metric: 'latency_p95', above: '2s', window: '15m', for: '5m', do: ['model-back'] },
      {
        id: 'lies',
        metric: 'hallucination_rate',
        above: '8%',
        window: '30m',
        for: '5m',
        cooldown: '6h',
        do: ['prompt-back', 'page'],
      },
      { id: 'spend', metric: 'cost', sum_above: '$5000', window: '1d', do: ['page'] },
    ],
    actions: {
      'model-back': { type: 'rollback', components: ['model'] },
      'prompt-back': { type: 'rollback', components: ['prompt'] },
      page: { type: 'pagerduty', routing_key_env: 'KEY' },
    },
  })
  const run = runner(plan)
  const pending: ReturnType<typeof blockAt>[] = []
  let random = 7
  const draw = () => (random = (random * 48271) % 2147483647) / 2147483647
  const binomial = (n: number, p: number) => Array.from({ length: n }, draw).filter((one) => one < p).length
  const done: { minute: number; id: string }[] = []
  let healed = Number.POSITIVE_INFINITY
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    const n = Math.round(120 + 80 * Math.sin((minute / 1440) * 2 * Math.PI))
    const ill = minute >= 600 && minute < healed
    const block = blockAt(minute, {
      error_rate: counts(n, binomial(n, 0.02)),
      latency_p95: counts(n, 0, { over: [binomial(n, 0.03)] }),
      hallucination_rate: counts(Math.round(n / 2), binomial(Math.round(n / 2), ill ? 0.25 : 0.03)),
      cost: counts(n, 0, { sum: n * 0.01, squares: n * 0.0001 }),
    })
    if (minute % 5 !== 4) {
      pending.push(block)
      continue
    }
    run.look(minute + 1, [...pending.splice(0), block])
    for (const id of run.act(minute + 1)) {
      done.push({ minute, id })
      if (id.includes('prompt-back')) healed = minute + 1
    }
  }
  const names = done.map(({ id }) => id.replace(/@\d+/, ''))
  expect(names).toEqual(['lies-prompt-back', 'lies-page', 'lies-page-resolve'])
  expect(done[0]?.minute).toBeGreaterThan(605)
  expect(done[0]?.minute).toBeLessThan(640)
})

it('a fold that goes on from a kept state comes to the same as one from the beginning', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 20 }), (rates) => {
      const run = runner(trigger({ window: '3m', for: '1m', keep_firing_for: '2m', cooldown: '5m' }))
      let kept = run.state()
      rates.forEach((rate, i) => {
        run.look(i + 1, [bad(i, rate / 100, 100)])
        if (i === Math.floor(rates.length / 2)) kept = run.state()
      })
      const frame = { aigate: 'guard', version: 1, seq: 1, at: new Date(kept.at).toISOString(), by: 'x' } as const
      const carried = foldGuard([
        { ...frame, kind: 'carry', state: JSON.parse(JSON.stringify(kept)) as never, from: 'a', prev: '', hash: '' },
      ])
      expect(carried).toEqual({ ...kept, seq: 1 })
    }),
    { numRuns: 30 },
  )
})

it('the guard of the manual is one', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/guard.md'), 'utf8')
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  expect(GuardPlan.parse(parse(yaml)).triggers).toHaveLength(10)
})

it.each([
  [{ id: 'a', metric: 'error_rate', do: ['page'] }, /needs one of/],
  [{ id: 'a', metric: 'error_rate', above: 1, below: 0, do: ['page'] }, /needs one of/],
  [{ id: 'a', metric: 'errors', above: 1, do: ['page'] }, /there is no metric .*errors/],
  [{ id: 'a', metric: 'error_rate', sum_above: 1, do: ['page'] }, /metric with `mean`/],
  [{ id: 'a', metric: 'error_rate', changed: 'response_model', do: ['page'] }, /asks for no metric/],
])('refuses %j', (one, problem) => {
  expect(() => guardWith({ triggers: [one] })).toThrow(problem)
})
