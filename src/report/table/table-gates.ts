// The gates of a suite as a table that gives up columns, the least important first, until it fits the terminal.
import Table from 'cli-table3'
import type { GateResult, Outcome, SuiteReport } from '../../schema/verdict.ts'
import { plural } from '../numbers.ts'
import type { Paint } from '../paint.ts'
import { type GateCells, gateCells, intervalNote, shownGates } from '../gate-cells.ts'
import { oneLine } from '../safe-text.ts'
import { displayWidth, wrap } from '../wrap.ts'

type Column = keyof GateCells

const ALL: readonly Column[] = ['gate', 'now', 'before', 'difference', 'interval', 'limit', 'p', 'verdict']
/** What goes first when the terminal is narrow. */
const DISPENSABLE: readonly Column[] = ['p', 'interval', 'before', 'limit', 'difference', 'now']
const GAP = 2
const MOST_ROWS = 30

const plainChars = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '',
  bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', right: '', 'right-mid': '', mid: '', 'mid-mid': '', middle: ' '.repeat(GAP),
} // biome-ignore format: a grid reads better

/** The colour of an outcome. */
export const outcomeColor = (paint: Paint): Record<Outcome, (text: string) => string> => ({
  pass: paint.green,
  fail: paint.red,
  inconclusive: paint.yellow,
  invalid: paint.yellow,
})

/** The cells with short units. */
function briefCells(gate: GateResult): GateCells {
  const cells = gateCells(gate)
  const brief = (text: string) => text.replace(' points', ' pts')
  return { ...cells, difference: brief(cells.difference), limit: brief(cells.limit) }
}

function fitting(rows: readonly GateCells[], width: number): { columns: Column[]; gateWidth: number } {
  const widthOf = (column: Column) => Math.max(column.length, ...rows.map((cells) => displayWidth(cells[column])))
  // A column in which nothing stands is left out before anything else is.
  let columns = ALL.filter((column) => rows.some((cells) => cells[column] !== '–'))
  const others = () => columns.slice(1).reduce((sum, column) => sum + widthOf(column) + GAP, 0)
  const wanted = Math.min(widthOf('gate'), 24)
  for (const column of DISPENSABLE) {
    if (others() + wanted <= width) break
    columns = columns.filter((one) => one !== column)
  }
  return { columns, gateWidth: Math.max(4, Math.min(widthOf('gate'), width - others())) }
}

/** Lines of the gates table and the notes under it, each at most `width` columns wide. */
export function gateLines({ verdict }: SuiteReport, paint: Paint, width: number): string[] {
  const { shown, criticalHeld, notes: left } = shownGates(verdict)
  const gates = shown.slice(0, MOST_ROWS)
  const rows = gates.map(briefCells)
  if (rows.length === 0) return []
  const { columns, gateWidth } = fitting(rows, width)
  const color = outcomeColor(paint)
  const grid = new Table({
    chars: plainChars,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    head: columns.map((column) => paint.dim(column)),
    colAligns: columns.map((column) => (column === 'gate' || column === 'verdict' ? 'left' : 'right')),
  })
  for (const gate of gates) {
    const cells = { ...briefCells(gate), gate: oneLine(gate.id, gateWidth) }
    const painted = (column: Column) => {
      if (!gate.decides) return paint.dim(cells[column])
      return column === 'verdict' ? color[gate.outcome](cells[column]) : cells[column]
    }
    grid.push(columns.map(painted))
  }
  const hidden = ALL.filter((column) => !columns.includes(column) && rows.some((cells) => cells[column] !== '–'))
  const notes = [
    ...(shown.length > MOST_ROWS
      ? [`… and ${plural(shown.length - MOST_ROWS, 'gate')} more (see the JSON report)`]
      : []),
    ...(criticalHeld > 0 ? [`${plural(criticalHeld, 'critical case')} hold`] : []),
    ...left,
    ...(shown.some(({ decides }) => !decides) ? ['a verdict in brackets is shown only and decides nothing'] : []),
    ...(hidden.length > 0 ? [`no room for: ${hidden.join(', ')}`] : []),
    ...(columns.includes('interval') ? [intervalNote(verdict)].filter((note) => note !== null) : []),
  ]
  const lines = grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
  return [...lines, ...notes.flatMap((note) => wrap(note, width)).map(paint.dim)]
}
