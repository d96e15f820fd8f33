// Source that asks an engine of SQL: events stay where they are, and only bounded counts by minute and arm come back.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { AigateError } from '../../errors.ts'
import type { Source, SourceRequest } from '../../ports.ts'
import type { SourceConfig } from '../../schema/rollout.ts'
import type { Reading } from '../../schema/rollout-journal.ts'
import type { Json } from '../../schema/values.ts'
import { fieldNames, fieldsOf } from '../events.ts'
import { metricReaders, type MetricReader } from '../metric-readers.ts'
import { openClickhouse } from './sql-clickhouse.ts'
import { firstsSql, numberOf, readBlocks } from './sql-counts.ts'
import { openDuckdb } from './sql-duckdb.ts'
import type { Engine } from './sql-engine.ts'
import { eventsSql } from './sql-events.ts'
import { answersSql, factsSql, MINUTE } from './sql-facts.ts'
import { fieldsNowhere } from './sql-missing.ts'
import { learnTails, type Learnt } from './sql-tails.ts'
import type { World } from '../world.ts'

const FORMAT = 1
const HOUR = 3_600_000
/** So much before the rollout is read too (milliseconds), to learn what is normal for the baseline. */
const PAST = 24 * HOUR
const MOST_MODELS = 100

const Cursor = z.strictObject({
  version: z.literal(FORMAT),
  /** What the numbers mean: they are worth nothing for other metrics. */
  meaning: z.string(),
  closed: z.number().nullable(),
  /** Events of the rollout before `closed`, and lines that are no events: more of them later came late. */
  before: z.number(),
  /** Those of each arm; absent in cursors of before. */
  before_arms: z.strictObject({ baseline: z.number(), candidate: z.number() }).nullable().default(null),
  unreadable: z.number(),
  histograms: z.record(z.string(), z.record(z.string(), z.number())),
  tails: z.record(z.string(), z.array(z.tuple([z.number(), z.number().nullable()]))),
  models: z.array(z.string()),
  /** Fields that were said to be missing; absent in cursors of before. */
  said: z.array(z.string()).default([]),
})
type Cursor = z.infer<typeof Cursor>
type ByArm = { baseline: number; candidate: number }
type SqlConfig = Extract<SourceConfig, { type: 'sql' }>
type Look = {
  request: SourceRequest
  engine: Engine
  metrics: MetricReader[]
  known: Cursor
  /** Blocks from here on are new; before `closed` they are closed. Milliseconds since 1970. */
  from: number
  closed: number
}

/**
 * Events in Parquet, CSV or JSON lines (DuckDB) or in a table (ClickHouse). Units and their first bad events are followed
 * over the whole rollout by the engine, so that a lost cursor changes nothing.
 */
export function sqlSource(config: SqlConfig, world: World): Source {
  const names = refuseOddNames(fieldNames(config.mapping))
  const open = (request: SourceRequest): Promise<Engine | undefined> => {
    const options = { root: world.root, from: config.from, names, columns: config.columns }
    return config.engine === 'duckdb'
      ? openDuckdb(request, options)
      : openClickhouse(request, { ...options, config, env: world.env })
  }
  return {
    read: async (request) => {
      const known = knownBefore(request, config)
      const closed = Math.max(
        Math.floor((request.until - config.lateness) / MINUTE) * MINUTE,
        known.closed ?? Number.NEGATIVE_INFINITY,
      )
      const engine = await open(request)
      if (engine === undefined) return emptyReading(known, closed, `There is no file ${config.from} yet.`)
      try {
        const metrics = metricReaders(request.plan, fieldsOf(config.mapping), request.limits)
        const from = Math.max(known.closed ?? 0, request.closed ?? 0, 0)
        return await lookWith({ request, engine, metrics, known, from, closed })
      } finally {
        engine.close()
      }
    },
  }
}

async function lookWith(look: Look): Promise<Reading> {
  const { request, engine, metrics, known, from, closed } = look
  const { dialect, ask } = engine
  const delays = Object.values(request.plan.metrics).map(({ delay }) => delay ?? 0)
  const past = known.closed === null ? PAST : metrics.some(({ label }) => label) ? Math.max(HOUR, ...delays) : 0
  const span = { since: request.since - past, until: request.until }
  await engine.defineEvents((...times) => eventsSql(request.plan, engine.finder, dialect, times, request.whole), span)
  const counts = await countEvents(look, span.since)
  const learnt: Learnt = await learnTails(ask, request, metrics, known, { from: known.closed, closed }, dialect)
  if (metrics.some(({ label }) => label)) await engine.define('answers', answersSql(dialect))
  await engine.define(
    'facts',
    factsSql(request, metrics, learnt.tails, { until: closed, armless: counts.armless }, dialect),
  )
  if (request.plan.assignment.unit !== 'request') await engine.define('firsts', firstsSql(metrics))
  const blocks = await readBlocks(ask, request, metrics, from, dialect)
  const nameless = request.plan.assignment.unit === 'request' ? 0 : counts.nameless
  const models = await newModels(look)
  const missing = fieldsNowhere(request.plan, engine.finder, counts, known.said)
  const next: Cursor = {
    ...known,
    ...learnt,
    closed,
    before: counts.before,
    before_arms: counts.beforeArms,
    unreadable: counts.unreadable,
    models: [...known.models, ...models.map(modelKey)],
    said: [...known.said, ...missing.map(({ path }) => path)],
  }
  return {
    until: new Date(closed).toISOString(),
    newest: counts.newest === null ? null : new Date(counts.newest).toISOString(),
    cursor: next,
    blocks,
    events: counts.events,
    unreadable: Math.max(0, counts.unreadable - known.unreadable),
    duplicates: await engine.duplicates(known.closed ?? span.since),
    late: known.closed === null ? 0 : Math.max(0, counts.late - known.before),
    ...lateArms(known, counts.lateArms),
    without_arm: counts.withoutArm,
    models,
    notes: [
      ...(nameless > 0 ? ['Some events name no unit: their bad events count for no unit.'] : []),
      ...notesOf(metrics, learnt),
      ...missing.map(({ note }) => note),
    ],
  }
}

/** Late events of each arm, where it is known how many there were before. */
function lateArms({ closed, before_arms: before }: Cursor, now: ByArm): Pick<Reading, 'late_arms'> {
  if (closed === null || before === null) return {}
  const late = { baseline: now.baseline - before.baseline, candidate: now.candidate - before.candidate }
  const some = late.baseline > 0 || late.candidate > 0
  return some ? { late_arms: { baseline: Math.max(0, late.baseline), candidate: Math.max(0, late.candidate) } } : {}
}

async function countEvents({ engine, request, known, closed }: Look, since: number) {
  const from = known.closed ?? since
  const fresh = `ms >= ${from} AND ms < ${closed}`
  const count = (test: string, name: string) => `sum(CASE WHEN ${test} THEN 1 ELSE 0 END) AS ${name}`
  const columns = [
    count(fresh, 'events'),
    count('ms IS NULL', 'unreadable'),
    count(`ms >= ${request.since} AND ms < ${from}`, 'late'),
    count(`ms >= ${request.since} AND ms < ${from} AND arm = 1`, 'late_baseline'),
    count(`ms >= ${request.since} AND ms < ${from} AND arm = 2`, 'late_candidate'),
    count(`ms >= ${request.since} AND ms < ${closed}`, 'before'),
    count(`ms >= ${request.since} AND ms < ${closed} AND arm = 1`, 'before_baseline'),
    count(`ms >= ${request.since} AND ms < ${closed} AND arm = 2`, 'before_candidate'),
    count(`${fresh} AND ms >= ${request.since} AND arm = 0`, 'without'),
    count(`${fresh} AND ms >= ${request.since} AND arm <> 0 AND unit = 0 AND req = 1`, 'nameless'),
    count('arm = 0 AND apart = 0', 'armless'),
    count('req = 1', 'requests'),
    count('req = 0', 'labels'),
    'max(ms) AS newest',
  ]
  const [row = {}] = await engine.ask(`SELECT ${columns.join(', ')} FROM events`)
  const newest = numberOf(row.newest)
  return {
    events: numberOf(row.events),
    unreadable: numberOf(row.unreadable) + (await engine.rejected()),
    late: numberOf(row.late),
    before: numberOf(row.before),
    lateArms: { baseline: numberOf(row.late_baseline), candidate: numberOf(row.late_candidate) },
    beforeArms: { baseline: numberOf(row.before_baseline), candidate: numberOf(row.before_candidate) },
    withoutArm: numberOf(row.without),
    armless: numberOf(row.armless) > 0,
    requests: numberOf(row.requests),
    labels: numberOf(row.labels),
    nameless: numberOf(row.nameless),
    newest: newest > 0 ? newest : null,
  }
}

type Models = Reading['models']
const modelKey = ({ arm, requested, answered }: Models[number]) => JSON.stringify([arm, requested, answered])

async function newModels({ engine, request, known, closed }: Look): Promise<Models> {
  const from = Math.max(known.closed ?? 0, request.since)
  const sql = `SELECT arm, asked, got FROM events WHERE req = 1 AND arm <> 0 AND asked IS NOT NULL AND got IS NOT NULL AND ms >= ${from} AND ms < ${closed} GROUP BY arm, asked, got ORDER BY arm, asked, got LIMIT ${MOST_MODELS}`
  const text = (value: unknown): string => String(JSON.parse(String(value)))
  return (await engine.ask(sql))
    .map((row) => ({
      arm: numberOf(row.arm) === 2 ? ('candidate' as const) : ('baseline' as const),
      requested: text(row.asked),
      answered: text(row.got),
    }))
    .filter((model) => !known.models.includes(modelKey(model)))
    .slice(0, Math.max(0, MOST_MODELS - known.models.length))
}

function notesOf(metrics: readonly MetricReader[], { tails }: Learnt): string[] {
  const unknown = metrics.filter(
    ({ name, tail }) => tail && 'quantile' in tail && (tails[name]?.at(-1)?.[1] ?? null) === null,
  )
  return unknown.map(({ name }) => `${name}: the baseline has too little past yet to say what is too much.`)
}

function emptyReading(known: Cursor, closed: number, note: string): Reading {
  const none = { events: 0, unreadable: 0, duplicates: 0, late: 0, without_arm: 0 }
  const cursor: Json = { ...known, closed }
  return { until: new Date(closed).toISOString(), newest: null, cursor, blocks: [], ...none, models: [], notes: [note] }
}

function knownBefore(request: SourceRequest, config: SqlConfig): Cursor {
  const { metrics, assignment, segments, rollout } = request.plan
  const text = JSON.stringify([metrics, assignment, segments, rollout, config, request.since, request.whole])
  const meaning = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const version = z.looseObject({ version: z.number() }).safeParse(request.cursor).data?.version ?? FORMAT
  if (version > FORMAT) throw new AigateError('newer_file', { kind: 'a cursor of a query', version, known: FORMAT })
  const read = Cursor.safeParse(request.cursor).data
  // What a clock that ran days ahead has closed is open again: it goes on behind the blocks that were returned.
  const ahead = (read?.closed ?? 0) > request.until
  if (read?.meaning === meaning && !ahead) return read
  if (read?.meaning === meaning && request.closed !== null) return { ...read, closed: request.closed }
  const nothing = { before: 0, before_arms: null, unreadable: 0, histograms: {}, tails: {}, models: [], said: [] }
  return { version: FORMAT, meaning, closed: null, ...nothing }
}

/** A name with a quote could end a literal in some reader of paths. */
function refuseOddNames(names: (field: string) => readonly string[]): (field: string) => readonly string[] {
  return (field) => {
    const found = names(field)
    const odd = found.find((name) => /["\\]/.test(name))
    if (odd === undefined) return found
    const problem = `The name of the field ${odd} has a sign that a path cannot have.`
    throw new AigateError('usage', { problem, mend: 'Give the field another name in `source.columns`.' })
  }
}
