// What an engine of SQL does for a look, whichever it is.
import type { Ask } from './sql-counts.ts'
import type { Dialect } from './sql-dialect.ts'
import type { Finder } from './sql-events.ts'

export type Engine = {
  dialect: Dialect
  finder: Finder
  /** The later of two alike events counts nothing: makes the relation `events` of the query, each event once. */
  defineEvents(sql: (since: string, until: string) => string, span: { since: number; until: number }): Promise<void>
  /** Names a relation for later queries. */
  define(name: string, sql: string): Promise<void>
  ask: Ask
  /** Events that came twice since a time (milliseconds). */
  duplicates(since: number): Promise<number>
  /** Lines that the reader of files itself could not make out. */
  rejected(): Promise<number>
  close(): void
}
