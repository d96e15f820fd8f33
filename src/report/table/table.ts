// The table reporter: what a person reads on a terminal or in a CI log.
import type { Reporter } from '../../ports.ts'
import type { Outcome, Report, SuiteReport } from '../../schema/verdict.ts'
import { attributionLines } from '../attribution.ts'
import { forestLines, forestRows } from '../forest.ts'
import { share } from '../numbers.ts'
import { type Paint, paint as paintFor } from '../paint.ts'
import {
  nextSteps,
  outcomeWord,
  passRate,
  provenance,
  settledByPolicy,
  totalPhrases,
  unchangedText,
} from '../phrases.ts'
import { disarm, oneLine } from '../safe-text.ts'
import { caseLines } from './table-cases.ts'
import { gateLines, outcomeColor } from './table-gates.ts'
import { displayWidth, wrap } from '../wrap.ts'

const WIDTH = { least: 40, usual: 80, most: 120 }
const MOST_REASONS = 6
const MOST_WARNINGS = 10

/** Told apart without colour too. */
const mark: Record<Outcome, string> = { pass: '✓', fail: '✗', inconclusive: '?', invalid: '!' }

/** Text behind a first word, wrapped, the following lines indented under it. */
function beside(first: string, text: string, width: number, look: (line: string) => string = (line) => line): string[] {
  const lines = wrap(text, Math.max(10, width - first.length))
  return lines.map((line, at) => (at === 0 ? first : ' '.repeat(first.length)) + look(line))
}

function head(report: SuiteReport, paint: Paint, width: number): string[] {
  const from = provenance(report)
  const name = `${oneLine(report.suite, 60)} ${oneLine(report.suite_version, 30)}`
  const rule = '─'.repeat(Math.max(0, width - name.length - 1))
  const lines = [from.what, from.run, from.baseline].flatMap((text) => wrap(text, width))
  return [`${paint.bold(name)} ${paint.dim(rule)}`, ...lines.map(paint.dim), '']
}

function verdictLines({ verdict }: SuiteReport, paint: Paint, width: number): string[] {
  const color = outcomeColor(paint)[verdict.outcome]
  const badge = ` ${mark[verdict.outcome]} ${outcomeWord[verdict.outcome]} `
  const [first = '', ...others] = verdict.reasons.map((reason) => oneLine(reason, 500))
  const policy = settledByPolicy(verdict)
  const [top = '', ...rest] = beside(`${badge} `, `${first}${policy ? ` (${policy})` : ''}`, width, paint.bold)
  const lines = [color(paint.inverse(paint.bold(badge))) + top.slice(badge.length), ...rest]
  for (const reason of others.slice(0, MOST_REASONS)) lines.push(...beside('  · ', reason, width))
  if (others.length > MOST_REASONS)
    lines.push(paint.dim(`  · and ${others.length - MOST_REASONS} more (see the JSON report)`))
  return [...lines, '']
}

function foot(report: SuiteReport, paint: Paint, width: number): string[] {
  const lines = beside('total    ', totalPhrases(report).join(' · '), width, paint.dim)
  const { warnings } = report.verdict
  const left = warnings.length - MOST_WARNINGS
  const more = left > 0 ? [`and ${left} more warnings (see the JSON report)`] : []
  for (const warning of [...warnings.slice(0, MOST_WARNINGS), ...more]) {
    lines.push(...beside('warning  ', oneLine(warning, 500), width, paint.yellow))
  }
  for (const [at, { say, command }] of nextSteps(report).entries()) {
    const first = at === 0 ? 'next     ' : '         '
    const line = command ? `${say}: ${command}` : say
    // A command stays on one line, to be copied whole, unless the terminal is too narrow for it.
    const parts = command && line.length > width - first.length ? [`${say}:`, `  ${command}`] : [line]
    lines.push(
      ...parts.flatMap((part, nth) =>
        beside(
          nth === 0 ? first : '         ',
          part,
          width,
          command && (nth === 1 || parts.length === 1) ? paint.cyan : undefined,
        ),
      ),
    )
  }
  return [...lines, '']
}

function summary(report: Report, paint: Paint, width: number): string[] {
  if (report.suites.length < 2) return []
  const color = outcomeColor(paint)
  const longest = Math.min(40, Math.max(...report.suites.map((one) => `${one.suite} ${one.suite_version}`.length)))
  const lines = report.suites.flatMap(({ suite, suite_version, verdict, cases }) => {
    const rate = passRate(verdict)
    const regressed = cases.filter(({ status, quarantined }) => status === 'regressed' && !quarantined).length
    const facts = [
      ...(rate ? [`${share(rate.now)}${rate.before === null ? '' : `, was ${share(rate.before)}`}`] : []),
      ...(regressed > 0 ? [`${regressed} regressed`] : []),
    ].join(' · ')
    const word = `  ${`${mark[verdict.outcome]} ${outcomeWord[verdict.outcome]}`.padEnd(16)}`
    const name = oneLine(`${suite} ${suite_version}`, Math.max(12, width - word.length))
    const first = color[verdict.outcome](word) + name
    const pad = ' '.repeat(Math.max(0, longest - displayWidth(name)))
    const fits = word.length + displayWidth(name) + pad.length + 2 + facts.length <= width
    if (fits) return [`${first}${pad}  ${paint.dim(facts)}`.trimEnd()]
    return [first, ...beside(' '.repeat(word.length), facts, width, paint.dim)]
  })
  const total = color[report.outcome](
    paint.inverse(paint.bold(` ${mark[report.outcome]} ${outcomeWord[report.outcome]} `)),
  )
  const title = 'all suites '
  return [`${paint.bold(title)}${paint.dim('─'.repeat(width - title.length))}`, ...lines, '', total, '']
}

/** The report for a person, at most `columns` wide (40 to 120); the last line ends with a line end. */
export const table: Reporter = (report, { color, columns, ascii }) => {
  const paint = paintFor(color)
  const width = Math.min(Math.max(Math.floor(columns) || WIDTH.usual, WIDTH.least), WIDTH.most)
  const suites = report.suites.flatMap((suite) => [
    ...head(suite, paint, width),
    ...verdictLines(suite, paint, width),
    ...[
      gateLines(suite, paint, width),
      forestLines(forestRows(suite), { paint, width, ascii }),
      attributionLines(suite, paint, width),
    ].flatMap((lines) => (lines.length > 0 ? [...lines, ''] : [])),
    ...caseLines(suite, paint, width),
    ...foot(suite, paint, width),
  ])
  const nothing = report.suites.length === 0 ? [`${outcomeWord[report.outcome]}: ${unchangedText(report)}`, ''] : []
  return disarm(['', ...suites, ...nothing, ...summary(report, paint, width)].join('\n'))
}
