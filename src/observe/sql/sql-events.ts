// One event as one row of small numbers, in SQL: time, arm, unit, the answer it belongs to, and the value of each metric.
import type { Metric, RolloutPlan } from '../../schema/rollout.ts'
import { UNITS } from '../event-reader.ts'
import { absurdBounds } from '../metric-readers.ts'
import { EVALUATED, EVALUATION, FEEDBACK, isLabelPath, NAMED_REQUESTS } from '../events.ts'
import { parseExpression, pathsOf } from '../expression.ts'
import { isNumber, isText, NOTHING, numberLiteral, type Dialect } from './sql-dialect.ts'
import { conditionSql, type FieldSql } from './sql-expression.ts'

/** Where a field is found: `value` gives SQL for its JSON text (NULL: it is not there), asked before `from` and `time` are. */
export type Finder = {
  value(field: string): string
  /** false: no event has it, for no column or key of any line is called so. */
  has(field: string): boolean
  /** SQL for whether the event has the field, be it as a null. Asked like `value`. */
  there(field: string): string
  /** SQL for the time as it is written, and from that to milliseconds since 1970, NULL where there is none. */
  time(): { value: string; millis(column: string): string }
  /** The relation in which what the others gave is known. */
  from(): string
}

/**
 * A query that gives the events between two times (milliseconds; SQL, the later included) as rows of: `ms`, `eid` (hash of
 * the event, 0: none), `req`, `arm` (0 unknown, 1 baseline, 2 candidate), `other` (of another rollout), `apart` (that, or of neither arm), `outside`, `early`
 * (in a first segment), `unit` and `answer` (hashes, 0: none), `asked`, `got`, and for each metric `v0` … (NULL: nothing is
 * said) and `g0` … (1: a field is lacking). Rows without a time come too, for counting. `whole`: every event is the baseline's.
 */
export function eventsSql(
  plan: RolloutPlan,
  finder: Finder,
  dialect: Dialect,
  [since, until]: readonly [string, string],
  whole = false,
): string {
  const found = new Map<string, string>()
  const values: string[] = []
  const plain: FieldSql = (name) => {
    const known = found.get(name)
    if (known !== undefined) return known
    const value = finder.value(name)
    // A column that is NULL throughout would be looked at for every event; a literal is looked at once.
    const column = value === NOTHING ? NOTHING : `f${values.length}`
    found.set(name, column)
    if (value !== NOTHING) values.push(`${value} AS ${column}`)
    return column
  }
  const field = withEvaluations(plain, dialect)
  const name = plain('event.name')
  const once = shared()
  const there: FieldSql = (path) => {
    const sql = finder.there(path)
    if (sql === 'TRUE' || sql === 'FALSE') return sql
    const known = values.findIndex((one) => one.startsWith(`${sql} AS p`))
    if (known === -1) values.push(`${sql} AS p${values.length}`)
    return `p${known === -1 ? values.length - 1 : known}`
  }
  const metrics = Object.values(plan.metrics).flatMap((metric, index) => {
    const { value, blank } = metricSql(metric, { field, there }, once, dialect)
    return [`${value} AS v${index}`, `${blank} AS g${index}`]
  })
  const text: FieldSql = (one) => once(textOf(plain(one)))
  const columns = [
    'ms',
    `coalesce(${dialect.hash(once(idSql(text, name)))}, 0) AS eid`,
    `CASE WHEN kind = 'request' THEN 1 ELSE 0 END AS req`,
    ...(whole ? BASELINE_ALONE : markColumns(plan, plain, dialect)),
    `coalesce(${dialect.hash(once(firstOf(UNITS[plan.assignment.unit].map(plain).map(textOf))))}, 0) AS unit`,
    `coalesce(${dialect.hash(text('gen_ai.response.id'))}, 0) AS answer`,
    `${text('gen_ai.request.model')} AS asked`,
    `${text('gen_ai.response.model')} AS got`,
    ...metrics,
  ]
  const time = finder.time()
  const named = `SELECT ${[`${time.value} AS written`, ...values].join(', ')} FROM ${finder.from()}`
  const timed = `SELECT *, ${time.millis('written')} AS ms, ${kindSql(name, dialect)} AS kind FROM (${named}) AS named`
  // Each layer may use what the one below it has worked out, and works it out once.
  const layered = once.layers().reduce((from, layer) => `SELECT *, ${layer.join(', ')} FROM (${from}) AS shared`, timed)
  return `SELECT ${columns.join(', ')} FROM (${layered}) AS timed WHERE CASE WHEN kind = 'other' THEN FALSE WHEN ms IS NULL THEN TRUE ELSE ms >= ${since} AND ms <= ${until} END`
}

/** Names a piece of SQL as a column, so that it is worked out once however often it is used. A piece may use others. */
type Shared = ((sql: string) => string) & { layers(): string[][] }

function shared(): Shared {
  const names = new Map<string, { column: string; layer: number }>()
  const share = (sql: string): string => {
    if (sql === NOTHING) return sql
    const known = names.get(sql)
    if (known !== undefined) return known.column
    const used = [...names.values()].filter(({ column }) => new RegExp(`\\b${column}\\b`).test(sql))
    const column = `s${names.size}`
    names.set(sql, { column, layer: Math.max(0, ...used.map(({ layer }) => layer + 1)) })
    return column
  }
  const layers = () => {
    const found: string[][] = []
    for (const [sql, { column, layer }] of names) (found[layer] ??= []).push(`${sql} AS ${column}`)
    return found
  }
  return Object.assign(share, { layers })
}

/** `eval.<name>.label` and `.score` are also those of an evaluation event of that name. */
function withEvaluations(plain: FieldSql, dialect: Dialect): FieldSql {
  return (name) => {
    const derived = EVALUATED.exec(name)
    if (!derived) return plain(name)
    const value = plain(`gen_ai.evaluation.score.${derived[2] === 'label' ? 'label' : 'value'}`)
    const event = `${plain('event.name')} = ${json(EVALUATION, dialect)}`
    const named = `${plain('gen_ai.evaluation.name')} = ${json(derived[1], dialect)}`
    return `coalesce(${plain(name)}, CASE WHEN ${event} AND ${named} THEN ${value} END)`
  }
}

const json = (value: unknown, dialect: Dialect): string => dialect.text(JSON.stringify(value))
const listOf = (values: Iterable<unknown>, dialect: Dialect): string =>
  `(${[...values].map((value) => json(value, dialect)).join(', ')})`

function kindSql(name: string, dialect: Dialect): string {
  const request = `${name} IS NULL OR ${name} IN ${listOf(NAMED_REQUESTS, dialect)}`
  return `(CASE WHEN ${request} THEN 'request' WHEN ${name} IN ${listOf([EVALUATION, FEEDBACK], dialect)} THEN 'label' ELSE 'other' END)`
}

/** Texts that are not empty and numbers, as JSON. */
const textOf = (value: string): string =>
  value === NOTHING
    ? NOTHING
    : `CASE WHEN (${isText(value)} AND ${value} <> '""') OR ${isNumber(value)} THEN ${value} END`
const firstOf = (values: readonly string[]): string => {
  const there = values.filter((value) => value !== NOTHING)
  return there.length > 1 ? `coalesce(${there.join(', ')})` : (there[0] ?? NOTHING)
}

/** What makes two lines the same event: its own id, else that of the answer, with what was said of it. NULL: nothing does. */
function idSql(text: FieldSql, name: string): string {
  const own = firstOf(['event.id', 'aigate.event.id', 'log.record.uid'].map(text))
  const [answer, span] = [text('gen_ai.response.id'), text('span_id')]
  const said = firstOf([text('gen_ai.evaluation.name'), text('feedback')])
  const label = `CASE WHEN ${answer} IS NOT NULL THEN concat(${answer}, ' ', coalesce(${said}, '')) END`
  const key = `coalesce(${own}, CASE WHEN kind = 'request' THEN coalesce(${answer}, ${span}) ELSE ${label} END)`
  return `CASE WHEN ${key} IS NOT NULL THEN concat(kind, ' ', ${key}, ' ', coalesce(${name}, '')) END`
}

/** Of production as a whole: everything is the baseline's, in its first segment. */
const BASELINE_ALONE = ['1 AS arm', '0 AS other', '0 AS apart', '0 AS outside', '1 AS early']

function markColumns(plan: RolloutPlan, plain: FieldSql, dialect: Dialect): string[] {
  const { arm } = plan.source
  const names = arm ? [arm.field] : ['aigate.arm', 'feature_flag.result.variant']
  const written = firstOf(names.map(plain))
  const other = `coalesce(${plain('aigate.rollout')} <> ${json(plan.rollout, dialect)}, FALSE)`
  const is = (name: string) => `${written} = ${json(name, dialect)}`
  const within = (list: readonly string[] | undefined) =>
    list === undefined || list.length === 0
      ? 'FALSE'
      : `coalesce(${plain('aigate.segment')} IN ${listOf(list, dialect)}, FALSE)`
  const arms = `WHEN ${is(arm?.candidate ?? 'candidate')} THEN 2 WHEN ${is(arm?.baseline ?? 'baseline')} THEN 1`
  const early = plan.segments?.first === undefined ? 'TRUE' : within(plan.segments.first)
  return [
    `CASE WHEN ${other} THEN 0 ${arms} ELSE 0 END AS arm`,
    `CASE WHEN ${other} THEN 1 ELSE 0 END AS other`,
    `CASE WHEN ${other} OR (${firstOf(names.map(plain).map(textOf))}) IS NOT NULL THEN 1 ELSE 0 END AS apart`,
    `CASE WHEN ${within(plan.segments?.exclude)} THEN 1 ELSE 0 END AS outside`,
    `CASE WHEN ${early} THEN 1 ELSE 0 END AS early`,
  ]
}

/**
 * `value`: 1 or 0 for bad or not, or the value; NULL where the event says nothing about the metric. `blank`: 1 where it lacks a
 * field that it should have, of rates only where it is not bad.
 */
function metricSql(
  metric: Metric,
  { field, there }: { field: FieldSql; there: FieldSql },
  once: (sql: string) => string,
  dialect: Dialect,
): { value: string; blank: string } {
  const tree = 'bad' in metric ? parseExpression(metric.bad) : undefined
  const path = 'value' in metric ? metric.value : 'mean' in metric ? metric.mean : ''
  const paths = tree ? pathsOf(tree) : [path]
  const labels = paths.filter(isLabelPath).map(field)
  const asked =
    labels.length === 0 ? `kind = 'request'` : `(${labels.map((label) => `${label} IS NOT NULL`).join(' OR ')})`
  const where = metric.where === undefined ? '' : ` AND ${conditionSql(parseExpression(metric.where), field, dialect)}`
  const counts = `${asked}${where}`
  const marked = (test: string) => (labels.length === 0 ? `CASE WHEN ${test} THEN 1 ELSE 0 END` : '0')
  if (tree) {
    const value = once(
      `CASE WHEN ${counts} THEN CASE WHEN ${conditionSql(tree, field, dialect)} THEN 1.0e0 ELSE 0.0e0 END END`,
    )
    const lacking = (labels.length === 0 ? paths : []).map(there).filter((one) => one !== 'TRUE')
    const lacks = lacking.map((one) => `NOT ${one}`).join(' OR ')
    return { value, blank: lacks === '' ? '0' : marked(`${value} = 0 AND (${lacks})`) }
  }
  const number = once(dialect.number(field(path)))
  const [least, most] = absurdBounds(metric).map(numberLiteral)
  const value = `CASE WHEN ${counts} AND ${isNumber(field(path))} AND isFinite(${number}) AND ${number} >= ${least} AND ${number} <= ${most} THEN ${number} END`
  return { value, blank: marked(`${counts} AND NOT coalesce(${isNumber(field(path))}, FALSE)`) }
}
