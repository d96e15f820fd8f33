// Where DuckDB finds the fields of an event: in the text of a line, or in columns.
import { duckdb as dialect, isNoValue, jsonPath, isText, NOTHING } from './sql-dialect.ts'
import type { Finder } from './sql-events.ts'

/** `names`: where a field of ours is looked for, in order; `columns`: expressions that people wrote for it. */
export type FieldNames = {
  names: (field: string) => readonly string[]
  columns: Readonly<Record<string, string>>
}

const BLANKS = "' \t\r\n'"
/** Trimming costs more than everything else: few lines begin with a blank. */
const BRACE_FIRST = "(line >= '{' AND line < '|')"
/** Whether a line is one whole JSON object. */
const IS_OBJECT = `json_valid(line) AND (${BRACE_FIRST} OR ltrim(line, ${BLANKS})[1] = '{')`
const IS_WRITTEN = `(${BRACE_FIRST} OR trim(line, ${BLANKS}) <> '')`

const clean = (value: string): string => {
  const text = `CAST(${value} AS VARCHAR)`
  return `(CASE WHEN ${isNoValue(text)} THEN NULL ELSE ${text} END)`
}

/** The first that is there. */
const firstOf = (values: readonly string[]): string =>
  values.length > 1 ? `coalesce(${values.join(', ')})` : (values[0] ?? NOTHING)

const anyOf = (tests: readonly string[]): string => (tests.length === 0 ? 'FALSE' : `(${tests.join(' OR ')})`)

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
      found.push(`flat.${dialect.name(name)}`)
    }
    const steps = name.split('.')
    if (steps.length === 1 || !keys.has(steps[0] ?? '')) return found
    let at = nested
    for (const step of steps.slice(0, -1)) {
      const next = at[step]
      at = at[step] = typeof next === 'object' ? next : {}
    }
    at[steps.at(-1) ?? ''] ??= 'JSON'
    return [...found, ['nested', ...steps.map(dialect.name)].join('.')]
  }
  const value = (field: string): string => {
    if (!Object.hasOwn(columns, field)) return firstOf(names(field).flatMap(place).map(clean))
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
    const lines = `SELECT CASE WHEN ${IS_OBJECT} THEN line END AS line FROM ${table} WHERE line IS NOT NULL AND ${IS_WRITTEN}`
    return `(SELECT ${['line', ...taken.flat()].join(', ')}${others.join('')} FROM (${lines}) AS valid) AS lines`
  }
  const has = (field: string) =>
    Object.hasOwn(columns, field) || names(field).some((name) => keys.has(name) || keys.has(name.split('.')[0] ?? ''))
  const there = (field: string): string => {
    if (Object.hasOwn(columns, field)) return 'TRUE'
    const values = names(field)
      .flatMap(place)
      .map((one) => `${clean(one)} IS NOT NULL`)
    // What is taken out of an object is NULL for a null too: only its type tells. The first name decides, as it does for events.
    const [first = ''] = names(field)
    const steps = first.split('.')
    const paths = [
      ...(keys.has(first) ? [[first]] : []),
      ...(steps.length > 1 && keys.has(steps[0] ?? '') ? [steps] : []),
    ]
    const types = paths.map((path) => `json_type(line, ${dialect.text(jsonPath(path))})`)
    return anyOf([...values, ...(types.length > 0 ? [`coalesce(${[...types, "''"].join(', ')}) = 'NULL'`] : [])])
  }
  return { value, has, there, time: () => ({ value: value('ts'), millis: unmoved }), from }
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
    Object.hasOwn(columns, field) ? clean(dialect.json(`(${columns[field]})`)) : firstOf(names(field).flatMap(place))
  const time = () => {
    const name = Object.hasOwn(columns, 'ts') ? undefined : names('ts').find((one) => types.has(one))
    if (name !== undefined && types.get(name)?.startsWith('TIMESTAMP'))
      return { value: dialect.name(name), millis: (column: string) => `epoch_ms(${column})` }
    return { value: value('ts'), millis: unmoved }
  }
  const has = (field: string) => Object.hasOwn(columns, field) || names(field).some((name) => place(name).length > 0)
  // NULL in a column may be a null or nothing: it is taken for a null.
  const there = (field: string) =>
    Object.hasOwn(columns, field) || names(field).some((name) => types.has(name))
      ? 'TRUE'
      : anyOf(
          names(field)
            .flatMap(place)
            .map((one) => `${one} IS NOT NULL`),
        )
  return { value, has, there, time, from: () => table }
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
