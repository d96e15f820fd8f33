// Pairs that were written as events are read back as they were, whatever is known of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { pairEvent } from '../decide/shadow/pairing.ts'
import { ShadowPlan } from '../schema/shadow.ts'
import { readPairs } from './shadow-pairs.ts'

const root = mkdtempSync(join(tmpdir(), 'aigate-pairs-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const signal = new AbortController().signal
const planOf = (more: object = {}) =>
  ShadowPlan.parse({ shadow: 's', criteria: { winner: {} }, pairs: { path: 'p.jsonl' }, ...more })

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((one) => one + 0)
const pair = fc.record(
  {
    at: fc.integer({ min: 1.6e12, max: 1.9e12 }),
    similarity: number(-1, 1),
    winner: fc.constantFrom('baseline', 'candidate', 'tie'),
    delta_ms: number(-1e5, 1e5),
    baseline_ms: number(0, 1e5),
    delta_cost_usd: number(-1, 1),
    baseline_cost_usd: number(0, 1),
    baseline_error: fc.boolean(),
    candidate_error: fc.boolean(),
    delta_confidence: number(-1, 1),
  },
  { requiredKeys: [] },
)

it('what was written is read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { maxLength: 20 }), async (list) => {
      const pairs = list.map((one, i) => ({ ...one, id: `q${i}` }))
      writeFileSync(join(root, 'p.jsonl'), pairs.map((one) => `${JSON.stringify(pairEvent(one, 'r'))}\n`).join(''))
      const read = await readPairs(planOf(), { root, since: null, signal })
      // -0 does not survive JSON.
      expect(read.pairs).toEqual(JSON.parse(JSON.stringify(pairs)))
      expect(read).toMatchObject({ unreadable: 0, duplicates: 0 })
      expect((await readPairs(planOf({ rollout: 'other' }), { root, since: null, signal })).pairs).toEqual([])
      const late = await readPairs(planOf(), { root, since: 1.75e12, signal })
      expect(late.pairs.length).toBe(pairs.filter(({ at = 0 }) => at >= 1.75e12).length)
    }),
    { numRuns: 30 },
  )
})

it('names of others are mapped', async () => {
  const line = { time: '2026-11-21T10:00:00Z', kind: 'aigate.shadow.pair', likeness: '0.25', better: 'tie', request: 7 }
  writeFileSync(join(root, 'p.jsonl'), `${JSON.stringify(line)}\n`)
  const mapping = {
    'event.name': 'kind',
    'aigate.similarity': 'likeness',
    'aigate.winner': 'better',
    'aigate.pair.id': 'request',
  }
  const { pairs } = await readPairs(planOf({ pairs: { path: 'p.jsonl', mapping } }), { root, since: null, signal })
  expect(pairs).toEqual([{ id: '7', at: Date.UTC(2026, 10, 21, 10), similarity: 0.25, winner: 'tie' }])
})
