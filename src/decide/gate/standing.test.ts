// Where prompts and models stand, read from the releases alone.
import { expect, it } from 'vitest'
import type { LedgerRecord, ReleaseManifest } from '../../schema/release.ts'
import { standings } from './standing.ts'

const now = new Date('2026-11-21T10:00:00Z')
const chain = { aigate: 'ledger' as const, version: 1 as const, at: now.toISOString(), by: 'Ada', prev: '', hash: '' }

let day = 0
function release(env: string, prompt: string, model: string): LedgerRecord {
  day += 1
  const manifest: ReleaseManifest = {
    aigate: 'release',
    version: 1,
    id: `2026-10-${String(day).padStart(2, '0')}.1`,
    env,
    at: now.toISOString(),
    by: 'Ada',
    sentence: '',
    git: null,
    prompts: [{ name: 'answer', version: prompt, hash: prompt, file: `prompts/answer/${prompt}.md` }],
    models: [{ name: 'main', provider: 'api', id: model, params: {} }],
    components: {},
    suites: [],
    verdicts: [],
  }
  return { ...chain, seq: day, kind: 'release', manifest, manifest_sha256: '' }
}
const status = (name: string, said: 'archived' | 'rollback_ready', keep_until?: string): LedgerRecord => ({
  ...chain,
  seq: 99,
  kind: 'status',
  component: { kind: 'prompt', name },
  status: said,
  ...(keep_until !== undefined && { keep_until }),
})
const prompt = (version: string) => ({ kind: 'prompt', name: `answer@${version}` })

it('where nothing was released, nothing stands anywhere', () => {
  expect(standings([], { env: 'production', now })(prompt('1.0.0'))).toBeNull()
})

it('draft, canary, production, rollback_ready and archived follow from the releases, with the last day', () => {
  day = 0
  const records = [
    release('production', '1.0.0', 'm-1'),
    release('production', '1.1.0', 'm-1'),
    release('canary', '1.2.0', 'm-2'),
    release('production', '1.2.0', 'm-1'),
    release('canary', '1.3.0', 'm-2'),
    status('answer@1.0.0', 'archived'),
    status('answer@1.1.0', 'rollback_ready', '2026-12-31'),
  ]
  const at = standings(records, { env: 'production', now })
  const stands = (version: string) => at(prompt(version))
  expect(stands('1.0.0')).toEqual({ status: 'archived', release: '2026-10-01.1', keep_until: null })
  expect(stands('1.1.0')).toEqual({ status: 'rollback_ready', release: '2026-10-02.1', keep_until: '2026-12-31' })
  expect(stands('1.2.0')).toEqual({ status: 'production', release: '2026-10-04.1', keep_until: null })
  expect(stands('1.3.0')).toEqual({ status: 'canary', release: '2026-10-05.1', keep_until: null })
  expect(stands('1.4.0')).toEqual({ status: 'draft', release: null, keep_until: null })
  expect(at({ kind: 'model', name: 'api/m-1' })?.status).toBe('production')
  expect(at({ kind: 'model', name: 'api/m-2' })?.status).toBe('canary')
  // A name is one of its kind.
  expect(at({ kind: 'model', name: 'answer@1.2.0' })?.status).toBe('draft')

  const later = standings(records, { env: 'production', now: new Date('2027-01-01T00:00:00Z') })
  expect(later(prompt('1.1.0'))?.status).toBe('archived')
  const own = standings(records, { env: 'canary', now })
  expect([own(prompt('1.3.0'))?.status, own(prompt('1.2.0'))?.status, own(prompt('1.1.0'))?.status]).toEqual([
    'production',
    'rollback_ready',
    'draft',
  ])
})

it('what is on trial again after a rollback is canary, whatever was said of it in production', () => {
  day = 0
  const records = [
    release('production', '1.1.0', 'm-1'),
    release('production', '1.0.0', 'm-1'),
    status('answer@1.1.0', 'archived', '2026-11-30'),
    release('canary', '1.1.0', 'm-1'),
  ]
  const at = standings(records, { env: 'production', now })
  expect(at(prompt('1.1.0'))).toEqual({ status: 'canary', release: '2026-10-03.1', keep_until: '2026-11-30' })
  expect(at({ kind: 'model', name: 'api/m-1' })?.status).toBe('production')
})
