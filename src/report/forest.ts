// A forest plot in text: the change of each pass rate with its interval, against no change and against the margin.
import { isTiny } from './gate-cells.ts'
import type { Interval, Outcome, SuiteReport } from '../schema/verdict.ts'
import { signed } from './numbers.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './safe-text.ts'
import { outcomeColor } from './table/table-gates.ts'
import { displayWidth } from './wrap.ts'

/** One row: the suite (no category) or a category. All numbers are shares of 1, now minus before. */
export type ForestRow = {
  category: string | null
  difference: number
  interval: Interval
  margin: number
  outcome: Outcome
  decides: boolean
  n: number
}

const MOST_ROWS = 12
const LABEL = { least: 8, most: 22 }
const PLOT = { least: 16, most: 48 }
const GAP = 2

const signs = {
  fine: { left: '├', right: '┤', line: '─', point: '●', zero: '│', margin: '┊' },
  ascii: { left: '[', right: ']', line: '-', point: 'o', zero: '|', margin: ':' },
} as const

/** The rows of a report: the regression gates that have an interval, in their order (the suite first). */
export function forestRows({ verdict }: Pick<SuiteReport, 'verdict'>): ForestRow[] {
  return verdict.gates
    .filter((gate) => !isTiny(gate))
    .flatMap(({ kind, category, difference, interval, limit, outcome, decides, n }) =>
      kind === 'regression' && difference !== null && interval !== null && limit !== null
        ? [{ category: category ?? null, difference, interval, margin: limit, outcome, decides, n }]
        : [],
    )
}

/** The ends of the axis that all rows share: every interval, no change, and the margins lie on it. */
export function forestScale(rows: readonly ForestRow[]): { low: number; high: number } {
  const values = rows.flatMap(({ interval, difference, margin }) => [interval.low, interval.high, difference, -margin])
  const low = Math.min(0, ...values)
  const high = Math.max(0, ...values)
  return { low, high: high > low ? high : low + 0.01 }
}

/**
 * The plot, each line at most `width` columns wide: one line a row, then the axis. With fewer than two rows, or where it
 * has no room, nothing.
 */
export function forestLines(
  all: readonly ForestRow[],
  { paint, width, ascii = false }: { paint: Paint; width: number; ascii?: boolean | undefined },
): string[] {
  if (all.length < 2) return []
  const rows = all.slice(0, MOST_ROWS)
  const labels = rows.map(({ category }) => oneLine(category ?? 'whole suite', LABEL.most))
  const labelWidth = Math.max(LABEL.least, ...labels.map(displayWidth))
  const numbers = rows.map(({ difference, interval }) => {
    const [point, low, high] = [difference, interval.low, interval.high].map((value) => signed(value * 100))
    return `${point} (${low} to ${high})`
  })
  const numbersWidth = Math.max(...numbers.map(displayWidth))
  const room = width - labelWidth - GAP
  const withNumbers = room - numbersWidth - GAP >= PLOT.least
  const columns = Math.min(PLOT.most, withNumbers ? room - numbersWidth - GAP : room)
  if (columns < PLOT.least) return []
  const sign = ascii ? signs.ascii : signs.fine
  const { low, high } = forestScale(rows)
  const at = (value: number) => Math.round(((value - low) / (high - low)) * (columns - 1))
  const color = outcomeColor(paint)
  const lines = rows.map((row, nth) => {
    const label = labels[nth] ?? ''
    const plot = plotOf(row, { at, columns, sign })
    const painted = row.decides ? color[row.outcome](plot) : paint.dim(plot)
    const end = withNumbers ? `${' '.repeat(GAP)}${paint.dim((numbers[nth] ?? '').padStart(numbersWidth))}` : ''
    return `${label}${' '.repeat(labelWidth - displayWidth(label) + GAP)}${painted}${end}`.trimEnd()
  })
  const left = all.length > rows.length ? [paint.dim(`and ${all.length - rows.length} more categories`)] : []
  const axis = axisOf({ low, high, zero: at(0), columns })
  const key = `${sign.left}${sign.line}${sign.point}${sign.line}${sign.right} change in points with its interval  ${sign.zero} no change  ${sign.margin} margin`
  return [
    ...lines,
    ...left,
    paint.dim(' '.repeat(labelWidth + GAP) + axis),
    ...(key.length <= width ? [paint.dim(key)] : []),
  ]
}

type Drawing = {
  at: (value: number) => number
  columns: number
  sign: (typeof signs)[keyof typeof signs]
}

/** One line: the marks first, the interval over them, the estimate over that. */
function plotOf({ difference, interval, margin }: ForestRow, { at, columns, sign }: Drawing): string {
  const cells = Array.from({ length: columns }, () => ' ')
  const from = at(interval.low)
  const to = at(interval.high)
  for (let cell = from; cell <= to; cell++) cells[cell] = sign.line
  cells[from] = sign.left
  cells[to] = sign.right
  // The marks stand out of the line, but never hide its ends.
  for (const [value, mark] of [
    [-margin, sign.margin],
    [0, sign.zero],
  ] as const) {
    const cell = at(value)
    if (cell !== from && cell !== to) cells[cell] = mark
  }
  cells[at(difference)] = sign.point
  return cells.join('')
}

/** The numbers under the plot: 0, and the ends where they have room beside it. */
function axisOf({ low, high, zero, columns }: { low: number; high: number; zero: number; columns: number }): string {
  const text = (value: number) => signed(value * 100).replace(/\.0$/, '')
  const cells = Array.from({ length: columns }, () => ' ')
  const write = (label: string, start: number) => {
    const around = cells.slice(Math.max(0, start - 1), start + label.length + 1)
    if (start < 0 || start + label.length > columns || around.some((cell) => cell !== ' ')) return
    for (const [i, character] of Array.from(label).entries()) cells[start + i] = character
  }
  write('0', zero)
  write(text(low), 0)
  write(text(high), columns - text(high).length)
  return cells.join('').trimEnd()
}
