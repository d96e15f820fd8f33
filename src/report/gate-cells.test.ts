// The cells of every kind of gate, as people read them.
import { expect, it } from 'vitest'
import { gate, latency, regression, suiteReport } from '../../fixtures/report/sample.ts'
import type { GateResult } from '../schema/verdict.ts'
import { gateCells, intervalNote, shownGates } from './gate-cells.ts'

const none = { before: '–', difference: '–', p: '–' }
const level = 0.95

it.each<[string, GateResult, object]>([
  ['floor', gate(), { ...none, now: '92.5 %', interval: '87.1 to 96.1 %', limit: '≥ 85 %', verdict: 'pass' }],
  [
    'regression',
    regression({ outcome: 'fail', difference: -0.107 }),
    {
      now: '92.5 %',
      before: '91.5 %',
      difference: '-10.7 points',
      interval: '-2.1 to +4.1',
      limit: '≥ -5 points',
      p: '0.913',
      verdict: 'fail',
    },
  ],
  [
    'latency against the baseline',
    latency(),
    {
      now: '1.43 s',
      before: '1.31 s',
      difference: '+9.2 %',
      interval: '+1.2 to +17.4 %',
      limit: '≤ +10 %',
      p: '0.588',
    },
  ],
  [
    'latency against a limit',
    latency({ baseline: null, difference: null, interval: { low: 900, high: Infinity, level }, limit: 2000, p: null }),
    { ...none, now: '1.43 s', interval: '900 ms to ∞', limit: '≤ 2.00 s' },
  ],
  [
    'cost against a limit',
    gate({ kind: 'cost', unit: 'usd', estimate: 0.0041, interval: { low: 0.004, high: 0.0043, level }, limit: 0.01 }),
    { ...none, now: '$0.0041', interval: '$0.0040 to $0.0043', limit: '≤ $0.0100' },
  ],
  [
    'score against a floor',
    gate({ kind: 'score', unit: 'score', estimate: 0.812, interval: { low: 0.78, high: 0.84, level }, limit: 0.8 }),
    { ...none, now: '0.812', interval: '0.780 to 0.840', limit: '≥ 0.8' },
  ],
  [
    'score against the baseline',
    gate({
      kind: 'score',
      unit: 'score',
      estimate: 0.8,
      baseline: 0.9,
      difference: -0.1,
      interval: { low: -0.12, high: -0.08, level },
      limit: 0.05,
    }),
    { now: '0.800', before: '0.900', difference: '-0.100', interval: '-0.120 to -0.080', limit: '≥ -0.05' },
  ],
  [
    'critical',
    gate({ kind: 'critical', unit: 'cases', estimate: 2, interval: null, limit: 0, outcome: 'fail' }),
    { ...none, now: '2', interval: '–', limit: '≤ 0', verdict: 'fail' },
  ],
  [
    'not measured, and shown only',
    gate({ estimate: null, interval: null, outcome: 'invalid', decides: false }),
    { ...none, now: '–', interval: '–', verdict: '(not measured)' },
  ],
])('%s', (_, found, cells) => expect(gateCells(found)).toMatchObject(cells))

it('says what an interval is', () => {
  const verdict = suiteReport().verdict
  expect(intervalNote(verdict)).toMatch(/^Interval: 90 %, each bound one-sided at 95 %/)
  const other = gate({ interval: { low: 0, high: 1, level: 0.975 } })
  expect(intervalNote({ ...verdict, gates: [...verdict.gates, other] })).toMatch(/90 % to 95 %.*95 % to 97.5 %/)
  expect(intervalNote({ ...verdict, gates: [] })).toBe(null)
})

it('counts critical cases that hold when there are many, and never hides one that does not', () => {
  const held = Array.from({ length: 4 }, (_, at) => gate({ id: `critical/${at}`, kind: 'critical' }))
  const broken = gate({ id: 'critical/x', kind: 'critical', outcome: 'fail' })
  const verdict = { ...suiteReport().verdict, gates: [...held, broken] }
  expect(shownGates(verdict)).toEqual({ shown: [broken], criticalHeld: 4, notes: [] })
  expect(shownGates({ ...verdict, gates: held.slice(1) }).shown).toHaveLength(3)
})

it('shows the families of harm before the single cases: long tables are cut', () => {
  const broken = Array.from({ length: 3 }, (_, at) => gate({ id: `critical/${at}`, kind: 'critical', outcome: 'fail' }))
  const harm = ['harmful', 'harmful/leak'].map((id) => gate({ id, kind: 'harmful', outcome: 'fail' }))
  const verdict = { ...suiteReport().verdict, gates: [gate({ id: 'coverage', kind: 'coverage' }), ...broken, ...harm] }
  const ids = shownGates(verdict).shown.map(({ id }) => id)
  expect(ids).toEqual(['coverage', 'harmful', 'harmful/leak', 'critical/0', 'critical/1', 'critical/2'])
  const of50 = gate({ kind: 'harmful', estimate: 0, n: 50, interval: { low: 0, high: 0.05816, level: 0.95 } })
  expect(gateCells(of50).interval).toBe('0.0 to 5.9 %')
})

it('leaves out categories of a case or two, which decide nothing, and says so', () => {
  const tiny = regression({ id: 'regression/one', category: 'one', decides: false, n: 1 })
  const small = regression({ id: 'regression/five', category: 'five', decides: false, n: 5 })
  const verdict = { ...suiteReport().verdict, gates: [regression(), tiny, small] }
  const { shown, notes } = shownGates(verdict)
  expect(shown.map(({ id }) => id)).toEqual(['regression', 'regression/five'])
  expect(notes).toEqual(['1 category of fewer than 5 cases not shown'])
})
