// Readiness as a table: one row a question, with its evidence.
import type { ReadyRow } from '../schema/ready.ts'
import type { Outcome } from '../schema/verdict.ts'
import { oneLine } from './safe-text.ts'

const words = { pass: 'ready', fail: 'NOT', invalid: 'not measured' } as const

/** Lines of plain text that end with a line end. */
export function readyText(env: string, outcome: Outcome, rows: readonly ReadyRow[]): string {
  const width = Math.max(0, ...rows.map(({ title }) => title.length))
  const said = outcome === 'pass' ? 'ready' : outcome === 'fail' ? 'NOT READY' : 'NOT PROVEN'
  return `${[
    `${env}: ${said}`,
    ...rows.flatMap((row) => [
      `  ${row.title.padEnd(width)}  ${words[row.outcome].padEnd(12)}  ${oneLine(row.evidence, 300)}`,
      ...(row.mend === null ? [] : [`  ${' '.repeat(width)}  ${' '.repeat(12)}  fix: ${oneLine(row.mend, 300)}`]),
    ]),
  ].join('\n')}\n`
}
