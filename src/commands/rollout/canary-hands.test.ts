// Hands of others on the control plane, and planes that cannot be read: nothing is raised that somebody has lowered.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { openActuator } from '../../act/actuators.ts'
import { planOf } from '../../decide/rollout/state.ts'
import { AigateError } from '../../errors.ts'
import type { Actuator, Source } from '../../ports.ts'
import { sayCommand, sayTick, startCommand } from './canary.ts'
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
import { watchCommand } from './canary-watch.ts'
import { removeTemporary } from '../cli-testing.ts'

afterAll(removeTemporary)
const name = 'support-1.3'
const healthy = traffic({ baseline: 15, candidate: 5 })
const worse = traffic({ baseline: 15, candidate: 60 })
const session = ({ context, project }: Bench) => openSession(context, project, name)

async function started(text = plan): Promise<Bench> {
  const one = await bench(projectFolder({ [planPath]: text }))
  expect(await startCommand(one.context, undefined, {})).toBe('pass')
  return one
}
function plane(one: Bench): Actuator {
  const { state } = session(one)
  return openActuator(planOf(state), { root: one.folder, env: {}, planHash: state.plan_hash })
}
function tickWith(one: Bench, source: Source, { minutes = 1, actuator = plane(one) } = {}): Promise<Tick> {
  one.clock.now += minutes * MINUTE
  return asRunner(one.context, one.project, name, { who: 'runner', survives: true }, (opened) =>
    tick(opened, { source, actuator }),
  )
}
const shown = (one: Bench) => plane(one).read(one.context.signal)
/** Somebody sets the share of the generation that is in force. */
async function byHand(one: Bench, change: { ppm?: number; killed?: boolean }): Promise<void> {
  const { applied } = session(one).state
  const lease_until = applied?.lease_until ? new Date(applied.lease_until).toISOString() : null
  const desired = { ppm: 250_000, killed: false, components: ['prompt'], ...change }
  await plane(one).apply({ ...desired, generation: applied?.generation ?? 0, lease_until }, one.context.signal)
}

const steps = `${plan
  .replace('- {traffic: 25%', '- {traffic: 10%, gate: none}\n  - {traffic: 25%')
  .replace('stages:', 'on_degradation: {rollback: previous-stage}\nstages:')}triggers:
  - {id: hard, metric: error_rate, above: 20%, window: 5m, do: [rollback]}
`

it.each([
  ['lowered', { ppm: 10_000 }],
  ['stopped', { killed: true }],
])('a step back serves no more than a flag that somebody has %s', async (_, hand) => {
  const one = await started(steps)
  for (let i = 0; i < 5 && session(one).state.stage === 0; i += 1) await tickWith(one, healthy)
  expect(await shown(one)).toMatchObject({ ppm: 250_000 })
  await byHand(one, hand)
  // Triggers stay armed while somebody has a hand on it.
  let last: Tick | undefined
  for (let i = 0; i < 8 && last?.decision?.outcome !== 'fail'; i += 1)
    last = await tickWith(one, traffic({ baseline: 15, candidate: 240 }))
  expect(last?.decision).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(session(one).state).toMatchObject({ stage: 0, wanted: { ppm: 100_000 } })
  const served = async () => {
    const { ppm, killed } = await shown(one)
    return killed ? 0 : ppm
  }
  const least = await served()
  expect(least).toBeLessThanOrEqual(10_000)
  for (let i = 0; i < 3; i += 1) await tickWith(one, healthy)
  expect(await served()).toBe(least)
  // A person takes it over: at what is wanted since, never at what was bad.
  expect(await sayCommand(one.context, 'resume', name, {})).toBe('pass')
  expect(await served()).toBe(100_000)
})

/** A control plane over HTTP that keeps one number; `mute`: reading it fails. */
async function httpPlane() {
  const state = { percent: 0, mute: false, sets: [] as number[], gets: 0, refuses: Number.POSITIVE_INFINITY }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data: Buffer) => (body += data.toString()))
    request.on('end', () => {
      const wanted = request.method === 'POST' ? (JSON.parse(body) as { percent: number }).percent : null
      const refused = wanted === null ? state.mute : wanted >= state.refuses
      if (wanted !== null) state.sets.push(wanted)
      else state.gets += 1
      if (wanted !== null && !refused) state.percent = wanted
      response.writeHead(refused ? 422 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ percent: state.percent }))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/share`
  const set = `{url: "${url}", body: {percent: "{{percent}}"}}`
  const control = `control: {type: http, set: ${set}, read: {url: "${url}", pointer: /percent}, settle: 5s}`
  return { state, text: plan.replace(/control:.*/, control) }
}

it('a service that does not answer is not written to: somebody may have lowered the share', async () => {
  const { state, text } = await httpPlane()
  const one = await started(text)
  await tickWith(one, healthy)
  state.percent = 0
  state.mute = true
  state.sets = []
  const blind = await tickWith(one, healthy)
  expect([blind.ending, state.percent, state.sets]).toEqual(['action_failed', 0, []])
  expect(blind.notes.join()).toContain('HTTP 422')
  state.mute = false
  expect((await tickWith(one, healthy)).ending).toBe('invalid')
  state.mute = true
  expect((await tickWith(one, healthy)).ending).toBe('action_failed')
  expect([state.percent, state.sets]).toEqual([0, []])
  state.mute = false
  expect(await sayCommand(one.context, 'resume', name, {})).toBe('pass')
  expect(state.percent).toBe(25)
})

it('a service that does not answer is told all the same to go back', async () => {
  const { state, text } = await httpPlane()
  const one = await started(text)
  await tickWith(one, healthy)
  state.mute = true
  let last: Tick | undefined
  for (let i = 0; i < 15 && last?.decision?.outcome !== 'fail'; i += 1) {
    state.gets = 0
    last = await tickWith(one, worse)
  }
  expect([last?.ending, state.percent]).toEqual(['action_failed', 0])
  // Asked at the beginning, and after the share was set: nothing is waited for in between.
  expect(state.gets).toBe(2)
  state.mute = false
  expect((await tickWith(one, worse, { minutes: 10 })).ending).toBe('fail')
})

it('a share that cannot grow keeps nobody from seeing that the candidate is bad', async () => {
  const { state, text } = await httpPlane()
  state.refuses = 50
  const one = await started(text.replace(', approval: true', ''))
  for (let i = 0; i < 12 && session(one).state.stage === 0; i += 1) await tickWith(one, healthy)
  expect([session(one).state.stage, state.percent]).toEqual([1, 25])
  // A schedule that is slower than the longest pause between two attempts: the pass begins with one that fails.
  const done = await tickWith(one, worse, { minutes: 10 })
  expect(done.acted.failed.join()).toContain('HTTP 422')
  expect([done.ending, done.decision?.outcome, done.decision?.next]).toEqual(['action_failed', 'fail', 'rollback'])
  expect(state.percent).toBe(0)
})

it('a torn flag file is written anew with what is wanted, not with what was bad', async () => {
  const one = await started()
  await tickWith(one, healthy)
  const real = plane(one)
  const seen: number[] = []
  const deaf: Actuator = {
    ...real,
    apply: async (desired, signal) => {
      seen.push(desired.ppm)
      if (desired.ppm > 0) return real.apply(desired, signal)
      throw new AigateError('control_failed', { problem: 'no room', mend: 'Make some.' })
    },
  }
  for (let i = 0; i < 15 && session(one).state.mode === 'running'; i += 1)
    await tickWith(one, worse, { actuator: deaf })
  expect(session(one).state.mode).toBe('rolling-back')
  writeFileSync(flagFile(one.folder), flagText(one.folder).slice(0, 100))
  seen.length = 0
  const watching: Actuator = {
    ...real,
    apply: (desired, signal) => (seen.push(desired.ppm), real.apply(desired, signal)),
  }
  writeFileSync(flagFile(one.folder), '{"flags": {}}')
  expect((await tickWith(one, worse, { minutes: 10, actuator: watching })).ending).toBe('fail')
  expect([...new Set(seen)]).toEqual([0])
})

it('a rollout goes on after a night in which nobody looked', async () => {
  const one = await started()
  for (let i = 0; i < 3; i += 1) await tickWith(one, healthy)
  // The application goes on; once the lease has ended, the candidate is served to nobody.
  const lapse = session(one).state.applied?.lease_until ?? 0
  const night: Source = {
    read: async (request) => {
      const reading = await healthy.read(request)
      const blocks = reading.blocks.map((block) =>
        block.start < lapse
          ? block
          : { ...block, arms: { ...block.arms, candidate: { requests: 0, units: 0, metrics: {} } } },
      )
      return { ...reading, blocks }
    },
  }
  const back = await tickWith(one, night, { minutes: 8 * 60 })
  expect([back.ending, back.decision?.outcome]).toEqual(['pass', expect.not.stringMatching('invalid')])
  expect(Date.parse((await shown(one)).lease_until ?? '')).toBeGreaterThan(one.clock.now)
  expect((await tickWith(one, healthy)).ending).toBe('pass')
})

it('a rollout that went back is not started again before its cooldown is over', async () => {
  const one = await started(`${plan}cooldown: 2h\n`)
  for (let i = 0; i < 15 && session(one).state.mode === 'running'; i += 1) await tickWith(one, worse)
  expect(session(one).state.mode).toBe('rolled-back')
  const again = () => startCommand(one.context, name, { again: true })
  await expect(again()).rejects.toThrow(/its cooldown lasts until 2026-11-21T/)
  writeFileSync(join(one.folder, planPath), `${plan}cooldown: 1s\n`)
  await expect(again()).rejects.toThrow(/its cooldown lasts/)
  one.clock.now += 2 * 60 * MINUTE
  expect(await again()).toBe('pass')
})

it('advance does what it says though looks could not measure for long', async () => {
  const one = await started(plan.replace('lease: 15m', 'lease: 5m').replace(', approval: true', ''))
  await tickWith(one, healthy)
  const broken: Source = {
    read: async () => {
      throw new AigateError('source_failed', { problem: 'connection refused', mend: 'Start it.' })
    },
  }
  for (let i = 0; i < 8; i += 1) await tickWith(one, broken)
  expect(await sayCommand(one.context, 'advance', name, { reason: 'seen elsewhere' })).toBe('pass')
  expect(await shown(one)).toMatchObject({ ppm: 500_000 })
})

it.each([
  [60_000, 1],
  [10_000, 0],
])('watch says where a lease of a minute may run out between looks every %i ms', async (every, warnings) => {
  const one = await started(plan.replace('lease: 15m', 'lease: 1m'))
  const stopped = { ...one.context, signal: AbortSignal.abort() }
  expect(await watchCommand(stopped, name, { every })).toBe('interrupted')
  expect(one.err.filter((text) => text.includes('it may run out in between'))).toHaveLength(warnings)
})

it('what comes from outside does not steer a terminal', async () => {
  const one = await started()
  const outside = '\u001b[2J\u001b]0;owned\u0007'
  const source: Source = {
    read: async (request) => ({
      ...(await healthy.read(request)),
      models: [{ arm: 'candidate', requested: 'm1', answered: `m2${outside}` }],
      notes: [`a file called ${outside}`],
    }),
  }
  const done = await tickWith(one, source)
  sayTick(session(one), { ...done, acted: { done: [], failed: [`it answered ${outside}`] } })
  expect(one.err.join('')).toMatch(/was answered by m2.*\n.*a file called|a file called.*\n.*was answered by m2/)
  expect(one.err.join('')).not.toContain('\u001b')
})
