// The kill list, read by real OpenFeature clients in process: scopes, expiry, how soon, other writers, damaged lists.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlagdCore } from '@openfeature/flagd-core'
import { FlagdProvider } from '@openfeature/flagd-provider'
import { OpenFeature } from '@openfeature/server-sdk'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { KillEntry, type KillScope } from '../schema/kill.ts'
import { newFolder, never, planWith, wish } from './act-testing.ts'
import { openActuator } from './actuators.ts'
import { readKills, switchOff, switchOn } from './kill-file.ts'

const logger = { error() {}, warn() {}, info() {}, debug() {} }
const none = { flags: {} }
const prompt = 'support-1.3-prompt'
const model = 'support-1.3-model'
const kill = (scope: KillScope = {}, more: object = {}) =>
  KillEntry.parse({ scope, reason: 'wrong answers', by: 'Ada', at: new Date().toISOString(), until: null, ...more })

/** A rollout that serves everybody its candidate. */
async function place() {
  const root = newFolder()
  const file = join(root, 'flags.json')
  const actuator = openActuator(planWith({ type: 'flagd', path: 'flags.json' }), { root, env: {}, planHash: 'abc' })
  await actuator.apply(wish(1_000_000), never)
  const core = new FlagdCore(undefined, logger)
  const variant = (flag: string, context: Record<string, string> = { targetingKey: 'u1' }) => {
    core.setConfigurations(readFileSync(file, 'utf8'))
    return core.resolveStringEvaluation(flag, 'code default', context, logger).variant
  }
  const switched = (flag: string, context: Record<string, string> = { targetingKey: 'u1' }) => {
    core.setConfigurations(readFileSync(file, 'utf8'))
    return core.resolveBooleanEvaluation(flag, false, context, logger).value
  }
  return { root, file, actuator, variant, switched }
}
type Place = Awaited<ReturnType<typeof place>>
const on = ({ file }: Place, scope?: KillScope, more?: object) => switchOn(file, kill(scope, more), none, Date.now())
const off = ({ file }: Place, scope: KillScope | 'all' = {}) => switchOff(file, scope, none, Date.now())

afterAll(() => OpenFeature.close())

describe('running applications', () => {
  it('serve the baseline within 10 seconds of a kill, end it by themselves, and stay killed after a restart', async () => {
    const at = await place()
    const provider = () => new FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath: at.file })
    await OpenFeature.setProviderAndWait('kill', provider())
    const client = OpenFeature.getClient('kill')
    const value = () => client.getStringValue(prompt, 'code default', { targetingKey: 'u1' })
    expect(await value()).toBe('support/answer@1.3.0')
    await on(at, {}, { until: new Date(Date.now() + 13_000).toISOString() })
    await expect.poll(value, { timeout: 10_000, interval: 50 }).toBe('support/answer@1.2.0')
    await OpenFeature.setProviderAndWait('kill', provider())
    expect(await value()).toBe('support/answer@1.2.0')
    const before = readFileSync(at.file, 'utf8')
    await expect.poll(value, { timeout: 15_000, interval: 100 }).toBe('support/answer@1.3.0')
    expect(readFileSync(at.file, 'utf8')).toBe(before)
    const { kills } = await readKills(at.file, none, Date.now())
    expect(kills).toMatchObject([{ name: 'global', over: true, by: 'Ada', reason: 'wrong answers' }])
  }, 40_000)
})

describe('scopes', () => {
  it('global: everything that aigate manages, and the switch that applications read', async () => {
    const at = await place()
    const { kills, problems } = await on(at)
    expect([at.variant(prompt), at.variant(model), at.switched('aigate-kill')]).toEqual(['off', 'off', true])
    expect(kills[0]?.flags_concerned).toEqual([prompt, model])
    expect(problems).toEqual([])
    await off(at)
    expect([at.variant(prompt), at.variant(model), at.switched('aigate-kill')]).toEqual([
      'candidate',
      'candidate',
      false,
    ])
    expect(await at.actuator.read(never)).toMatchObject({ ppm: 1_000_000, killed: false })
  })

  it('a model: only the flags that serve it, also one that comes later', async () => {
    const at = await place()
    const { kills } = await on(at, { model: 'support-next' })
    expect([at.variant(prompt), at.variant(model)]).toEqual(['candidate', 'off'])
    expect(kills[0]?.flags_concerned).toEqual([model])
    expect(at.switched('aigate-kill-model-support-next')).toBe(true)
    expect(at.variant(prompt, { targetingKey: 'u1', model: 'support-next' })).toBe('off')
    const later = planWith(
      { type: 'flagd', path: 'flags.json' },
      { rollout: 'later', release: { model: 'support-next' }, baseline: { model: 'support-main' } },
    )
    await openActuator(later, { root: at.root, env: {} }).apply(wish(1_000_000, { components: ['model'] }), never)
    expect(at.variant('later-model')).toBe('off')
  })

  it('a model that a flag goes back to: said, for there is nothing better', async () => {
    const at = await place()
    const { problems } = await on(at, { model: 'support-main' })
    expect(problems).toEqual([
      `the flag ${model} serves support-main itself when it is killed: it has nothing to go back to`,
    ])
  })

  it('a feature: flags whose names begin with it, and its own switch', async () => {
    const at = await place()
    await on(at, { feature: 'support-1.3' })
    expect([at.variant(prompt), at.switched('aigate-kill-support-1.3'), at.switched('aigate-kill')]).toEqual([
      'off',
      true,
      false,
    ])
    await off(at, { feature: 'support-1.3' })
    await on(at, { feature: 'supp' })
    expect([at.variant(prompt), at.switched('aigate-kill-support-1.3')]).toEqual(['candidate', false])
    expect(at.variant(prompt, { targetingKey: 'u1', feature: 'supp' })).toBe('off')
    await on(at, { feature: 'answers' }, { flags: [prompt] })
    expect([at.variant(prompt), at.variant(model)]).toEqual(['off', 'candidate'])
  })

  it('a segment, a user, and both at once', async () => {
    const at = await place()
    await on(at, { segment: 'pro' })
    await on(at, { user: 'u7' })
    await on(at, { feature: 'support-1.3', segment: 'free' })
    const seen = (targetingKey: string, segment: string) => at.variant(prompt, { targetingKey, segment })
    expect([seen('u1', 'pro'), seen('u7', 'x'), seen('u1', 'x'), seen('u1', 'free')]).toEqual([
      'off',
      'off',
      'candidate',
      'off',
    ])
    await off(at, { segment: 'pro' })
    expect([seen('u1', 'pro'), seen('u7', 'x')]).toEqual(['candidate', 'off'])
    await off(at, 'all')
    expect([seen('u7', 'x'), seen('u1', 'free')]).toEqual(['candidate', 'candidate'])
  })

  it('holds exactly whom it names, whatever the names are', async () => {
    const at = await place()
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((one) => {
      const scope = KillEntry.shape.scope.safeParse({ user: one })
      return scope.success
    })
    await fc.assert(
      fc.asyncProperty(text, text, async (user, other) => {
        await off(at, 'all')
        await on(at, { user })
        expect(at.variant(prompt, { targetingKey: user })).toBe('off')
        if (other !== user) expect(at.variant(prompt, { targetingKey: other })).toBe('candidate')
        expect((await readKills(at.file, none, Date.now())).kills[0]?.scope.user).toBe(user)
      }),
      { numRuns: 25 },
    )
  })

  it('refuses names that flagd would put in wrongly', () => {
    for (const user of ['a$&b', 'a$$', 'a\nb', ''])
      expect(KillEntry.shape.scope.safeParse({ user }).success).toBe(false)
  })
})

describe('flags of others', () => {
  const theirs = {
    flags: {
      answer: { state: 'ENABLED', variants: { new: 'b', old: 'a' }, defaultVariant: 'new' },
      shop: { state: 'ENABLED', variants: { on: 'x', off: 'y' }, defaultVariant: 'on' },
    },
  }

  it('ask the list where the configuration names them; the others stay as they are', async () => {
    const at = await place()
    writeFileSync(at.file, JSON.stringify(theirs))
    const options = { flags: { answer: 'old' } }
    const { kills } = await switchOn(at.file, kill(), options, Date.now())
    expect([at.variant('answer'), at.variant('shop')]).toEqual(['old', 'on'])
    expect(kills[0]?.flags_concerned).toEqual(['answer'])
    await switchOff(at.file, {}, options, Date.now())
    expect(at.variant('answer')).toBe('new')
  })

  it('a flag that does not ask is a problem, not a silence', async () => {
    const at = await place()
    await on(at)
    const text = readFileSync(at.file, 'utf8')
    writeFileSync(at.file, text.replace('"state": "ENABLED"', '"state": "DISABLED"'))
    const { problems } = await readKills(at.file, none, Date.now())
    expect(problems).toEqual([`the flag ${prompt} is not ENABLED: applications serve what their code says`])
    writeFileSync(at.file, text.replaceAll('{"or":[false', ''))
    const list = JSON.parse(text) as { $evaluators: Record<string, unknown> }
    list.$evaluators = { 'aigate-kill': { or: [false] } }
    writeFileSync(at.file, JSON.stringify(list))
    expect((await readKills(at.file, none, Date.now())).problems).toEqual([
      'the rule aigate-kill under $evaluators is not what the list says',
    ])
  })
})

describe('the list itself', () => {
  it('is kept by a rollout that writes its flags, and a rollout still understands them', async () => {
    const at = await place()
    await on(at, { segment: 'pro' })
    await at.actuator.apply(wish(500_000, { generation: 2 }), never)
    expect(at.variant(prompt, { targetingKey: 'u1', segment: 'pro' })).toBe('off')
    expect(await at.actuator.read(never)).toMatchObject({ ppm: 500_000, generation: 2 })
  })

  it('renews a kill of the same scope, and forgets what is over at the next write', async () => {
    const at = await place()
    await on(at, { user: 'a' }, { until: new Date(Date.now() - 5_000).toISOString() })
    await on(at, { user: 'b' })
    const { kills } = await on(at, { user: 'b' }, { reason: 'still wrong' })
    expect(kills.map(({ name, reason }) => [name, reason])).toEqual([['user b', 'still wrong']])
  })

  it('makes a file where there is none, and a file that is no JSON stops it', async () => {
    const file = join(newFolder(), 'new/flags.json')
    expect(await readKills(file, none, Date.now())).toMatchObject({ kills: [], problems: [] })
    await switchOn(file, kill(), none, Date.now())
    expect((await readKills(file, none, Date.now())).kills).toHaveLength(1)
    writeFileSync(file, '{"flags":')
    await expect(switchOn(file, kill(), none, Date.now())).rejects.toThrow(/is not JSON/)
    expect(readFileSync(file, 'utf8')).toBe('{"flags":')
  })

  it('that cannot be read: only a kill of everything goes through, and a rollout keeps the rule', async () => {
    const at = await place()
    await on(at, { user: 'u1' })
    writeFileSync(at.file, readFileSync(at.file, 'utf8').replace(/"kills": ".*"/, '"kills": "?"'))
    await expect(on(at, { user: 'b' })).rejects.toThrow(/kill list .* cannot be read/)
    await at.actuator.apply(wish(900_000, { generation: 3 }), never)
    expect(at.variant(prompt)).toBe('off')
    await on(at)
    expect(at.variant(prompt, { targetingKey: 'x' })).toBe('off')
    expect((await readKills(at.file, none, Date.now())).kills.map(({ name }) => name)).toEqual(['global'])
  })

  it('of a newer format is refused', async () => {
    const at = await place()
    await on(at)
    writeFileSync(at.file, readFileSync(at.file, 'utf8').replace('{\\"version\\":1', '{\\"version\\":2'))
    await expect(readKills(at.file, none, Date.now())).rejects.toThrow(/written by a newer aigate/)
  })
})
