// The forest plot of the HTML report: the change of each pass rate with its interval, as an inline SVG.
import { type ForestRow, forestScale } from '../forest.ts'
import { signed } from '../numbers.ts'
import { oneLine, safeAttribute, safeXml } from '../safe-text.ts'

const ROW = 26
const LABEL_WIDTH = 190
const PLOT_WIDTH = 460
const NUMBERS_WIDTH = 190
const MOST_ROWS = 40

/** The forest plot as an inline SVG without script, style or link; empty for fewer than two rows. */
export function forestSvg(all: readonly ForestRow[]): string {
  if (all.length < 2) return ''
  const rows = all.slice(0, MOST_ROWS)
  const { low, high } = forestScale(rows)
  const x = (value: number) => (LABEL_WIDTH + 8 + ((value - low) / (high - low)) * (PLOT_WIDTH - 16)).toFixed(1)
  const bottom = rows.length * ROW
  const width = LABEL_WIDTH + PLOT_WIDTH + NUMBERS_WIDTH
  const height = bottom + 24
  const lines = rows.map((row, nth) => rowSvg(row, nth * ROW, x))
  const ends = [low, high]
    .filter((value) => Math.abs(Number(x(value)) - Number(x(0))) > 45)
    .map((value) => axisText(x(value), bottom, signed(value * 100)))
  return [
    `<svg role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-label="Change of the pass rate with intervals, in points, for the suite and each category">`,
    `<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="0" y2="${bottom}"/>`,
    ...lines,
    axisText(x(0), bottom, '0'),
    ...ends,
    '</svg>',
    ...(all.length > rows.length ? [`<p class="dim">and ${all.length - rows.length} more categories</p>`] : []),
  ].join('\n')
}

const axisText = (x: string, bottom: number, text: string) =>
  `<text class="dim" text-anchor="middle" x="${x}" y="${bottom + 16}">${text}</text>`

function rowSvg(
  { category, difference, interval, margin, outcome, decides }: ForestRow,
  top: number,
  x: (value: number) => string,
): string {
  const middle = top + ROW / 2
  const { low, high } = interval
  const label = category === null ? 'whole suite' : oneLine(category, 26)
  const title = safeAttribute(category ?? 'whole suite', 200)
  const bar = `M${x(low)} ${middle - 5}V${middle + 5}M${x(low)} ${middle}H${x(high)}M${x(high)} ${middle - 5}V${middle + 5}`
  const text = [difference, low, high].map((value) => signed(value * 100))
  return [
    `<g${decides ? '' : ' class="faint"'}><title>${title}</title>`,
    `<text x="0" y="${middle + 4}">${safeXml(label)}</text>`,
    `<line class="margin" x1="${x(-margin)}" x2="${x(-margin)}" y1="${top + 3}" y2="${top + ROW - 3}"/>`,
    `<path class="bar ${outcome}" d="${bar}"/>`,
    `<circle class="dot ${outcome}" cx="${x(difference)}" cy="${middle}" r="4"/>`,
    `<text class="dim" text-anchor="end" x="${LABEL_WIDTH + PLOT_WIDTH + NUMBERS_WIDTH}" y="${middle + 4}">${text[0]} (${text[1]} to ${text[2]})</text></g>`,
  ].join('')
}
