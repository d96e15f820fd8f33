// DuckDB in process, as an optional package: Parquet, CSV and JSON lines at rest, counted where they lie.
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DuckDBConnection } from '@duckdb/node-api'
import { AigateError } from '../../errors.ts'
import type { SourceRequest } from '../../ports.ts'
import { numberOf, type Row } from './sql-counts.ts'
import { duckdb as dialect } from './sql-dialect.ts'
import { columnFinder, lineFinder, type FieldNames } from './sql-duckdb-fields.ts'
import type { Engine } from './sql-engine.ts'

const PACKAGE = '@duckdb/node-api'
/** What DuckDB may hold in memory; the rest goes to the folder of the source. */
const MEMORY = '1GB'
/** Bytes of a line; DuckDB holds several buffers of eight times as much. A longer line is counted as unreadable. */
const LONGEST_LINE = 1_048_576

export type DuckdbOptions = FieldNames & { root: string; from: string }

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
  const ask = (sql: string) => rowsOf(connection, sql, request.signal)
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
    ? lineFinder(table.sql, options, await keysOf(ask, table.plain))
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
      const [found] = await ask(`INSERT INTO twice SELECT ms ${later}`)
      if (numberOf(found?.Count) > 0) await ask(`DELETE ${later}`)
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
function tableOf(pattern: string, from: string): { sql: string; plain: string; lines: boolean } {
  const table = (sql: string) => ({ sql, plain: sql, lines: false })
  if (/\.parquet$/i.test(from)) return table(`read_parquet(${pattern}, union_by_name = true)`)
  if (/\.csv(\.(gz|zst))?$/i.test(from)) return table(`read_csv(${pattern}, union_by_name = true)`)
  const options = `columns = {'line': 'VARCHAR'}, delim = '\u0002', quote = '', escape = '', header = false, auto_detect = false, strict_mode = false, max_line_size = ${LONGEST_LINE}, buffer_size = ${8 * LONGEST_LINE}`
  const reader = (more: string) => `read_csv(${pattern}, ${options}, ${more})`
  return { sql: reader('store_rejects = true'), plain: reader('ignore_errors = true'), lines: true }
}

/** The keys of all objects: most names that a field may have occur nowhere, and looking for them in each line costs most. */
async function keysOf(ask: Engine['ask'], table: string): Promise<Set<string>> {
  const lists = `SELECT DISTINCT CASE WHEN json_valid(line) THEN json_keys(line) END AS keys FROM ${table}`
  const rows = await ask(`SELECT DISTINCT unnest(keys) AS name FROM (${lists}) AS lists`)
  return new Set(rows.map((row) => String(row.name)))
}

async function columnsOf(ask: Engine['ask'], table: string): Promise<Map<string, string>> {
  const rows = await ask(`DESCRIBE SELECT * FROM ${table}`)
  return new Map(rows.map((row) => [String(row.column_name), String(row.column_type)]))
}
