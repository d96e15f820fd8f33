// Releases as data: differences, evidence, statuses over time, what a rollback needs, and how often a bisection errs.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Config } from '../../schema/config.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import type { RunHeader, TargetSnapshot } from '../../schema/run.ts'
import type { Verdict } from '../../schema/verdict.ts'
import { bisect, majority, majorityError } from './bisect.ts'
import type { Listing } from '../health/model-health.ts'
import { releaseChanges, releaseSentence } from './release-diff.ts'
import { componentStatuses, planStatus } from './release-status.ts'
import { evidenceFor } from './release-evidence.ts'
import { findRelease } from './releases.ts'
import { type Found, lastKnownGood, rollbackNeeds } from '../rollback/rollback-needs.ts'
import { policyOf } from '../run-testing.ts'

const now = new Date('2026-11-21T10:00:00Z')
const model = { name: 'main', provider: 'openai', id: 'gpt-4o-2024-08-06', params: { temperature: 0.2 } }
const promptOf = (version: string, description?: string) => ({
  name: 'answer',
  version,
  hash: `hash of ${version}`,
  file: `prompts/answer/${version}.md`,
  ...(description !== undefined && { description }),
})
function manifest(n: number, extra: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    aigate: 'release',
    version: 1,
    id: `2026-11-${10 + n}.1`,
    env: 'production',
    at: now.toISOString(),
    by: 'Ada',
    sentence: '',
    git: null,
    prompts: [promptOf(`1.${n}.0`)],
    models: [model],
    components: { index: { version: `kb-${n}` } },
    suites: [],
    verdicts: [{ suite: 'app', run: 'r', outcome: 'pass', reason: 'ok' }],
    ...extra,
  }
}
const chain = { aigate: 'ledger' as const, version: 1 as const, at: now.toISOString(), by: 'Ada', prev: '', hash: '' }
const ledger = (...manifests: ReleaseManifest[]): LedgerRecord[] =>
  manifests.map((one, i) => ({ ...chain, seq: i + 1, kind: 'release', manifest: one, manifest_sha256: '' }))

it('says what differs in one sentence', () => {
  const before = manifest(2, { prompts: [promptOf('1.2.0')], components: { index: { version: 'kb-2026-10' } } })
  const after = manifest(3, {
    prompts: [promptOf('1.3.0', 'tone')],
    components: { index: { version: 'kb-2026-11', note: '+50 docs' } },
  })
  expect(releaseSentence(before, after)).toBe(
    'prompt answer 1.2.0 -> 1.3.0 (tone); index kb-2026-10 -> kb-2026-11 (+50 docs)',
  )
  expect(releaseSentence(before, { ...before, git: { commit: 'x', branch: null, dirty: false } })).toBe(
    'what runs is unchanged',
  )
  const secretly = { ...before, prompts: [{ ...promptOf('1.2.0'), hash: 'other' }] }
  expect(releaseChanges(before, secretly)).toEqual(['prompt answer 1.2.0: same version, other content'])
  const moved = { ...before, models: [{ ...model, provider: 'azure', params: { top_p: 1 } }], components: {} }
  expect(releaseChanges(before, moved)).toEqual([
    'model main openai/gpt-4o-2024-08-06 -> azure/gpt-4o-2024-08-06',
    'model main temperature 0.2 -> unset',
    'model main top_p unset -> 1',
    'index kb-2026-10 removed',
  ])
  const at = (base_url?: string) => ({ ...before, models: [{ ...model, ...(base_url !== undefined && { base_url }) }] })
  expect(releaseChanges(at('https://a/v1'), at('https://b/v1'))).toEqual([
    'model main address https://a/v1 -> https://b/v1',
  ])
  expect(releaseChanges(at(), at('https://b/v1'))).toEqual([])
})

it('finds a release by a unique beginning of its id', () => {
  const records = ledger(manifest(1), manifest(2))
  expect(findRelease(records, '2026-11-12', 'production').id).toBe('2026-11-12.1')
  expect(() => findRelease(records, '2026-11', 'production')).toThrow('2 releases begin with')
  expect(() => findRelease(records, 'current', 'staging')).toThrow('There is no release for staging yet')
})

describe('statuses', () => {
  const records = ledger(manifest(1), manifest(2))
  const statusAt = (list: LedgerRecord[], name: string, at = now) =>
    componentStatuses(list, 'production', at).find((row) => row.name === name)?.status
  const entry = planStatus(records, 'index:kb-1', {
    status: 'rollback_ready',
    keepUntil: '10d',
    env: 'production',
    now,
  })
  const kept: LedgerRecord[] = [...records, { ...chain, seq: 3, ...entry }]

  it('follow from the releases, and end with the last day', () => {
    expect(entry.keep_until).toBe('2026-12-01')
    expect([statusAt(kept, 'kb-1'), statusAt(kept, 'kb-2'), statusAt(kept, 'answer@1.1.0')]).toEqual([
      'rollback_ready',
      'production',
      'rollback_ready',
    ])
    expect(statusAt(kept, 'kb-1', new Date('2026-12-01T23:59:59Z'))).toBe('rollback_ready')
    expect(statusAt(kept, 'kb-1', new Date('2026-12-02T00:00:00Z'))).toBe('archived')
    expect(statusAt([...kept, ...ledger(manifest(1))], 'kb-1', new Date('2026-12-02T00:00:00Z'))).toBe('production')
  })

  it.each(['2026-02-30', '2020-01-01', 'soon', '-1d'])('refuse %s as a last day', (keepUntil) => {
    const asked = { status: 'rollback_ready', keepUntil, env: 'production', now }
    expect(() => planStatus(records, 'kb-1', asked)).toThrow('is no day to come')
  })

  it('what is archived is missing for a rollback', () => {
    const config = Config.parse({
      version: 1,
      providers: { openai: { type: 'openai' } },
      models: { main: { provider: 'openai', id: model.id, params: { temperature: 0.2 } } },
    })
    const models = [{ model, listing: { kind: 'listed' as const, shutdown: null } }]
    const found = { prompts: [], models, components: { index: { ok: true, said: 'here' } } }
    const good = lastKnownGood(kept, 'production')
    const states = (at: Date) =>
      good ? rollbackNeeds(good, { records: kept, config, found, now: at }).map(({ state }) => state) : []
    expect(states(now)).toEqual(['there', 'there'])
    expect(states(new Date('2026-12-02T00:00:00Z'))).toEqual(['missing', 'there', 'there'])
  })
})

describe('a model that a rollback needs', () => {
  const needOf = (pin: object, more: Partial<Found['models'][number]> = {}, released: object = {}) => {
    const config = Config.parse({
      version: 1,
      providers: { openai: { type: 'openai' } },
      models: { main: { provider: 'openai', id: model.id, params: { temperature: 0.2 }, ...pin } },
    })
    const listing: Listing = { kind: 'listed', shutdown: null }
    const one = { model: { ...model, ...released }, listing, base_url: 'https://api.openai.com/v1', ...more }
    const release = manifest(1, { prompts: [], components: {} })
    return rollbackNeeds(release, {
      records: [],
      config,
      found: { prompts: [], models: [one], components: {} },
      now,
    })[0]
  }
  const old = { base_url: 'https://api.openai.com/v1' }
  it.each([
    ['is listed', {}, {}, old, 'there', 'models.main, and its provider lists it'],
    ['is of an older record without an address', {}, {}, {}, 'there', 'lists it'],
    ['is archived in the registry', { status: 'archived' }, {}, old, 'missing', 'is archived'],
    ['was kept until yesterday', { keep_until: '2026-11-20' }, {}, old, 'missing', 'until 2026-11-20 only'],
    ['is kept until today', { keep_until: '2026-11-21' }, {}, old, 'there', 'lists it'],
    ['is gone', {}, { listing: { kind: 'gone' } }, old, 'missing', 'no longer lists it'],
    [
      'was shut down',
      {},
      { listing: { kind: 'listed', shutdown: new Date('2026-11-20') } },
      old,
      'missing',
      'shut it down on 2026-11-20',
    ],
    [
      'could not be asked for',
      {},
      { listing: { kind: 'not_asked', reason: 'K is not set.' } },
      old,
      'unknown',
      'not known: K is not set',
    ],
    ['is asked elsewhere', {}, { base_url: 'http://127.0.0.1:9/v1' }, old, 'missing', 'at http://127.0.0.1:9/v1, the'],
  ] as const)('%s', (_, pin, more, released, state, says) => {
    const need = needOf(pin, more, released)
    expect(need).toMatchObject({ what: 'model openai/gpt-4o-2024-08-06', state })
    expect(need?.detail).toContain(says)
  })
})

describe('evidence', () => {
  const policy = policyOf()
  const app: TargetSnapshot = { kind: 'module', label: 'module app.mjs', hash: 'app' }
  const asked: TargetSnapshot = {
    kind: 'prompt',
    label: 'a@1.0.0 with m',
    hash: 'p',
    provider: { type: 'openai', base_url: 'https://a.example/v1', headers: [] },
  }
  const commit = 'c'.repeat(40)
  const headerOf = (target: TargetSnapshot, more: Partial<RunHeader> = {}) =>
    ({
      id: 'r1',
      suite: 'app',
      target,
      partial: false,
      trials: { min: 1, max: 3 },
      cases: [{ hash: 'h' }],
      git: { commit, branch: null, dirty: false },
      ...more,
    }) as RunHeader
  const evidence = (
    target: TargetSnapshot,
    more: Partial<RunHeader> = {},
    changed: readonly string[] | null = [],
    trials = 1,
  ) => {
    const policies: unknown[] = []
    const verdict = (by: GatePolicy) => {
      policies.push(by)
      return { outcome: 'pass', reasons: ['good'] } as unknown as Verdict
    }
    const found = evidenceFor(
      { suite: 'app', version: '1.0.0', cases: 1, target },
      {
        loaded: { cases: ['h'], trials: { min: trials }, policy },
        components: {},
        witnesses: [{ header: headerOf(target, more), changed, verdict }],
      },
    )
    return { ...found, policies }
  }

  it('is judged by the policy of today, and by no other', () => {
    const header = { policy: { ...policy, min_pass_rate: 0 } }
    expect(evidence(asked, header)).toMatchObject({ outcome: 'pass', reason: 'good', policies: [policy] })
  })

  it.each([
    ['a what-if run', asked, { what_if: ['--threshold 0'] }, [], 1, 'made with --threshold 0, which is no rule'],
    ['fewer trials', asked, {}, [], 3, 'asked 1 trial of each case, the suite asks 3'],
    [
      'another address',
      asked,
      { target: { ...asked, provider: { type: 'openai', base_url: 'http://127.0.0.1:9/v1', headers: [] } } },
      [],
      1,
      'the run asked http://127.0.0.1:9/v1, the release holds https://a.example/v1',
    ],
    ['no address', asked, { target: { ...asked, provider: undefined } }, [], 1, 'by an older aigate'],
    ['an application outside of git', app, { git: null }, [], 1, 'outside of git'],
    ['a dirty application', app, { git: { commit, branch: null, dirty: true } }, [], 1, 'that were not committed'],
    ['a commit that is gone', app, {}, null, 1, 'git no longer knows cccccccccccc'],
    ['other code', app, {}, ['app.mjs', 'b.mjs'], 1, 'since then 2 files changed: app.mjs, b.mjs'],
  ] as const)('%s is none', (_, target, more, changed, trials, says) => {
    const found = evidence(target, more as Partial<RunHeader>, changed, trials)
    expect(found).toMatchObject({ outcome: 'invalid', run: 'r1', policies: [] })
    expect(found.reason).toContain(says)
  })

  it('of a prompt does not depend on the commit; of an application it does', () => {
    expect(evidence(asked, { git: null }, null).outcome).toBe('pass')
    expect(evidence(app).outcome).toBe('pass')
  })
})

it('the last known good release passed, without an override, before the current one', () => {
  const bad = manifest(2, { override: { reason: 'x', outcome: 'fail' } })
  const unmeasured = manifest(3, { verdicts: [] })
  expect(lastKnownGood(ledger(manifest(1), bad, unmeasured, manifest(4)), 'production')?.id).toBe('2026-11-11.1')
  expect(lastKnownGood(ledger(manifest(1)), 'production')).toBeNull()
})

describe('bisect', () => {
  it('finds the first broken release with as few questions as a binary search needs', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 60 }), fc.nat(), async (n, at) => {
        const broken = 1 + (at % (n - 1))
        const cells = Array.from({ length: n }, (_, i) => ({ release: manifest(i), hash: String(i) }))
        const found = await bisect(cells, async ({ hash }) => ({
          passes: 1,
          fails: 0,
          errors: 0,
          passed: Number(hash) < broken,
        }))
        expect([found.broke, found.before]).toEqual([cells[broken]?.release, cells[broken - 1]?.release])
        expect(found.steps.length).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(n - 1)))
      }),
      { seed: 7 },
    ))

  it('never asks the same cell twice, also when a release was rolled back', async () => {
    const cells = ['a', 'b', 'b', 'a', 'b', 'a', 'c'].map((hash, i) => ({ release: manifest(i), hash }))
    const asked: string[] = []
    const found = await bisect(cells, async ({ hash }) => {
      asked.push(hash)
      return { passes: 1, fails: 0, errors: 0, passed: hash !== 'c' }
    })
    expect(asked.length).toBe(new Set(asked).size)
    expect(found.broke?.id).toBe(cells[6]?.release.id)
  })

  it('errs as often as it says: a seeded simulation of the sequential majority', () => {
    let state = 12345
    // mulberry32
    const random = () => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
    for (const [rate, k] of [
      [0.9, 3],
      [0.8, 5],
      [0.6, 9],
    ] as const) {
      let wrong = 0
      const rounds = 40_000
      for (let round = 0; round < rounds; round += 1) {
        const seen = { passes: 0, fails: 0 }
        while (majority(seen, k) === undefined) seen[random() < rate ? 'passes' : 'fails'] += 1
        if (!majority(seen, k)) wrong += 1
      }
      const expected = majorityError(rate, k)
      expect(Math.abs(wrong / rounds - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / rounds))
    }
  })

  it('has the errors of the table in docs/releases.md', () => {
    const rows = [0.95, 0.9, 0.8].map((rate) => [1, 3, 5, 9].map((k) => (100 * majorityError(rate, k)).toFixed(1)))
    expect(rows).toEqual([
      ['5.0', '0.7', '0.1', '0.0'],
      ['10.0', '2.8', '0.9', '0.1'],
      ['20.0', '10.4', '5.8', '2.0'],
    ])
  })
})
