// Where a rollback goes, what it plans and what it records, over ledgers of every kind.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Config } from '../../schema/config.ts'
import { Planes } from '../../schema/planes.ts'
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import { lastKnownGood } from './rollback-needs.ts'
import { planRollback } from './plan.ts'
import { rollbackManifest } from './record.ts'
import { aimOf } from './target.ts'

function release(n: number, more: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    aigate: 'release',
    version: 1,
    id: `2026-01-01.${n}`,
    env: 'production',
    at: '2026-01-01T00:00:00.000Z',
    by: 'Ada',
    sentence: '',
    git: { commit: `c${n}`, branch: null, dirty: false },
    prompts: [{ name: 'a', version: `1.${n}.0`, hash: `h${n}`, file: 'a.md' }],
    models: [{ name: 'main', provider: 'api', id: `m-${n}`, params: {} }],
    components: { index: { version: `kb-${n}` } },
    suites: [],
    verdicts: [{ suite: 's', run: `r${n}`, outcome: 'pass', reason: '' }],
    ...more,
  }
}
const ledger = (releases: readonly ReleaseManifest[]): LedgerRecord[] =>
  releases.map((manifest, i) => ({
    aigate: 'ledger',
    version: 1,
    seq: i + 1,
    at: manifest.at,
    by: 'Ada',
    kind: 'release',
    manifest,
    manifest_sha256: '',
    prev: '',
    hash: '',
  }))
const config = Config.parse({
  version: 1,
  providers: { api: { type: 'openai' } },
  models: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`m${n}`, { provider: 'api', id: `m-${n}` }])),
  production: {
    prompt: { type: 'flagd', path: 'f.json', flag: 'p' },
    model: { type: 'flagd', path: 'f.json', flag: 'm' },
    index: { type: 'command', set: ['x'], read: ['y'] },
  },
})
const planes = config.production ?? {}
const stamp = { at: new Date('2026-02-01T00:00:00Z'), by: 'Ada' }
function aimed(releases: readonly ReleaseManifest[], more: { components?: string[]; to?: string } = {}) {
  const { target, ...aim } = aimOf(ledger(releases), { env: 'production', planes, components: [], ...more })
  if (!target) throw new Error('no target')
  return { ...aim, target }
}
const back = (releases: readonly ReleaseManifest[], gone: string[], left: string[] = []) =>
  rollbackManifest(ledger(releases), aimed(releases), { back: gone, left }, stamp)

describe('target', () => {
  it('is the newest that passed, and never one that was left by a rollback', () => {
    expect(aimed([release(1), release(2)]).target.id).toBe('2026-01-01.1')
    const failed = release(2, { verdicts: [{ suite: 's', run: null, outcome: 'fail', reason: '' }] })
    expect(aimed([release(1), failed, release(3)]).target.id).toBe('2026-01-01.1')
    const undone = back([release(1), release(2)], ['prompt', 'model', 'index'])
    if (!undone) throw new Error('nothing recorded')
    expect(lastKnownGood(ledger([release(1), release(2), undone, release(4)]), 'production')?.id).toBe(undone.id)
    const half = back([release(1), release(2)], ['prompt'], ['model', 'index'])
    if (!half) throw new Error('nothing recorded')
    expect(lastKnownGood(ledger([release(1), release(2), half, release(4)]), 'production')?.id).toBe('2026-01-01.1')
  })

  it('of a second call is that of the first, however often', () => {
    fc.assert(
      fc.property(fc.array(fc.subarray(['prompt', 'model', 'index']), { minLength: 1, maxLength: 5 }), (calls) => {
        const releases = [release(1), release(2), release(3)]
        const all = new Set<string>()
        for (const now of calls) {
          for (const name of now) all.add(name)
          const gone = [...all]
          const left = ['prompt', 'model', 'index'].filter((name) => !all.has(name))
          const next = back(releases, gone, left)
          if (next) releases.push(next)
          expect(aimed(releases).target.id).toBe('2026-01-01.2')
        }
        const done = back(releases, ['prompt', 'model', 'index'])
        if (done) releases.push(done)
        const now = releases.at(-1)
        expect([now?.prompts[0]?.version, now?.models[0]?.id, now?.components['index']?.version]).toEqual([
          '1.2.0',
          'm-2',
          'kb-2',
        ])
        expect(now?.rollback).toMatchObject({ from: '2026-01-01.3', to: '2026-01-01.2', left: [] })
        expect(now?.verdicts[0]?.outcome).toBe('pass')
        expect(back(releases, ['prompt', 'model', 'index'])).toBeNull()
      }),
    )
  })

  it('of a call that names a part keeps what the first call left', () => {
    const first = back([release(1), release(2)], ['prompt'], ['model', 'index'])
    if (!first) throw new Error('nothing recorded')
    const releases = [release(1), release(2), first]
    const aim = aimed(releases, { components: ['model'] })
    const second = rollbackManifest(ledger(releases), aim, { back: ['model'], left: [] }, stamp)
    expect(second?.rollback).toMatchObject({ from: '2026-01-01.2', components: ['prompt', 'model'], left: ['index'] })
  })

  it('may be a version of one component, by any of its names', () => {
    for (const to of ['1.1.0', 'a@1.1.0'])
      expect(aimed([release(1), release(2), release(3)], { components: ['prompt'], to }).target.id).toBe('2026-01-01.1')
    expect(() => aimed([release(1), release(2)], { components: ['prompt', 'model'], to: '1.1.0' })).toThrow(
      'no release 1.1.0',
    )
    const other = release(2, { env: 'staging' })
    expect(() => aimed([release(1), other, release(3)], { to: other.id })).toThrow('went to staging')
  })
})

describe('plan', () => {
  const world = (releases: readonly ReleaseManifest[], shown: Record<string, string | null>, more: object = {}) => ({
    records: ledger(releases),
    config,
    planes,
    found: {
      prompts: [{ prompt: release(1).prompts[0] ?? never(), found: 'git' as const }],
      models: [],
      components: {},
    },
    shown: Object.fromEntries(Object.entries(shown).map(([key, version]) => [key, { where: key, version }])),
    now: stamp.at,
    force: false,
    ...more,
  })
  const never = (): never => {
    throw new Error('there is one')
  }

  it('leaves alone what is there, says who else was at work, and blocks what a plane does not hold', () => {
    const warm = release(2, { models: [{ name: 'main', provider: 'api', id: 'm-1', params: { temperature: 1 } }] })
    const releases = [release(1), warm]
    const { steps } = planRollback(aimed(releases), world(releases, { prompt: 'a@1.1.0', model: 'm-1', index: 'kb-7' }))
    expect(steps.map(({ state }) => state)).toEqual(['there', 'blocked', 'change'])
    expect(steps[1]?.notes.join()).toContain('what this plane does not hold')
    expect(steps[2]?.notes).toEqual(['the ledger says kb-2: somebody changed it'])
  })

  it('says what differs and has no plane; a prompt without one may come with the code', () => {
    const releases = [release(1), release(2)]
    const { index: _index, ...without } = planes
    const aim = aimOf(ledger(releases), { env: 'production', planes: without, components: [] })
    const plan = planRollback({ ...aim, target: aim.target ?? never() }, world(releases, {}, { planes: without }))
    expect(plan.left).toEqual(['index'])
    const code = Planes.parse({ code: { type: 'command', set: ['x'], read: ['y'] } })
    const whole = aimOf(ledger(releases), { env: 'production', planes: code, components: [] })
    const other = planRollback({ ...whole, target: whole.target ?? never() }, world(releases, {}, { planes: code }))
    expect(other.left).toEqual([])
    expect(other.untouched.join('\n')).toContain(
      'prompt a: it has no plane of its own and goes back only if it comes with the code',
    )
    expect(other.steps[0]?.wanted).toBe('c1')
  })
})
