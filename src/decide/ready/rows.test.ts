// The rows of readiness, from made-up evidence: what has no proof is invalid, and never a pass.
import { expect, it } from 'vitest'
import { guardWith } from '../guard/guard-testing.ts'
import { baselineRow, costLatencyRow, drillRow, evidenceRow, faultlessRow, noticesOf, onCallRow, readyOutcome, testsRow, triggersRow } from './rows.ts' // biome-ignore format: one line

const NOW = Date.parse('2026-11-21T12:00:00.000Z')
const DAY = 86_400_000
const ago = (days: number) => new Date(NOW - days * DAY).toISOString()
const planes = { planes: 'h', components: ['prompt'] }
const drill = (more: object = {}) =>
  ({ at: ago(2), took_ms: 4200, outcome: 'pass', detail: { planes: 'h', steps: [{ component: 'prompt' }] }, ...more }) as never // biome-ignore format: one line
const gate = (kind: string, outcome: string) => ({ id: kind, kind, outcome, sentence: `${kind} ${outcome}` }) as never
const evidence = (suite: string, outcome: string) => ({ suite, run: 'run-1', outcome, reason: 'so' }) as never
const plan = guardWith()
const limit = { now: NOW, within: 14 * DAY }

it.each([
  ['no tests', testsRow([]), 'invalid'],
  ['a test that did not start', testsRow([{ argv: ['npm'], code: null, problem: 'ENOENT' }]), 'invalid'],
  ['a failing test', testsRow([{ argv: ['a'], code: 0, problem: '' }, { argv: ['npm'], code: 1, problem: '' }]), 'fail'],
  ['tests that pass', testsRow([{ argv: ['npm', 'test'], code: 0, problem: '' }]), 'pass'],
  ['no fault', faultlessRow('3 prompts', []), 'pass'],
  ['a fault', faultlessRow('3 prompts', ['broken']), 'fail'],
  ['no run', evidenceRow([], new Map(), 'none'), 'invalid'],
  ['a run that passed', evidenceRow([evidence('app', 'pass')], new Map(), ''), 'pass'],
  ['a run of another commit', evidenceRow([evidence('app', 'pass')], new Map([['app', 'old']]), ''), 'invalid'],
  ['an open run', evidenceRow([evidence('app', 'inconclusive')], new Map(), ''), 'invalid'],
  ['one of two failed', evidenceRow([evidence('a', 'invalid'), evidence('b', 'fail')], new Map(), ''), 'fail'],
  ['no gate of latency', costLatencyRow([gate('cost', 'pass')]), 'invalid'],
  ['both gates', costLatencyRow([gate('cost', 'pass'), gate('latency', 'pass')]), 'pass'],
  ['too dear', costLatencyRow([gate('cost', 'fail')]), 'fail'],
  ['an open gate', costLatencyRow([gate('cost', 'inconclusive'), gate('latency', 'pass')]), 'invalid'],
  ['never drilled', drillRow(null, planes, limit), 'invalid'],
  ['drilled', drillRow(drill(), planes, limit), 'pass'],
  ['drilled long ago', drillRow(drill({ at: ago(15) }), planes, limit), 'fail'],
  ['a drill that failed', drillRow(drill({ outcome: 'fail' }), planes, limit), 'fail'],
  ['a drill of other planes', drillRow(drill(), { ...planes, planes: 'other' }, limit), 'fail'],
  ['a drill without one', drillRow(drill(), { ...planes, components: ['prompt', 'model'] }, limit), 'fail'],
  ['a drill that says no planes', drillRow(drill({ detail: { steps: [] } }), planes, limit), 'invalid'],
  ['no guard', triggersRow([]), 'invalid'],
  ['a guard with data', triggersRow([{ plan, events: { error_rate: 3 }, failure: null }]), 'pass'],
  ['a guard without data', triggersRow([{ plan, events: {}, failure: null }]), 'invalid'],
  ['a source that fails', triggersRow([{ plan, events: { error_rate: 3 }, failure: 'gone' }]), 'invalid'],
  ['nobody to tell', onCallRow([], [], null), 'invalid'],
  ['no key', onCallRow(['page'], ['KEY'], null), 'invalid'],
  ['told', onCallRow(['page'], [], [{ name: 'page', problem: null }]), 'pass'],
  ['not told', onCallRow(['page'], [], [{ name: 'page', problem: 'HTTP 403' }]), 'fail'],
  ['no suite', baselineRow([], NOW, DAY), 'invalid'],
  ['no baseline', baselineRow([{ suite: 'a', at: null }], NOW, DAY), 'invalid'],
  ['an old baseline', baselineRow([{ suite: 'a', at: ago(3) }, { suite: 'b', at: null }], NOW, DAY), 'fail'],
  ['a fresh baseline', baselineRow([{ suite: 'a', at: ago(0.5) }], NOW, DAY), 'pass'],
] as const)('%s', (_, row, outcome) => {
  expect(row.outcome).toBe(outcome)
  expect(row.evidence).not.toBe('')
  // Whatever is no pass says how to mend it.
  expect(row.mend === null).toBe(outcome === 'pass')
}) // biome-ignore format: one table

it('the worst row counts, and no row is no proof', () => {
  const rows = (...outcomes: string[]) => outcomes.map((outcome) => ({ id: 'a', title: 'a', outcome, evidence: 'x', mend: null })) as never // biome-ignore format: one line
  expect([rows(), rows('pass'), rows('pass', 'invalid'), rows('invalid', 'fail')].map(readyOutcome)).toEqual(['invalid', 'pass', 'invalid', 'fail']) // biome-ignore format: one line
})

it('only what is used tells somebody', () => {
  const unused = { other: { type: 'webhook', url: 'https://example.com' }, off: { type: 'kill', path: 'f.json' } }
  const actions = { page: { type: 'pagerduty', routing_key_env: 'KEY' }, ...unused }
  expect(noticesOf(guardWith({ actions }))).toEqual(['page'])
})
