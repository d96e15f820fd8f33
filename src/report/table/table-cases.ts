// The cases of a suite on a terminal: what flipped, one by one with its answers; what else happened, counted and named.
import type { CaseReport, SuiteReport } from '../../schema/verdict.ts'
import { plural } from '../numbers.ts'
import type { Paint } from '../paint.ts'
import { byStatus, caseGroups, errorKinds, quarantinedCases } from '../phrases.ts'
import { oneLine, plain } from '../safe-text.ts'
import { displayWidth, wrap } from '../wrap.ts'

const SHOWN = { cases: 10, failures: 3, answer: 320, answerLines: 4, errors: 3, names: 10 }

const passes = ({ passes: now, trials, baseline, errors }: CaseReport) => {
  const before = baseline ? `, was ${baseline.passes}/${baseline.trials}` : ''
  return `${now}/${trials}${before}${errors > 0 ? `, ${errors} not measured` : ''}`
}

/** `label │ text` without empty lines, with the bar on every line, so that no line begins with what a model wrote. */
function quoted(label: string, text: string, paint: Paint, width: number): string[] {
  const margin = 4
  const bar = `${' '.repeat(margin)}${label.padEnd(7)}`
  const all = wrap(
    plain(text, SHOWN.answer)
      .replace(/\n\s*\n/g, '\n')
      .trim() || '(empty)',
    Math.max(10, width - bar.length - 2),
  )
  const lines = all.slice(0, SHOWN.answerLines)
  if (all.length > lines.length) lines[lines.length - 1] = `… ${plural(all.length - lines.length + 1, 'line')} more`
  return lines.map((line, at) => `${paint.dim(`${at === 0 ? bar : ' '.repeat(bar.length)}│`)} ${line}`.trimEnd())
}

/** Text with a hanging indent, wrapped. */
function hanging(first: string, text: string, width: number): string[] {
  const lines = wrap(text, Math.max(10, width - first.length))
  return lines.map((line, at) => `${at === 0 ? first : ' '.repeat(first.length)}${line}`)
}

function flipped(found: CaseReport, mark: string, paint: Paint, width: number): string[] {
  const facts = [
    ...(found.quarantined ? ['(quarantined)'] : []),
    ...(found.critical ? ['critical'] : []),
    ...(found.category === undefined ? [] : [oneLine(found.category, 30)]),
    ...(found.file === null ? [] : [`${oneLine(found.file, 60)}${found.line === null ? '' : `:${found.line}`}`]),
  ].join(' · ')
  const id = oneLine(found.id, Math.max(12, Math.floor(width / 2)))
  const head = `${id}  ${passes(found)}`
  const fits = 4 + displayWidth(head) + 2 + displayWidth(facts) <= width
  const lines = [`  ${mark} ${paint.bold(id)}  ${passes(found)}${fits && facts ? `  ${paint.dim(facts)}` : ''}`]
  if (!fits && facts) lines.push(...hanging('    ', facts, width).map(paint.dim))
  for (const { assertion, reason, trials } of found.failures.slice(0, SHOWN.failures)) {
    const share = found.trials > 1 ? ` (${trials} of ${found.trials})` : ''
    lines.push(...hanging('    ', `${oneLine(assertion, 60)}: ${oneLine(reason, 300)}${share}`, width))
  }
  const left = found.failures.length - SHOWN.failures
  if (left > 0) lines.push(paint.dim(`    and ${plural(left, 'assertion')} more`))
  if (found.before !== null) lines.push(...quoted('before', found.before, paint, width))
  if (found.after !== null) lines.push(...quoted('now', found.after, paint, width))
  return lines
}

type CasesOf = ReturnType<typeof byStatus>

function notMeasured(casesOf: CasesOf, { totals }: SuiteReport, paint: Paint, width: number): string[] {
  const found = casesOf('not_measured')
  const kinds = errorKinds(totals.errors)
  if (found.length === 0 && kinds === '') return []
  const title = found.length > 0 ? plural(found.length, 'case') : 'single trials only'
  const lines = [paint.bold(paint.yellow(`Not measured (${title})`))]
  if (kinds) lines.push(...hanging('  ', `trials by kind: ${kinds}`, width))
  for (const one of found.slice(0, SHOWN.errors)) {
    lines.push(`  ${paint.yellow('?')} ${paint.bold(oneLine(one.id, Math.floor(width / 2)))}`)
    if (one.error !== null) lines.push(...quoted('error', one.error, paint, width))
  }
  const left = found.length - Math.min(found.length, SHOWN.errors)
  if (left > 0) lines.push(paint.dim(`  and ${left} more (see the JSON report)`))
  return [...lines, '']
}

function named(casesOf: CasesOf, width: number): string[] {
  const lists = [
    ['changed', 'Changed, so not compared'],
    ['added', 'Added, so not compared'],
    ['removed', 'Removed'],
  ] as const
  const lines = lists.flatMap(([status, title]) => {
    const found = casesOf(status)
    if (found.length === 0) return []
    const names = found
      .slice(0, SHOWN.names)
      .map(({ id }) => oneLine(id, 60))
      .join(', ')
    const left = found.length > SHOWN.names ? ` and ${found.length - SHOWN.names} more (see the JSON report)` : ''
    return hanging('  ', `${title} (${found.length}): ${names}${left}`, width)
  })
  return lines.length > 0 ? ['Since the baseline', ...lines, ''] : []
}

function quarantineLines({ cases }: SuiteReport, paint: Paint, width: number): string[] {
  const found = quarantinedCases(cases)
  if (!found) return []
  const left = found.ids.length > SHOWN.names ? ` and ${found.ids.length - SHOWN.names} more (see the JSON report)` : ''
  const names = found.ids
    .slice(0, SHOWN.names)
    .map((id) => oneLine(id, 60))
    .join(', ')
  return [paint.bold(found.title), ...hanging('  ', `${names}${left}`, width), '']
}

/** Everything about single cases, each part followed by an empty line; nothing where every case went as before. */
export function caseLines(report: SuiteReport, paint: Paint, width: number): string[] {
  const looks = {
    regressed: { mark: paint.red('✗'), title: (text: string) => paint.bold(paint.red(text)) },
    failing: { mark: paint.red('✗'), title: (text: string) => paint.bold(paint.red(text)) },
    improved: { mark: paint.green('✓'), title: (text: string) => paint.bold(paint.green(text)) },
  }
  const casesOf = byStatus(report.cases)
  const groups = caseGroups(casesOf).flatMap(({ status, title, cases }) => {
    if (cases.length === 0) return []
    const { mark, title: painted } = looks[status]
    const shown = cases.slice(0, SHOWN.cases).flatMap((one) => [...flipped(one, mark, paint, width), ''])
    const left = cases.length - SHOWN.cases
    const more = left > 0 ? [paint.dim(`  and ${left} more (see the JSON report)`), ''] : []
    return [painted(`${title} (${plural(cases.length, 'case')})`), ...shown, ...more]
  })
  return [
    ...groups,
    ...notMeasured(casesOf, report, paint, width),
    ...named(casesOf, width),
    ...quarantineLines(report, paint, width),
  ]
}
