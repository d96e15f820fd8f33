// Evidence that is not to be trusted, or too little: what no rollout may pass on.
import { expect, it } from 'vitest'
import type { Block, MetricCounts, RolloutEntry } from '../../schema/rollout-journal.ts'
import { splitEvidence } from '../../statistics/split-check.ts'
import { harmEvidence, startArmShare, stepArmShare } from '../../statistics/arm-share.ts'
import { actionsFor } from './actions.ts'
import { checkPlan, planNotes } from './check-plan.ts'
import { foldJournal } from './fold.ts'
import { leastEvents } from './least-events.ts'
import { decideLook } from './look.ts'
import { judgingOf } from './metrics.ts'
import { blockAt, counts, journal, MINUTE, planWith, readingOf, start, T0 } from './rollout-testing.ts'
import { leastTime } from './stages.ts'

/** Looks at `blocks` after `minute` minutes of the first stage, in which the share was set at once. */
function rollout(change: Record<string, unknown> = {}) {
  const entries: [number, RolloutEntry][] = [[0, start(planWith(change))]]
  const fold = () => foldJournal(journal(...entries))
  for (const { id, action, why } of actionsFor(fold(), T0))
    entries.push([0, { kind: 'intent', id, action, why }], [0, { kind: 'applied', id, read_back: null }])
  return {
    state: fold,
    resume: (minute: number) => entries.push([minute, { kind: 'said', verb: 'resume', reason: 'looked into it' }]),
    look: (minute: number, blocks: Block[], notes: string[] = []) => {
      const reading = { ...readingOf(blocks, T0 + minute * MINUTE), notes }
      const made = decideLook(fold(), { now: T0 + minute * MINUTE, planHash: 'h1', reading })
      entries.push([minute, { kind: 'look', reading, failure: null, plan_hash: 'h1', decision: made }])
      return made
    },
  }
}
const minutes = (
  from: number,
  to: number,
  baseline: Record<string, MetricCounts>,
  candidate: Record<string, MetricCounts>,
) => Array.from({ length: to - from }, (_, index) => blockAt(from + index, baseline, candidate))
const healthy = (from: number, to: number) =>
  minutes(from, to, { error_rate: counts(950, 19) }, { error_rate: counts(50, 1) })
const withArmless = (blocks: Block[], requests: number, bad: number): Block[] =>
  blocks.map((one) => ({ ...one, armless: { requests, bad: bad > 0 ? { error_rate: bad } : {} } }))

it('does not pass where what is bad says no arm, or much of everything', () => {
  expect(rollout().look(12, healthy(1, 12)).outcome).toBe('pass')
  const hidden = rollout().look(12, withArmless(healthy(1, 12), 8, 8))
  expect(hidden).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(hidden.reasons[0]).toMatch(/bad events of error_rate say no arm/)
  expect(rollout().look(12, withArmless(healthy(1, 12), 30, 0)).reasons[0]).toMatch(/of 11330 events say no arm/)
  expect(rollout().look(12, withArmless(healthy(1, 12), 2, 0)).outcome).toBe('pass')
})

it('does not pass where the bad events of an arm name no unit', () => {
  const blocks = minutes(
    1,
    12,
    { error_rate: counts(950, 19) },
    { error_rate: counts(50, 5, { first: 0, unitless: 5 }) },
  )
  const made = rollout().look(12, blocks)
  expect(made).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(made.reasons[0]).toMatch(/in the candidate name no unit/)
})

it.each([
  ['candidate', counts(950, 0, { blank: 0 }), counts(50, 0, { blank: 50 })],
  ['baseline', counts(950, 0, { blank: 950 }), counts(50, 20)],
])('is invalid where the field is not in the %s', (_, baseline, candidate) => {
  const made = rollout().look(12, minutes(1, 12, { error_rate: baseline }, { error_rate: candidate }))
  expect(made).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(made.reasons[0]).toMatch(/do not log alike/)
})

it('rolls back where only what fails has the field', () => {
  const baseline = counts(950, 10, { blank: 940 })
  const made = rollout().look(
    12,
    minutes(1, 12, { error_rate: baseline }, { error_rate: counts(50, 48, { blank: 2 }) }),
  )
  expect(made).toMatchObject({ outcome: 'fail', next: 'rollback' })
})

it('rolls back on what is proven, whatever another metric lacks', () => {
  const metrics = { error_rate: { bad: 'error.type != null' }, cost: { mean: 'cost_usd' } }
  const cost = (n: number, blank: number) => counts(n, 0, { sum: n, squares: n * 1.5, blank })
  const blocks = minutes(
    1,
    12,
    { error_rate: counts(950, 19), cost: cost(950, 0) },
    { error_rate: counts(50, 20), cost: cost(0, 50) },
  )
  expect(rollout({ metrics }).look(12, blocks)).toMatchObject({ outcome: 'fail', next: 'rollback' })
})

it('keeps to a wrong split until a person resumes, and then compares anew', () => {
  const run = rollout({ stages: [{ traffic: '5%', duration: '12m' }, { traffic: '100%' }] })
  const wrong = minutes(1, 2, { error_rate: counts(1000, 20) }, { error_rate: counts(15, 0) })
  expect(run.look(2, wrong).reasons[0]).toMatch(/not split as planned/)
  // So many good minutes after it outweigh it: the alarm of then is not withdrawn.
  const good = minutes(2, 10, { error_rate: counts(950, 19) }, { error_rate: counts(50, 1) })
  expect(run.look(10, good).reasons[0]).toMatch(/not split as planned/)
  expect(splitEvidence(run.state().evidence.split)).toBeLessThan(Math.log(1000))
  run.resume(10)
  expect(run.state().evidence.metrics).toEqual({})
  expect(run.look(11, healthy(10, 11)).outcome).toBe('inconclusive')
  expect(run.look(14, healthy(11, 14)).outcome).toBe('pass')
})

it('asks for so many of the candidate that a gross harm would be proven, and no fewer', () => {
  for (const share of [0.01, 0.05, 0.5])
    for (const change of [{}, { assignment: { unit: 'request' } }]) {
      const [judging] = judgingOf(planWith(change))
      const least = leastEvents(judging!, share)
      expect(least).toBeGreaterThanOrEqual(15)
      expect(least).toBeLessThan(200)
      if (judging!.method !== 'arm-share') continue
      const after = (bad: number) =>
        harmEvidence(stepArmShare(startArmShare(), { share, candidate: bad, baseline: 0, hour: 0 }))
      expect(after(least * 0.2)).toBeGreaterThanOrEqual(judging!.harm_bound)
      expect(after(least * 0.2 - 1)).toBeLessThan(judging!.harm_bound)
    }
})

it('does not take three events for no harm, and says how many it took', () => {
  const blocks = [
    ...minutes(1, 4, { error_rate: counts(950, 19) }, { error_rate: counts(1, 0) }),
    ...minutes(4, 12, { error_rate: counts(950, 19) }, {}),
  ]
  // Nobody is new: the split says nothing.
  for (const { arms } of blocks) arms.baseline.fresh = arms.candidate.fresh = 0
  const first = rollout().look(12, blocks)
  expect(first.outcome).not.toBe('pass')
  expect(first.reasons.join()).toMatch(/error_rate: 3 of the \d+ of the candidate among which gross harm would show/)
  expect(rollout().look(12, healthy(1, 12)).reasons).toEqual(['No harm seen (550 events of the candidate).'])
})

it('finds a mean that is another constant, and does not pass a mean that has no test', () => {
  const metrics = { tool_calls: { mean: 'tool_calls', better: 'lower', margin: { rel: 0.15 } } }
  const same = (n: number, value: number) => ({
    tool_calls: counts(n, 0, { sum: n * value, squares: n * value * value }),
  })
  expect(rollout({ metrics }).look(12, minutes(1, 12, same(950, 1), same(50, 8)))).toMatchObject({ outcome: 'fail' })
  expect(rollout({ metrics }).look(12, minutes(1, 12, same(950, 1), same(50, 1))).outcome).toBe('pass')
  const zeros = rollout({ metrics }).look(12, minutes(1, 12, same(950, 0), same(50, 0)))
  expect(zeros).toMatchObject({ outcome: 'inconclusive' })
  expect(zeros.reasons[0]).toMatch(/too few events for its test/)
})

it('stays in a stage until the answers of its beginning are as old as the delay', () => {
  const metrics = { error_rate: { bad: 'error.type != null' }, down: { bad: "feedback == 'down'", delay: '2h' } }
  const plan = planWith({ metrics })
  expect(plan.stages.map((stage) => leastTime(stage, plan) / MINUTE)).toEqual([150, 150, 10])
  expect(leastTime(plan.stages[0]!, planWith()) / MINUTE).toBe(10)
  const stages = [{ traffic: '5%', duration: '10m', max_duration: '2h' }, { traffic: '100%' }]
  expect(checkPlan(planWith({ metrics, stages })).map(({ path }) => path.at(-1))).toEqual(['max_duration'])
  const run = rollout({ metrics: { ...metrics, down: { ...metrics.down, role: 'signal' } } })
  expect(run.look(12, healthy(1, 12))).toMatchObject({ outcome: 'inconclusive', reasons: ['2h 19m of 2h 30m to go.'] })
})

it('warns of stages that ask more than they read', () => {
  expect(planNotes(planWith()).join()).toMatch(/^stage 1 is left after \d+ of the candidate at the earliest/)
  const stages = [{ traffic: '5%', duration: '10m', min_users: 100 }, { traffic: '100%' }]
  expect(planNotes(planWith({ stages }))).toEqual([])
  const metrics = { down: { bad: "feedback == 'down'", delay: '2h' } }
  expect(planNotes(planWith({ stages, metrics }))).toEqual([expect.stringMatching(/^stage 1 lasts 2h 30m at least/)])
})

it('says what the source had to say', () => {
  expect(rollout().look(12, healthy(1, 12), ['A file is gone.']).warnings).toContain('A file is gone.')
})

it('does not pass where what came was too late to be counted, and rolls back on what is proven without it', () => {
  const run = rollout()
  const late = (minute: number, blocks: Block[], count: number) => {
    const reading = { ...readingOf(blocks, T0 + minute * MINUTE), late: count }
    return decideLook(run.state(), { now: T0 + minute * MINUTE, planHash: 'h1', reading })
  }
  expect(late(12, healthy(1, 12), 5).outcome).toBe('pass')
  const hidden = late(12, healthy(1, 12), 2000)
  expect(hidden).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(hidden.reasons[0]).toMatch(/2000 of 13000 events were not counted: .*`source\.lateness`/)
  const harmful = minutes(1, 12, { error_rate: counts(950, 19) }, { error_rate: counts(50, 40) })
  expect(late(12, harmful, 2000).outcome).toBe('fail')
})

it.each([
  [{ above: 5 }, /above 500% of a rate, .* is never true/],
  [{ above: -1 }, /always true/],
  [{ below: 0 }, /never true/],
  [{ above: 0.2, window: 0 }, /window of 0/],
])('refuses a trigger with %j', (more, problem) => {
  const triggers = [{ id: 'errors', metric: 'error_rate', window: '5m', do: ['rollback'], ...more }]
  const found = checkPlan(planWith({ triggers })).map((one) => `${one.problem} ${one.mend}`)
  expect(found.join()).toMatch(problem)
  expect(found).toHaveLength(1)
})
