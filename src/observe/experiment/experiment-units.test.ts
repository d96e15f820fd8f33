// Events folded into units: one number a unit, first variant, labels to their answers, order, duplicates, and a table that is full.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExperimentPlan } from '../../schema/experiment.ts'
import { ExperimentSummary } from '../../schema/experiment-summary.ts'
import { foldUnits } from './experiment-units.ts'

const START = Date.parse('2026-10-05T00:00:00Z')
const DAY = 86_400_000
const plan = ExperimentPlan.parse({
  experiment: 'e',
  hypothesis: 'It helps.',
  variants: { control: { share: '50%' }, b: { share: '50%' } },
  source: { type: 'jsonl', path: 'x.jsonl' },
  metrics: {
    failed: { bad: 'error.type != null' },
    failing: { bad: 'error.type != null', per_unit: 'mean' },
    happy: { good: "feedback == 'up'" },
    slow: { value: 'duration_ms', tail_at: '2s' },
    cost: { kind: 'skewed', value: 'cost_usd', per_unit: 'sum' },
    latency: { mean: 'duration_ms' },
  },
  primary: { metric: 'failed', effect: { abs: 0.05 }, direction: 'decrease' },
  segments: {},
  horizon: { start: '2026-10-05T00:00:00Z', end: '2026-10-19T00:00:00Z' },
})
const request = (hours: number, unit: string, variant: string | null, more: object = {}) => ({
  ts: new Date(START + hours * 3_600_000).toISOString(),
  'gen_ai.response.id': `${unit}-${hours}`,
  'feature_flag.context.id': unit,
  ...(variant !== null && { 'aigate.variant': variant }),
  ...more,
})
const feedback = (hours: number, answer: string, value: string) => ({
  ts: new Date(START + hours * 3_600_000).toISOString(),
  'event.name': 'aigate.feedback',
  'gen_ai.response.id': answer,
  'aigate.feedback': value,
})
function fold(events: readonly object[], more: object = {}) {
  const folded = foldUnits(plan, 'aigate', { since: START, until: START + 14 * DAY, ...more })
  for (const event of events) folded.add(event as Record<string, unknown>)
  return ExperimentSummary.parse(folded.finish())
}

describe('foldUnits', () => {
  const failing = { 'error.type': 'timeout', duration_ms: 3000, cost_usd: 0.01 }
  const fine = { duration_ms: 1000, cost_usd: 0.02 }
  it('makes one number of the events of a unit', () => {
    const seen = fold([request(1, 'u', 'b', failing), request(2, 'u', 'b', fine), request(30, 'w', 'control', fine)])
    const { metrics, units } = seen.variants['b']!
    expect(units).toBe(1)
    expect(metrics).toMatchObject({
      failed: { n: 1, bad: 1, sum: 1 },
      failing: { n: 1, bad: 0, sum: 0.5, squares: 0.25 },
      happy: { n: 0 },
      slow: { n: 1, bad: 1 },
      cost: { n: 1, sum: 0.03 },
      latency: { n: 1, sum: 2000, squares: 4_000_000 },
    })
    expect(Object.values(metrics['cost']!.histogram!)).toEqual([1])
    expect(seen.days.slice(0, 2)).toEqual([
      { control: 0, b: 1 },
      { control: 1, b: 0 },
    ])
  })
  it('gives a label to the unit of its answer, also where it comes first', () => {
    const seen = fold([feedback(1, 'u-1', 'up'), request(1, 'u', 'b', fine), feedback(3, 'nobody-1', 'up')])
    expect(seen.variants['b']!.metrics['happy']).toMatchObject({ n: 1, bad: 1 })
    expect(seen.without_variant).toBe(1)
  })
  it('counts a unit for the variant of its first event, in any order of lines, and says that it saw both', () => {
    const events = [request(1, 'u', 'b', fine), request(2, 'u', 'control', failing)]
    for (const order of [events, events.toReversed()]) {
      const seen = fold(order)
      expect(seen.both).toBe(1)
      expect(seen.variants['control']!.units).toBe(0)
      expect(seen.variants['b']!.metrics['failed']).toMatchObject({ n: 1, bad: 1 })
    }
  })
  it('passes over what is outside, of others, doubled or unreadable', () => {
    const seen = fold([
      request(-1, 'u', 'b'),
      request(14 * 24, 'u', 'b'),
      request(1, 'v', 'b', { 'aigate.experiment': 'other' }),
      request(1, 'w', 'b'),
      request(1, 'w', 'b'),
      request(2, 'x', null),
      request(2, 'y', 'green'),
      { ts: 'soon' },
    ])
    expect(seen.variants['b']!.units).toBe(1)
    expect(seen).toMatchObject({ events: 4, duplicates: 1, without_variant: 2, unreadable: 1 })
  })
  it('with `everyone` counts all as one variant, to learn what is usual', () => {
    const seen = fold([request(1, 'u', null, failing), request(1, 'v', 'green', fine)], { everyone: 'control' })
    expect(seen.variants['control']).toMatchObject({ units: 2, metrics: { failed: { n: 2, bad: 1 } } })
  })
  it('keeps the segment of the first event', () => {
    const seen = fold([
      request(2, 'u', 'b', { 'aigate.segment': 'pro' }),
      request(1, 'u', 'b', { 'aigate.segment': 'free' }),
    ])
    expect(seen.segments!['free']!['b']!.units).toBe(1)
    expect(seen.segments!['pro']!['b']!.units).toBe(0)
  })
  it('knows no order of lines', () => {
    const one = fc.record({
      hour: fc.integer({ min: 0, max: 300 }),
      unit: fc.integer({ min: 0, max: 8 }),
      bad: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.uniqueArray(one, { maxLength: 30, selector: ({ hour, unit }) => `${hour} ${unit}` }), (list) => {
        const events = list.map(({ hour, unit, bad }) =>
          request(hour, `u${unit}`, unit % 3 === 0 ? 'b' : 'control', bad ? failing : fine),
        )
        const [forward, backward] = [fold(events), fold(events.toReversed())]
        const counts = ({ variants }: typeof forward) =>
          Object.values(variants).map(({ units, metrics }) => [
            units,
            metrics['failed'],
            metrics['slow'],
            metrics['latency']?.n,
          ])
        expect(counts(backward)).toEqual(counts(forward))
        expect(backward.days).toEqual(forward.days)
      }),
    )
  })
  it('a full table becomes a fair sample, with all events of those that stay', () => {
    const events = Array.from({ length: 6000 }, (_, i) => [0, 1].map((hour) => request(hour, `u${i}`, i % 2 ? 'b' : 'control', fine))) // biome-ignore format: one line
    const seen = fold(events.flat(), { most: 1000 })
    expect(seen.followed).toBeLessThanOrEqual(0.25)
    const { control, b } = seen.variants
    const units = control!.units + b!.units
    expect(units).toBeLessThanOrEqual(1000)
    expect(units / seen.followed).toBeGreaterThan(5000)
    expect(units / seen.followed).toBeLessThan(7000)
    expect(b!.metrics['cost']!.sum).toBeCloseTo(0.04 * b!.units, 9)
  })
})
