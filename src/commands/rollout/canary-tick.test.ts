// One tick after another, with the real journal, lock and flag file; the clock and the traffic are put by hand.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openActuator } from '../../act/actuators.ts'
import { planOf } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Actuator, Source } from '../../ports.ts'
import { readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { sayCommand, startCommand, verdictCommand } from './canary.ts'
import { replayJournal } from './canary-replay.ts'
import { asRunner, openSession } from './canary-session.ts'
import {
  type Bench,
  bench,
  flagFile,
  flagText,
  MINUTE,
  plan,
  planPath,
  projectFolder,
  traffic,
} from './canary-testing.ts'
import { type Tick, tick } from './canary-tick.ts'
import { removeTemporary } from '../cli-testing.ts'

afterAll(removeTemporary)
const name = 'support-1.3'
const healthy = traffic({ baseline: 15, candidate: 5 })
const worse = traffic({ baseline: 15, candidate: 40 })

const session = ({ context, project }: Bench) => openSession(context, project, name)
const journal = ({ project }: Bench) => readRolloutJournal(rolloutFolder(project, name)).chain.records
const kinds = (one: Bench) => journal(one).map(({ kind }) => kind)
const plane = (one: Bench): Actuator => {
  const { state } = session(one)
  return openActuator(planOf(state), { root: one.folder, env: {}, planHash: state.plan_hash })
}

async function started(files?: Record<string, string>): Promise<Bench> {
  const one = await bench(projectFolder(files))
  expect(await startCommand(one.context, undefined, {})).toBe('pass')
  return one
}
function tickWith(one: Bench, source: Source, actuator: Actuator = plane(one)): Promise<Tick> {
  one.clock.now += MINUTE
  return asRunner(one.context, one.project, name, { who: 'runner' }, (opened) => tick(opened, { source, actuator }))
}
async function ticks(
  one: Bench,
  source: Source,
  most: number,
  until: (tick: Tick) => boolean,
  actuator?: Actuator,
): Promise<Tick> {
  for (let i = 0; i < most; i += 1) {
    const done = await tickWith(one, source, actuator)
    if (until(done)) return done
  }
  throw new Error(`not within ${most} ticks: ${JSON.stringify(session(one).state.last)}`)
}
const shown = (one: Bench) => plane(one).read(one.context.signal)

it('a start gives the candidate its first share, intent before act', async () => {
  const one = await started()
  expect(kinds(one)).toEqual(['start', 'intent', 'applied'])
  expect(await shown(one)).toMatchObject({ ppm: 250_000, generation: 1, killed: false })
  expect(one.out.join('')).toContain('stage 1 of 3, 25 % served')
  await expect(startCommand(one.context, undefined, {})).rejects.toThrow(/was started already and is running/)
})

it('a worse candidate is rolled back, and stays so', async () => {
  const one = await started()
  const done = await ticks(one, worse, 15, ({ ending }) => ending !== 'pass')
  expect([done.ending, done.decision?.next]).toEqual(['fail', 'rollback'])
  expect(await shown(one)).toMatchObject({ ppm: 0, generation: 2 })
  expect(session(one).state.mode).toBe('rolled-back')
  const records = journal(one).length
  expect((await tickWith(one, worse)).ending).toBe('fail')
  expect(journal(one).length - records).toBeLessThanOrEqual(2)
  expect(await verdictCommand(one.context, name, {})).toBe('fail')
  expect(replayJournal(journal(one))).toMatchObject({ difference: null })
})

it('a good candidate goes through all stages, and waits for its approval', async () => {
  const one = await started()
  await ticks(one, healthy, 30, () => session(one).state.stage === 1)
  for (let i = 0; i < 12; i += 1) await tickWith(one, healthy)
  expect(session(one).state.stage).toBe(1)
  expect(await sayCommand(one.context, 'approve', name, { reason: 'seen' })).toBe('pass')
  await ticks(one, healthy, 40, () => session(one).state.mode === 'succeeded')
  expect(await shown(one)).toMatchObject({ ppm: 1_000_000 })
  expect((await tickWith(one, healthy)).ending).toBe('pass')
  expect(replayJournal(journal(one))).toMatchObject({ difference: null })
})

it('a changed decision in the journal is found by replay', async () => {
  const one = await started()
  for (let i = 0; i < 3; i += 1) await tickWith(one, healthy)
  const records = journal(one).map((record) =>
    record.kind === 'look' && record.seq > 4
      ? { ...record, decision: { ...record.decision, reasons: ['no'] } }
      : record,
  )
  expect(replayJournal(records)).toMatchObject({ difference: { seq: 5, changed: ['reasons'] } })
})

it.each(['before', 'after'] as const)('a runner that dies %s it acts: the next one finishes, once', async (moment) => {
  const one = await started()
  const real = plane(one)
  let applied = 0
  const dying: Actuator = {
    ...real,
    apply: async (desired, signal) => {
      if (desired.ppm > 0) return real.apply(desired, signal)
      if (moment === 'after') await real.apply(desired, signal)
      throw new Error('killed')
    },
  }
  await expect(ticks(one, worse, 15, () => false, dying)).rejects.toThrow('killed')
  expect(kinds(one).at(-1)).toBe('intent')
  const counting: Actuator = { ...real, apply: (d, s) => ((applied += 1), real.apply(d, s)) }
  expect((await tickWith(one, worse, counting)).ending).toBe('fail')
  expect([applied, (await shown(one)).ppm]).toEqual([moment === 'after' ? 0 : 1, 0])
})

it('a control plane that does not obey is an action that failed, and is tried again', async () => {
  const one = await started()
  const real = plane(one)
  const deaf: Actuator = { ...real, apply: async (d, s) => (d.ppm > 0 ? real.apply(d, s) : undefined) }
  let last: Tick | undefined
  for (let i = 0; i < 15 && last?.ending !== 'action_failed'; i += 1) last = await tickWith(one, worse, deaf)
  expect(last?.acted.failed).toEqual([expect.stringContaining('the candidate has 25 % instead of 0 %')])
  expect(await verdictCommand(one.context, name, {})).toBe('action_failed')
  one.clock.now += 10 * MINUTE
  expect((await tickWith(one, worse)).ending).toBe('fail')
  expect(await shown(one)).toMatchObject({ ppm: 0 })
})

it('more than was decided is put back; less is respected until somebody resumes', async () => {
  const one = await started()
  await tickWith(one, healthy)
  const real = plane(one)
  const { applied } = session(one).state
  const lease_until = applied?.lease_until ? new Date(applied.lease_until).toISOString() : null
  const by = (ppm: number) =>
    real.apply({ ppm, generation: 1, killed: false, components: ['prompt'], lease_until }, one.context.signal)
  await by(900_000)
  const more = await tickWith(one, healthy)
  expect(more.notes).toEqual([expect.stringContaining('90 % instead of 25 %; it is put back')])
  expect(await shown(one)).toMatchObject({ ppm: 250_000 })
  await by(10_000)
  const less = await tickWith(one, healthy)
  expect([less.ending, less.decision?.outcome, less.decision?.next]).toEqual(['invalid', 'invalid', 'hold'])
  expect(less.decision?.reasons).toEqual([expect.stringContaining('has 1 % instead of 25 %')])
  for (let i = 0; i < 12; i += 1) await tickWith(one, healthy)
  expect(await shown(one)).toMatchObject({ ppm: 10_000 })
  expect(await sayCommand(one.context, 'resume', name, {})).toBe('pass')
  expect(await shown(one)).toMatchObject({ ppm: 250_000 })
  expect((await tickWith(one, healthy)).ending).toBe('pass')
})

it.each([
  ['renewal', '60m', 20],
  ['next stage', '5m', 5],
])('a share that is lowered while a look reads is not raised by the %s', async (_, duration, minutes) => {
  const one = await started({ [planPath]: plan.replace('duration: 5m', `duration: ${duration}`) })
  const real = plane(one)
  let lowers = false
  const source: Source = {
    read: async (request) => {
      const { applied } = session(one).state
      const lease_until = applied?.lease_until ? new Date(applied.lease_until).toISOString() : null
      const hand = { ppm: 10_000, generation: 1, killed: false, components: ['prompt'], lease_until }
      if (lowers) await real.apply(hand, one.context.signal)
      return healthy.read(request)
    },
  }
  for (let i = 0; i < 3; i += 1) await tickWith(one, source)
  // Nobody has touched anything when this tick begins, and what it brings is due only after its look.
  one.clock.now += minutes * MINUTE
  lowers = true
  const late = await tickWith(one, source)
  expect(late.decision?.outcome).not.toBe('invalid')
  expect(late.notes.join()).toContain('has 1 % instead of 25 %')
  expect(await shown(one)).toMatchObject({ ppm: 10_000 })
})

it('what was served at a lowered share is never compared, while triggers stay armed', async () => {
  const triggers = 'triggers: [{id: hard, metric: error_rate, above: 20%, window: 5m, do: [rollback]}]\n'
  const one = await started({ [planPath]: plan + triggers })
  for (let i = 0; i < 3; i += 1) await tickWith(one, healthy)
  const seen = () => session(one).state.evidence.metrics['error_rate']?.candidate.n
  const lower = (ppm: number) => {
    const lease_until = new Date(session(one).state.applied?.lease_until ?? 0).toISOString()
    const hand = { ppm, generation: 1, killed: false, components: ['prompt'], lease_until }
    return plane(one).apply(hand, one.context.signal)
  }
  const before = seen()
  expect(before).toBeGreaterThan(0)
  await lower(10_000)
  for (let i = 0; i < 3; i += 1) await tickWith(one, healthy)
  expect(seen()).toBe(before)
  expect(await sayCommand(one.context, 'resume', name, {})).toBe('pass')
  for (let i = 0; i < 4; i += 1) await tickWith(one, healthy)
  expect(seen()).toBeGreaterThan(before ?? 0)
  expect(session(one).state.stage).toBe(0)
  await lower(10_000)
  const broken = await ticks(one, traffic({ baseline: 15, candidate: 240 }), 5, ({ ending }) => ending === 'fail')
  expect(broken.decision?.reasons[0]).toContain('Trigger hard fired')
  expect(await shown(one)).toMatchObject({ ppm: 0 })
  expect(replayJournal(journal(one)).difference).toBeNull()
})

it('a flag file that was torn or removed is written anew', async () => {
  const one = await started()
  await tickWith(one, healthy)
  writeFileSync(flagFile(one.folder), flagText(one.folder).replaceAll('250000', '"x"'))
  const done = await tickWith(one, healthy)
  expect(done.notes.join()).toContain('It was written anew.')
  expect(await shown(one)).toMatchObject({ ppm: 250_000 })
})

it('a plan that was edited is invalid until it is amended', async () => {
  const one = await started()
  expect((await tickWith(one, healthy)).ending).toBe('pass')
  const file = join(one.folder, planPath)
  writeFileSync(file, plan.replace('traffic: 50%', 'traffic: 40%'))
  const edited = await tickWith(one, healthy)
  expect([edited.ending, edited.decision?.outcome]).toEqual(['invalid', 'invalid'])
  writeFileSync(file, 'rollout: [')
  expect((await tickWith(one, healthy)).ending).toBe('invalid')
  writeFileSync(file, plan.replace('traffic: 50%', 'traffic: 40%'))
  expect(await sayCommand(one.context, 'amend', name, { reason: 'smaller step' })).toBe('pass')
  expect((await tickWith(one, healthy)).ending).toBe('pass')
  expect(planOf(session(one).state).stages[1]?.traffic).toBe(0.4)
})

it('a source that fails is no data, and says why', async () => {
  const one = await started()
  const broken: Source = {
    read: async () => {
      throw new AigateError('source_failed', { problem: 'connection refused', mend: 'Start it.' })
    },
  }
  const done = await tickWith(one, broken)
  expect([done.ending, done.decision?.reasons.join()]).toEqual([
    'invalid',
    expect.stringContaining('connection refused'),
  ])
})

it('a full disk: a good look is not acted on, a bad one goes back all the same', async () => {
  const full = (one: Bench, source: Source) => {
    one.clock.now += MINUTE
    const opened = session(one)
    opened.journal = { ...opened.journal, chain: { ...opened.journal.chain, file: '/dev/full', size: 0, torn: 0 } }
    return tick(opened, { source, actuator: plane(one) })
  }
  const one = await started()
  await expect(full(one, healthy)).rejects.toMatchObject({ code: 'disk_trouble' })
  one.clock.now += 14 * MINUTE
  const done = await full(one, worse)
  expect([done.ending, done.notes.join()]).toEqual(['fail', expect.stringContaining('It went back all the same.')])
  expect(await shown(one)).toMatchObject({ ppm: 0 })
  expect(kinds(one)).toEqual(['start', 'intent', 'applied'])
})

it('a clock that jumps back or far ahead promotes nobody by itself', async () => {
  const one = await started()
  await tickWith(one, healthy)
  one.clock.now -= 3 * 60 * MINUTE
  await tickWith(one, healthy)
  expect(session(one).state.stage).toBe(0)
  one.clock.now += 30 * 24 * 60 * MINUTE
  await tickWith(one, {
    read: async () => Promise.reject(new AigateError('source_failed', { problem: 'x', mend: 'y' })),
  })
  expect([session(one).state.stage, (await shown(one)).ppm]).toEqual([0, 250_000])
  expect(replayJournal(journal(one))).toMatchObject({ difference: null })
})

it('an abort serves everybody the baseline, and the name can be used again on purpose', async () => {
  const one = await started()
  expect(await sayCommand(one.context, 'abort', name, { reason: 'changed our mind' })).toBe('pass')
  expect(await shown(one)).toMatchObject({ ppm: 0 })
  await expect(sayCommand(one.context, 'approve', name, {})).rejects.toThrow(/is aborted: there is nothing to approve/)
  await expect(startCommand(one.context, undefined, {})).rejects.toThrow(/has aborted before|add --again|aborted/)
  expect(await startCommand(one.context, undefined, { again: true })).toBe('pass')
  expect(kinds(one)).toEqual(['start', 'intent', 'applied'])
  expect(readFileSync(join(rolloutFolder(one.project, name), 'journal.1.jsonl'), 'utf8')).toContain('changed our mind')
})

it('a lost or foreign state is folded anew', async () => {
  const one = await started()
  await ticks(one, healthy, 30, () => session(one).state.stage === 1)
  const { state } = session(one)
  const file = join(rolloutFolder(one.project, name), 'state.json')
  for (const text of ['', readFileSync(file, 'utf8').replace(/"head":"[0-9a-f]{8}/, '"head":"00000000')]) {
    writeFileSync(file, text)
    expect(session(one).state).toEqual(state)
  }
})

it('goes on where a source gives numbers that are none, with its triggers armed', async () => {
  const trigger = '  - {id: hard, metric: error_rate, above: 20%, window: 5m, do: [rollback]}'
  const one = await started({ [planPath]: `${plan}triggers:\n${trigger}\n` })
  let [infinite, bad] = [true, false]
  const source: Source = {
    read: async (request) => {
      const reading = await traffic({ baseline: 15, candidate: bad ? 200 : 5 }).read(request)
      const last = infinite ? reading.blocks.at(-1)?.arms.candidate.metrics.error_rate : undefined
      if (last) last.squares = Number.POSITIVE_INFINITY
      return reading
    },
  }
  await tickWith(one, source)
  one.clock.now += 2 * MINUTE
  const broken = await tickWith(one, source)
  expect(broken.decision).toMatchObject({ outcome: 'invalid', next: 'hold' })
  expect(broken.decision?.reasons[0]).toMatch(/blocks have numbers that are none/)
  infinite = false
  expect((await tickWith(one, source)).decision?.outcome).not.toBe('invalid')
  ;[infinite, bad] = [true, true]
  one.clock.now += 5 * MINUTE
  expect((await tickWith(one, source)).decision).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(replayJournal(journal(one))).toMatchObject({ difference: null, otherRules: 0 })
  // A journal of older rules may come out otherwise: that is said, and is no failure.
  const older = journal(one).map((each) =>
    each.kind === 'look' ? { ...each, rules: 1, decision: { ...each.decision, reasons: ['Other words.'] } } : each,
  )
  expect(replayJournal(older)).toMatchObject({ difference: null, otherRules: 4 })
})
