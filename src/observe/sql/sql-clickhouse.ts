// ClickHouse over its HTTP interface: every question is one query whose answer is bounded, read as JSON lines.
import { AigateError } from '../../errors.ts'
import type { SourceRequest } from '../../ports.ts'
import type { SourceConfig } from '../../schema/rollout.ts'
import { numberOf, type Row } from './sql-counts.ts'
import { clickhouse as dialect } from './sql-dialect.ts'
import type { Engine } from './sql-engine.ts'
import type { Finder } from './sql-events.ts'
import type { World } from '../world.ts'

const TIMEOUT = 60_000
const SHOWN = 300
/** Ours of its settings: joins as in the standard, quoted 64-bit numbers, JSON as every other writer writes it. */
const SETTINGS = {
  join_use_nulls: '1',
  prefer_column_name_to_alias: '1',
  output_format_json_quote_64bit_integers: '1',
  output_format_json_escape_forward_slashes: '0',
  wait_end_of_query: '1',
  default_format: 'JSONEachRow',
}

export type ClickhouseOptions = {
  config: Pick<Extract<SourceConfig, { type: 'sql' }>, 'url' | 'user_env' | 'password_env'>
  env: World['env']
  from: string
  names: (field: string) => readonly string[]
  columns: Readonly<Record<string, string>>
}

/** Opens nothing: asks for the columns of the table. Throws AigateError `source_failed` where the server or table is not there. */
export async function openClickhouse(request: SourceRequest, options: ClickhouseOptions): Promise<Engine> {
  const { from } = options
  if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(from))
    throw new AigateError('usage', {
      problem: `\`source.from\` is ${from}, which is no name of a table in ClickHouse.`,
      mend: 'Write the name of a table or view as table or database.table.',
    })
  const table = from.split('.').map(dialect.name).join('.')
  const span = { since: '0', until: '0' }
  const post = (sql: string) => postQuery(options, sql, span, request.signal)
  const columns = new Map((await post(`DESCRIBE TABLE ${table}`)).map((row) => [String(row.name), String(row.type)]))
  const relations: string[] = []
  const ask = (sql: string) => post(`${relations.length > 0 ? `WITH ${relations.join(', ')} ` : ''}${sql}`)
  const define = (name: string, sql: string): Promise<void> => {
    relations.push(`${name} AS (${sql})`)
    return Promise.resolve()
  }
  return {
    dialect,
    finder: columnFinder(table, columns, options),
    ask,
    define,
    defineEvents: async (sql, times) => {
      span.since = String(times.since)
      span.until = String(times.until)
      await define('all_events', sql('{since:Int64}', '{until:Int64}'))
      const once = 'SELECT * FROM all_events WHERE eid <> 0 ORDER BY ms LIMIT 1 BY eid'
      await define('events', `SELECT * FROM (${once}) AS once UNION ALL SELECT * FROM all_events WHERE eid = 0`)
    },
    duplicates: async (since) => {
      const more = `count(*) - uniqExact(eid)`
      const [row] = await ask(`SELECT ${more} AS many FROM all_events WHERE eid <> 0 AND ms >= ${since}`)
      return numberOf(row?.many)
    },
    rejected: () => Promise.resolve(0),
    close: () => undefined,
  }
}

function columnFinder(
  table: string,
  types: ReadonlyMap<string, string>,
  { names, columns, from }: ClickhouseOptions,
): Finder {
  const own = (field: string) => (Object.hasOwn(columns, field) ? `(${columns[field]})` : undefined)
  const clean = (value: string) => `if(substr(${value}, 1, 1) IN ('n', '{', '['), NULL, ${value})`
  const value = (field: string): string => {
    const mine = own(field)
    if (mine !== undefined) return clean(dialect.json(mine))
    const places = names(field).filter((name) => types.has(name))
    return `coalesce(${[...places.map((name) => clean(dialect.json(dialect.name(name)))), 'CAST(NULL AS Nullable(String))', 'NULL'].join(', ')})`
  }
  const time = () => {
    const name = names('ts').find((one) => types.has(one))
    const column = own('ts') ?? (name === undefined ? undefined : dialect.name(name))
    if (column === undefined) {
      const problem = `the table ${from} has no column ${names('ts').join(', ')}`
      throw new AigateError('source_failed', {
        problem,
        mend: 'Name the column of the time in `source.columns`: {ts: …}.',
      })
    }
    return { value: column, millis: (one: string) => `toUnixTimestamp64Milli(toDateTime64(${one}, 3))` }
  }
  const has = (field: string) => Object.hasOwn(columns, field) || names(field).some((name) => types.has(name))
  // NULL in a column may be a null or nothing: it is taken for a null.
  const there = (field: string) => (has(field) ? 'TRUE' : 'FALSE')
  return { value, has, there, time, from: () => table }
}

async function postQuery(
  { config, env }: ClickhouseOptions,
  sql: string,
  span: { since: string; until: string },
  signal: AbortSignal,
): Promise<Row[]> {
  const url = new URL(config.url ?? 'http://127.0.0.1:8123/')
  const settings = { ...SETTINGS, param_since: span.since, param_until: span.until }
  for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value)
  const secret = (name: string | undefined, what: string): string | undefined => {
    if (name === undefined) return undefined
    const value = env[name]
    if (value !== undefined && value !== '') return value
    const problem = `the environment variable ${name} with the ${what} of ClickHouse is not set`
    throw new AigateError('source_failed', { problem, mend: `Set ${name}.` })
  }
  const user = secret(config.user_env, 'user')
  const key = secret(config.password_env, 'password')
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    ...(user !== undefined && { 'x-clickhouse-user': user }),
    ...(key !== undefined && { 'x-clickhouse-key': key }),
  }
  const hidden = (text: string) =>
    [user, key].reduce<string>((clean, one) => (one ? clean.replaceAll(one, '[REDACTED]') : clean), text)
  let response: Response
  let text: string
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)])
    response = await fetch(url, { method: 'POST', headers, body: sql, signal: either, redirect: 'error' })
    text = await response.text()
  } catch (error) {
    signal.throwIfAborted()
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw failure(
      timedOut
        ? `ClickHouse at ${url.host} did not answer within ${TIMEOUT / 1000} s`
        : `ClickHouse at ${url.host} cannot be reached`,
    )
  }
  const said = hidden(text.replace(/\s+/g, ' ').trim())
    .slice(0, SHOWN)
    .replace(/[.\s]+$/, '')
  if (!response.ok) throw failure(`ClickHouse answered ${response.status}: ${said}`)
  try {
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as Row)
  } catch {
    throw failure(`ClickHouse answered with something else than JSON lines: ${said}`)
  }
}

function failure(problem: string): AigateError {
  return new AigateError('source_failed', {
    problem,
    mend: 'Check `source.url`, the user, and the table with the same query.',
  })
}
