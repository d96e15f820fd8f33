// The health of models and applications as text: a line each, with latency, tokens and cost.
import type { HealthRow } from '../schema/health.ts'
import { oneLine } from './safe-text.ts'

const MARKS: Readonly<Record<HealthRow['outcome'], string>> = { pass: '✓', fail: '✗', invalid: '!', inconclusive: '·' }

/** A line for each that was asked, and what it came to. */
export function healthTable(rows: readonly HealthRow[]): string {
  if (rows.length === 0) return 'Nobody was asked: no model is in use, and no suite asks an application.\n'
  const cells = rows.map((row) => [
    `${MARKS[row.outcome]} ${oneLine(row.name)}`,
    oneLine(row.asked),
    row.latency_ms === null ? '–' : `${Math.round(row.latency_ms)} ms`,
    row.input_tokens === null && row.output_tokens === null
      ? '–'
      : `${row.input_tokens ?? 0} + ${row.output_tokens ?? 0} tokens`,
    row.cost_usd === null ? '–' : `$${row.cost_usd.toFixed(6)}`,
    oneLine(row.said),
  ])
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)))
  const lines = cells.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const healthy = rows.filter(({ outcome }) => outcome === 'pass').length
  const cost = rows.reduce((sum, row) => sum + (row.cost_usd ?? 0), 0)
  return `${lines.join('\n')}\n${healthy} of ${rows.length} healthy${cost > 0 ? `, $${cost.toFixed(6)} spent` : ''}.\n`
}
