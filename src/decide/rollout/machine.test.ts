// The life of a rollout, look by look: what each kind of trouble comes to.
import { expect, it } from 'vitest'
import type { RolloutPlan } from '../../schema/rollout.ts'
import type { Block, RolloutEntry } from '../../schema/rollout-journal.ts'
import { actionsFor } from './actions.ts'
import { checkPlan } from './check-plan.ts'
import { foldJournal } from './fold.ts'
import { decideLook } from './look.ts'
import { blockAt, counts, journal, MINUTE, planWith, readingOf, start, T0 } from './rollout-testing.ts'
import { phaseOf } from './stages.ts'
import { rolloutStatus } from './status.ts'

/** A runner without a disk: it looks, writes and acts as the tick does. */
function runner(plan: RolloutPlan) {
  const entries: [number, RolloutEntry][] = [[0, start(plan)]]
  const fold = () => foldJournal(journal(...entries))
  const self = {
    entries,
    state: fold,
    say: (minute: number, verb: 'pause' | 'approve' | 'resume' | 'advance' | 'abort' | 'kill') => {
      entries.push([minute, { kind: 'said', verb, reason: 'a person' }])
    },
    act: (minute: number) => {
      const ids: string[] = []
      for (const { id, action, why } of actionsFor(fold(), T0 + minute * MINUTE)) {
        ids.push(id)
        entries.push([minute, { kind: 'intent', id, action, why }], [minute, { kind: 'applied', id, read_back: null }])
      }
      return ids
    },
    look: (minute: number, blocks: Block[] | string, planHash = 'h1') => {
      const now = T0 + minute * MINUTE
      const failure = typeof blocks === 'string' ? blocks : null
      const reading = typeof blocks === 'string' ? null : readingOf(blocks, now)
      const made = decideLook(fold(), { now, planHash, reading, failure })
      entries.push([minute, { kind: 'look', reading, failure, plan_hash: planHash, decision: made }])
      return made
    },
  }
  return self
}

/** Healthy minutes from `from` to `to` at `share` of 1000 requests. */
function minutes(from: number, to: number, share: number, generation: number, worse = 1): Block[] {
  const n = 1000 * share
  return Array.from({ length: to - from }, (_, i) =>
    blockAt(
      from + i,
      { error_rate: counts(1000 - n, Math.round((1000 - n) * 0.02)) },
      { error_rate: counts(n, Math.round(n * 0.02 * worse)) },
      generation,
    ),
  )
}

it('goes from the first stage to the end when everything is well', () => {
  const run = runner(planWith())
  expect(phaseOf(run.state(), T0).name).toBe('ARMED')
  expect(run.act(0)).toEqual(['set-g1'])
  expect(phaseOf(run.state(), T0).part).toBe('SETTLE')
  expect(run.look(6, minutes(1, 6, 0.05, 1))).toMatchObject({ outcome: 'inconclusive', next: 'wait' })
  expect(run.act(6)).toEqual(['renew-g1-1'])
  expect(run.look(12, minutes(6, 12, 0.05, 1))).toMatchObject({ outcome: 'pass', next: 'advance' })
  expect(run.act(12)).toEqual(['set-g2'])
  expect(run.look(40, minutes(13, 40, 0.5, 2))).toMatchObject({ outcome: 'pass', next: 'advance' })
  run.act(40)
  expect(phaseOf(run.state(), T0 + 43 * MINUTE).name).toBe('BAKE')
  expect(run.look(45, minutes(41, 45, 1, 3)).outcome).toBe('inconclusive')
  expect(run.look(52, minutes(45, 52, 1, 3))).toMatchObject({ outcome: 'pass', next: 'finish' })
  const last = actionsFor(run.state(), T0 + 52 * MINUTE)
  expect(last[0]?.action).toMatchObject({ do: 'set', desired: { ppm: 1_000_000, lease_until: null } })
  expect(phaseOf(run.state(), T0 + 52 * MINUTE).name).toBe('SUCCEEDED')
  const seen = rolloutStatus(run.state(), T0 + 52 * MINUTE)
  expect(seen.stages.map((stage) => stage.when)).toEqual(['done', 'done', 'done'])
  expect(seen.metrics[0]?.verdict).toBe('safe')
})

it('rolls back on proven harm, before the least users too, and stays there', () => {
  const run = runner(planWith({ stages: [{ traffic: '50%', min_users: 1_000_000 }, { traffic: '100%' }] }))
  run.act(0)
  expect(run.look(6, minutes(1, 6, 0.5, 1, 5))).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(phaseOf(run.state(), T0 + 6 * MINUTE).name).toBe('ROLLING_BACK')
  expect(run.act(6)).toEqual(['set-g2', 'back-g2'])
  expect(phaseOf(run.state(), T0 + 6 * MINUTE).name).toBe('ROLLED_BACK')
  run.say(7, 'advance')
  run.say(7, 'resume')
  run.look(8, minutes(7, 8, 0.5, 1))
  expect(run.act(8)).toEqual([])
  expect(run.state().applied?.ppm).toBe(0)
})

it('goes one stage back where the plan says so, and waits for a person', () => {
  const run = runner(planWith({ on_degradation: { rollback: 'previous-stage' } }))
  run.act(0)
  run.look(12, minutes(1, 12, 0.05, 1))
  run.act(12)
  expect(run.look(20, minutes(13, 20, 0.5, 2, 3)).outcome).toBe('fail')
  run.act(20)
  expect(run.state()).toMatchObject({ stage: 0, mode: 'running', applied: { ppm: 50_000 } })
  expect(run.look(50, minutes(21, 50, 0.05, 3))).toMatchObject({ outcome: 'pass', next: 'hold' })
  run.say(50, 'resume')
  expect(run.look(51, minutes(50, 51, 0.05, 3)).next).toBe('advance')
})

it('takes back one component where the plan says so', () => {
  const run = runner(planWith({ on_degradation: { rollback: ['prompt'] } }))
  run.act(0)
  run.look(9, minutes(1, 9, 0.05, 1, 8))
  run.act(9)
  expect(run.state().applied).toMatchObject({ ppm: 50_000, components: ['model'] })
})

it.each([
  ['the plan was changed', minutes(1, 12, 0.05, 1), 'h2', /was changed/],
  ['the source fails', 'connection refused', 'h1', /connection refused/],
  ['nothing comes', [], 'h1', /No event/],
  ['the split is not as planned', minutes(1, 12, 0.2, 1), 'h1', /not split/],
  ['units were seen in both arms', minutes(1, 12, 0.05, 1).map((block) => ({ ...block, both: 50 })), 'h1', /both arms/],
])('is invalid and never a pass when %s', (_, blocks, hash, reason) => {
  const run = runner(planWith())
  run.act(0)
  const made = run.look(13, blocks, hash)
  expect(made).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(made.reasons.join(' ')).toMatch(reason)
})

it('keeps its triggers when the comparison is invalid', () => {
  const triggers = [{ id: 'hard', metric: 'error_rate', above: '20%', window: '5m', do: ['kill', 'notify'] }]
  const run = runner(planWith({ triggers }))
  run.act(0)
  expect(run.look(4, minutes(1, 4, 0.05, 1, 30), 'h2')).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(run.state().wanted).toMatchObject({ ppm: 0, killed: true })
  expect(run.act(4).some((id) => id.startsWith('trigger-hard'))).toBe(true)
})

it('waits for an approval, a resume and nothing else', () => {
  const run = runner(planWith({ stages: [{ traffic: '5%', approval: true }, { traffic: '100%' }] }))
  run.act(0)
  run.look(10, minutes(1, 10, 0.05, 1))
  expect(run.look(11, minutes(10, 11, 0.05, 1))).toMatchObject({ outcome: 'pass', next: 'hold' })
  run.say(11, 'pause')
  run.say(11, 'approve')
  expect(run.look(12, minutes(11, 12, 0.05, 1)).next).toBe('hold')
  run.say(12, 'resume')
  expect(run.look(13, minutes(12, 13, 0.05, 1)).next).toBe('advance')
})

it('folds overdue waiting into one step and stops at the stage that asks for evidence', () => {
  const wait = (traffic: string) => ({ traffic, gate: 'none', duration: '10m' })
  const run = runner(
    planWith({
      stages: [wait('1%'), wait('2%'), wait('5%'), { traffic: '10%' }, { traffic: '100%' }],
      // With a lease that had run out, nobody would have been served for so long.
      control: { type: 'flagd', path: 'flags.json', lease: '12h', settle: '60s' },
    }),
  )
  run.act(0)
  run.look(300, minutes(1, 300, 0.01, 1))
  expect(run.state().stage).toBe(3)
})

it('renews the lease only while looks can measure', () => {
  const run = runner(planWith({ stages: [{ traffic: '5%', duration: '5h' }, { traffic: '100%' }] }))
  run.act(0)
  run.look(6, minutes(1, 6, 0.05, 1))
  expect(run.act(6)).toEqual(['renew-g1-1'])
  for (const minute of [12, 18, 24]) run.look(minute, 'down')
  expect(actionsFor(run.state(), T0 + 24 * MINUTE).filter(({ id }) => id.startsWith('renew'))).toEqual([])
})

it('asks for the same intent until it was applied, waits after a failure, and pages', () => {
  const run = runner(planWith())
  const ids = (minute: number) => actionsFor(run.state(), T0 + minute * MINUTE).map(({ id }) => id)
  expect(ids(0)).toEqual(['set-g1'])
  run.entries.push([0, { kind: 'intent', ...actionsFor(run.state(), T0)[0]! }])
  expect(ids(0)).toEqual(['set-g1'])
  run.entries.push([0, { kind: 'failed', id: 'set-g1', error: 'refused', attempt: 1 }])
  expect(phaseOf(run.state(), T0).name).toBe('ACTION_FAILED')
  expect(ids(0)).toEqual(['page-set-g1-1'])
  expect(ids(1)).toContain('set-g1')
})

it('puts more exposure than was set right, and leaves less as it is', () => {
  const run = runner(planWith())
  run.act(0)
  expect(actionsFor(run.state(), T0, { ppm: 900_000 })[0]?.id).toBe('set-g1-again-1')
  expect(actionsFor(run.state(), T0, { ppm: 0, killed: true })).toEqual([])
})

it('takes a clock that went back as standing still', () => {
  const run = runner(planWith())
  run.act(0)
  run.look(12, minutes(1, 8, 0.05, 1))
  const made = run.look(3, minutes(8, 9, 0.05, 1))
  expect(made.warnings.join(' ')).toMatch(/backwards/)
  expect(run.state().at).toBe(T0 + 12 * MINUTE)
})

it('holds or rolls back at a deadline, as the plan says', () => {
  for (const then of ['hold', 'rollback'] as const) {
    const stages = [{ traffic: '5%', min_users: 1_000_000, max_duration: '20m' }, { traffic: '100%' }]
    const run = runner(planWith({ stages, on_deadline: then }))
    run.act(0)
    expect(run.look(25, minutes(1, 25, 0.05, 1))).toMatchObject({ outcome: 'inconclusive', next: then })
  }
})

it('finds nothing wrong with a good plan, and says what is wrong with others', () => {
  expect(checkPlan(planWith())).toEqual([])
  const bad = planWith({
    stages: [
      { traffic: '50%', success: ['speed < 2s'], bake: '1h' },
      { traffic: '5%' },
      { traffic: '100%', gate: 'non-inferior' },
    ],
    triggers: [{ id: 't', metric: 'nothing', window: '5m', do: ['notify'] }],
    on_degradation: { rollback: ['index'] },
  })
  expect(checkPlan(bad).map(({ path }) => path.join('.'))).toEqual([
    'stages.0.bake',
    'stages.0.success.0',
    'stages.1.traffic',
    'stages.2.gate',
    'triggers.0.metric',
    'triggers.0.id',
    'on_degradation.rollback',
  ])
})

it('says where a plan asks Prometheus for what it cannot know', () => {
  const source = { type: 'prometheus', url: 'http://127.0.0.1:9090', requests: 'requests_total', bad: {} }
  const of = (unit: string) => checkPlan(planWith({ source, assignment: { unit } }))
  expect(of('request')).toEqual([])
  for (const unit of ['user', 'session'])
    expect(of(unit)).toMatchObject([{ path: ['assignment', 'unit'], problem: expect.stringContaining(`${unit}s`) }])
})

it('takes blocks from a second to an hour', () => {
  const of = (interval: string) => checkPlan(planWith({ source: { type: 'jsonl', path: 'a', interval } }))
  expect([of('1s'), of('1h')]).toEqual([[], []])
  for (const wrong of ['999ms', '61m']) expect(of(wrong).map(({ path }) => path.join('.'))).toEqual(['source.interval'])
})

it('ignores an applied record of a share that is no longer wanted', () => {
  const run = runner(planWith())
  const [first] = actionsFor(run.state(), T0)
  run.act(0)
  run.say(1, 'kill')
  run.act(1)
  run.entries.push([2, { kind: 'intent', ...first! }], [2, { kind: 'applied', id: 'set-g1', read_back: null }])
  expect(run.state()).toMatchObject({ mode: 'rolled-back', applied: { ppm: 0, generation: 2 } })
})

it('does not begin a rollback anew when it is asked for twice', () => {
  const run = runner(planWith())
  run.act(0)
  run.say(1, 'kill')
  run.say(1, 'kill')
  expect(run.state().wanted.generation).toBe(2)
})

it('does not take units that a growing share moves for a wrong split', () => {
  const run = runner(planWith())
  run.act(0)
  run.look(12, minutes(1, 12, 0.05, 1))
  run.act(12)
  const moved = minutes(13, 30, 0.5, 2).map((block) => {
    const { baseline, candidate } = block.arms
    const arms = { baseline: { ...baseline, units: 0, fresh: 10 }, candidate: { ...candidate, fresh: 10 } }
    return { ...block, arms }
  })
  expect(run.look(30, moved).outcome).toBe('pass')
})
