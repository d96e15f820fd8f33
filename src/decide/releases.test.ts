// Releases as data: differences, evidence, statuses over time, what a rollback needs, and how often a bisection errs.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Config } from '../schema/config.ts'
import type { LedgerRecord, ReleaseManifest } from '../schema/release.ts'
import { bisect, majority, majorityError } from './bisect.ts'
import { releaseChanges, releaseSentence } from './release-diff.ts'
import { componentStatuses, planStatus } from './release-status.ts'
import { findRelease } from './releases.ts'
import { lastKnownGood, rollbackNeeds } from './rollback-needs.ts'

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
    const found = { prompts: [], components: { index: { ok: true, said: 'here' } } }
    const good = lastKnownGood(kept, 'production')
    const states = (at: Date) =>
      good ? rollbackNeeds(good, { records: kept, config, found, now: at }).map(({ state }) => state) : []
    expect(states(now)).toEqual(['there', 'there'])
    expect(states(new Date('2026-12-02T00:00:00Z'))).toEqual(['missing', 'there', 'there'])
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
