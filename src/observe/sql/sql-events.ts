// One event as one row of small numbers, in SQL: time, arm, unit, the answer it belongs to, and the value of each metric.
import type { Metric, RolloutPlan } from '../../schema/rollout.ts'
import { UNITS } from '../event-reader.ts'
import { absurdBounds } from '../metric-readers.ts'
import { EVALUATION, FEEDBACK, isLabelPath, NAMED_REQUESTS } from '../events.ts'
import { parseExpression, pathsOf } from '../expression.ts'
import { isNumber, isText, numberLiteral, type Dialect } from './sql-dialect.ts'
import { conditionSql, type FieldSql } from './sql-expression.ts'

/** Where a field is found: `value` gives SQL for its JSON text (NULL: it is not there), asked before `from` and `time` are. */
export type Finder = {
  value(field: string): string
  /** SQL for the time as it is written, and from that to milliseconds since 1970, NULL where there is none. */
  time(): { value: string; millis(column: string): string }
  /** The relation in which what the others gave is known. */
  from(): string
}

/**
 * A query that gives the events between two times (milliseconds; SQL, the later included) as rows of: `ms`, `eid` (hash of
 * the event, 0: none), `req`, `arm` (0 unknown, 1 baseline, 2 candidate), `other` (of another rollout), `apart` (that, or of neither arm), `outside`, `early`
 * (in a first segment), `unit` and `answer` (hashes, 0: none), `asked`, `got`, and `v0` … (one a metric, NULL: nothing is
 * said). Rows without a time come too, for counting. `whole`: every event is the baseline's.
 */
export function eventsSql(
  plan: RolloutPlan,
  finder: Finder,
  dialect: Dialect,
  [since, until]: readonly [string, string],
  whole = false,
): string {
  const found = new Map<string, string>()
  const plain: FieldSql = (name) => {
    const known = found.get(name)
    if (known !== undefined) return known
    const column = `f${found.size}`
    found.set(name, column)
    return column
  }
  const field = withEvaluations(plain, dialect)
  plain('event.name')
  const metrics = Object.values(plan.metrics).map(
    (metric, index) => `${metricSql(metric, field, dialect)} AS v${index}`,
  )
  const columns = [
    'ms',
    `${idSql(plain, dialect)} AS eid`,
    `CASE WHEN kind = 'request' THEN 1 ELSE 0 END AS req`,
    ...(whole ? BASELINE_ALONE : markColumns(plan, plain, dialect)),
    `${hashOf(UNITS[plan.assignment.unit].map(plain), dialect)} AS unit`,
    `${hashOf([plain('gen_ai.response.id')], dialect)} AS answer`,
    `${textOf(plain('gen_ai.request.model'))} AS asked`,
    `${textOf(plain('gen_ai.response.model'))} AS got`,
    ...metrics,
  ]
  const values = [...found].map(([name, column]) => `${finder.value(name)} AS ${column}`)
  const time = finder.time()
  const named = `SELECT ${[`${time.value} AS written`, ...values].join(', ')} FROM ${finder.from()}`
  const kind = kindSql(plain('event.name'), dialect)
  const timed = `SELECT ${time.millis('written')} AS ms, ${kind} AS kind, ${[...found.values()].join(', ')} FROM (${named}) AS named`
  return `SELECT ${columns.join(', ')} FROM (${timed}) AS timed WHERE CASE WHEN kind = 'other' THEN FALSE WHEN ms IS NULL THEN TRUE ELSE ms >= ${since} AND ms <= ${until} END`
}

/** `eval.<name>.label` and `.score` are also those of an evaluation event of that name. */
function withEvaluations(plain: FieldSql, dialect: Dialect): FieldSql {
  return (name) => {
    const derived = /^eval\.(.+)\.(label|score)$/.exec(name)
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
  `CASE WHEN (${isText(value)} AND ${value} <> '""') OR ${isNumber(value)} THEN ${value} END`
const firstText = (values: readonly string[]): string => `coalesce(${[...values.map(textOf), 'NULL'].join(', ')})`
const hashOf = (values: readonly string[], dialect: Dialect): string =>
  `coalesce(${dialect.hash(firstText(values))}, 0)`

/** What makes two lines the same event: its own id, else that of the answer, with what was said of it. */
function idSql(plain: FieldSql, dialect: Dialect): string {
  const own = firstText(['event.id', 'aigate.event.id', 'log.record.uid'].map(plain))
  const [answer, span] = [textOf(plain('gen_ai.response.id')), textOf(plain('span_id'))]
  const said = firstText([plain('gen_ai.evaluation.name'), plain('feedback')])
  const key = `coalesce(${own}, CASE WHEN kind = 'request' THEN coalesce(${answer}, ${span}) ELSE concat(${answer}, ' ', coalesce(${said}, '')) END)`
  const named = `concat(kind, ' ', ${key}, ' ', coalesce(${plain('event.name')}, ''))`
  const some = `${own} IS NOT NULL OR ${answer} IS NOT NULL OR (kind = 'request' AND ${span} IS NOT NULL)`
  return `CASE WHEN ${some} THEN ${dialect.hash(named)} ELSE 0 END`
}

/** Of production as a whole: everything is the baseline's, in its first segment. */
const BASELINE_ALONE = ['1 AS arm', '0 AS other', '0 AS apart', '0 AS outside', '1 AS early']

function markColumns(plan: RolloutPlan, plain: FieldSql, dialect: Dialect): string[] {
  const { arm } = plan.source
  const names = arm ? [arm.field] : ['aigate.arm', 'feature_flag.result.variant']
  const written = `coalesce(${[...names.map(plain), 'NULL'].join(', ')})`
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
    `CASE WHEN ${other} OR (${firstText(names.map(plain))}) IS NOT NULL THEN 1 ELSE 0 END AS apart`,
    `CASE WHEN ${within(plan.segments?.exclude)} THEN 1 ELSE 0 END AS outside`,
    `CASE WHEN ${early} THEN 1 ELSE 0 END AS early`,
  ]
}

/** 1 or 0 for bad or not, or the value; NULL where the event says nothing about the metric. */
function metricSql(metric: Metric, field: FieldSql, dialect: Dialect): string {
  const tree = 'bad' in metric ? parseExpression(metric.bad) : undefined
  const path = 'value' in metric ? metric.value : 'mean' in metric ? metric.mean : ''
  const labels = (tree ? pathsOf(tree) : [path]).filter(isLabelPath).map(field)
  const has =
    labels.length === 0 ? `kind = 'request'` : `(${labels.map((label) => `${label} IS NOT NULL`).join(' OR ')})`
  const where = metric.where === undefined ? '' : ` AND ${conditionSql(parseExpression(metric.where), field, dialect)}`
  if (tree)
    return `CASE WHEN ${has}${where} THEN CASE WHEN ${conditionSql(tree, field, dialect)} THEN 1.0e0 ELSE 0.0e0 END END`
  const number = dialect.number(field(path))
  const [least, most] = absurdBounds(metric).map(numberLiteral)
  return `CASE WHEN ${has}${where} AND ${isNumber(field(path))} AND isFinite(${number}) AND ${number} >= ${least} AND ${number} <= ${most} THEN ${number} END`
}
