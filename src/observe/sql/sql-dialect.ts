// What differs between the SQL of DuckDB and of ClickHouse: quoting, JSON, numbers, hashes.

/**
 * Pieces of SQL. A *value* is JSON text (`"fail"`, `5`, `true`) or NULL: its first letter says its type, so that a number
 * and a text are never equal by accident.
 */
export type Dialect = {
  /** A literal of a text. */
  text: (value: string) => string
  /** A quoted name of a column. */
  name: (value: string) => string
  /** A column or expression as a value. */
  json: (sql: string) => string
  /** A value inside of a value, by its steps. */
  inside: (json: string, steps: readonly string[]) => string
  /** The text that a value holds; only asked of texts. */
  unquoted: (json: string) => string
  /** The number that a text holds, or NULL. */
  number: (text: string) => string
  /** A 64-bit hash of a text that is not 0; NULL of NULL. */
  hash: (text: string) => string
  /** The value of `sql` where `by` is least. */
  argMin: (sql: string, by: string) => string
  /** A whole number of a number. */
  whole: (sql: string) => string
}

export const duckdb: Dialect = {
  text: (value) => `'${value.replaceAll("'", "''")}'`,
  name: (value) => `"${value.replaceAll('"', '""')}"`,
  json: (sql) => `CAST(to_json(${sql}) AS VARCHAR)`,
  inside: (json, steps) => `CAST(json_extract(${json}, ${duckdb.text(jsonPath(steps))}) AS VARCHAR)`,
  unquoted: (json) => `json_extract_string(${json}, '$')`,
  number: (text) => `TRY_CAST(${text} AS DOUBLE)`,
  // DuckDB gives NULL a hash too.
  hash: (text) => `CASE WHEN ${text} IS NOT NULL THEN greatest(hash(${text}), 1) END`,
  argMin: (sql, by) => `arg_min(${sql}, ${by})`,
  whole: (sql) => `CAST(${sql} AS BIGINT)`,
}

export const clickhouse: Dialect = {
  text: (value) => `'${value.replace(/[\\']/g, '\\$&')}'`,
  name: (value) => `\`${value.replace(/[\\`]/g, '\\$&')}\``,
  json: (sql) => `toJSONString(${sql})`,
  inside: (json, steps) => `nullIf(JSONExtractRaw(${[json, ...steps.map(clickhouse.text)].join(', ')}), '')`,
  unquoted: (json) => `JSONExtractString(${json})`,
  number: (text) => `toFloat64OrNull(${text})`,
  hash: (text) => `greatest(cityHash64(${text}), 1)`,
  argMin: (sql, by) => `argMin(${sql}, ${by})`,
  whole: (sql) => `toInt64(${sql})`,
}

/** Steps as a path of DuckDB. Its quoted keys know no escapes: such names were refused before. */
export function jsonPath(steps: readonly string[]): string {
  return `$${steps.map((step) => `."${step}"`).join('')}`
}

/** By the first byte: engines compare texts byte by byte, which costs a third of cutting the first sign off. */
const begins = (value: string, first: string, behind: string): string =>
  `(${value} >= '${first}' AND ${value} < '${behind}')`
export const isNumber = (value: string): string => `(${begins(value, '0', ':')} OR ${begins(value, '-', '.')})`
export const isText = (value: string): string => begins(value, '"', '#')
/** JSON null, an object or a list: no value of a field. */
export const isNoValue = (value: string): string =>
  `(${value} >= '{' OR ${begins(value, 'n', 'o')} OR ${begins(value, '[', ']')})`
/** A field that is nowhere. */
export const NOTHING = 'CAST(NULL AS VARCHAR)'
/** A number as a literal of any SQL, always of the type double. */
export function numberLiteral(value: number): string {
  const text = String(value)
  return text.includes('e') ? text : `${text}e0`
}
