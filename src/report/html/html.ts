// The HTML reporter: one file that loads nothing, for a person who wants to read what changed.
import type { Reporter } from '../../ports.ts'
import type { Report, SuiteReport } from '../../schema/verdict.ts'
import { attributionHtml } from '../attribution-html.ts'
import { forestRows } from '../forest.ts'
import { type GateCells, gateCells, intervalNote, shownGates } from '../gate-cells.ts'
import { casesBlock } from './html-cases.ts'
import { forestSvg } from './html-forest.ts'
import { badge, bytesOf, htmlLine, list, more, paragraph, row, table, wide } from './html-parts.ts'
import { distributionFigures, flipsFigure, historyFigure } from './html-plots.ts'
import { POLICY } from './html-policy.ts'
import { SCRIPT } from './html-script.ts'
import { STYLE } from './html-style.ts'
import { plural, share } from '../numbers.ts'
import { errorKinds, nextSteps, outcomeWord, passRate, provenance, settledByPolicy, totalPhrases } from '../phrases.ts'

/** Bytes of the whole file, whatever the report holds: what does not fit is left out and counted. */
export const HTML_LIMIT = 490_000
/** Less than this holds no suite: it is counted instead. */
const LEAST_ROOM = 6000
const SHOWN = { gates: 40, reasons: 8, warnings: 12, suites: 60 }

const columns = [
  'gate',
  'now',
  'before',
  'difference',
  'interval',
  'limit',
  'p',
  'verdict',
] as const satisfies readonly (keyof GateCells)[]

function gatesTable({ verdict }: SuiteReport): string {
  const { shown, criticalHeld, notes: left } = shownGates(verdict)
  if (shown.length === 0) return ''
  const rows = shown.slice(0, SHOWN.gates).map((gate) => {
    const cells = gateCells(gate)
    const texts = columns.map((column) => {
      if (column === 'gate') return `<code>${htmlLine(cells.gate, 60)}</code>`
      const text = htmlLine(cells[column], 80)
      return column === 'verdict' ? `<span class="${gate.decides ? gate.outcome : 'shown'}">${text}</span>` : text
    })
    return row(texts)
  })
  const notes = [
    ...more(shown.length - SHOWN.gates, 'gate').map((text) => `${text}.`),
    ...(criticalHeld > 0 ? [`${plural(criticalHeld, 'critical case')} hold.`] : []),
    ...left.map((note) => `${note}.`),
    ...(shown.some(({ decides }) => !decides) ? ['A verdict in brackets is shown only and decides nothing.'] : []),
    ...[intervalNote(verdict)].filter((note) => note !== null),
  ]
  return `<h3>Gates</h3>${table('Gates', columns, rows)}${paragraph(notes.join(' '), 'dim')}`
}

function plotBlock(report: SuiteReport): string {
  const svg = forestSvg(forestRows(report))
  const note =
    'Change of the pass rate in points, with its interval. Solid line: no change; dashed: the margin; pale: shown only.'
  return svg === '' ? '' : `<h3>Change by category</h3>${wide('Forest plot', svg)}${paragraph(note, 'dim')}`
}

/** The small pictures side by side; empty for none. */
function figures(report: SuiteReport): string {
  const found = [flipsFigure(report), ...distributionFigures(report), historyFigure(report)].filter((one) => one !== '')
  return found.length === 0 ? '' : `<div class="plots">${found.join('')}</div>`
}

/** Everything about a suite but its single cases, a block each, the most important first. */
function facts(report: SuiteReport): string[] {
  const { verdict, totals } = report
  const from = provenance(report)
  const policy = settledByPolicy(verdict)
  const [first = '', ...others] = verdict.reasons.map((reason) => htmlLine(reason))
  const title = `<h2>${htmlLine(`${report.suite} ${report.suite_version}`, 120)} ${badge(verdict.outcome, outcomeWord[verdict.outcome])}</h2>`
  const steps = nextSteps(report).map(
    ({ say, command }) => `${htmlLine(say, 400)}${command ? `: <code>${htmlLine(command, 200)}</code>` : ''}`,
  )
  const warnings = verdict.warnings.slice(0, SHOWN.warnings).map((text) => paragraph(htmlLine(text), 'warning'))
  const errors = errorKinds(totals.errors)
  const phrases = [...totalPhrases(report), ...(errors ? [`not measured: ${errors}`] : [])]
  return [
    title + [from.what, from.run, from.baseline].map((text) => `<div class="dim">${htmlLine(text)}</div>`).join(''),
    paragraph(first, 'answer') + (policy ? paragraph(htmlLine(policy), 'dim') : ''),
    list([...others.slice(0, SHOWN.reasons), ...more(others.length - SHOWN.reasons, 'reason')]),
    plotBlock(report),
    gatesTable(report),
    attributionHtml(report),
    warnings.join('') +
      more(verdict.warnings.length - SHOWN.warnings, 'warning')
        .map((text) => paragraph(text, 'dim'))
        .join(''),
    `<h3>Next</h3>${list(steps)}`,
    figures(report),
    paragraph(htmlLine(phrases.join(' · ')), 'dim'),
  ].filter((block) => block !== '')
}

/** Takes blocks in their order while they fit; one that does not fit is left out and counted. */
function fill(blocks: readonly string[], room: number): { taken: string[]; left: number; free: number } {
  const taken: string[] = []
  let free = room
  for (const block of blocks) {
    const size = bytesOf(block) + 1
    if (size > free) continue
    taken.push(block)
    free -= size
  }
  return { taken, left: blocks.length - taken.length, free }
}

const RESERVE = 400
const THEME =
  '<label class="theme">theme <select><option value="">as the system</option><option value="light">light</option><option value="dark">dark</option></select></label>'

function suiteSection(report: SuiteReport, nth: number, room: number): string {
  const { taken, left, free } = fill(facts(report), room - RESERVE)
  const cases = casesBlock(report, free)
  const parts = left > 0 ? paragraph(`${plural(left, 'part')} left out for length (see the JSON report).`, 'dim') : ''
  return `<section id="suite-${nth + 1}">\n${[...taken, cases, parts].filter((part) => part !== '').join('\n')}\n</section>`
}

function summary({ suites }: Report): string {
  if (suites.length < 2) return ''
  const rows = suites.slice(0, SHOWN.suites).map(({ suite, suite_version, verdict }, nth) => {
    const rate = passRate(verdict)
    const word = `<span class="${verdict.outcome}">${outcomeWord[verdict.outcome]}</span>`
    const name = `<a href="#suite-${nth + 1}">${htmlLine(`${suite} ${suite_version}`, 80)}</a>`
    return row([name, htmlLine(share(rate?.now ?? null)), htmlLine(share(rate?.before ?? null)), word])
  })
  return (
    table('Suites', ['suite', 'pass rate', 'before', 'verdict'], rows) +
    more(suites.length - SHOWN.suites, 'suite')
      .map((text) => paragraph(text, 'dim'))
      .join('')
  )
}

/** The report as one HTML page, also well-formed XML behind its doctype, of at most HTML_LIMIT bytes of UTF-8. */
export const html: Reporter = (report) => {
  const top = [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"/>',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="referrer" content="no-referrer"/>',
    `<title>aigate: ${outcomeWord[report.outcome]}</title>`,
    `<style>${STYLE}</style><script>${SCRIPT}</script></head>`,
    `<body><header><h1>aigate ${badge(report.outcome, outcomeWord[report.outcome])}</h1>${THEME}</header><main>`,
    summary(report),
  ]
  const out = report.suites.length === 0 ? [...top, paragraph('No suite was run.')] : top
  let room = HTML_LIMIT - RESERVE - bytesOf(out.join('\n'))
  let left = 0
  for (const [at, suite] of report.suites.entries()) {
    const fair = Math.floor(room / (report.suites.length - at))
    const text = room < LEAST_ROOM ? '' : suiteSection(suite, at, Math.max(fair, LEAST_ROOM) - 30)
    if (text === '') left++
    else out.push(text)
    room -= bytesOf(text) + 1
  }
  if (left > 0) out.push(paragraph(`${plural(left, 'suite')} left out for length (see the JSON report).`, 'dim'))
  return `${out.filter((part) => part !== '').join('\n')}\n</main></body></html>\n`
}
