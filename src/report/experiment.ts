// The report on an experiment for a product person: the answer first, then the numbers, then what to do. For terminals and as Markdown.
import type { Compared, ExperimentReport } from '../schema/experiment-report.ts'
import {
  chanceOf,
  comparedHead,
  comparedRow,
  effectOf,
  guardrailWords,
  labelOf,
  PEEK_NOTE,
  type Row,
  SEGMENT_WARNING,
  valueOf,
} from './experiment-text.ts'
import { count, moment, plural, pValue, share } from './numbers.ts'
import { paint as paintFor } from './paint.ts'
import { disarm, oneLine, safeMarkdown } from './safe-text.ts'
import { displayWidth, wrap } from './wrap.ts'

type Section = { title: string; text: string[]; head?: Row; rows: Row[]; list?: string[] }
const WORDS = { pass: 'YES', fail: 'NO', inconclusive: 'UNDECIDED', invalid: 'INVALID' } as const
const wordOf = ({ outcome, horizon }: ExperimentReport): string =>
  outcome === 'inconclusive' && !horizon.reached ? 'TOO EARLY' : WORDS[outcome]

function splitSection({ split, unit, horizon, summary }: ExperimentReport): Section {
  const all = split.variants.reduce((sum, { units }) => sum + units, 0)
  const { units_per_variant: units, min_days } = horizon
  const when = horizon.reached
    ? `Judged with everything up to ${moment(horizon.at ?? '')}, its horizon.`
    : `The horizon is ${units === null ? 'its end' : `${count(units)} ${unit}s a variant and ${plural(min_days, 'day')}`}.`
  const as = split.ok ? 'as planned' : 'NOT as planned'
  const p = split.p === null ? '' : ` (chi-square p ${split.p < 0.001 ? '' : '= '}${pValue(split.p)})`
  return {
    title: 'Who took part',
    text: [`${when} The split is ${as}${p}; ${plural(summary.both, unit)} saw several variants.`],
    head: ['variant', `${unit}s`, 'share', 'planned'],
    rows: split.variants.map(({ variant, units: seen, planned }) => [
      variant,
      count(seen),
      share(all === 0 ? null : seen / all),
      share(planned),
    ]),
  }
}

function compared(report: ExperimentReport, title: string, list: readonly Compared[]): Section[] {
  const [first] = list
  if (first === undefined) return []
  const chances = list.flatMap((one) => {
    const chance = chanceOf(one)
    return chance === null ? [] : [`${one.metric}: a ${report.unit} of "${one.variant}" ${chance}.`]
  })
  return [
    {
      title,
      text: chances,
      head: comparedHead(first.level, 'metric'),
      rows: list.map((one) => comparedRow(one, labelOf(one, report))),
    },
  ]
}

function guardrailSection(report: ExperimentReport): Section[] {
  const [first] = report.guardrails
  if (first === undefined) return []
  const level = Number((100 * first.compared.level).toFixed(2))
  return [
    {
      title: 'Guardrails',
      text: [],
      head: ['guardrail', 'control', 'variant', 'difference', `${level} % interval`, 'allowed', 'state'],
      rows: report.guardrails.map(({ compared: one, margin, state }) => {
        const { effect, interval } = effectOf(one)
        const { control, variant } = one.value
        return [
          labelOf(one, report),
          valueOf(one.kind, control),
          valueOf(one.kind, variant),
          effect,
          interval,
          margin,
          guardrailWords[state],
        ]
      }),
    },
  ]
}

function segmentSections({ segments, primary, split }: ExperimentReport): Section[] {
  return segments.map(({ variant, rows, heterogeneity }) => ({
    title: `Segments${split.variants.length > 2 ? `, ${variant}` : ''}: ${primary[0]?.metric ?? ''}`,
    text: [
      SEGMENT_WARNING,
      heterogeneity === null
        ? 'Whether the segments differ cannot be told.'
        : heterogeneity < 0.05
          ? `The effect differs between the segments more than chance explains (p ${heterogeneity < 0.001 ? '' : '= '}${pValue(heterogeneity)}).`
          : `Nothing says that the effect differs between the segments (p = ${pValue(heterogeneity)}).`,
    ],
    head: comparedHead(rows[0]?.compared.level ?? 0.95, 'segment'),
    rows: rows.map(({ segment, compared: one }) => comparedRow(one, segment)),
  }))
}

function sectionsOf(report: ExperimentReport): Section[] {
  return [
    splitSection(report),
    ...(report.peek ? [{ title: 'A look before the horizon', text: [PEEK_NOTE], rows: [] }] : []),
    ...compared(report, 'What decides', report.primary),
    ...guardrailSection(report),
    ...compared(report, 'Also looked at', report.secondary),
    ...segmentSections(report),
    ...(report.reasons.length > 1 ? [{ title: 'Why', text: [], rows: [], list: report.reasons }] : []),
    ...(report.warnings.length > 0 ? [{ title: 'Mind', text: [], rows: [], list: report.warnings }] : []),
    { title: 'What to do next', text: [], rows: [], list: report.next },
  ]
}

function tableLines(head: Row | undefined, rows: readonly Row[]): string[] {
  if (head === undefined || rows.length === 0) return []
  const all = [head, ...rows].map((row) => row.map((cell) => oneLine(cell, 60)))
  const widths = head.map((_, column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ''))))
  const pad = (text: string, width: number, left: boolean) => {
    const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
    return left ? `${text}${space}` : `${space}${text}`
  }
  return all.map((row) => `  ${row.map((cell, i) => pad(cell, widths[i] ?? 0, i === 0)).join('  ')}`.trimEnd())
}

/** The page for a terminal; text is at most `columns` wide (60 to 120), tables as wide as they are. */
export function experimentText(
  report: ExperimentReport,
  { color, columns }: { color: boolean; columns: number },
): string {
  const paint = paintFor(color)
  const width = Math.min(Math.max(columns, 60), 120)
  const shade = { pass: paint.green, fail: paint.red, inconclusive: paint.yellow, invalid: paint.red }[report.outcome]
  const lines = [
    '',
    `${paint.bold(oneLine(report.experiment))}  ${shade(wordOf(report))}`,
    ...wrap(`Hypothesis: ${oneLine(report.hypothesis)}`, width),
    '',
    ...wrap(oneLine(report.answer), width).map(paint.bold),
  ]
  for (const { title, text, head, rows, list = [] } of sectionsOf(report)) {
    const table = tableLines(head, rows)
    lines.push(
      '',
      paint.bold(oneLine(title)),
      ...text.flatMap((one) => wrap(oneLine(one), width - 2).map((line) => `  ${line}`)),
      ...table.slice(0, 1).map(paint.dim),
      ...table.slice(1),
      ...list.flatMap((one) => wrap(oneLine(one), width - 4).map((line, i) => `${i === 0 ? '  - ' : '    '}${line}`)),
    )
  }
  return disarm(`${lines.join('\n')}\n\n`)
}

/** The same as Markdown, for a pull request or a wiki. */
export function experimentMarkdown(report: ExperimentReport): string {
  // Names are a stranger's; all other cells are numbers and words of this file.
  const cell = (text: string, i: number) => (i === 0 ? safeMarkdown(text) : text.replaceAll('<', '&lt;'))
  const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  const lines = [
    `## ${safeMarkdown(report.experiment)}: ${wordOf(report).toLowerCase()}`,
    '',
    `**${safeMarkdown(report.answer, 4000)}**`,
    '',
    `Hypothesis: ${safeMarkdown(report.hypothesis, 4000)}`,
  ]
  for (const { title, text, head, rows, list = [] } of sectionsOf(report)) {
    lines.push('', `### ${safeMarkdown(title)}`)
    for (const one of text) lines.push('', safeMarkdown(one))
    if (head !== undefined && rows.length > 0)
      lines.push('', row(head), `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(row))
    if (list.length > 0) lines.push('', ...list.map((one) => `- ${safeMarkdown(one, 4000)}`))
  }
  return `${lines.join('\n')}\n`
}
