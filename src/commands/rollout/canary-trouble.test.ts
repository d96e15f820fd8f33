// When things go wrong around a rollout: a full disk, a damaged journal, an edited plan, a wrong clock, a person in a hurry.
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, expect, it } from 'vitest'
import { openActuator } from '../../act/actuators.ts'
import { planOf } from '../../decide/rollout/state.ts'
import type { Actuator, Source } from '../../ports.ts'
import { journalFile, readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { sayCommand, startCommand } from './canary.ts'
import { asRunner, openSession } from './canary-session.ts'
import { type Bench, bench, MINUTE, plan, planPath, projectFolder, traffic } from './canary-testing.ts'
import { type Tick, tick } from './canary-tick.ts'
import { removeTemporary } from '../cli-testing.ts'

const stop = new AbortController()
afterAll(() => {
  stop.abort()
  removeTemporary()
})
const name = 'support-1.3'
const healthy = traffic({ baseline: 15, candidate: 5 })
const worse = traffic({ baseline: 15, candidate: 40 })
const session = ({ context, project }: Bench) => openSession(context, project, name)
const file = (one: Bench) => join(one.folder, planPath)
const journal = ({ project }: Bench) => journalFile(rolloutFolder(project, name))

async function planeOf(one: Bench): Promise<Actuator> {
  const { plan: now, hash } = await loadPlan(one.project, name)
  return openActuator(now, { root: one.folder, env: {}, planHash: hash })
}
const shown = async (one: Bench) => (await planeOf(one)).read(one.context.signal)

async function started(text = plan): Promise<Bench> {
  const one = await bench(projectFolder({ [planPath]: text }))
  expect(await startCommand(one.context, undefined, {})).toBe('pass')
  return one
}

function tickWith(one: Bench, source: Source, minutes = 1): Promise<Tick> {
  one.clock.now += minutes * MINUTE
  return asRunner(one.context, one.project, name, { who: 'runner', survives: true }, (opened) => {
    const { state } = opened
    const actuator = openActuator(planOf(state), { root: one.folder, env: {}, planHash: state.plan_hash })
    return tick(opened, { source, actuator })
  })
}

/** A control plane over HTTP that keeps one number. */
async function httpPlane(): Promise<{ text: string; served: () => number; close: () => Promise<void> }> {
  let percent = 0
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data: Buffer) => (body += data.toString()))
    request.on('end', () => {
      if (request.method === 'POST') percent = (JSON.parse(body) as { percent: number }).percent
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ percent }))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const close = async () => {
    server.closeAllConnections()
    await new Promise<void>((gone) => server.close(() => gone()))
  }
  stop.signal.addEventListener('abort', () => void close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/share`
  const set = `{url: "${url}", body: {percent: "{{percent}}"}}`
  const text = `control: {type: http, set: ${set}, read: {url: "${url}", pointer: /percent}, settle: 5s}`
  return { text, served: () => percent, close }
}
const over = (control: string) => plan.replace(/control:.*/, control)

const limits = spawnSync('prlimit', ['--version']).status === 0
/** Every write to a file fails meanwhile, as on a disk that is full. */
async function onFullDisk<T>(work: () => Promise<T>): Promise<T> {
  const ignore = () => undefined
  process.on('SIGXFSZ', ignore)
  const limit = (size: string) => spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:`])
  limit('0')
  try {
    return await work()
  } finally {
    limit('unlimited')
    process.off('SIGXFSZ', ignore)
  }
}

it.runIf(limits)('a full disk: a bad candidate goes back all the same, a good one is not acted on', async () => {
  const { text, served } = await httpPlane()
  const one = await started(over(text))
  await tickWith(one, healthy)
  const before = readFileSync(journal(one), 'utf8')
  await onFullDisk(async () => {
    await expect(tickWith(one, healthy)).rejects.toMatchObject({ code: 'disk_trouble' })
    expect(served()).toBe(25)
    const done = await tickWith(one, worse, 14)
    expect([done.ending, served()]).toEqual(['fail', 0])
    expect(done.notes.join()).toContain('It went back all the same.')
  })
  expect(readFileSync(journal(one), 'utf8')).toBe(before)
  // Once there is room, what was lowered stays so until a person speaks.
  expect((await tickWith(one, healthy)).ending).toBe('invalid')
  expect(served()).toBe(0)
})

it.runIf(limits)(
  'a full disk: an abort needs no journal, and says so where the plane cannot be written either',
  async () => {
    const { text, served } = await httpPlane()
    const one = await started(over(text))
    expect(await onFullDisk(() => sayCommand(one.context, 'abort', name, {}))).toBe('pass')
    expect([served(), one.err.join('')]).toEqual([0, expect.stringContaining('The journal could not be written')])
    const flags = await started()
    expect(await onFullDisk(() => sayCommand(flags.context, 'abort', name, {}))).toBe('action_failed')
    expect(await shown(flags)).toMatchObject({ ppm: 250_000 })
    expect(flags.err.join('')).toContain('It could not go back either.')
    await expect(onFullDisk(() => sayCommand(flags.context, 'pause', name, {}))).rejects.toMatchObject({
      code: 'disk_trouble',
    })
  },
)

it.each(['damaged', 'lost'])(
  'a journal that is %s: the plan and the control plane are enough to go back',
  async (how) => {
    const one = await started()
    await tickWith(one, healthy)
    if (how === 'lost') rmSync(journal(one))
    else writeFileSync(journal(one), readFileSync(journal(one), 'utf8').replace('"ppm":250000', '"ppm":250001'))
    await expect(sayCommand(one.context, 'abort', name, {})).rejects.toThrow(
      how === 'lost' ? /none was started/ : /damaged/,
    )
    if (how === 'lost') expect(await startCommand(one.context, name, {})).toBe('pass')
    if (how === 'lost')
      expect(one.err.join('')).toContain('serves the candidate to 25 % already, and no journal says why')
    if (how === 'lost') rmSync(journal(one))
    expect(await sayCommand(one.context, 'abort', name, { force: true })).toBe('pass')
    expect(await shown(one)).toMatchObject({ ppm: 0, killed: true })
    expect(existsSync(journal(one))).toBe(false)
    expect(await startCommand(one.context, name, {})).toBe('pass')
  },
)

it.each([
  [
    'less where the stage is less now',
    '{traffic: 25%, duration: 5m, gate: no-harm}',
    '{traffic: 10%, gate: no-harm}',
    0.1,
    0,
  ],
  [
    'at what is served where every stage is more',
    '{traffic: 25%, duration: 5m, gate: no-harm}',
    '{traffic: 40%, gate: no-harm}',
    0.25,
    0,
  ],
  [
    'less where the stage that fits is gone',
    '{traffic: 25%, duration: 5m, gate: no-harm}',
    '{traffic: 5%, gate: none}',
    0.05,
    0,
  ],
])('an amended plan serves nobody more: %s', async (_, from, to, share, stage) => {
  const one = await started()
  writeFileSync(file(one), plan.replace(from, to))
  expect(await sayCommand(one.context, 'amend', name, { reason: 'better so' })).toBe('pass')
  expect(await shown(one)).toMatchObject({ ppm: share * 1_000_000 })
  const { state } = session(one)
  expect([state.stage, state.hold !== null]).toEqual([stage, share === 0.25])
})

it.each([
  [
    'release',
    plan
      .replace('support/answer@1.3.0', 'support/answer@1.2.0')
      .replace('baseline: {prompt: support/answer@1.2.0}', 'baseline: {prompt: support/answer@1.3.0}'),
  ],
  ['assignment', plan.replace('control:', 'assignment: {salt: another}\ncontrol:')],
])('an amended plan is of the same rollout: %s', async (what, text) => {
  const one = await started()
  writeFileSync(file(one), text)
  await expect(sayCommand(one.context, 'amend', name, {})).rejects.toThrow(`${what} was changed`)
  expect((await shown(one).catch(() => null))?.ppm ?? 250_000).toBe(250_000)
})

it('an amended control plane: nobody is left on the old one, and the new one goes on', async () => {
  const one = await started()
  await tickWith(one, healthy)
  const old = await planeOf(one)
  writeFileSync(file(one), plan.replace('deploy/flags.json', 'deploy/other.json'))
  expect(await sayCommand(one.context, 'amend', name, { reason: 'moved' })).toBe('pass')
  expect(await old.read(one.context.signal)).toMatchObject({ ppm: 0, killed: true })
  expect(await shown(one)).toMatchObject({ ppm: 250_000, killed: false })
  expect((await tickWith(one, healthy)).ending).toBe('pass')
})

it('an old control plane that cannot be left keeps the plan as it was', async () => {
  const { text, served, close } = await httpPlane()
  const one = await started(over(text))
  await close()
  writeFileSync(file(one), plan)
  await expect(sayCommand(one.context, 'amend', name, {})).rejects.toMatchObject({ code: 'control_failed' })
  expect([planOf(session(one).state).control.type, served()]).toEqual(['http', 25])
})

it('an edited plan shields no bad candidate', async () => {
  const one = await started()
  await tickWith(one, healthy)
  writeFileSync(file(one), plan.replace('traffic: 50%', 'traffic: 40%'))
  expect((await tickWith(one, healthy)).ending).toBe('invalid')
  let last: Tick | null = null
  for (let i = 0; i < 20 && last?.ending !== 'fail'; i += 1) last = await tickWith(one, worse)
  expect(last?.decision).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(session(one).state.applied?.ppm).toBe(0)
})

it('one look with a clock days ahead blinds nobody', async () => {
  const one = await started(plan.replace('lease: 15m, ', 'lease: 72h, '))
  const until = { at: 0 }
  // Events come by the real clock, whatever the runner's says.
  const minute = { baseline: 15, candidate: 5 }
  const log = traffic(() => minute)
  const real: Source = { read: (request) => log.read({ ...request, until: until.at }) }
  until.at = one.clock.now + 2 * MINUTE
  await tickWith(one, real, 2)
  const here = one.clock.now
  const ahead = await tickWith(one, real, 2 * 24 * 60)
  expect(ahead.decision?.outcome).toBe('invalid')
  one.clock.now = here
  minute.candidate = 60
  let last: Tick | null = null
  for (let i = 0; i < 15 && last?.ending !== 'fail'; i += 1) {
    until.at += MINUTE
    last = await tickWith(one, real)
  }
  expect(last?.decision).toMatchObject({ outcome: 'fail', next: 'rollback' })
  expect(session(one).state.applied?.ppm).toBe(0)
})

it('advance gives a reason, sees each share first, and goes over nobody', async () => {
  const one = await started()
  const advance = (reason?: string) => sayCommand(one.context, 'advance', name, reason === undefined ? {} : { reason })
  await expect(advance()).rejects.toThrow('no reason was given')
  await expect(advance('hurry')).rejects.toThrow('nobody has looked since stage 1')
  await tickWith(one, healthy)
  await sayCommand(one.context, 'pause', name, { reason: 'incident' })
  await expect(advance('hurry')).rejects.toThrow('it was paused by Ada')
  await sayCommand(one.context, 'resume', name, {})
  expect(await advance('hurry')).toBe('pass')
  await expect(advance('hurry')).rejects.toThrow('needs an approval')
  await sayCommand(one.context, 'approve', name, {})
  await expect(advance('hurry')).rejects.toThrow('nobody has looked since stage 2')
  await tickWith(one, healthy)
  expect(await advance('hurry')).toBe('pass')
  expect(await shown(one)).toMatchObject({ ppm: 1_000_000 })
})

it('a plan that ends below everybody is refused', async () => {
  const one = await bench(projectFolder({ [planPath]: plan.replace('traffic: 100%', 'traffic: 60%') }))
  await expect(startCommand(one.context, undefined, {})).rejects.toThrow('The last stage serves 60 %')
})

it('what the tables of a log cannot keep is read again, and hides nothing', async () => {
  const one = await started()
  const { jsonlSource } = await import('../../observe/jsonl.ts')
  const config = planOf(session(one).state).source
  if (config.type !== 'jsonl') throw new Error('another source')
  const log = join(one.folder, 'logs')
  mkdirSync(log)
  // A file where the folder of the tables should be.
  writeFileSync(join(rolloutFolder(one.project, name), 'source'), '')
  const source = jsonlSource(config, { root: one.folder, env: {} })
  for (let minute = 0; minute < 3; minute += 1) {
    for (let i = 0; i < 200; i += 1) {
      const arm = i % 4 === 0 ? 'candidate' : 'baseline'
      const ts = new Date(one.clock.now + 6000 + i * 250).toISOString()
      const event = {
        ts,
        'gen_ai.operation.name': 'chat',
        'aigate.arm': arm,
        'error.type': null,
      }
      appendFileSync(
        join(log, 'a.jsonl'),
        `${JSON.stringify({ ...event, 'feature_flag.context.id': `u${minute}-${i}` })}\n`,
      )
    }
    await tickWith(one, source)
  }
  const { state } = session(one)
  expect(state.evidence.requests.candidate).toBeGreaterThan(90)
  expect(state.evidence.requests.candidate).toBeLessThanOrEqual(150)
  expect(readRolloutJournal(rolloutFolder(one.project, name)).chain.count).toBeGreaterThan(4)
})
