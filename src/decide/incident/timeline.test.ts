// The timeline of an incident as a pure fold: its span, its order, and what is left out.
import { expect, it } from 'vitest'
import type { Episode } from '../guard/state.ts'
import { type IncidentSources, incident, spanOf } from './timeline.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-21T12:00:00.000Z')
const iso = (ago: number) => new Date(NOW - ago * HOUR).toISOString()

const release = (id: string, ago: number, env = 'production') => ({
  kind: 'release',
  seq: 1,
  at: iso(ago),
  by: 'Ada',
  manifest: { id, env, at: iso(ago), sentence: `number ${id}` },
})
const look = (ago: number, outcome: string, reasons: string[]) => ({
  kind: 'look',
  seq: 2,
  at: iso(ago),
  by: 'aigate',
  outcome,
  reasons,
  failure: null,
})
const episode = (ended: number | null): Episode => ({
  id: 'errors@1',
  cause: 'errors',
  kind: 'trigger',
  at: NOW - 3 * HOUR,
  ended: ended === null ? null : NOW - ended * HOUR,
  metric: 'error_rate',
  value: 0.2,
  title: 'errors fired',
  text: 'error_rate is 20%.',
  do: [],
  late: false,
})

const sources = (ended: number | null): IncidentSources => ({
  ledger: [release('r1', 30), release('r2', 10), release('s1', 5, 'staging'), release('r3', 1)] as never,
  rollouts: [{ name: 'support', records: [{ kind: 'said', seq: 1, at: iso(6), by: 'Ada', verb: 'abort', reason: 'x' }, { kind: 'said', seq: 2, at: iso(4), by: 'Ada', verb: 'resume', reason: 'y' }] as never }], // biome-ignore format: one line
  guards: [
    {
      name: 'production',
      records: [look(3.5, 'pass', ['Nothing fires.']), look(3, 'fail', ['It fires.']), look(2.9, 'fail', ['Still.']), look(2, 'pass', ['Over.'])] as never, // biome-ignore format: one line
      episodes: [episode(ended)],
    },
  ],
  actions: [],
})

it.each([
  ['support', 6, 4],
  ['errors@1', 4, 1],
  ['r2', 10, 1],
  ['r3', 1, 0],
])('the span of %s', (id, since, until) => {
  expect(spanOf(id, sources(2), NOW)).toEqual({ since: NOW - since * HOUR, until: NOW - until * HOUR })
})
it('what still fires lasts until now, and what nobody knows has no span', () => {
  expect(spanOf('errors@1', sources(null), NOW)).toEqual({ since: NOW - 4 * HOUR, until: NOW })
  expect(spanOf('nothing', sources(null), NOW)).toBeNull()
})

it('tells in order what happened within the span, and equal looks once', () => {
  const all = sources(2)
  const told = incident('errors@1', { since: NOW - 4 * HOUR, until: NOW - HOUR }, all)
  expect(told.running.map(({ env, release: id }) => [env, id])).toEqual([
    ['production', 'r2'],
    ['staging', 's1'],
  ])
  const kinds = told.entries.map(({ at, kind, text }) => [(NOW - Date.parse(at)) / HOUR, kind, text])
  expect(kinds).toEqual([
    [4, 'said', expect.stringContaining('resume')],
    [3.5, 'measured', expect.stringContaining('Nothing fires.')],
    [3, 'measured', expect.stringContaining('It fires.')],
    [3, 'fired', 'errors: error_rate is 20%.'],
    [2, 'measured', expect.stringContaining('Over.')],
    [2, 'fired', 'errors is over'],
    [1, 'deployed', expect.stringContaining('r3')],
  ])
})
