// Whatever is written into a journal: nothing is promoted without a pass or a person, and no rollback is ever lost.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RolloutEntry, RolloutRecord } from '../../schema/rollout-journal.ts'
import { actionsFor } from './actions.ts'
import { foldJournal, foldRecord } from './fold.ts'
import { decideLook } from './look.ts'
import { blockAt, counts, decision, journal, planWith, readingOf, start, T0, MINUTE } from './rollout-testing.ts'
import { draft, type RolloutState } from './state.ts'

const plans = [
  planWith(),
  planWith({ stages: [{ traffic: '5%', approval: true }, { traffic: '50%', approval: true }, { traffic: '100%' }] }),
  planWith({ on_degradation: { rollback: 'previous-stage' } }),
  planWith({ on_degradation: { rollback: ['prompt'] } }),
  planWith({
    stages: [
      { traffic: '5%', gate: 'none', duration: '1m' },
      { traffic: '20%', gate: 'none' },
      { traffic: '50%', approval: true },
      { traffic: '100%', bake: '1h' },
    ],
  }),
]

/** Mostly the control plane does what it is told, and mostly there is a reading. */
const rarely = fc.nat(7).map((n) => n === 0)

const look = fc
  .record({
    outcome: fc.constantFrom('pass', 'pass', 'pass', 'fail', 'inconclusive', 'invalid'),
    next: fc.constantFrom(
      'wait',
      'advance',
      'advance',
      'advance',
      'finish',
      'finish',
      'hold',
      'rollback',
      'previous-stage',
    ),
    bad: fc.nat(20),
    empty: rarely,
  })
  .map((one) => ({ kind: 'look' as const, ...one }))
const said = fc
  .constantFrom('pause', 'pause', 'pause', 'pause', 'resume', 'approve', 'advance', 'abort', 'kill')
  .map((verb) => ({ kind: 'said' as const, verb }))
const act = fc.record({ kind: fc.constant('act' as const), fails: rarely, only: rarely })
const events = fc.array(fc.oneof({ weight: 4, arbitrary: look }, said, { weight: 3, arbitrary: act }), {
  maxLength: 40,
})
type Event = Extract<Parameters<Parameters<typeof events.map>[0]>[0], unknown[]>[number]

/** The journal that a runner would have written, with decisions that may be nonsense. */
function written(plan: ReturnType<typeof planWith>, list: Event[], person = true) {
  const entries: [number, RolloutEntry][] = [[0, start(plan)]]
  let state = foldJournal(journal(...entries))
  const states: [RolloutRecord | null, RolloutState][] = [[null, state]]
  const write = (minute: number, entry: RolloutEntry) => {
    entries.push([minute, entry])
    const record = journal(...entries).at(-1) as RolloutRecord
    state = foldRecord(state, record)
    states.push([record, state])
  }
  for (const [minute, event] of list.entries()) {
    const at = minute + 1
    if (event.kind === 'look') {
      const block = blockAt(
        minute,
        { error_rate: counts(200, 2) },
        { error_rate: counts(20, event.bad) },
        state.applied?.generation ?? 0,
      )
      const reading = event.empty ? null : readingOf([block], T0 + at * MINUTE)
      const choice = decision({ outcome: event.outcome, next: event.next, stage: state.stage })
      write(at, { kind: 'look', reading, failure: event.empty ? 'gone' : null, plan_hash: 'h1', decision: choice })
    } else if (event.kind === 'said') {
      if (person) write(at, { kind: 'said', verb: event.verb as 'pause', reason: 'a person' })
    } else {
      for (const { id, action, why } of actionsFor(state, T0 + at * MINUTE)) {
        write(at, { kind: 'intent', id, action, why })
        if (event.only) continue
        if (event.fails) write(at, { kind: 'failed', id, error: 'down', attempt: 1 })
        else write(at, { kind: 'applied', id, read_back: null })
      }
    }
  }
  return { records: journal(...entries), states }
}

const cases = fc.tuple(fc.constantFrom(...plans), events)

it('never promotes without a pass or a person', () => {
  fc.assert(
    fc.property(cases, ([plan, list]) => {
      const { states } = written(plan, list)
      for (let i = 1; i < states.length; i++) {
        const [[, before], [record, after]] = [states[i - 1]!, states[i]!]
        if (after.wanted.ppm <= before.wanted.ppm && after.mode !== 'succeeded') continue
        if (after.mode === before.mode && after.wanted.ppm === before.wanted.ppm) continue
        const pass = record?.kind === 'look' && record.decision.outcome === 'pass'
        const person = record?.kind === 'said' && record.verb === 'advance'
        expect(pass || person).toBe(true)
        if (!pass) continue
        expect(before.paused).toBeNull()
        expect(before.hold).toBeNull()
        if (plan.stages[before.stage]?.approval) expect(before.approved).toContain(before.stage)
      }
    }),
    { numRuns: 400 },
  )
})

it('never loses a rollback, and never serves more after a fail than before it', () => {
  fc.assert(
    fc.property(cases, ([plan, list]) => {
      const { states } = written(plan, list, false)
      let most = Number.POSITIVE_INFINITY
      for (const [record, state] of states) {
        const fails =
          record?.kind === 'look' && (record.decision.outcome === 'fail' || record.decision.next === 'rollback')
        if (fails && state.mode !== 'succeeded' && state.mode !== 'running') expect(state.wanted.ppm).toBe(0)
        expect(state.wanted.ppm).toBeLessThanOrEqual(most)
        if (fails && state.mode !== 'succeeded') most = Math.min(most, state.wanted.ppm)
      }
    }),
  )
})

it('wants the baseline until that is applied, and says so in its actions', () => {
  fc.assert(
    fc.property(cases, ([plan, list]) => {
      for (const [, state] of written(plan, list).states) {
        if (state.mode !== 'rolling-back' && state.mode !== 'aborting') continue
        const later = T0 + 100_000 * MINUTE
        const [first] = actionsFor(state, later)
        expect(first?.id).toBe(`set-g${state.wanted.generation}`)
        expect(first?.action).toMatchObject({ do: 'set', desired: { ppm: 0, lease_until: null } })
      }
    }),
  )
})

it('folds in parts, through a snapshot, as it folds in one', () => {
  fc.assert(
    fc.property(cases, fc.nat(60), ([plan, list], cut) => {
      const { records } = written(plan, list)
      const whole = foldJournal(records)
      const snapshot = JSON.parse(JSON.stringify(foldJournal(records.slice(0, cut)))) as RolloutState
      expect(foldJournal(records.slice(cut), snapshot)).toEqual(whole)
      expect(foldJournal(records, snapshot)).toEqual(whole)
      expect(JSON.parse(JSON.stringify(whole))).toEqual(whole)
    }),
  )
})

it('decides the same of the same, and reading a block twice changes nothing', () => {
  fc.assert(
    fc.property(cases, ([plan, list]) => {
      const { records } = written(plan, list)
      const state = foldJournal(records)
      const block = blockAt(list.length, { error_rate: counts(200, 2) }, { error_rate: counts(20, 1) }, 1)
      const now = T0 + (list.length + 1) * MINUTE
      const once = decideLook(state, { now, planHash: 'h1', reading: readingOf([block], now) })
      expect(decideLook(state, { now, planHash: 'h1', reading: readingOf([block, block], now) })).toEqual(once)
    }),
  )
})

it('is a draft before the start, and does nothing then', () => {
  expect(actionsFor(draft(), T0)).toEqual([])
})
