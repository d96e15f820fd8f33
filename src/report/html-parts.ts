// The pieces of the HTML report: escaped text, attributes, the stylesheet with its hash, and the forest plot as SVG.
import type { Outcome } from '../schema/verdict.ts'
import { type ForestRow, forestScale } from './forest.ts'
import { plural, signed } from './numbers.ts'
import { oneLine, safeAttribute, safeXml } from './safe-text.ts'

/** Text that somebody else wrote, as content of an element: several lines, at most `max` characters of the text. */
export const htmlText = (text: string, max = 4000): string => safeXml(text, max)

/** As `htmlText`, on one line. */
export const htmlLine = (text: string, max = 600): string => safeXml(oneLine(text, max))

/** A paragraph of escaped text; empty for none. */
export const paragraph = (text: string, of = '') => (text === '' ? '' : `<p${of && ` class="${of}"`}>${text}</p>`)
/** A list of escaped items; empty for none. */
export const list = (items: readonly string[], of = '') =>
  items.length === 0 ? '' : `<ul${of && ` class="${of}"`}>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
/** A row of escaped cells. */
export const row = (cells: readonly string[], tag: 'td' | 'th') =>
  `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
/** A table that scrolls by itself where it is too wide. */
export const table = (head: readonly string[], rows: readonly string[]) =>
  `<div class="wide"><table><thead>${row(head, 'th')}</thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`

/** What a list leaves out, in words, as its last item; nothing for nothing. */
export const more = (left: number, what: string) =>
  left > 0 ? [`and ${plural(left, what)} more (see the JSON report)`] : []

/** UTF-8 bytes of text, without a lone surrogate. */
export function bytesOf(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

/** The whole stylesheet. It must hold neither `<` nor `&`. */
export const STYLE = `:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5c6570;--line:#d5dae0;--soft:#f4f6f8;--pass:#1a7f37;--fail:#c5221f;--open:#8a6100;--accent:#0b57d0}
@media (prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e6e9ed;--dim:#9aa4af;--line:#343b43;--soft:#1d2228;--pass:#56c271;--fail:#ff7b72;--open:#e3b341;--accent:#8ab4f8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1.5rem 1.25rem 4rem;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
h1,h2,h3{line-height:1.25;margin:0}h1{font-size:1.5rem}h2{font-size:1.3rem}h3{font-size:1rem;margin:1.75rem 0 .5rem}
section{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:1.25rem}
p{margin:.5rem 0}ul{margin:.5rem 0;padding-left:1.25rem}
.dim,small{color:var(--dim);font-size:.85rem}
.badge{display:inline-block;border:1px solid;border-radius:.35rem;font-weight:600;font-size:.85rem;padding:.1rem .5rem;vertical-align:middle}
.pass{color:var(--pass)}.fail{color:var(--fail)}.inconclusive,.invalid{color:var(--open)}
.answer{font-size:1.05rem;font-weight:600}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:right;white-space:nowrap}
th{color:var(--dim);font-weight:500}th:first-child,td:first-child,th:last-child,td:last-child{text-align:left}td:first-child{min-width:9rem;overflow-wrap:anywhere;white-space:normal}
.shown{color:var(--dim)}
code,pre{font:13px/1.45 ui-monospace,monospace}code{overflow-wrap:anywhere}
pre{background:var(--soft);border-radius:.35rem;margin:.25rem 0 .75rem;overflow-wrap:anywhere;padding:.6rem .75rem;white-space:pre-wrap}
details{border:1px solid var(--line);border-radius:.35rem;margin:.4rem 0;padding:.4rem .75rem}summary{cursor:pointer}
.warning{border-left:3px solid var(--open);padding-left:.75rem}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--fg);font:13px system-ui,sans-serif}svg .dim{fill:var(--dim)}
.zero{stroke:var(--fg);stroke-width:1}.margin{stroke:var(--open);stroke-width:1.5;stroke-dasharray:3 3}
.bar{stroke-width:2}.bar.pass,.dot.pass{stroke:var(--pass);fill:var(--pass)}.bar.fail,.dot.fail{stroke:var(--fail);fill:var(--fail)}
.bar.inconclusive,.dot.inconclusive,.bar.invalid,.dot.invalid{stroke:var(--open);fill:var(--open)}.faint{opacity:.55}
@media print{body{max-width:none;padding:0;font-size:11px}section{break-before:auto}tr,svg,details{break-inside:avoid}.wide{overflow:visible}th,td{white-space:normal}details::details-content{content-visibility:visible;block-size:auto}}
`

/** Hash of STYLE for the policy of the page; a test holds it equal. */
export const STYLE_HASH = 'sha256-EqhS3seeTeKXmy1aTY3ux32XtoHBXI91mcdgHi1ZX88='

/** Nothing may be loaded, run, framed or sent: only the one stylesheet counts. */
export const POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'`

export const badge = (outcome: Outcome, word: string): string => `<span class="badge ${outcome}">${word}</span>`

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
