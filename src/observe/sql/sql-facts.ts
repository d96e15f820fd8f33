// What an event counts for, in SQL: its block, its arm as its answer knows it, whether the share was settling, whether it is bad.
import type { SourceRequest } from '../../ports.ts'
import type { MetricReader } from '../metric-readers.ts'
import { numberLiteral, type Dialect } from './sql-dialect.ts'

export const MINUTE = 60_000
const WHOLE = 1_000_000
/** A key that orders facts by time and still says arm and settling: time * 8 + arm * 2 + settling. */
const KEY = 8

/** What was too much for a metric, from which minute on (milliseconds), in order of time; null: nothing was known yet. */
export type Tails = Readonly<Record<string, readonly (readonly [number, number | null])[]>>

/** A value that depends on when: the last of `steps` that began by `at`. */
function stepSql(steps: readonly { from: number; sql: string }[], at: string, before: string): string {
  if (steps.length === 0) return before
  const whens = steps.toReversed().map(({ from, sql }) => `WHEN ${at} >= ${from} THEN ${sql}`)
  return `CASE ${whens.join(' ')} ELSE ${before} END`
}

/** The start of the minute in which `at` lies. */
export const minuteSql = (at: string, dialect: Dialect): string =>
  `(${dialect.whole(`floor(${at} / ${numberLiteral(MINUTE)})`)} * ${MINUTE})`

/** Changes in the order in which they came into force; of two at once the later written one is. */
export const inOrder = (request: SourceRequest) => request.changes.toSorted((a, b) => a.at - b.at)

/** The start of the block in which `at` lies: of its minute, of the rollout, or of the share that was in force. */
function blockSql(request: SourceRequest, at: string, dialect: Dialect): string {
  const steps = inOrder(request).map((change) => ({ from: change.at, sql: String(change.at) }))
  return `greatest(${minuteSql(at, dialect)}, ${request.since}, ${stepSql(steps, at, '0')})`
}

/**
 * A query over `events` (and `answers`, where labels are asked for) that gives a row for everything that may count: `at`,
 * `req`, `arm`, `apart`, `unit`, `generation`, `quiet` (the share was settling), `block`, `key`, and for each metric its value `v0`
 * … and `b0` … (1: bad). Before `until` (milliseconds since 1970) nothing is left out: units are followed from the start. `armless`: some
 * events should say an arm and do not.
 */
export function factsSql(
  request: SourceRequest,
  metrics: readonly MetricReader[],
  tails: Tails,
  { until, armless }: { until: number; armless: boolean },
  dialect: Dialect,
): string {
  const labels = metrics.some(({ label }) => label)
  const changes = inOrder(request)
  const { settle } = request.plan.control
  const step = (pick: (change: (typeof changes)[number]) => number, before: number) =>
    stepSql(
      changes.map((change) => ({ from: change.at, sql: String(pick(change)) })),
      'ms',
      String(before),
    )
  const lastShare = Math.round((request.plan.stages.at(-1)?.traffic ?? 1) * WHOLE)
  const settled = step((change) => change.at + settle, 0)
  const quiet = `CASE WHEN ms < ${settled} OR given < greatest(${request.since}, ${settled}) THEN 1 ELSE 0 END`
  const bad = metrics.map((metric, index) => `CASE WHEN ${badSql(metric, index, tails)} THEN 1 ELSE 0 END AS b${index}`)
  const values = metrics.flatMap((_, index) => [`v${index}`, `g${index}`])
  const arm = request.past ? 'CASE WHEN arm = 0 THEN 1 ELSE arm END AS arm' : 'arm'
  const rows = `SELECT ${['ms', 'req', arm, 'apart', 'unit', ...values].join(', ')}, ${step(({ generation }) => generation, 0)} AS generation, ${quiet} AS quiet FROM (${labels ? withAnswers(values, ripenessSql(request, metrics)) : `SELECT *, ms AS given FROM events`}) AS joined WHERE ms >= ${request.since} AND ms < ${until} AND outside = 0 AND (early = 1 OR ${step(({ ppm }) => ppm, 0)} >= ${lastShare})`
  return `SELECT *, ${blockSql(request, 'ms', dialect)} AS block, ms * ${KEY} + arm * 2 + quiet AS key${bad.length > 0 ? `, ${bad.join(', ')}` : ''} FROM (${armless && !request.past ? sameArm(rows, values) : rows}) AS counted`
}

/** What says no arm is of the arm that its unit was in before, within a generation: who has been served is still served alike. */
function sameArm(rows: string, values: readonly string[]): string {
  const first = (arm: number) =>
    `min(CASE WHEN arm = ${arm} AND req = 1 AND quiet = 0 THEN ms END) OVER (PARTITION BY unit, generation) AS first${arm}`
  const before = (arm: number) => `coalesce(first${arm} < ms, FALSE)`
  const arm = `CASE WHEN arm <> 0 OR apart = 1 OR unit = 0 OR ${before(1)} = ${before(2)} THEN arm WHEN ${before(1)} THEN 1 ELSE 2 END AS arm`
  const columns = ['ms', 'req', arm, 'apart', 'unit', ...values, 'generation', 'quiet']
  return `SELECT ${columns.join(', ')} FROM (SELECT *, ${first(1)}, ${first(2)} FROM (${rows}) AS rows_of_all) AS followed`
}

/** How old the answer of a label must be before it counts (milliseconds). */
function ripenessSql(request: SourceRequest, metrics: readonly MetricReader[]): string {
  const delays = metrics.flatMap(({ name, label }, index) => {
    const delay = label ? (request.plan.metrics[name]?.delay ?? 0) : 0
    return delay > 0 ? [`CASE WHEN e.v${index} IS NOT NULL THEN ${delay} ELSE 0 END`] : []
  })
  return `greatest(${['0', '0', ...delays].join(', ')})`
}

/**
 * A label seldom says who answered, and whom: its answer does. No answer has the key 0. A test of one side alone beside the equality
 * would make the engine compare every event with every answer.
 */
function withAnswers(values: readonly string[], ripeness: string): string {
  const own = 'e.req = 1 OR coalesce(a.arm, 0) = 0'
  const column = (name: string) => `CASE WHEN ${own} THEN e.${name} ELSE a.${name} END AS ${name}`
  const ms = `CASE WHEN e.req = 1 OR a.ms IS NULL OR ${ripeness} = 0 THEN e.ms ELSE greatest(e.ms, a.ms + ${ripeness}) END`
  return `SELECT ${ms} AS ms, e.req AS req, ${['arm', 'apart', 'outside', 'early'].map(column).join(', ')}, CASE WHEN e.req = 0 AND e.unit = 0 THEN coalesce(a.unit, 0) ELSE e.unit END AS unit, CASE WHEN e.req = 0 THEN coalesce(a.ms, e.ms) ELSE e.ms END AS given${values.map((value) => `, e.${value} AS ${value}`).join('')} FROM events AS e LEFT JOIN answers AS a ON CASE WHEN e.req = 0 THEN e.answer ELSE 0 END = a.answer`
}

/** The answers that labels may follow: of each the first request. */
export function answersSql(dialect: Dialect): string {
  const first = ['arm', 'apart', 'outside', 'early', 'unit'].map((name) => `${dialect.argMin(name, 'ms')} AS ${name}`)
  return `SELECT answer, ${first.join(', ')}, min(ms) AS ms FROM events WHERE req = 1 AND answer <> 0 AND ms IS NOT NULL GROUP BY answer`
}

function badSql({ kind, name, tail }: MetricReader, index: number, tails: Tails): string {
  if (kind === 'mean') return 'FALSE'
  if (kind === 'rate') return `v${index} = 1`
  if (tail && 'limit' in tail) return `v${index} > ${numberLiteral(tail.limit)}`
  const steps = (tails[name] ?? []).map(([from, limit]) => ({
    from,
    sql: limit === null ? 'FALSE' : `v${index} > ${numberLiteral(limit)}`,
  }))
  return stepSql(steps, 'ms', 'FALSE')
}

/** What a key says, as SQL. */
export function keyParts(request: SourceRequest, key: string, dialect: Dialect) {
  const at = dialect.whole(`floor(${key} / ${numberLiteral(KEY)})`)
  const rest = `(${key} - ${at} * ${KEY})`
  return {
    block: blockSql(request, at, dialect),
    arm: `(CASE WHEN ${rest} >= 4 THEN 2 ELSE 1 END)`,
    quiet: `(${rest} IN (1, 3, 5))`,
  }
}
