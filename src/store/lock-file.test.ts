// The lock file: the same bytes for the same content, read back as it was written, small diffs.
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lockChanges } from '../decide/change/lock.ts'
import { defaultPolicy } from '../schema/gate.ts'
import { Lock, type LockedSuite } from '../schema/lock.ts'
import { lockText, readLock, writeLock } from './lock-file.ts'
import { folderWith, goodConfig, problemsOf } from './project-testing.ts'
import { loadProject } from './project.ts'

const suite = (changes: Partial<LockedSuite> = {}): LockedSuite => ({
  version: '1.0.0',
  target: { prompt: 'ask@1.0.0', model: 'main', params: {} },
  cases: { count: 3, critical: 1, hash: 'a'.repeat(64) },
  trials: { min: 1, max: 3 },
  policy: defaultPolicy,
  ...changes,
})
const lockWith = (changes: Partial<Lock> = {}): Lock => ({
  aigate: 'lock',
  version: 1,
  models: {},
  components: {},
  prompts: { 'ask@1.0.0': 'b'.repeat(64) },
  suites: { support: suite() },
  ...changes,
})
const project = () => loadProject({ cwd: folderWith({ 'aigate.yaml': goodConfig }) })

it('reads what it wrote, whatever the names and params are', async () => {
  const here = await project()
  // YAML takes "<<" for a merge, and no data of ours may be "__proto__": the configuration refuses both before.
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((one) => !['__proto__', '<<'].includes(one))
  const awkward = fc.constantFrom(
    'null',
    'true',
    'no',
    '1.0',
    '- a',
    'a: b',
    '# c',
    '{',
    '"',
    "it's",
    'a@b',
    '~',
    'x y',
  )
  const name = fc.oneof(text, awkward)
  const params = fc.dictionary(name, fc.oneof(name, fc.integer(), fc.boolean(), fc.constant(null), fc.array(name)))
  const models = fc.dictionary(name, fc.record({ provider: name, id: name, params }))
  await fc.assert(
    fc.asyncProperty(models, fc.dictionary(name, name), async (some, prompts) => {
      const lock = lockWith({ models: { ...some }, prompts: { ...prompts } })
      await writeLock(here, lock)
      const back = await readLock(here)
      expect(back && lockChanges(lock, back, { partial: false })).toEqual([])
      expect(back && lockText(back)).toBe(readFileSync(join(here.root, 'aigate.lock'), 'utf8'))
    }),
    { seed: 4, numRuns: 100 },
  )
})

it('does not depend on the order of keys, nor do its changes', () => {
  const params = { a: 1, list: [{ x: 1, y: 2 }], b: {} }
  const turned = { b: {}, list: [{ y: 2, x: 1 }], a: 1 }
  const of = (given: typeof params) => lockWith({ models: { m: { provider: 'p', id: 'i', params: given } } })
  expect(lockText(of(turned))).toBe(lockText(of(params)))
  expect(lockChanges(of(params), of(turned), { partial: false })).toEqual([])
})

it('changes one line for one thing', () => {
  const before = lockText(lockWith()).split('\n')
  const loose = suite({ policy: { ...defaultPolicy, max_regression: 0.5 } })
  const after = lockText(lockWith({ suites: { support: loose } })).split('\n')
  expect(after.filter((line) => !before.includes(line))).toEqual(['      max_regression: 0.5'])
})

it('names what was added, removed and changed; a part misses nothing that was not looked at', () => {
  const before = lockWith({ suites: { support: suite(), old: suite() } })
  const now = lockWith({
    prompts: { 'ask@1.0.0': 'c'.repeat(64), 'ask@1.1.0': 'd'.repeat(64) },
    suites: { support: suite({ cases: { count: 2, critical: 0, hash: 'a'.repeat(64) } }) },
  })
  const changed = [
    'prompt ask@1.0.0: bbbbbbbbbbbb -> cccccccccccc',
    'prompt ask@1.1.0: added',
    'suite support cases.count: 3 -> 2',
    'suite support cases.critical: 1 -> 0',
  ]
  expect(lockChanges(before, now, { partial: true })).toEqual(changed)
  expect(lockChanges(before, now, { partial: false })).toEqual([
    ...changed.slice(0, 2),
    'suite old: removed',
    ...changed.slice(2),
  ])
})

it('is null where there is none, and a fault with its place where it is damaged', async () => {
  expect(await readLock(await project())).toBeNull()
  const text = lockText(lockWith()).replace('version: 1\n', 'version: 2\n')
  const damaged = await loadProject({ cwd: folderWith({ 'aigate.yaml': goodConfig, 'aigate.lock': text }) })
  expect((await problemsOf(readLock(damaged))).join()).toMatch(/^aigate\.lock:3:10 /)
})
