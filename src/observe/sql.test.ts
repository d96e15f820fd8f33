// Counted in DuckDB or event by event: the same blocks.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { SourceRequest } from '../ports.ts'
import { RolloutPlan, type SourceConfig } from '../schema/rollout.ts'
import type { Block } from '../schema/rollout-journal.ts'
import { jsonlSource } from './jsonl.ts'
import { event, lines, planWith, START, watcher } from './observe-testing.ts'
import { sqlSource } from './sql.ts'

type SqlConfig = Extract<SourceConfig, { type: 'sql' }>
type FileConfig = Extract<SourceConfig, { type: 'jsonl' }>
const metrics = {
  errors: { bad: "error.type != null && error.type not_used != 'x'".replace(' not_used', '') },
  slow: { value: 'duration_ms', tail_at: 'baseline.p90' },
  tail: { value: 'duration_ms', tail_at: 200 },
  fails: { bad: "eval.groundedness.label == 'fail'", where: "!(aigate.segment in ['free', 7, null])" },
  quality: { mean: 'eval.quality.score' },
  down: { bad: "feedback == 'down' || (feedback < 'b' && retries >= 1.5)" },
  odd: { bad: 'flag || retries == 1 || nested.deep == true' },
}
const limits = { slow: [150, 300], quality: [0.5] }
const planOf = (from: string, more: object = {}): RolloutPlan =>
  planWith({ metrics, source: { type: 'sql', engine: 'duckdb', from, lateness: '1m' }, ...more })

function both(file: string, plan: RolloutPlan, more: Partial<SourceRequest> = {}) {
  const plain = RolloutPlan.parse({ ...plan, source: { type: 'jsonl', path: file, lateness: plan.source.lateness } })
  return {
    sql: watcher((root) => sqlSource({ ...(plan.source as SqlConfig), from: file }, { root, env: {} }), plan, more),
    log: watcher((root) => jsonlSource(plain.source as FileConfig, { root, env: {} }), plain, more),
  }
}

/** A count that is left out is 0. */
const withFresh = ({ arms: { baseline, candidate }, ...block }: Block) => ({
  ...block,
  arms: { baseline: { fresh: 0, ...baseline }, candidate: { fresh: 0, ...candidate } },
})
/** Sums in another order differ in their last bits. */
const rounded = (blocks: readonly Block[]) =>
  JSON.parse(
    JSON.stringify(blocks.map(withFresh), (_, value: unknown) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value,
    ),
  ) as unknown

const rarely = <T>(value: fc.Arbitrary<T>, freq = 6) => fc.option(value, { nil: undefined, freq })
const anyEvent = fc.record({
  at: fc.integer({ min: -120, max: 600 }),
  ms: fc.integer({ min: 0, max: 999 }),
  user: fc.integer({ min: 0, max: 12 }),
  arm: fc.constantFrom('baseline', 'candidate', 'baseline', 'candidate', 'elsewhere', null),
  kind: fc.constantFrom('request', 'request', 'request', 'label', 'feedback', 'page.view'),
  reply: fc.integer({ min: 0, max: 40 }),
  error: rarely(fc.constantFrom('timeout', 'x', null, 5)),
  duration: rarely(fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constantFrom('fast', -3, 1e-13, 0.1, null)), 9),
  segment: rarely(fc.constantFrom('free', 'pro', 7, 'staff')),
  label: fc.constantFrom('fail', 'pass'),
  score: fc.double({ min: 0, max: 1, noNaN: true }),
  feedback: fc.constantFrom('up', 'down', 'a'),
  retries: rarely(fc.constantFrom(0, 1, 2, 1.5, '2', true)),
  flag: rarely(fc.constantFrom(true, false, 'true', 1)),
  nested: rarely(fc.constantFrom({ deep: true }, { deep: { er: 1 } }, 5)),
  rollout: rarely(fc.constantFrom('support', 'another'), 3),
})

function lineOf(one: Record<string, any>): string {
  const base = {
    ts: new Date(START + one.at * 1000 + one.ms).toISOString(),
    ...(one.user > 0 && { 'feature_flag.context.id': `user "${one.user}"/ü` }),
    ...(one.arm !== null && { 'aigate.arm': one.arm }),
    'aigate.segment': one.segment,
    'aigate.rollout': one.rollout,
    retries: one.retries,
    flag: one.flag,
    nested: one.nested,
  }
  const reply = `reply-${one.reply}`
  if (one.kind === 'label')
    return JSON.stringify({
      ...base,
      'event.name': 'gen_ai.evaluation.result',
      'gen_ai.response.id': reply,
      'gen_ai.evaluation.name': one.score > 0.5 ? 'quality' : 'groundedness',
      gen_ai: { evaluation: { score: { value: one.score, label: one.label } } },
    })
  if (one.kind === 'feedback')
    return JSON.stringify({
      ...base,
      'event.name': 'aigate.feedback',
      'gen_ai.response.id': reply,
      'aigate.feedback': one.feedback,
    })
  if (one.kind === 'page.view') return JSON.stringify({ ...base, 'event.name': 'page.view' })
  return JSON.stringify({ ...base, 'gen_ai.response.id': reply, 'error.type': one.error, duration_ms: one.duration })
}

/** Of two events with one id the engines keep the earlier, a reader of lines the one that comes first. */
const inTime = (events: Record<string, any>[]) => events.toSorted((a, b) => a.at * 1000 + a.ms - (b.at * 1000 + b.ms))

it('counts what a reader of lines counts, whatever the log', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEvent, { minLength: 1, maxLength: 120 }),
      fc.constantFrom('user', 'session', 'request'),
      fc.boolean(),
      async (events, unit, segments) => {
        const plan = planOf('unused', {
          assignment: { unit },
          control: { type: 'flagd', path: 'flags.json', settle: '20s' },
          ...(segments && { segments: { first: ['pro'], exclude: ['staff'] } }),
        })
        const changes = [
          { at: START + 1000, generation: 1, ppm: 500_000 },
          { at: START + 200_500, generation: 2, ppm: 1_000_000 },
        ]
        const { sql, log } = both('app.jsonl', plan, { limits, changes })
        const text = inTime(events).map((one) => `${lineOf(one)}\n`)
        // Two events of one unit at the same millisecond have no order: everybody gets a time of his own.
        const written = [...text.slice(0, 5), '{"torn": "abc\n', '\n', '[1]\n', ...text.slice(5)].join('')
        for (const root of [sql.root, log.root]) writeFileSync(join(root, 'app.jsonl'), written)
        for (const until of [150, 301, 800]) {
          const [mine, theirs] = [await sql.look(until), await log.look(until)]
          expect(mine.until).toBe(theirs.until)
          expect(rounded(mine.blocks)).toEqual(rounded(theirs.blocks))
        }
        sql.forget()
        expect((await sql.look(800)).blocks).toEqual([])
      },
    ),
    { numRuns: 8, endOnFailure: true },
  )
})
