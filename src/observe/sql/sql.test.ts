// Counted in DuckDB or event by event: the same blocks.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it, onTestFinished } from 'vitest'
import type { SourceRequest } from '../../ports.ts'
import { RolloutPlan, type SourceConfig } from '../../schema/rollout.ts'
import type { Block } from '../../schema/rollout-journal.ts'
import { jsonlSource } from '../jsonl.ts'
import { event, lines, planWith, START, watcher } from '../observe-testing.ts'
import { bucketOf } from '../../statistics/log-histogram.ts'
import { bucketColumns, bucketName } from './sql-counts.ts'
import { duckdb } from './sql-dialect.ts'
import { sqlSource } from './sql.ts'

type SqlConfig = Extract<SourceConfig, { type: 'sql' }>
type FileConfig = Extract<SourceConfig, { type: 'jsonl' }>
const metrics = {
  errors: { bad: "error.type != null && error.type != 'x'" },
  slow: { value: 'duration_ms', tail_at: 'baseline.p90' },
  tail: { value: 'duration_ms', tail_at: 200 },
  fails: { bad: "eval.groundedness.label == 'fail'", where: "!(aigate.segment in ['free', 7, null])" },
  quality: { mean: 'eval.quality.score' },
  judged: { bad: "eval.groundedness.label == 'fail'", judged: { budget_per_hour: 60 } },
  down: { bad: "feedback == 'down' || (feedback < 'b' && retries >= 1.5)", delay: '2m' },
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

const withoutBlank = ({ metrics: all, ...arm }: Block['arms']['baseline']) => ({
  ...arm,
  metrics: Object.fromEntries(Object.entries(all).map(([name, counts]) => [name, { ...counts, blank: undefined }])),
})
/** A count that is left out is 0. Sums in another order differ in their last bits. */
const rounded = (blocks: readonly Block[]) =>
  JSON.parse(
    JSON.stringify(
      blocks.map(({ arms: { baseline, candidate }, ...block }) => ({
        ...block,
        arms: { baseline: { fresh: 0, ...baseline }, candidate: { fresh: 0, ...candidate } },
      })),
      (_, value: unknown) =>
        typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value,
    ),
  ) as Block[]
/** A table's NULL does not tell a field that is null from one that is not there: `blank` is left out. */
const ofTable = (blocks: readonly Block[]) =>
  rounded(blocks).map((block) => ({
    ...block,
    arms: { baseline: withoutBlank(block.arms.baseline), candidate: withoutBlank(block.arms.candidate) },
  }))

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

type AnyEvent = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never
function lineOf(one: AnyEvent): string {
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
const inTime = (events: AnyEvent[]): AnyEvent[] => events.toSorted((a, b) => a.at * 1000 + a.ms - (b.at * 1000 + b.ms))

it('counts what a reader of lines counts, whatever the log', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEvent, { minLength: 1, maxLength: 120 }),
      fc.constantFrom('user', 'session', 'request'),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      async (events, unit, segments, past, whole) => {
        const plan = planOf('unused', {
          assignment: { unit },
          control: { type: 'flagd', path: 'flags.json', settle: '20s' },
          ...(segments && { segments: { first: ['pro'], exclude: ['staff'] } }),
        })
        const changes = [
          { at: START + 1000, generation: 1, ppm: 500_000 },
          { at: START + 200_500, generation: 2, ppm: 1_000_000 },
        ]
        const { sql, log } = both('app.jsonl', plan, { limits, changes, past, whole })
        const text = inTime(events).map((one) => `${lineOf(one)}\n`)
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

const simple = (from: string, more: object = {}) =>
  planWith({
    metrics: { error_rate: { bad: 'error.type != null' }, latency_p95: { value: 'duration_ms', tail_at: 200 } },
    source: { type: 'sql', engine: 'duckdb', from, lateness: '1m', ...more },
  })
const watch = (plan: RolloutPlan, env: Record<string, string> = {}) =>
  watcher((root) => sqlSource(plan.source as SqlConfig, { root, env }), plan)
const traffic = Array.from({ length: 200 }, (_, index) =>
  event(index, `user-${index % 30}`, index % 3 === 0 ? 'candidate' : 'baseline', {
    duration_ms: (index * 37) % 400,
    'error.type': index % 7 === 0 ? 'timeout' : null,
  }),
)

it.each(['parquet', 'csv'])('reads %s as it reads lines', async (type) => {
  const log = watch(simple('app.jsonl'))
  writeFileSync(join(log.root, 'app.jsonl'), lines(traffic))
  const table = watch(simple(`app.${type}`))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`COPY (FROM read_json('${log.root}/app.jsonl')) TO '${table.root}/app.${type}'`)
  connection.closeSync()
  expect(ofTable((await table.look(600)).blocks)).toEqual(ofTable((await log.look(600)).blocks))
  expect(table.blocks).toHaveLength(4)
})

it('counts torn lines, doubles and what came late, and waits for files', async () => {
  const { root, look } = watch(simple('*.jsonl'))
  expect(await look(30)).toMatchObject({ blocks: [], newest: null, notes: ['There is no file *.jsonl yet.'] })
  writeFileSync(
    join(root, 'a.jsonl'),
    `${lines(traffic)}{"ts": "2026-11-21T\n[]\n{"ts": "soon"}\n${lines(traffic.slice(60, 70))}`,
  )
  const first = await look(300)
  expect(first).toMatchObject({
    events: 200,
    unreadable: 3,
    duplicates: 10,
    late: 0,
    newest: '2026-11-21T10:03:19.000Z',
  })
  writeFileSync(join(root, 'b.jsonl'), lines([event(10.5, 'late', 'baseline'), event(301, 'new', 'baseline')]))
  const second = await look(600)
  expect(second).toMatchObject({ events: 1, unreadable: 0, duplicates: 0, late: 1, without_arm: 0 })
  expect([first.late_arms, second.late_arms]).toEqual([undefined, { baseline: 1, candidate: 0 }])
  expect(second.blocks.map(({ start }) => start)).toEqual([START + 300_000])
})

it('takes the expressions of `columns`, and says what DuckDB says', async () => {
  const columns = { duration_ms: "CAST(line->>'$.took' AS DOUBLE) * 1000" }
  const mapped = watch(simple('app.jsonl', { columns }))
  writeFileSync(join(mapped.root, 'app.jsonl'), lines([event(1, 'u', 'baseline', { took: 0.3 })]))
  expect((await mapped.look(600)).blocks[0]?.arms.baseline.metrics.latency_p95).toMatchObject({ bad: 1, sum: 300 })
  const wrong = watch(simple('app.jsonl', { columns: { duration_ms: 'nowhere' } }))
  writeFileSync(join(wrong.root, 'app.jsonl'), lines(traffic))
  await expect(wrong.look(600)).rejects.toMatchObject({
    code: 'source_failed',
    message: expect.stringMatching(/DuckDB says: .*nowhere/),
  })
  const odd = planWith({
    metrics: { odd: { bad: '`a"b` == 1' } },
    source: { type: 'sql', engine: 'duckdb', from: 'app.jsonl' },
  })
  const quoted = watch(odd)
  writeFileSync(join(quoted.root, 'app.jsonl'), lines(traffic))
  await expect(quoted.look(600)).rejects.toMatchObject({ code: 'usage' })
})

/** What ClickHouse calls by other names than DuckDB, so that the very query that is sent can be run here. */
const MACROS = [
  'toJSONString(x) AS CAST(to_json(x) AS VARCHAR)',
  'toFloat64OrNull(x) AS TRY_CAST(x AS DOUBLE)',
  'toInt64(x) AS CAST(x AS BIGINT)',
  'cityHash64(x) AS hash(x)',
  'toDateTime64(x, n) AS CAST(x AS TIMESTAMP)',
  'toUnixTimestamp64Milli(x) AS epoch_ms(x)',
  'uniqExact(x) AS count(DISTINCT x)',
]
function asDuckdb(sql: string, parameters: URLSearchParams): string {
  return (
    sql
      .replace(/\{(since|until):Int64\}/g, (_, name: string) => parameters.get(`param_${name}`) ?? '')
      .replaceAll('`', '"')
      .replace(
        'SELECT * FROM all_events WHERE eid <> 0 ORDER BY ms LIMIT 1 BY eid',
        'SELECT DISTINCT ON (eid) * FROM all_events WHERE eid <> 0 ORDER BY eid, ms',
      )
      .replace(/\bif\(substr/g, 'IF(substr')
      .replaceAll('Nullable(String)', 'VARCHAR')
      .replace('DESCRIBE TABLE', 'SELECT column_name AS name, column_type AS type FROM (DESCRIBE') +
    (sql.startsWith('DESCRIBE') ? ')' : '')
  )
}

async function fakeClickhouse(answer?: { status: number; body: string }) {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  for (const macro of MACROS) await connection.run(`CREATE MACRO ${macro}`)
  const asked: { sql: string; user: unknown; key: unknown; join: string | null }[] = []
  const server = createServer((request, response) => {
    let sql = ''
    request.on('data', (piece: Buffer) => (sql += piece.toString()))
    request.on('end', () => {
      const parameters = new URL(request.url ?? '/', 'http://localhost').searchParams
      asked.push({
        sql,
        user: request.headers['x-clickhouse-user'],
        key: request.headers['x-clickhouse-key'],
        join: parameters.get('join_use_nulls'),
      })
      if (answer) {
        response.writeHead(answer.status).end(answer.body)
        return
      }
      connection.runAndReadAll(asDuckdb(sql, parameters)).then(
        (result) => {
          const text = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
          response.end(
            result
              .getRowObjectsJS()
              .map((row) => `${JSON.stringify(row, text)}\n`)
              .join(''),
          )
        },
        (error: unknown) => response.writeHead(500).end(`Code: 62. DB::Exception: ${String(error)}`),
      )
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, connection }
}

it('asks ClickHouse for the same counts, with bounded queries', { timeout: 60_000 }, async () => {
  const { url, asked, connection } = await fakeClickhouse()
  const log = watch(simple('app.jsonl'))
  const doubled = [...traffic, ...traffic.slice(0, 5)]
  writeFileSync(join(log.root, 'app.jsonl'), lines(doubled))
  await connection.run(`CREATE SCHEMA logs; CREATE TABLE logs.events AS FROM read_json('${log.root}/app.jsonl')`)
  const plan = simple('logs.events', { engine: 'clickhouse', url, user_env: 'CH_USER', password_env: 'CH_KEY' })
  const house = watch(plan, { CH_USER: 'reader', CH_KEY: 'key-77aa' })
  const [mine, theirs] = [await house.look(600), await log.look(600)]
  expect(ofTable(mine.blocks)).toEqual(ofTable(theirs.blocks))
  expect({ ...mine, cursor: 0, blocks: 0 }).toEqual({ ...theirs, cursor: 0, blocks: 0 })
  expect(mine).toMatchObject({ events: 200, duplicates: 5 })
  expect(new Set(asked.map(({ user, key, join: joined }) => `${String(user)} ${String(key)} ${joined}`))).toEqual(
    new Set(['reader key-77aa 1']),
  )
  for (const { sql } of asked.slice(1)) expect(sql).toMatch(/\b(GROUP BY|count\(|sum\()/)
  expect(asked[1]?.sql).toContain('`logs`.`events`')
  expect(asked[1]?.sql).toContain('ms >= {since:Int64}')
})

it.each<[string, object, RegExp]>([
  [
    'an error',
    { status: 404, body: 'Code: 60. DB::Exception: Unknown table, user reader, key-77aa.' },
    /answered 404: Code: 60.*\[REDACTED\]/,
  ],
  ['no JSON', { status: 200, body: '<html>' }, /something else than JSON lines: <html>/],
])('says what ClickHouse says: %s', async (_, answer, sentence) => {
  const { url } = await fakeClickhouse(answer as { status: number; body: string })
  const plan = simple('events', { engine: 'clickhouse', url, password_env: 'CH_KEY' })
  const failed = await watch(plan, { CH_KEY: 'key-77aa' })
    .look(600)
    .catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 'source_failed', message: expect.stringMatching(sentence) })
  expect(String(failed)).not.toContain('key-77aa')
})

it('refuses a table that is none, and a secret that is not set', async () => {
  const ask = (more: object) =>
    watch(simple('events', { engine: 'clickhouse', url: 'http://127.0.0.1:9', ...more })).look(60)
  await expect(watch(simple('events; DROP TABLE x', { engine: 'clickhouse' })).look(60)).rejects.toMatchObject({
    code: 'usage',
  })
  await expect(ask({ user_env: 'NOT_SET' })).rejects.toThrow(/NOT_SET with the user/)
  await expect(ask({})).rejects.toThrow(/127\.0\.0\.1:9 cannot be reached/)
})

it('puts values into the buckets of the decisions', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
      async (values) => {
        const list = values.map((value) => `(${value.toExponential()}::DOUBLE)`).join(', ')
        const rows = (
          await connection.runAndReadAll(`SELECT ${bucketColumns('v', duckdb)} FROM (VALUES ${list}) AS t(v)`)
        ).getRowObjectsJS()
        expect(rows.map(bucketName)).toEqual(values.map(bucketOf))
      },
    ),
    { numRuns: 20 },
  )
})
