// The flagd file, read by real OpenFeature clients in process: shares, growth, lease, kill, segments, edits by hand.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlagdCore } from '@openfeature/flagd-core'
import { FlagdProvider } from '@openfeature/flagd-provider'
import { type Client, OpenFeature } from '@openfeature/server-sdk'
import { afterAll, describe, expect, it } from 'vitest'
import { newFolder, never, planWith, wish } from './act-testing.ts'
import { openActuator } from './actuators.ts'

const control = { type: 'flagd', path: 'deploy/flags.json' }
const prompt = 'support-1.3-prompt'
const users = Array.from({ length: 20_000 }, (_, index) => `user-${index}`)
const logger = { error() {}, warn() {}, info() {}, debug() {} }
let domains = 0

function place(more: object = {}, controlMore: object = {}) {
  const root = newFolder()
  const plan = planWith({ ...control, ...controlMore }, more)
  return {
    root,
    file: join(root, 'deploy/flags.json'),
    plan,
    actuator: openActuator(plan, { root, env: {}, planHash: 'abc' }),
  }
}

/** A real client of the whole SDK, with flagd in process on the file. */
async function clientOf(file: string): Promise<Client> {
  const domain = `test-${domains++}`
  await OpenFeature.setProviderAndWait(
    domain,
    new FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath: file }),
  )
  return OpenFeature.getClient(domain)
}
/** The same evaluation without a watcher, for the many states of a file. */
function variants(
  file: string,
  context: (user: string) => Record<string, string> = (user) => ({ targetingKey: user }),
) {
  const core = new FlagdCore(undefined, logger)
  core.setConfigurations(readFileSync(file, 'utf8'))
  return users.map((user) => core.resolveStringEvaluation(prompt, 'code default', context(user), logger).variant)
}
const count = (all: readonly unknown[], wanted: string) => all.filter((variant) => variant === wanted).length

afterAll(() => OpenFeature.close())

describe('shares, through the SDK', () => {
  it('serves 25 % of 20,000 users within binomial bounds, the same arm in every component', async () => {
    const { file, actuator } = place()
    await actuator.apply(wish(250_000), never)
    const client = await clientOf(file)
    let candidates = 0
    for (const targetingKey of users) {
      const one = await client.getStringDetails(prompt, 'code default', { targetingKey })
      const other = await client.getStringDetails('support-1.3-model', 'code default', { targetingKey })
      expect(other.variant).toBe(one.variant)
      expect(one.value).toBe(one.variant === 'candidate' ? 'support/answer@1.3.0' : 'support/answer@1.2.0')
      if (one.variant === 'candidate') candidates++
    }
    // Five standard deviations of a binomial: sqrt(20,000 * 0.25 * 0.75) = 61.
    expect(Math.abs(candidates - 5_000)).toBeLessThan(5 * 61)
    const { flagMetadata } = await client.getStringDetails(prompt, '', { targetingKey: 'user-1' })
    expect(flagMetadata).toMatchObject({ rollout: 'support-1.3', generation: 1, plan_hash: 'abc', killed: false })
    expect(Date.parse(String(flagMetadata['lease_until']))).toBeGreaterThan(Date.now())
  })

  it('lets a running client see a change, and nobody without a targeting key be a candidate', async () => {
    const { file, actuator } = place()
    await actuator.apply(wish(1_000_000), never)
    const client = await clientOf(file)
    expect((await client.getStringDetails(prompt, '', { targetingKey: 'a' })).variant).toBe('candidate')
    expect((await client.getStringDetails(prompt, '', {})).value).toBe('support/answer@1.2.0')
    await actuator.apply(wish(0, { generation: 2, killed: true }), never)
    await expect
      .poll(async () => (await client.getStringDetails(prompt, '', { targetingKey: 'a' })).value, { timeout: 20_000 })
      .toBe('support/answer@1.2.0')
  }, 30_000)

  it('ends everybody at the baseline when the lease ends, with no write', async () => {
    const { file, actuator } = place()
    await actuator.apply(wish(1_000_000, { lease: 3_000 }), never)
    const before = readFileSync(file, 'utf8')
    const client = await clientOf(file)
    const values = () =>
      Promise.all(users.slice(0, 200).map((targetingKey) => client.getStringValue(prompt, '', { targetingKey })))
    expect(new Set(await values())).toEqual(new Set(['support/answer@1.3.0']))
    await expect.poll(async () => [...new Set(await values())], { timeout: 10_000 }).toEqual(['support/answer@1.2.0'])
    expect(readFileSync(file, 'utf8')).toBe(before)
  }, 20_000)

  it('leaves a client what it had when the file is torn', async () => {
    const { file, actuator } = place()
    await actuator.apply(wish(1_000_000), never)
    const client = await clientOf(file)
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100))
    await new Promise((go) => setTimeout(go, 6_000))
    expect((await client.getStringDetails(prompt, '', { targetingKey: 'a' })).variant).toBe('candidate')
    await expect(actuator.read(never)).rejects.toThrow(/flags.json is not JSON/)
    await expect(actuator.apply(wish(0), never)).rejects.toThrow(/flags.json is not JSON/)
  }, 20_000)
})

it('keeps everybody while the share grows: 1 -> 5 -> 25 -> 50 -> 100', async () => {
  const { file, actuator } = place()
  let before: (string | undefined)[] = []
  for (const [index, ppm] of [10_000, 50_000, 250_000, 500_000, 1_000_000].entries()) {
    await actuator.apply(wish(ppm, { generation: index }), never)
    const now = variants(file)
    expect(before.filter((variant, user) => variant === 'candidate' && now[user] !== 'candidate')).toEqual([])
    expect(Math.abs(count(now, 'candidate') - users.length * (ppm / 1e6))).toBeLessThan(5 * Math.sqrt(20_000 / 4))
    before = now
  }
  expect(count(before, 'candidate')).toBe(users.length)
})

it('serves nobody at a share of 0, and the stopped and uncompared variant is `off`', async () => {
  const { file, actuator } = place()
  await actuator.apply(wish(0), never)
  expect(count(variants(file), 'baseline')).toBe(users.length)
  await actuator.apply(wish(500_000, { killed: true }), never)
  expect(count(variants(file), 'off')).toBe(users.length)
  expect(await actuator.read(never)).toMatchObject({ ppm: 500_000, killed: true })
})

it('sends one component back alone', async () => {
  const { file, actuator } = place()
  await actuator.apply(wish(500_000, { components: ['model'] }), never)
  expect(count(variants(file), 'off')).toBe(users.length)
  const { flags } = JSON.parse(readFileSync(file, 'utf8')) as { flags: Record<string, { metadata: object }> }
  expect(flags['support-1.3-model']?.metadata).toMatchObject({ on: true })
  expect(await actuator.read(never)).toMatchObject({ ppm: 500_000, components: ['model'] })
})

it('lets some segments go first until the last stage, and never takes excluded ones', async () => {
  const { file, actuator } = place({ segments: { first: ['staff', 'bank'], exclude: ['bank'] } })
  const within = (segment: string) =>
    count(
      variants(file, (targetingKey) => ({ targetingKey, segment })),
      'candidate',
    )
  await actuator.apply(wish(500_000), never)
  expect([within('pro'), within('bank')]).toEqual([0, 0])
  expect(Math.abs(within('staff') - 10_000)).toBeLessThan(5 * 71)
  expect(count(variants(file), 'candidate')).toBe(0)
  await actuator.apply(wish(1_000_000, { lease_until: null }), never)
  expect([within('pro'), within('bank'), within('staff')]).toEqual([20_000, 0, 20_000])
  expect(await actuator.read(never)).toMatchObject({ ppm: 1_000_000, lease_until: null })
})

describe('a file with flags of others', () => {
  const theirs = `{\r\n\t"$schema": "https://flagd.dev/schema/v0/flags.json",\r\n\t"flags": {\r\n\t\t"dark": { "state":"ENABLED",   "variants": {"a\\"}": true, "b": false}, "defaultVariant": "b" }\r\n\t},\r\n\t"metadata": {"team": "x"}\r\n}\r\n`

  it('keeps every byte of theirs', async () => {
    const { root, file, actuator } = place()
    mkdirSync(join(root, 'deploy'))
    writeFileSync(file, theirs)
    await actuator.apply(wish(10_000), never)
    const once = readFileSync(file, 'utf8')
    await actuator.apply(wish(50_000, { generation: 2 }), never)
    const text = readFileSync(file, 'utf8')
    const [head = '', tail = ''] = theirs.split(' }\r\n\t},')
    expect(text.startsWith(`${head} },\r\n\t\t"${prompt}": {\r\n\t\t\t"state"`)).toBe(true)
    // The shared rule of the kill list comes last, behind everything of theirs.
    expect(text).toContain(tail.slice(0, tail.lastIndexOf('\r\n}')))
    expect(text.split('"$evaluators"')[0]?.length).toBeGreaterThan(text.indexOf('"metadata": {"team"'))
    expect(once).toContain('10000')
    expect(text.length - once.length).toBeLessThan(10)
    expect(readdirSync(join(root, 'deploy'))).toEqual(['flags.json'])
    expect(new FlagdCore(undefined, logger).setConfigurations(text).length).toBe(3)
  })

  it('does not take a flag of a rollout that is under way', async () => {
    const { root, file, actuator } = place({}, { flags: { prompt: 'prompt', model: 'model' } })
    await actuator.apply(wish(250_000), never)
    const other = planWith({ ...control, flags: { prompt: 'prompt', model: 'model' } }, { rollout: 'support-1.4' })
    const next = openActuator(other, { root, env: {} })
    const before = readFileSync(file, 'utf8')
    await expect(next.apply(wish(10_000), never)).rejects.toThrow(/belongs to the rollout support-1.3/)
    expect(readFileSync(file, 'utf8')).toBe(before)
    await actuator.apply(wish(1_000_000, { lease_until: null }), never)
    await next.apply(wish(10_000), never)
    expect(await next.read(never)).toMatchObject({ ppm: 10_000 })
  })
})

describe('edits by hand', () => {
  type Edit = { state: string; targeting: { if: unknown[] }; metadata: Record<string, unknown>; variants: object }
  const cases: [string, (flag: Edit) => void, RegExp][] = [
    ['state: DISABLED', (flag) => (flag.state = 'DISABLED'), /its state was changed/],
    [
      'another value',
      (flag) => (flag.variants = { candidate: 'x', baseline: 'y', off: 'y' }),
      /its variants was changed/,
    ],
    ['a share that does not add up', (flag) => weigh(flag, 900_000, 750_000), /its targeting was changed/],
    ['one component at another share', (flag) => weigh(flag, 900_000, 100_000), /several shares/],
    ['a decimal weight', (flag) => weigh(flag, 0.5, 0.5), /no share of the candidate/],
    ['another generation', (flag) => (flag.metadata['generation'] = 7), /several generations/],
    ['no lease any more', (flag) => flag.targeting.if.splice(4, 2), /its targeting was changed/],
    ['no metadata', (flag) => (flag.metadata = {}), /its metadata is not that of aigate/],
  ]
  const weigh = (flag: Edit, candidate: number, baseline: number) =>
    (flag.targeting.if[flag.targeting.if.length - 1] = {
      fractional: [{ cat: ['support-1.3', { var: 'targetingKey' }] }, ['candidate', candidate], ['baseline', baseline]],
    })

  it.each(cases)('%s is noticed, and mended by the next apply', async (_, edit, message) => {
    const { file, actuator } = place()
    await actuator.apply(wish(250_000), never)
    const whole = JSON.parse(readFileSync(file, 'utf8')) as { flags: Record<string, Edit> }
    edit(whole.flags[prompt]!)
    writeFileSync(file, JSON.stringify(whole))
    await expect(actuator.read(never)).rejects.toThrow(message)
    await actuator.apply(wish(250_000), never)
    expect(await actuator.read(never)).toMatchObject({ ppm: 250_000, generation: 1, components: ['prompt', 'model'] })
  })

  it('a share that was changed everywhere is read as it is', async () => {
    const { file, actuator } = place()
    await actuator.apply(wish(250_000), never)
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('250000', '990000').replaceAll('750000', '10000'))
    expect(await actuator.read(never)).toMatchObject({ ppm: 990_000 })
  })

  it('a missing file and a forgotten flag of the same rollout are said', async () => {
    const { file, actuator, plan, root } = place()
    await expect(actuator.read(never)).rejects.toThrow(/there is no deploy\/flags.json/)
    await openActuator(
      { ...plan, control: { ...plan.control, flags: { prompt: 'old' } } as never },
      { root, env: {} },
    ).apply(wish(1), never)
    await expect(actuator.apply(wish(1), never)).rejects.toThrow(/the flag old is of this rollout/)
    expect(readFileSync(file, 'utf8')).toContain('"old"')
  })
})
