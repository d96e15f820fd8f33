// DuckDB in process, as an optional package: Parquet, CSV and JSON lines at rest, counted where they lie.
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DuckDBConnection } from '@duckdb/node-api'
import { AigateError } from '../errors.ts'
import type { SourceRequest } from '../ports.ts'
import { numberOf, type Row } from './sql-counts.ts'
import { duckdb as dialect, isText } from './sql-dialect.ts'
import type { Engine } from './sql-engine.ts'
import type { Finder } from './sql-events.ts'

const PACKAGE = '@duckdb/node-api'
/** What DuckDB may hold in memory; the rest goes to the folder of the source. */
const MEMORY = '1GB'
/** Bytes of a line; DuckDB holds several buffers of eight times as much. A longer line is counted as unreadable. */
const LONGEST_LINE = 1_048_576

export type DuckdbOptions = {
  root: string
  from: string
  /** Where a field of ours is looked for, in order. */
  names: (field: string) => readonly string[]
  columns: Readonly<Record<string, string>>
}

/**
 * Opens an empty database over the files. Undefined where there is no file yet. Throws AigateError `source_failed` where
 * the package is missing or the files cannot be read.
 */
export async function openDuckdb(request: SourceRequest, options: DuckdbOptions): Promise<Engine | undefined> {
  const { DuckDBInstance } = await loadPackage(options.root)
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY,
    temp_directory: join(request.folder, 'duckdb'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'false',
  })
  const connection = await instance.connect()
  const stop = () => connection.interrupt()
  request.signal.addEventListener('abort', stop)
  const close = () => {
    request.signal.removeEventListener('abort', stop)
    connection.closeSync()
    instance.closeSync()
  }
  const ask = async (sql: string) => {
    const t = Date.now()
    try {
      return await rowsOf(connection, sql, request.signal)
    } finally {
      if (process.env.H5C) {
        console.log(Date.now() - t, sql.length, sql.slice(0, 60))
        if (sql.includes('json_transform'))
          (await import('node:fs')).writeFileSync('/tmp/h5c/events.sql', sql)
      }
    }
  }
  try {
    await ask("SET TimeZone = 'UTC'")
    const pattern = dialect.text(resolve(options.root, options.from).replaceAll('\\', '/'))
    const [files] = await ask(`SELECT count(*) AS many FROM glob(${pattern})`)
    if (numberOf(files?.many) > 0) return await engineOver(ask, pattern, options, close)
  } catch (error) {
    close()
    throw error
  }
  close()
  return undefined
}

async function engineOver(
  ask: Engine['ask'],
  pattern: string,
  options: DuckdbOptions,
  close: () => void,
): Promise<Engine> {
  const table = tableOf(pattern, options.from)
  const finder = table.lines
    ? lineFinder(table.sql, options)
    : columnFinder(table.sql, options, await columnsOf(ask, table.sql))
  const define = async (name: string, sql: string) => void (await ask(`CREATE TEMP TABLE ${name} AS ${sql}`))
  await ask('CREATE TEMP TABLE twice (ms BIGINT)')
  return {
    dialect,
    finder,
    ask,
    define,
    defineEvents: async (sql, { since, until }) => {
      await define('events', sql(String(since), String(until)))
      const again = 'SELECT eid FROM events WHERE eid <> 0 GROUP BY eid HAVING count(*) > 1'
      const first = `SELECT arg_min(rowid, ms) FROM events WHERE eid IN (${again}) AND ms IS NOT NULL GROUP BY eid`
      const later = `FROM events WHERE eid IN (${again}) AND ms IS NOT NULL AND rowid NOT IN (${first})`
      await ask(`INSERT INTO twice SELECT ms ${later}`)
      await ask(`DELETE ${later}`)
    },
    duplicates: async (since) =>
      numberOf((await ask(`SELECT count(*) AS many FROM twice WHERE ms >= ${since}`))[0]?.many),
    rejected: async () =>
      table.lines ? numberOf((await ask('SELECT count(*) AS many FROM reject_errors'))[0]?.many) : 0,
    close,
  }
}

async function loadPackage(root: string): Promise<typeof import('@duckdb/node-api')> {
  for (const from of [join(root, 'package.json'), import.meta.url]) {
    let file: string
    try {
      file = createRequire(from).resolve(PACKAGE)
    } catch {
      continue
    }
    return (await import(pathToFileURL(file).href)) as typeof import('@duckdb/node-api')
  }
  const problem = `the engine duckdb needs the package ${PACKAGE}, which is not installed`
  throw new AigateError('source_failed', { problem, mend: `Run \`npm install --save-dev ${PACKAGE}\`.` })
}

async function rowsOf(connection: DuckDBConnection, sql: string, signal: AbortSignal): Promise<Row[]> {
  signal.throwIfAborted()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS()
  } catch (error) {
    signal.throwIfAborted()
    const said = (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 400) ?? ''
    const mend = 'Check `source.from` and `source.columns` of the plan with the same files in DuckDB.'
    throw new AigateError('source_failed', { problem: `DuckDB says: ${said.replace(/[.\s]+$/, '')}`, mend })
  }
}

/** Lines are read as text, since a reader of JSON loses the line behind a torn one. */
function tableOf(pattern: string, from: string): { sql: string; lines: boolean } {
  if (/\.parquet$/i.test(from)) return { sql: `read_parquet(${pattern}, union_by_name = true)`, lines: false }
  if (/\.csv(\.(gz|zst))?$/i.test(from)) return { sql: `read_csv(${pattern}, union_by_name = true)`, lines: false }
  const options = `columns = {'line': 'VARCHAR'}, delim = '\u0002', quote = '', escape = '', header = false, auto_detect = false, strict_mode = false, max_line_size = ${LONGEST_LINE}, buffer_size = ${8 * LONGEST_LINE}, store_rejects = true`
  return { sql: `read_csv(${pattern}, ${options})`, lines: true }
}

async function columnsOf(ask: Engine['ask'], table: string): Promise<Map<string, string>> {
  const rows = await ask(`DESCRIBE SELECT * FROM ${table}`)
  return new Map(rows.map((row) => [String(row.column_name), String(row.column_type)]))
}

/** JSON null, objects and lists are no values of a field. */
const clean = (value: string): string =>
  `(CASE WHEN substr(${value}, 1, 1) IN ('n', '{', '[') THEN NULL ELSE CAST(${value} AS VARCHAR) END)`

/** What is taken out of an object: a value as it stands, or parts of an object in it. */
type Shape = { [key: string]: 'JSON' | Shape }

/** One pass takes all fields out of a line, flat names and steps into objects alike, each as it stands. */
function lineFinder(table: string, { names, columns }: DuckdbOptions): Finder {
  const flat: Shape = {}
  const nested: Shape = {}
  const own = new Map<string, string>()
  const place = (name: string): string[] => {
    flat[name] = 'JSON'
    const steps = name.split('.')
    if (steps.length === 1) return [clean(`flat.${dialect.name(name)}`)]
    let at = nested
    for (const step of steps.slice(0, -1)) {
      const next = at[step]
      at = at[step] = typeof next === 'object' ? next : {}
    }
    at[steps.at(-1) ?? ''] ??= 'JSON'
    return [clean(`flat.${dialect.name(name)}`), clean(['nested', ...steps.map(dialect.name)].join('.'))]
  }
  const value = (field: string): string => {
    if (!Object.hasOwn(columns, field)) return `coalesce(${[...names(field).flatMap(place), 'NULL'].join(', ')})`
    const column = `own${own.size}`
    own.set(column, dialect.json(`(${columns[field]})`))
    return clean(column)
  }
  const from = (): string => {
    const isObject = "json_valid(line) AND ltrim(line, ' \t\r\n')[1] = '{'"
    const taken = [flat, nested].map((shape, index) =>
      Object.keys(shape).length === 0
        ? []
        : `CASE WHEN ${isObject} THEN json_transform(line, ${dialect.text(JSON.stringify(shape))}) END AS ${index === 0 ? 'flat' : 'nested'}`,
    )
    const others = [...own].map(([column, sql]) => `, CASE WHEN ${isObject} THEN ${sql} END AS ${column}`)
    return `(SELECT ${taken.flat().join(', ')}${others.join('')} FROM ${table} WHERE line IS NOT NULL AND trim(line, ' \t\r\n') <> '') AS lines`
  }
  return { value, time: () => ({ value: value('ts'), millis: millisOf }), from }
}

function columnFinder(table: string, { names, columns }: DuckdbOptions, types: ReadonlyMap<string, string>): Finder {
  const place = (name: string): string[] => {
    if (types.has(name)) return [clean(dialect.json(dialect.name(name)))]
    const [top = '', ...steps] = name.split('.')
    return steps.length > 0 && types.has(top) ? [clean(dialect.inside(dialect.json(dialect.name(top)), steps))] : []
  }
  const value = (field: string): string =>
    Object.hasOwn(columns, field)
      ? clean(dialect.json(`(${columns[field]})`))
      : `coalesce(${[...names(field).flatMap(place), 'NULL', 'NULL'].join(', ')})`
  const time = () => {
    const name = Object.hasOwn(columns, 'ts') ? undefined : names('ts').find((one) => types.has(one))
    if (name !== undefined && /^TIMESTAMP/.test(types.get(name) ?? ''))
      return { value: dialect.name(name), millis: (column: string) => `epoch_ms(${column})` }
    return { value: value('ts'), millis: millisOf }
  }
  return { value, time, from: () => table }
}

/** Milliseconds since 1970 of ISO 8601 (without a zone: UTC) or of seconds, milli-, micro- or nanoseconds, told apart by size. */
function millisOf(value: string): string {
  const text = `substr(${value}, 2, length(${value}) - 2)`
  const number = (sql: string) => {
    const many = `TRY_CAST(${sql} AS DOUBLE)`
    const scale = `CASE WHEN ${many} > 1e17 THEN 1e-6 WHEN ${many} > 1e14 THEN 1e-3 WHEN ${many} > 1e11 THEN 1e0 ELSE 1e3 END`
    return `CASE WHEN ${many} > 0 THEN TRY_CAST(floor(${many} * ${scale}) AS BIGINT) END`
  }
  const written = `CASE WHEN substr(${value}, 15, 1) = ':' THEN epoch_ms(TRY_CAST(${text} AS TIMESTAMPTZ)) WHEN regexp_full_match(${text}, '\\d{10,19}(\\.\\d+)?') THEN ${number(text)} END`
  return `(CASE WHEN ${isText(value)} THEN ${written} ELSE ${number(value)} END)`
}
