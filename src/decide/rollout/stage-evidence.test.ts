// A stage is left on what was seen in it: not on what earlier stages have shown, not on one arm, not on time that nobody was served.
import { expect, it } from 'vitest'
import type { Block, MetricCounts, Reading, RolloutEntry } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { actionsFor } from './actions.ts'
import { boundOf, quantileOf } from './criterion.ts'
import { foldJournal } from './fold.ts'
import { decideLook } from './look.ts'
import { blockAt, counts, journal, MINUTE, planWith, readingOf, start, T0 } from './rollout-testing.ts'
import { gatingVerdict, servedVerdict } from './served-verdict.ts'
import { observedFor } from './stages.ts'

/** A runner without a disk, whose minutes may have a source that says more than blocks. */
function runner(plan: RolloutPlan) {
  const entries: [number, RolloutEntry][] = [[0, start(plan)]]
  const fold = () => foldJournal(journal(...entries))
  return {
    entries,
    state: fold,
    say: (minute: number, verb: 'pause' | 'resume' | 'advance') =>
      void entries.push([minute, { kind: 'said', verb, reason: 'a person' }]),
    act: (minute: number) =>
      actionsFor(fold(), T0 + minute * MINUTE).map(({ id, action, why }) => {
        entries.push([minute, { kind: 'intent', id, action, why }], [minute, { kind: 'applied', id, read_back: null }])
        return id
      }),
    look: (minute: number, blocks: Block[], more: Partial<Reading> = {}) => {
      const now = T0 + minute * MINUTE
      const newest = new Date(now - 1).toISOString()
      const reading = { ...readingOf(blocks, now), newest, ...more }
      const made = decideLook(fold(), { now, planHash: 'h1', reading })
      entries.push([minute, { kind: 'look', reading, failure: null, plan_hash: 'h1', decision: made }])
      return made
    },
  }
}
type Metrics = Record<string, MetricCounts>
const minutes = (from: number, to: number, generation: number, baseline: Metrics, candidate: Metrics): Block[] =>
  Array.from({ length: to - from }, (_, i) => blockAt(from + i, baseline, candidate, generation))
const errors = (n: number, bad = Math.round(n * 0.02)): Metrics => ({ error_rate: counts(n, bad) })
const good = (from: number, to: number, share: number, generation: number) =>
  minutes(from, to, generation, share < 1 ? errors(1000 * (1 - share)) : {}, errors(1000 * share))
const none = (from: number, to: number, generation: number) => minutes(from, to, generation, {}, {})

it('leaves no stage in which the candidate did nothing, the last one neither', () => {
  const stages = [
    { traffic: '5%', duration: '5m' },
    { traffic: '50%', duration: '5m' },
    { traffic: '100%', bake: '5m' },
  ]
  const run = runner(planWith({ stages }))
  run.act(0)
  expect(run.look(7, good(1, 7, 0.05, 1)).next).toBe('advance')
  run.act(7)
  const idle = run.look(14, none(8, 14, 2))
  expect(idle).toMatchObject({ outcome: 'inconclusive', next: 'wait' })
  expect(idle.reasons.join()).toContain('No event of the candidate in this stage yet.')
  expect(run.look(20, good(14, 20, 0.5, 2)).next).toBe('advance')
  run.act(20)
  expect(run.look(27, none(21, 27, 3)).next).toBe('wait')
  expect(run.look(28, good(27, 28, 1, 3)).next).toBe('finish')
})

it('leaves no stage in which a guardrail had no event of an arm', () => {
  const metrics = { error_rate: { bad: 'error.type != null' }, judged: { bad: "eval.ok.label == 'fail'" } }
  const stages = [{ traffic: '5%', duration: '5m' }, { traffic: '50%', duration: '5m' }, { traffic: '100%' }]
  const both = (n: number): Metrics => ({ ...errors(n), judged: counts(n, Math.round(n * 0.02)) })
  const run = runner(planWith({ metrics, stages }))
  run.act(0)
  expect(run.look(7, minutes(1, 7, 1, both(950), both(50))).next).toBe('advance')
  run.act(7)
  const silent = run.look(14, minutes(8, 14, 2, both(500), errors(500)))
  expect(silent.next).toBe('wait')
  expect(silent.reasons).toEqual(['judged: no event of the candidate in this stage yet.'])
  const other = run.look(15, minutes(14, 15, 2, errors(500), both(500)))
  expect(other.next).toBe('advance')
})

it('compares no minute in which one arm is missing, and is invalid once it stays away', () => {
  const stages = [{ traffic: '5%', duration: '10m' }, { traffic: '100%' }]
  const run = runner(planWith({ stages }))
  run.act(0)
  run.look(4, good(1, 4, 0.05, 1))
  // Users who were all seen before: the split says nothing of a baseline whose log is gone.
  const alone = minutes(4, 40, 1, {}, errors(50, 10)).map((block) => {
    const known = { ...block.arms.candidate, units: 0, fresh: 0 }
    return { ...block, arms: { ...block.arms, candidate: known } }
  })
  const soon = run.look(20, alone.slice(0, 16))
  expect(soon).toMatchObject({ outcome: 'inconclusive', next: 'wait' })
  expect(soon.reasons).toEqual(['What came last has no event of the baseline.'])
  const late = run.look(40, alone.slice(16))
  expect(late).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(late.reasons[0]).toMatch(/The baseline has sent no event for/)
})

it('sees that one arm is late, however small it is', () => {
  const stages = [{ traffic: '1%', duration: '10m' }, { traffic: '100%' }]
  const blocks = minutes(1, 13, 1, errors(990), errors(7, 0))
  const late = (late_arms?: Reading['late_arms']) => {
    const run = runner(planWith({ stages }))
    run.act(0)
    return run.look(13, blocks, { late: 36, ...(late_arms && { late_arms }) })
  }
  // A third of the candidate's events, and a third of a percent of all.
  expect(late().reasons.join()).not.toContain('lateness')
  const found = late({ baseline: 0, candidate: 36 })
  expect(found).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(found.reasons[0]).toContain('36 of 120 events of the candidate were not counted')
})

it('does not pass where what has no value may be what is slow, and goes back on what is proven', () => {
  const metrics = { latency_p95: { value: 'duration_ms', tail_at: '2s' } }
  const slow = (n: number, bad: number, blank: number) => ({ latency_p95: counts(n, bad, { blank }) })
  const all = (block: Block): Block => {
    const candidate = { ...block.arms.candidate, requests: 50, units: 50 }
    return { ...block, arms: { ...block.arms, candidate } }
  }
  const of = (bad: number, blank: number) => {
    const run = runner(planWith({ metrics }))
    run.act(0)
    return run.look(13, minutes(1, 13, 1, slow(950, 19, 0), slow(50 - blank, bad, blank)).map(all))
  }
  expect(of(1, 0).next).toBe('advance')
  expect(of(1, 2).next).toBe('advance')
  const timedOut = of(0, 15)
  expect(timedOut).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(timedOut.reasons[0]).toMatch(/in 100% of the events of the baseline and 70% of those of the candidate/)
  expect(of(20, 15)).toMatchObject({ outcome: 'fail', next: 'rollback' })
})

it('is invalid where at 100 % what is bad says no arm', () => {
  const stages = [
    { traffic: '5%', duration: '5m' },
    { traffic: '100%', bake: '10m', success: ['error_rate < 5%'] },
  ]
  const run = (armless: number) => {
    const one = runner(planWith({ stages }))
    one.act(0)
    one.look(7, good(1, 7, 0.05, 1))
    one.act(7)
    const whole = good(8, 20, 1, 2).map((block) => ({
      ...block,
      armless: { requests: armless, bad: { error_rate: armless } },
    }))
    return one.look(20, whole)
  }
  expect(run(0).next).toBe('finish')
  expect(run(1).next).toBe('finish')
  expect(run(9)).toMatchObject({ outcome: 'invalid', next: 'hold' })
})

it('goes on after a signal once a person has seen it', () => {
  const metrics = {
    error_rate: { bad: 'error.type != null' },
    down: { bad: "feedback == 'down'", role: 'signal' },
  }
  const stages = [{ traffic: '50%', duration: '5m' }, { traffic: '100%' }]
  const of = (bad: number): Metrics => ({ ...errors(500), down: counts(500, bad) })
  const run = runner(planWith({ metrics, stages }))
  run.act(0)
  const held = run.look(7, minutes(1, 7, 1, of(10), of(60)))
  expect(held).toMatchObject({ outcome: 'inconclusive', next: 'hold' })
  expect(run.look(8, minutes(7, 8, 1, of(10), of(10))).next).toBe('hold')
  run.say(8, 'resume')
  expect(run.look(9, minutes(8, 9, 1, of(10), of(10))).next).toBe('advance')
})

it('compares anew after units in both arms, once a person says so', () => {
  const stages = [{ traffic: '5%', duration: '5m' }, { traffic: '100%' }]
  const run = runner(planWith({ stages }))
  run.act(0)
  const doubled = good(1, 4, 0.05, 1).map((block) => ({ ...block, both: 200 }))
  expect(run.look(4, doubled).reasons[0]).toMatch(/were seen in both arms.*`aigate canary resume` compares anew/)
  run.say(5, 'resume')
  expect(run.look(9, good(4, 9, 0.05, 1)).next).toBe('advance')
})

it('stays where it is while it is paused, whatever the deadline says', () => {
  const stages = [{ traffic: '5%', min_users: 1_000_000, max_duration: '20m' }, { traffic: '100%' }]
  const run = runner(planWith({ stages, on_deadline: 'rollback' }))
  run.act(0)
  run.say(10, 'pause')
  expect(run.look(25, good(1, 25, 0.05, 1))).toMatchObject({ outcome: 'inconclusive', next: 'hold' })
  run.say(25, 'resume')
  expect(run.look(26, good(25, 26, 0.05, 1)).next).toBe('rollback')
})

it('goes on after hours in which nobody looked, and counts them for no stage', () => {
  const stages = [{ traffic: '5%', duration: '60m', gate: 'none' }, { traffic: '100%' }]
  const run = runner(planWith({ stages }))
  run.act(0)
  run.look(6, good(1, 6, 0.05, 1))
  run.act(6)
  // The lease ended at minute 21; nobody looked until minute 300, and the baseline alone was served.
  const before = good(6, 21, 0.05, 1)
  const back = run.look(300, [...before, ...minutes(21, 300, 1, errors(1000), {})])
  expect(back).toMatchObject({ outcome: 'inconclusive', next: 'wait' })
  expect(observedFor(run.state()) / MINUTE).toBe(20)
  expect(run.act(300)).toEqual(['renew-g1-2'])
  expect(run.look(310, good(301, 310, 0.05, 1)).next).toBe('wait')
  expect(observedFor(run.state()) / MINUTE).toBe(30)
  run.act(310)
  expect(run.look(320, good(310, 320, 0.05, 1)).next).toBe('wait')
  run.act(320)
  expect(run.look(345, good(320, 345, 0.05, 1)).next).toBe('wait')
})

it('shortens a lease that a clock which was ahead has written', () => {
  const run = runner(planWith())
  const day = 24 * 60
  run.act(0)
  run.look(6, good(1, 6, 0.05, 1))
  const until = new Date(T0 + 2 * day * MINUTE).toISOString()
  const desired = { ppm: 50_000, generation: 1, killed: false, lease_until: until, components: ['prompt', 'model'] }
  run.entries.push(
    [8, { kind: 'intent', id: 'renew-g1-1', action: { do: 'renew', desired }, why: 'renewal of the lease' }],
    [8, { kind: 'applied', id: 'renew-g1-1', read_back: null }],
  )
  const [shorter] = actionsFor(run.state(), T0 + 9 * MINUTE)
  expect(shorter).toMatchObject({ id: 'renew-g1-2', action: { do: 'renew' } })
  const lease = shorter?.action.do === 'renew' ? shorter.action.desired.lease_until : null
  expect(Date.parse(lease ?? '')).toBe(T0 + 24 * MINUTE)
})

it('says nothing good by a look of the future', () => {
  const run = runner(planWith())
  run.act(0)
  run.look(12, good(1, 12, 0.05, 1))
  expect(servedVerdict(run.state(), T0 + 12 * MINUTE).verdict).toBe('pass')
  const early = servedVerdict(run.state(), T0 - 24 * 60 * MINUTE)
  expect(early).toMatchObject({ verdict: 'invalid', reasons: [expect.stringMatching(/its clock was wrong/)] })
  expect(servedVerdict(run.state(), T0 + 40 * MINUTE).ppm).toBe(0)
})

it.each([
  ['latency_p95', 0.95],
  ['p99_latency', 0.99],
  ['latency_p99.9', 0.999],
  ['latency_p99_9', 0.999],
  ['latency_p999', 0.999],
  ['latency_p9999', 0.9999],
  ['latencyP99', 0.99],
  ['latencyp99', 0.99],
  ['latency_p50_eu', 0.5],
  ['latency_shop24', 0.9],
  ['latency_p4', 0.9],
])('reads the quantile of %s', (name, quantile) => {
  const metric = { value: 'duration_ms', tail_at: 'baseline.p90', role: 'guardrail' } as const
  expect(quantileOf(name, metric)).toBeCloseTo(quantile, 9)
})

it('takes the highest value for no quantile', () => {
  const plan = planWith({ metrics: { latency: { value: 'duration_ms' } } })
  expect(boundOf(plan, 'latency_p100 < 5s')).toMatch(/a quantile that there is not/)
  expect(boundOf(plan, 'latency_p99 < 5s')).toMatchObject({ kind: 'quantile', limit: 0.01, value: 5000 })
})

it('does not take a mean of values that were all alike so far for certain', () => {
  const metrics = {
    cost: { mean: 'cost_usd', margin: { rel: 0.15 } },
    quality: { mean: 'eval.q.score', range: [0, 1] },
  }
  const stages = [
    { traffic: '50%', duration: '5m', gate: 'none', success: ['cost < $0.01', 'quality > 0.99'] },
    { traffic: '100%' },
  ]
  const run = runner(planWith({ metrics, stages }))
  run.act(0)
  const of = (n: number): Metrics => ({
    cost: counts(n, 0, { sum: 0, squares: 0 }),
    quality: counts(n, 0, { sum: n, squares: n }),
  })
  const free = run.look(7, minutes(1, 7, 1, of(25), of(25)))
  expect(free.reasons.join()).toContain('cost < $0.01: not proven yet (0 of 150 events)')
  expect(free.reasons.join()).toContain('quality > 0.99: not proven yet (1 of 150 events)')
  const paid = (n: number): Metrics => ({
    cost: counts(n, 0, { sum: n * 0.002, squares: n * 0.000_005 }),
    quality: counts(n, 0, { sum: n, squares: n }),
  })
  expect(run.look(60, minutes(7, 60, 1, paid(400), paid(400))).next).toBe('advance')
})

it('an amended source of another kind is read from its start, and one of the same kind goes on', () => {
  const prometheus = { type: 'prometheus', url: 'http://127.0.0.1:9090', requests: 'requests_total', bad: {} }
  const amended = (source: object) => {
    const run = runner(planWith())
    run.act(0)
    run.look(6, good(1, 6, 0.05, 1), { cursor: { version: 1 } })
    const { stage, wanted } = run.state()
    const place = { stage, ppm: wanted.ppm, hold: null }
    const plan = planWith({ source })
    run.entries.push([7, { kind: 'said', verb: 'amend', reason: 'moved', plan_hash: 'h2', plan, amended: place }])
    return run.state()
  }
  expect(amended(prometheus).cursor).toBeNull()
  expect(amended(prometheus).closed).toBe(T0 + 6 * MINUTE)
  expect(amended({ type: 'jsonl', path: 'other/*.jsonl' }).cursor).toEqual({ version: 1 })
})

it('lets nobody go on by the pass of a stage that is over', () => {
  const run = runner(planWith())
  run.act(0)
  run.look(12, good(1, 12, 0.05, 1))
  run.act(12)
  const now = T0 + 12 * MINUTE
  expect(gatingVerdict(run.state(), now)).toMatchObject({
    verdict: 'inconclusive',
    reasons: ['Stage 0 was passed; the rollout goes on with stage 1 of 0 to 2.', expect.stringMatching(/No harm/)],
  })
  expect(gatingVerdict(run.state(), now, 0).verdict).toBe('pass')
  expect(gatingVerdict(run.state(), now, 1).verdict).toBe('inconclusive')
  run.look(40, good(13, 40, 0.5, 2))
  run.act(40)
  run.look(60, good(41, 60, 1, 3))
  expect(run.state().mode).toBe('succeeded')
  expect(gatingVerdict(run.state(), T0 + 60 * MINUTE).verdict).toBe('pass')
})
