// Live drift from made-up counts: proven and large enough, or none; too little is not measured; another model is a fact.
import { expect, it } from 'vitest'
import { DriftPlan, type DriftSample, type HourlyCounts } from '../../schema/drift.ts'
import { liveDrift } from './live-drift.ts'

const START = Date.parse('2026-11-14T00:00:00.000Z')
const plan = (watch: object) =>
  DriftPlan.parse({ drift: 'production', source: { type: 'jsonl', path: 'logs/*.jsonl' }, watch })
/** Three days, hour by hour: the counts of an hour by its number. */
const hours = (cells: (hour: number) => Record<string, number>, count = 72): HourlyCounts =>
  Array.from({ length: count }, (_, hour) => ({
    hour: new Date(START + hour * 3_600_000).toISOString(),
    cells: cells(hour),
  }))
const sample = (counts: Record<string, HourlyCounts>, models: DriftSample['models'] = []): DriftSample => ({
  since: new Date(START).toISOString(),
  until: new Date(START + 72 * 3_600_000).toISOString(),
  events: 72 * 100,
  counts,
  models,
})
const tide = (hour: number) => hour % 3
const rate = (bad: number) => hours((hour) => ({ bad: bad + tide(hour), good: 100 - bad - tide(hour) }))
const refusals = plan({ refusals: { rate: 'refused == true' } })

it.each([
  ['as before', 5, 5, 'pass'],
  ['three times as many', 5, 15, 'fail'],
  ['far fewer', 20, 5, 'fail'],
  ['proven, and smaller than its floor', 5, 6, 'pass'],
])('a rate: %s', (_, before, now, outcome) => {
  const made = liveDrift(refusals, sample({ refusals: rate(before) }), sample({ refusals: rate(now) }))
  expect(made.outcome).toBe(outcome)
  expect(made.rows).toMatchObject([{ name: 'refusals', outcome }])
})

it('a mix that moves is found, a tide that comes every day is not', () => {
  const watch = plan({ language: { mix: 'user.language', values: ['de', 'en'] } })
  const mix = (german: number) => hours((hour) => ({ de: german + tide(hour), en: 100 - german - tide(hour) }))
  const day = (shift: number) => hours((hour) => ({ de: 20 + ((hour + shift) % 24), en: 80 - ((hour + shift) % 24) }))
  const of = (before: HourlyCounts, now: HourlyCounts) => liveDrift(watch, sample({ language: before }), sample({ language: now })).outcome // biome-ignore format: one line
  expect(of(mix(20), mix(60))).toBe('fail')
  expect(of(day(0), day(0))).toBe('pass')
})

it.each([
  ['too few events', hours(() => ({ bad: 0, good: 1 }))],
  ['too few hours', hours(() => ({ bad: 50, good: 950 }), 3)],
  ['none', []],
])('%s is not measured, and never a pass', (_, now) => {
  const made = liveDrift(refusals, sample({ refusals: rate(5) }), sample({ refusals: now }))
  expect(made.outcome).toBe('invalid')
  expect(made.reasons.join(' ')).toContain('Not measured: refusals.')
  expect(made.warnings).toHaveLength(1)
})

it('another model that answers is a fact, whatever the counts say', () => {
  const models = (answered: string) => [{ requested: 'gpt-4o', answered }]
  const before = sample({ refusals: rate(5) }, models('gpt-4o-2024-08-06'))
  const made = liveDrift(refusals, before, sample({ refusals: rate(5) }, models('gpt-4o-2024-11-20')))
  expect(made.outcome).toBe('fail')
  expect(made.swaps.join(' ')).toContain('gpt-4o-2024-11-20')
  expect(made.rows).toMatchObject([{ outcome: 'pass' }])
})

it('alpha is shared by everything that is watched', () => {
  const two = plan({ refusals: { rate: 'refused == true' }, empty: { rate: 'tokens == 0' } })
  const made = liveDrift(two, sample({ refusals: rate(5), empty: rate(2) }), sample({ refusals: rate(15), empty: rate(2) })) // biome-ignore format: one line
  expect(made.rows.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(['refusals fail', 'empty pass'])
})
