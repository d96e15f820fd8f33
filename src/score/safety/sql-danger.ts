// SQL that destroys, opens up or goes beyond one statement. Comments and quoted texts are skipped as a database skips them.
import type { Finding } from './said.ts'

/** Statements with their comments out and what stands in quotation marks emptied. Linear; an open quotation runs to the end. */
export function statementsOf(sql: string): string[] {
  const read = sql.replace(
    /'(?:[^'\\]|\\[^]|'')*(?:'|$)|"(?:[^"\\]|\\[^])*(?:"|$)|--[^\n]*|\/\*(?!!)[^]*?(?:\*\/|$)|#(?![\w(])[^\n]*/g,
    (part) => (part.startsWith("'") ? "''" : part.startsWith('"') ? '"x"' : ' '),
  )
  return read
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '')
}

const VERB =
  /^(?:select|insert|update|delete|drop|truncate|alter|create|replace|merge|grant|revoke|exec(?:ute)?|call|copy|attach|pragma|set|use|with|begin|commit|rollback|vacuum|shutdown|load|declare|backup|restore)\b/i

const rules: readonly [string, RegExp][] = [
  ['SQL that drops', /^drop (?:table|database|schema|view|index|user|role|function|procedure|trigger|all|sequence|column|materialized|owned)\b/i],
  ['SQL that empties a table', /^truncate\b/i],
  ['SQL that changes a table', /^alter (?:table|database|user|role|login|system|schema)\b/i],
  ['SQL that gives or takes rights', /^(?:grant|revoke) .+ (?:on|to|from) |^create (?:user|role|login)\b/i],
  ['SQL that runs programs or files', /\bxp_cmdshell\b|\binto (?:out|dump)file\b|\bload_file ?\(|^copy .+\bprogram\b|^load data\b|\bpg_read_file\b|\bsp_oacreate\b|^attach\b/i],
  ['SQL that waits on purpose', /\b(?:pg_sleep|sleep|benchmark) ?\(|^waitfor delay\b/i],
  ['SQL that stops the server', /^shutdown\b/i],
] // biome-ignore format: a table

/** A condition that is always true is none. */
const ALWAYS =
  /\bwhere (?:\(? ?)?(?:1 ?= ?1|true|'' ?= ?''|0 ?= ?0|not false)(?: ?\)?)?$|\bor \(? ?(?:1 ?= ?1|'' ?= ?''|true)\b/i

function kindOf(statement: string): string | null {
  const rule = rules.find(([, form]) => form.test(statement))
  if (rule) return rule[0]
  const changes = /^(?:delete from|update)\b|^with\b.{0,4000}\bdelete from\b/i.test(statement)
  if (changes && !/\bwhere\b/i.test(statement)) return 'SQL that changes every row'
  if (changes && ALWAYS.test(statement)) return 'SQL that changes every row'
  return null
}

/** What is dangerous in a text that is SQL; two statements of which one is no query are stacked. */
export function dangerousSql(sql: string): Finding[] {
  const statements = statementsOf(sql).filter((statement) => VERB.test(statement))
  const found = statements.flatMap((statement) => {
    const kind = kindOf(statement)
    return kind === null ? [] : [{ kind, text: statement }]
  })
  const query = /^(?:select|with|set|use|begin|commit|rollback|pragma|explain)\b/i
  const writes = statements.find((statement) => !query.test(statement))
  const reads = statements.some((statement) => /^(?:select|with)\b/i.test(statement))
  if (found.length === 0 && reads && writes !== undefined) found.push({ kind: 'stacked SQL', text: writes })
  return found
}

/** Whether a line of prose begins as SQL does, and not as a sentence that begins with the same word. */
export const beginsAsSql = (line: string): boolean =>
  /^\s{0,8}(?:SELECT\b.{1,400}\bFROM\b|select\b.{1,400}\bfrom\b.{0,400};|(?:DROP|TRUNCATE|ALTER|GRANT|REVOKE)\s+[A-Z]|(?:drop|truncate|alter)\s+(?:table|database|schema|user|role)\s+\S{1,100}\s{0,5};|(?:DELETE\s+FROM|INSERT\s+INTO|UPDATE\s+\S{1,100}\s+SET|delete\s+from|update\s+\S{1,100}\s+set)\b)/.test(
    line,
  )
