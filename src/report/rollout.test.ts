// The picture of a rollout: golden pictures in the middle and after a rollback, narrow terminals, colour, hostile text.
import { describe, expect, it } from 'vitest'
import { type MetricView, type RolloutView, rolloutPicture } from './rollout.ts'
import { sparkline } from './sparkline.ts'
import { displayWidth } from './wrap.ts'

const ESC = String.fromCharCode(27)
const rate = (name: string, more: Partial<MetricView> = {}): MetricView => ({
  name,
  role: 'guardrail',
  kind: 'rate',
  baseline: 0.021,
  candidate: 0.024,
  estimate: 1.14,
  low: 0.81,
  high: 1.62,
  harm: 0.6,
  harm_bound: 5.5,
  safe: 1.2,
  safe_bound: 3,
  history: [0, 0.1, 0.4, 0.2, 0.9, 0.7, 0.6],
  ...more,
})
const nothing = { baseline: null, candidate: null, estimate: null, low: null, high: null, safe: null }
const middle: RolloutView = {
  rollout: 'support-1.3',
  baseline: 'prompt support/answer@1.2.0',
  candidate: 'prompt support/answer@1.3.0',
  phase: 'stage 3 of 5, observing',
  outcome: 'inconclusive',
  reasons: ['error_rate: not yet proven that it is not worse by 1.5 times'],
  warnings: ['1 unit in a thousand was seen in both arms'],
  stages: [
    { traffic: 0.01, gate: 'no-harm', state: 'done', notes: ['35 min'] },
    { traffic: 0.05, gate: 'no-harm', state: 'done', notes: ['2 h 4 min'] },
    { traffic: 0.25, gate: 'non-inferior', state: 'now', notes: ['1 h 12 min of 4 h', '431 of 500 users'] },
    { traffic: 0.5, gate: 'non-inferior', state: 'ahead', notes: ['4 h', 'approval'] },
    { traffic: 1, gate: 'none', state: 'ahead', notes: ['bake 24 h'] },
  ],
  metrics: [
    rate('error_rate'),
    rate('latency_p95', { safe: 3.4, estimate: 0.97, low: 0.8, high: 1.17, history: [0, -0.4, -1.2, -2] }),
    rate('quality_score', {
      kind: 'mean',
      baseline: 0.871,
      candidate: 0.866,
      estimate: -0.005,
      low: -0.031,
      high: 0.02,
    }),
    rate('user_satisfaction', {
      role: 'signal',
      baseline: null,
      candidate: null,
      estimate: null,
      low: null,
      high: null,
      harm: null,
      safe: null,
      history: [],
    }),
  ],
  arms: { baseline: { requests: 102_311, units: 8123 }, candidate: { requests: 12_034, units: 1204 } },
  unit: 'user',
  next_look: '2026-11-21T12:01:00.000Z',
  lease_until: '2026-11-21T12:15:00.000Z',
  hours_left: 11.2,
  wanted: [],
}
const back: RolloutView = {
  ...middle,
  phase: 'rolled back',
  outcome: 'fail',
  reasons: ['error_rate: harm is proven, the risk is 2.1 to 4.4 times that of the baseline'],
  warnings: [],
  stages: middle.stages.map((stage) => ({ ...stage, state: stage.state === 'now' ? 'ahead' : stage.state })),
  metrics: [
    rate('error_rate', {
      candidate: 0.061,
      estimate: 2.9,
      low: 2.1,
      high: 4.4,
      harm: 6.1,
      history: [0, 1, 2, 3, 4, 5, 6.1],
    }),
  ],
  next_look: null,
  lease_until: null,
  hours_left: null,
  wanted: ['read the failed requests: aigate canary status --json'],
}
const plainly = { color: false, columns: 80 }

describe.each([
  ['middle', middle],
  ['back', back],
] as const)('%s', (name, view) => {
  it('looks like this', async () => {
    await expect(rolloutPicture(view, plainly)).toMatchFileSnapshot(`../../fixtures/report/rollout-${name}.txt`)
  })
  it.each([40, 60, 80, 100, 120])('fits %i columns', (columns) => {
    for (const line of rolloutPicture(view, { color: false, columns }).split('\n'))
      expect(displayWidth(line), line).toBeLessThanOrEqual(columns)
  })
  it('is the same with colour but for the colour', () => {
    const colored = rolloutPicture(view, { color: true, columns: 80 })
    const escapes = new RegExp(`${ESC}\\[\\d+m`, 'g')
    expect(colored).toMatch(escapes)
    expect(colored.replace(escapes, '').replace(/ +$/gm, '')).toBe(rolloutPicture(view, plainly))
  })
})

it('hostile names and reasons move no terminal and command no runner', () => {
  const evil = `${ESC}[2J\n::error::owned\n##[error]x`
  const text = rolloutPicture({ ...middle, rollout: evil, phase: evil, reasons: [evil], wanted: [evil] }, plainly)
  expect(text).not.toContain(ESC)
  expect(text).not.toMatch(/^\s*::/m)
  expect(text).not.toContain('##[')
})

it('only proof reaches the highest bar', () => {
  expect(sparkline([0, 1, 2.5, 4.99, 5, 9], { bound: 5, width: 10 })).toBe('▁▂▄▇██')
  expect(sparkline([-3, null, 5], { bound: 5, width: 10, ascii: true })).toBe('_ #')
  expect(sparkline([1, 2, 3, 5], { bound: 5, width: 2 })).toBe('▅█')
  expect(sparkline([], { bound: 5, width: 2 })).toBe('')
})

it('a terminal without box characters gets letters', () => {
  // The arrow of the head apart, which no console lacks.
  const text = rolloutPicture(middle, { ...plainly, ascii: true })
  expect(text).not.toMatch(/[▁-█✓▶]/)
  expect(text).toMatch(/^ > {3}25 %/m)
})

it('keeps columns apart, whatever the numbers, and never half an interval', () => {
  const tiny = { kind: 'mean', baseline: 0.0399, candidate: 0.0358, estimate: -0.0041 } as const
  const metrics = [
    rate('cost_of_each_request', { ...tiny, low: -6.35e-12, high: 1.23456e-9, harm: 9, history: [1, 9] }),
    rate('user_satisfaction', { ...nothing, role: 'signal', harm: 0, history: [] }),
    rate('duration', { kind: 'mean', baseline: 123_456_789, candidate: 1e-12 }),
  ]
  for (const columns of [40, 60, 72, 80, 100, 120]) {
    const text = rolloutPicture({ ...middle, metrics }, { color: false, columns })
    expect(text).toMatch(columns < 72 ? /0\.0399 +0\.0358 / : /0\.0399 +0\.0358 +-0\.0041/)
    expect(text).toContain(' proof\n')
    expect(text).toMatch(/^ {3}user_sat.* no data$/m)
    for (const line of text.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(columns)
    for (const line of text.split('\n')) expect((line.match(/\(/g) ?? []).length).toBe((line.match(/\)/g) ?? []).length)
  }
})

it('says how old the last look is, and warns where nobody looks', () => {
  expect(rolloutPicture({ ...middle, last_look: '3 min' }, plainly)).toContain('last look 3 min ago · next look')
  const text = rolloutPicture({ ...middle, last_look: '7 d', unwatched: true }, plainly)
  expect(text).toContain('warning: last look 7 d ago: nobody watches the rollout')
})
