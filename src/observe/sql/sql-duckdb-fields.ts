// Where DuckDB finds the fields of an event: in the text of a line, or in columns.
import { duckdb as dialect, isText } from './sql-dialect.ts'
import type { Finder } from './sql-events.ts'

/** `names`: where a field of ours is looked for, in order; `columns`: expressions that people wrote for it. */
export type FieldNames = {
  names: (field: string) => readonly string[]
  columns: Readonly<Record<string, string>>
}

const NOTHING = 'CAST(NULL AS VARCHAR)'
/** Whether a line is one whole JSON object. */
export const IS_OBJECT = "json_valid(line) AND ltrim(line, ' \t\r\n')[1] = '{'"

/** JSON null, objects and lists are no values of a field. */
const clean = (value: string): string =>
  `(CASE WHEN substr(${value}, 1, 1) IN ('n', '{', '[') THEN NULL ELSE CAST(${value} AS VARCHAR) END)`

/** What is taken out of an object: a value as it stands, or parts of an object in it. */
type Shape = { [key: string]: 'JSON' | Shape }

/** One pass takes all fields out of a line, flat names and steps into objects alike, each as it stands. */
export function lineFinder(table: string, { names, columns }: FieldNames, keys: ReadonlySet<string>): Finder {
  const flat: Shape = {}
  const nested: Shape = {}
  const own = new Map<string, string>()
  const place = (name: string): string[] => {
    const found: string[] = []
    if (keys.has(name)) {
      flat[name] = 'JSON'
      found.push(clean(`flat.${dialect.name(name)}`))
    }
    const steps = name.split('.')
    if (steps.length === 1 || !keys.has(steps[0] ?? '')) return found
    let at = nested
    for (const step of steps.slice(0, -1)) {
      const next = at[step]
      at = at[step] = typeof next === 'object' ? next : {}
    }
    at[steps.at(-1) ?? ''] ??= 'JSON'
    return [...found, clean(['nested', ...steps.map(dialect.name)].join('.'))]
  }
  const value = (field: string): string => {
    if (!Object.hasOwn(columns, field)) return `coalesce(${[...names(field).flatMap(place), NOTHING].join(', ')})`
    const column = `own${own.size}`
    own.set(column, dialect.json(`(${columns[field]})`))
    return clean(column)
  }
  const from = (): string => {
    const taken = [flat, nested].map((shape, index) =>
      Object.keys(shape).length === 0
        ? []
        : `json_transform(line, ${dialect.text(JSON.stringify(shape))}) AS ${index === 0 ? 'flat' : 'nested'}`,
    )
    const others = [...own].map(([column, sql]) => `, ${sql} AS ${column}`)
    const lines = `SELECT CASE WHEN ${IS_OBJECT} THEN line END AS line FROM ${table} WHERE line IS NOT NULL AND trim(line, ' \t\r\n') <> ''`
    return `(SELECT ${['line', ...taken.flat()].join(', ')}${others.join('')} FROM (${lines}) AS valid) AS lines`
  }
  return { value, time: () => ({ value: value('ts'), millis: unmoved }), from }
}

/** Fields of Parquet and CSV: columns, or parts of structs and of JSON in them. */
export function columnFinder(
  table: string,
  { names, columns }: FieldNames,
  types: ReadonlyMap<string, string>,
): Finder {
  const place = (name: string): string[] => {
    if (types.has(name)) return [clean(dialect.json(dialect.name(name)))]
    const [top = '', ...steps] = name.split('.')
    return steps.length > 0 && types.has(top) ? [clean(dialect.inside(dialect.json(dialect.name(top)), steps))] : []
  }
  const value = (field: string): string =>
    Object.hasOwn(columns, field)
      ? clean(dialect.json(`(${columns[field]})`))
      : `coalesce(${[...names(field).flatMap(place), NOTHING].join(', ')})`
  const time = () => {
    const name = Object.hasOwn(columns, 'ts') ? undefined : names('ts').find((one) => types.has(one))
    if (name !== undefined && types.get(name)?.startsWith('TIMESTAMP'))
      return { value: dialect.name(name), millis: (column: string) => `epoch_ms(${column})` }
    return { value: value('ts'), millis: unmoved }
  }
  return { value, time, from: () => table }
}

/**
 * A filter on time must not be moved below the reading of lines: everything would be taken apart once for it and once more
 * for the rest, seven times as slow. The planner moves nothing that is random, and this adds 0.
 */
const unmoved = (value: string): string => `(${millisOf(value)} + CAST(floor(random() * 0.5) AS BIGINT))`

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
