// Planes of production against the real flagd evaluator, real git and real programs: what is served, before and after.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlagdCore } from '@openfeature/flagd-core'
import { describe, expect, it } from 'vitest'
import { PlaneConfig } from '../schema/planes.ts'
import { newFolder, never, planWith, wish } from './act-testing.ts'
import { openActuator } from './actuators.ts'
import { openPlane } from './planes.ts'

const logger = { error() {}, warn() {}, info() {}, debug() {} }
const users = Array.from({ length: 200 }, (_, index) => `user-${index}`)
const env = { PATH: process.env['PATH'], HOME: newFolder(), GIT_CONFIG_NOSYSTEM: '1' }
const open = (config: object, root: string) => openPlane(PlaneConfig.parse(config), { root, component: 'prompt', env })
const wanted = (version: string) => ({ version, key: 'rollback-1-prompt', reason: 'worse' })

/** What all users are served, by the evaluator that applications run. */
function servedBy(file: string, flag: string, context: Record<string, string> = {}): unknown[] {
  const core = new FlagdCore(undefined, logger)
  core.setConfigurations(readFileSync(file, 'utf8'))
  const value = (targetingKey: string) =>
    core.resolveStringEvaluation(flag, 'default of the code', { targetingKey, ...context }, logger).value
  return [...new Set(users.map(value))]
}

function flags(content: object): { root: string; file: string; plane: ReturnType<typeof open> } {
  const root = newFolder()
  const file = join(root, 'flags.json')
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
  return { root, file, plane: open({ type: 'flagd', path: 'flags.json', flag: 'p' }, root) }
}
const two = { state: 'ENABLED', variants: { a: '1.1.0', b: '1.2.0' }, defaultVariant: 'b' }

describe('a flag', () => {
  it('is switched for everybody, its targeting gone; other flags keep every byte', async () => {
    const targeting = { if: [{ in: [{ var: 'segment' }, ['beta']] }, 'b', 'a'] }
    const { file, plane } = flags({ flags: { p: { ...two, targeting }, other: two }, x: [1, 2] })
    expect(servedBy(file, 'p', { segment: 'beta' })).toEqual(['1.2.0'])
    expect(await plane.read(never)).toMatchObject({
      version: null,
      detail: 'several versions, by the rules of the flag',
    })
    await plane.apply(wanted('1.1.0'), never)
    expect(servedBy(file, 'p', { segment: 'beta' })).toEqual(['1.1.0'])
    expect(servedBy(file, 'other')).toEqual(['1.2.0'])
    const before = readFileSync(file, 'utf8')
    await plane.apply(wanted('1.1.0'), never)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('keeps the kill switch at the head of its rules, and gets a variant for a version that it lacks', async () => {
    const targeting = { if: [{ $ref: 'aigate-kill' }, 'a', { '==': [{ var: 'segment' }, 'beta'] }, 'b', 'a'] }
    const evaluators = { 'aigate-kill': { '==': [{ var: 'stop' }, 'yes'] } }
    const { file, plane } = flags({ flags: { p: { ...two, targeting } }, $evaluators: evaluators })
    await plane.apply(wanted('1.0.0'), never)
    expect(await plane.read(never)).toEqual({ version: '1.0.0' })
    expect(servedBy(file, 'p', { segment: 'beta' })).toEqual(['1.0.0'])
    expect(servedBy(file, 'p', { stop: 'yes' })).toEqual(['1.1.0'])
  })

  it.each([
    ['alone', [{ $ref: 'beta' }, 'b']],
    ['with an else', [{ $ref: 'beta' }, 'b', 'a']],
    ['behind the kill switch', [{ $ref: 'aigate-kill' }, 'a', { $ref: 'beta' }, 'b', 'a']],
    ['in a larger condition', [{ and: [{ $ref: 'aigate-kill' }, { $ref: 'beta' }] }, 'b']],
  ])('loses a shared rule of somebody else: %s', async (_, rules) => {
    const $evaluators = {
      'aigate-kill': { '==': [{ var: 'stop' }, 'yes'] },
      beta: { '==': [{ var: 'tier' }, 'beta'] },
    }
    const p = { ...two, defaultVariant: 'a', targeting: { if: rules } }
    const { file, plane } = flags({ flags: { p }, $evaluators })
    expect((await plane.read(never)).version).toBeNull()
    await plane.apply(wanted('1.1.0'), never)
    for (const context of [{ tier: 'beta' }, { tier: 'free' }, { tier: 'beta', stop: 'yes' }])
      expect(servedBy(file, 'p', context)).toEqual(['1.1.0'])
  })

  it('that is disabled serves no version, and is enabled', async () => {
    const { file, plane } = flags({ flags: { p: { ...two, state: 'DISABLED' } } })
    expect(await plane.read(never)).toMatchObject({ version: null, detail: expect.stringContaining('disabled') })
    await plane.apply(wanted('1.1.0'), never)
    expect(servedBy(file, 'p')).toEqual(['1.1.0'])
  })

  it('is no version where the file is missing, torn, or has no such flag', async () => {
    await expect(open({ type: 'flagd', path: 'none.json', flag: 'p' }, newFolder()).read(never)).rejects.toThrow(
      'no none.json',
    )
    const { file, plane } = flags({ flags: { q: two } })
    await expect(plane.apply(wanted('1.1.0'), never)).rejects.toThrow('has no flag p')
    writeFileSync(file, '{"flags": {"p"')
    await expect(plane.apply(wanted('1.1.0'), never)).rejects.toThrow('is no JSON')
    expect(readFileSync(file, 'utf8')).toBe('{"flags": {"p"')
  })

  it('with variants that are no texts is known by the names of its variants, and gets no new one', async () => {
    const objects = { ...two, variants: { a: { temperature: 0 }, b: { temperature: 1 } } }
    const { plane } = flags({ flags: { p: objects } })
    expect(await plane.read(never)).toEqual({ version: 'b' })
    await plane.apply(wanted('a'), never)
    expect(await plane.read(never)).toEqual({ version: 'a' })
    await expect(plane.apply(wanted('c'), never)).rejects.toThrow('has no variant c')
  })
})

describe('a flag that a rollout holds', () => {
  async function held(ppm: number, lease: boolean) {
    const root = newFolder()
    const actuator = openActuator(planWith({ type: 'flagd', path: 'flags.json' }), { root, env: {} })
    await actuator.apply({ ...wish(ppm), ...(lease ? {} : { lease_until: null }) }, never)
    const flag = 'support-1.3-prompt'
    return {
      file: join(root, 'flags.json'),
      flag,
      actuator,
      plane: open({ type: 'flagd', path: 'flags.json', flag }, root),
    }
  }

  it('is stopped in the form of the rollout, whose runner then sees a stop and not an edit', async () => {
    const { file, flag, actuator, plane } = await held(250_000, true)
    expect((await plane.read(never)).detail).toContain('1.3.0 to 25 %')
    await plane.apply(wanted('support/answer@1.2.0'), never)
    expect(servedBy(file, flag)).toEqual(['support/answer@1.2.0'])
    expect(await plane.read(never)).toEqual({ version: 'support/answer@1.2.0' })
    // All of the rollout is stopped: a runner that finds one flag stopped and another not writes both anew.
    expect(servedBy(file, 'support-1.3-model')).toEqual(['support-main'])
    expect(await actuator.read(never)).toMatchObject({ killed: true, ppm: 250_000 })
  })

  it('is not sent to a version that the running rollout knows nothing of', async () => {
    const { file, plane } = await held(250_000, true)
    const before = readFileSync(file, 'utf8')
    await expect(plane.apply(wanted('support/answer@1.1.0'), never)).rejects.toThrow(
      'is held by the rollout support-1.3',
    )
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('that is over is a flag as any other', async () => {
    const { file, flag, plane } = await held(1_000_000, false)
    expect(await plane.read(never)).toEqual({ version: 'support/answer@1.3.0' })
    await plane.apply(wanted('support/answer@1.1.0'), never)
    expect(servedBy(file, flag)).toEqual(['support/answer@1.1.0'])
  })
})

describe('a value in git', () => {
  const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, env, encoding: 'utf8' })
  function repository(text: string) {
    const root = newFolder()
    mkdirSync(join(root, 'deploy'))
    writeFileSync(join(root, 'deploy/v.yaml'), text)
    git(root, 'init', '--quiet')
    git(root, 'add', '.')
    git(root, '-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '--quiet', '-m', 'one')
    return { root, plane: open({ type: 'git', path: 'deploy/v.yaml', pointer: '/image/tag' }, root) }
  }

  it.each([
    ['in double quotes', 'image:\n  tag: "1.10" # now\n', '1.10', '1.9', 'image:\n  tag: "1.9" # now\n'],
    ['in single quotes', "image:\n  tag: '1.10'\n", '1.10', '1.9', 'image:\n  tag: "1.9"\n'],
    ['plain', 'image: {tag: v2} # now\n', 'v2', 'v1', 'image: {tag: v1} # now\n'],
    ['that looks like a number', 'image:\n  tag: 1.10\n', '1.10', '1.20', 'image:\n  tag: "1.20"\n'],
  ])('%s is read as it is written, and stays a text', async (_, text, before, next, after) => {
    const { root, plane } = repository(text)
    expect(await plane.read(never)).toEqual({ version: before })
    await plane.apply(wanted(next), never)
    expect(await plane.read(never)).toEqual({ version: next })
    expect(readFileSync(join(root, 'deploy/v.yaml'), 'utf8')).toBe(after)
    // Nobody ever told this machine a name for git.
    expect(git(root, 'log', '-1', '--format=%an|%s|%(trailers:key=Aigate-Intent,valueonly)').trim()).toBe(
      `aigate|prompt: ${next} (worse)|rollback-1-prompt`,
    )
  })

  it('is not committed together with what somebody else is writing', async () => {
    const { root, plane } = repository('image: {tag: v2}\n')
    writeFileSync(join(root, 'deploy/v.yaml'), 'image: {tag: v2}\n# draft\n')
    await expect(plane.apply(wanted('v1'), never)).rejects.toThrow('changes that are not committed')
  })
})

describe('programs and calls', () => {
  it('put the version in without a shell, and refuse what is no version', async () => {
    const root = newFolder()
    const set = [process.execPath, '-e', "require('fs').writeFileSync('v', process.argv[1])", '{{version}}']
    const plane = open({ type: 'command', set, read: ['cat', 'v'] }, root)
    await plane.apply(wanted('$(id)'), never)
    expect(await plane.read(never)).toEqual({ version: '$(id)' })
    await expect(open({ type: 'command', set, read: ['printf', 'a\nb'] }, root).read(never)).rejects.toThrow(
      'one version',
    )
    expect(() => open({ type: 'command', set: ['x', '{{versoin}}'], read: ['y'] }, root)).toThrow(
      '{{versoin}} is nothing',
    )
    const hanging = open({ type: 'command', set, read: ['sleep', '60'], timeout: '200ms' }, root)
    await expect(hanging.read(never)).rejects.toThrow('did not end within 200 ms')
  })
})
