// Blue-green and rolling over the fold: nobody is compared, checks come first, and the old one is one step away.
import { expect, it } from 'vitest'
import type { RolloutPlan } from '../../schema/rollout.ts'
import type { Block, PreCheckName, RolloutEntry } from '../../schema/rollout-journal.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { actionsFor } from './actions.ts'
import { checkPlan } from './check-plan.ts'
import { foldJournal } from './fold.ts'
import { decideLook } from './look.ts'
import { dueChecks } from './pre-checks.ts'
import { blockAt, counts, journal, MINUTE, planWith, readingOf, start, T0 } from './rollout-testing.ts'

const blueGreen = {
  strategy: 'blue-green',
  pre_check: { gate: ['support'], shadow: 'support-1.3', health: true },
  warm_up: { suite: 'support', requests: 5 },
  keep_old: '24h',
  stages: [{ traffic: 0 }, { traffic: '100%', bake: '10m', success: ['error_rate < 10%'] }],
  triggers: [{ id: 'hard', metric: 'error_rate', above: '20%', window: '5m', do: ['rollback', 'notify'] }],
}
const rolling = {
  strategy: 'rolling',
  release: { code: 'abc123' },
  baseline: { code: 'abc122' },
  control: {
    type: 'command',
    set: ['kubectl', 'rollout', 'undo'],
    read: ['kubectl', 'rollout', 'status'],
    settle: '60s',
  },
  stages: [{ traffic: '100%', bake: '10m', success: ['error_rate < 10%'] }],
  triggers: blueGreen.triggers,
}

function runner(plan: RolloutPlan) {
  const entries: [number, RolloutEntry][] = [[0, start(plan)]]
  const state = () => foldJournal(journal(...entries))
  return {
    state,
    check: (minute: number, check: PreCheckName, outcome: Outcome, said = 'seen') =>
      void entries.push([minute, { kind: 'checked', check, outcome, said }]),
    say: (minute: number, verb: 'abort' | 'resume') =>
      void entries.push([minute, { kind: 'said', verb, reason: 'Ada' }]),
    act: (minute: number) =>
      actionsFor(state(), T0 + minute * MINUTE).map(({ id, action, why }) => {
        entries.push([minute, { kind: 'intent', id, action, why }], [minute, { kind: 'applied', id, read_back: null }])
        return action.do === 'notify' ? action.title : `${action.do} ${action.desired.ppm}`
      }),
    look: (minute: number, blocks: Block[], more: { reached?: number | null } = {}) => {
      const now = T0 + minute * MINUTE
      const reading = readingOf(blocks, now)
      const decision = decideLook(state(), { now, planHash: 'h1', reading, failure: null, ...more })
      entries.push([minute, { kind: 'look', reading, failure: null, plan_hash: 'h1', decision, ...more }])
      return decision
    },
  }
}

const minutes = (from: number, to: number, arm: 'baseline' | 'candidate', generation: number, rate = 0.02) =>
  Array.from({ length: to - from }, (_, i) => {
    const all = { error_rate: counts(1000, Math.round(1000 * rate)) }
    return blockAt(from + i, arm === 'baseline' ? all : {}, arm === 'candidate' ? all : {}, generation)
  })

/** A blue-green rollout up to the switch at minute 4. */
function switched(plan = planWith(blueGreen)) {
  const run = runner(plan)
  run.act(0)
  for (const check of ['gate', 'shadow', 'health', 'warm-up'] as const) run.check(1, check, 'pass')
  run.look(4, minutes(0, 4, 'baseline', 1))
  run.act(4)
  return run
}

it('the plans are sound', () => {
  expect(checkPlan(planWith(blueGreen))).toEqual([])
  expect(checkPlan(planWith(rolling))).toEqual([])
})

it('serves nobody until every check has passed, then everybody in one step', () => {
  const run = runner(planWith(blueGreen))
  expect(run.act(0)).toEqual(['set 0'])
  expect(dueChecks(run.state(), T0)).toEqual(['gate', 'shadow', 'health', 'warm-up'])
  expect(run.look(3, minutes(0, 3, 'baseline', 1))).toMatchObject({ outcome: 'inconclusive', next: 'wait' })
  for (const check of ['gate', 'shadow', 'health'] as const) run.check(3, check, 'pass')
  run.check(3, 'warm-up', 'fail', '2 of 5 were not answered')
  const held = run.look(4, minutes(3, 4, 'baseline', 1))
  expect(held.reasons.join()).toContain('warm-up is fail: 2 of 5 were not answered')
  expect(run.act(4)).toEqual([])
  expect(dueChecks(run.state(), T0 + 5 * MINUTE)).toEqual([])
  expect(dueChecks(run.state(), T0 + 8 * MINUTE)).toEqual(['warm-up'])
  run.check(8, 'warm-up', 'pass')
  expect(run.look(9, minutes(4, 9, 'baseline', 1))).toMatchObject({ outcome: 'pass', next: 'advance' })
  expect(run.act(9)).toEqual(['set 1000000'])
  expect(dueChecks(run.state(), T0 + 9 * MINUTE)).toEqual([])
})

it('a check that passed two hours ago does not let the switch be made', () => {
  const run = runner(planWith(blueGreen))
  run.act(0)
  for (const check of ['gate', 'shadow', 'health', 'warm-up'] as const) run.check(1, check, 'pass')
  const late = run.look(121, minutes(0, 121, 'baseline', 1))
  expect(late.outcome).toBe('inconclusive')
  expect(late.reasons.join()).toContain('too long ago to count')
})

it('a worse hour after the switch is no comparison: three times the errors hold within the limits', () => {
  const run = switched()
  const made = run.look(20, minutes(5, 20, 'candidate', 2, 0.06))
  expect(made).toMatchObject({ outcome: 'pass', next: 'finish' })
  expect(Object.values(made.metrics).every((one) => one.harm === null)).toBe(true)
})

it('an absolute trigger takes everybody back in one step', () => {
  const run = switched()
  expect(run.look(8, minutes(5, 8, 'candidate', 2, 0.5))).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(run.act(8)[0]).toBe('set 0')
  expect(run.state().mode).toBe('rolled-back')
})

it('a criterion that is broken beyond doubt does so too', () => {
  const run = switched(planWith({ ...blueGreen, triggers: [] }))
  expect(run.look(14, minutes(5, 14, 'candidate', 2, 0.15)).outcome).toBe('fail')
})

it('the old one is one step away while it is kept, and not after', () => {
  const run = switched()
  run.look(20, minutes(5, 20, 'candidate', 2))
  run.act(20)
  expect(run.state().mode).toBe('succeeded')
  run.say(60, 'abort')
  expect(run.act(60)[0]).toBe('set 0')
  expect(run.state().mode).toBe('aborted')

  const late = switched()
  late.look(20, minutes(5, 20, 'candidate', 2))
  late.act(20)
  late.say(26 * 60, 'abort')
  expect(late.state().mode).toBe('succeeded')
})

it('rolling sets nothing, and says pass once its limits are proven', () => {
  const run = runner(planWith(rolling))
  expect(run.act(0)).toEqual([])
  expect(run.look(5, minutes(1, 5, 'candidate', 1))).toMatchObject({ outcome: 'inconclusive' })
  expect(run.look(15, minutes(5, 15, 'candidate', 1))).toMatchObject({ outcome: 'pass', next: 'finish' })
  expect(run.act(15)).toEqual(['Rollout support-1.3 has succeeded'])
  expect(run.state().mode).toBe('succeeded')
})

it('rolling says pass while its limits hold, and ends only once everybody was served the new one for its bake', () => {
  const run = runner(planWith(rolling))
  const look = (minute: number, from: number, reached: number | null) =>
    run.look(minute, minutes(from, minute, 'candidate', 1), { reached })
  expect(look(15, 1, 50_000)).toMatchObject({ outcome: 'pass', next: 'wait' })
  expect(look(40, 15, null)).toMatchObject({ outcome: 'pass', next: 'wait' })
  const whole = look(41, 40, 1_000_000)
  expect(whole).toMatchObject({ outcome: 'pass', next: 'wait' })
  expect(whole.reasons.join()).toMatch(/watched on for .*everybody is served/)
  expect(run.state().mode).toBe('running')
  expect(look(45, 41, 500_000).next).toBe('wait')
  expect(look(46, 45, 1_000_000).next).toBe('wait')
  expect(look(58, 46, 1_000_000)).toMatchObject({ outcome: 'pass', next: 'finish' })
  expect(run.state().mode).toBe('succeeded')
})

it('rolling that fails tells people, touches nothing, and stays bad until somebody resumes', () => {
  const run = runner(planWith(rolling))
  expect(run.look(5, minutes(1, 5, 'candidate', 1, 0.5)).outcome).toBe('fail')
  const said = run.act(5)
  expect(said).toContain('Rollout support-1.3 must go back')
  expect(said.filter((one) => one.startsWith('set'))).toEqual([])
  expect(run.state().mode).toBe('running')
  run.look(400, minutes(5, 400, 'candidate', 1, 0))
  const healed = run.look(410, minutes(400, 410, 'candidate', 1, 0))
  expect(healed.outcome).not.toBe('pass')
  run.say(411, 'abort')
  expect(run.act(411).filter((one) => one.startsWith('set'))).toEqual([])
  expect(run.state().mode).toBe('aborted')
})

it.each<[string, Record<string, unknown>, string]>([
  [
    'three stages',
    { ...blueGreen, stages: [{ traffic: 0 }, { traffic: 0.5 }, { traffic: 1, bake: '1h' }] },
    'two stages',
  ],
  [
    'a comparison',
    {
      ...blueGreen,
      triggers: [{ id: 'q', metric: 'error_rate', below_baseline: 0.1, window: '5m', do: ['rollback'] }],
    },
    'does not run at the same time',
  ],
  [
    'nothing to watch',
    { ...blueGreen, triggers: [], stages: [{ traffic: 0 }, { traffic: 1, bake: '1h' }] },
    'Nothing is watched',
  ],
  [
    'a criterion of nobody',
    {
      ...blueGreen,
      stages: [
        { traffic: 0, success: ['error_rate < 1%'] },
        { traffic: 1, bake: '1h' },
      ],
    },
    'while nobody is served',
  ],
  ['a canary at none', { stages: [{ traffic: 0 }, { traffic: 1 }] }, 'Stage 1 serves 0 %'],
  ['a canary that warms up', { warm_up: { suite: 'support' } }, 'of blue-green rollouts only'],
  [
    'rolling a prompt',
    { ...rolling, release: { prompt: 'a@1.0.0' }, baseline: { prompt: 'a@0.9.0' } },
    'for code alone',
  ],
  ['rolling by a flag', { ...rolling, control: { type: 'flagd', path: 'flags.json' } }, 'moves the traffic'],
])('a plan with %s is refused', (_, change, says) => {
  expect(
    checkPlan(planWith(change))
      .map(({ problem }) => problem)
      .join('\n'),
  ).toContain(says)
})
