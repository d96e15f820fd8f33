// The Markdown reporter: for job summaries and pull requests; never longer than a comment may be.
import type { Reporter } from '../ports.ts'
import type { CaseReport, Outcome, Report, SuiteReport } from '../schema/verdict.ts'
import { attributionMarkdown } from './attribution.ts'
import { plural, share } from './numbers.ts'
import { type GateCells, gateCells, intervalNote, shownGates } from './gate-cells.ts'
import {
  byStatus,
  caseGroups,
  errorKinds,
  nextSteps,
  outcomeWord,
  passRate,
  provenance,
  quarantinedCases,
  settledByPolicy,
  tally,
  totalPhrases,
  unchangedText,
} from './phrases.ts'
import { codeSpan, fenced, safeMarkdown } from './safe-text.ts'

/** Characters of the whole text: forges take 65,535 and refuse everything beyond. */
export const MARKDOWN_LIMIT = 60_000
/** Kept free for the sentences that say what was left out. */
const RESERVE = 500
const SHOWN = { gates: 30, warnings: 10, reasons: 5, suites: 50, names: 30 }

export const icon: Record<Outcome, string> = { pass: '✅', fail: '❌', inconclusive: '❔', invalid: '⚠️' }

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const more = (left: number, what: string) =>
  left > 0 ? [`… and ${plural(left, what)} more (see the JSON report)`] : []

export function gatesTable({ verdict }: SuiteReport): string {
  const { shown, criticalHeld, notes: left } = shownGates(verdict)
  if (shown.length === 0) return ''
  const keys = [
    'gate',
    'now',
    'before',
    'difference',
    'interval',
    'limit',
    'p',
    'verdict',
  ] as const satisfies readonly (keyof GateCells)[]
  const lines = shown.slice(0, SHOWN.gates).map((gate) => {
    const cells = gateCells(gate)
    const mark = gate.decides && gate.outcome !== 'pass' ? `${icon[gate.outcome]} **${cells.verdict}**` : cells.verdict
    return row(
      keys.map((key) =>
        key === 'gate' ? codeSpan(cells.gate, 60) : key === 'verdict' ? mark : cells[key].replaceAll('<', '&lt;'),
      ),
    )
  })
  const notes = [
    ...more(shown.length - SHOWN.gates, 'gate'),
    ...(criticalHeld > 0 ? [`${plural(criticalHeld, 'critical case')} hold.`] : []),
    ...left.map((note) => `${note}.`),
    ...(shown.some(({ decides }) => !decides) ? ['A verdict in brackets is shown only and decides nothing.'] : []),
    ...[intervalNote(verdict)].filter((note) => note !== null),
  ]
  const head = [row(keys), row(keys.map((key, at) => (at === 0 || key === 'verdict' ? ':--' : '--:')))]
  return [...head, ...lines, ...(notes.length > 0 ? ['', `<sub>${notes.join(' ')}</sub>`] : [])].join('\n')
}

export function caseBlock(found: CaseReport): string {
  const facts = [
    ...(found.quarantined ? ['(quarantined)'] : []),
    ...(found.critical ? ['**critical**'] : []),
    ...(found.category === undefined ? [] : [codeSpan(found.category, 60)]),
    tally(found),
    ...(found.file === null ? [] : [codeSpan(`${found.file}${found.line === null ? '' : `:${found.line}`}`, 120)]),
  ]
  const failures = found.failures
    .slice(0, 5)
    .map(
      ({ assertion, reason, trials }) =>
        `- ${codeSpan(assertion, 80)}: ${safeMarkdown(reason, 400)} (${plural(trials, 'trial')})`,
    )
  const answers = [
    ...(found.before === null ? [] : ['before', '', fenced(found.before, 1200), '']),
    ...(found.after === null ? [] : ['now', '', fenced(found.after, 1200), '']),
  ]
  const details = answers.length > 0 ? ['', '<details><summary>answers</summary>', '', ...answers, '</details>'] : []
  return [`**${codeSpan(found.id, 120)}** · ${facts.join(' · ')}`, '', ...failures, ...details].join('\n')
}

/** Takes blocks in their order while they fit; one that does not fit is left out and counted. Each costs two line ends more. */
function fill<T>(items: readonly T[], room: number, blockOf: (item: T) => string) {
  const taken: string[] = []
  let used = 0
  for (const item of items) {
    const block = blockOf(item)
    if (used + block.length + 2 > room) continue
    taken.push(block)
    used += block.length + 2
  }
  return { taken, left: items.length - taken.length, used }
}

/** Everything about a suite but its cases, the most important first. */
function facts(report: SuiteReport): string[] {
  const { verdict, totals } = report
  const from = provenance(report)
  const policy = settledByPolicy(verdict)
  const [first = '', ...others] = verdict.reasons.map((reason) => safeMarkdown(reason, 500))
  const title = `## ${icon[verdict.outcome]} ${outcomeWord[verdict.outcome]} · ${safeMarkdown(`${report.suite} ${report.suite_version}`, 120)}`
  const steps = nextSteps(report).map(
    ({ say, command }) => `${safeMarkdown(say, 400)}${command ? `: ${codeSpan(command)}` : ''}`,
  )
  const errors = errorKinds(totals.errors)
  const warnings = verdict.warnings.map((warning) => `> ⚠️ ${safeMarkdown(warning, 400)}`)
  return [
    title,
    `**${first || outcomeWord[verdict.outcome]}**${policy ? ` (${policy})` : ''}`,
    others
      .slice(0, SHOWN.reasons)
      .map((reason) => `- ${reason}`)
      .join('\n'),
    gatesTable(report),
    attributionMarkdown(report),
    [
      ...warnings.slice(0, SHOWN.warnings),
      ...more(warnings.length - SHOWN.warnings, 'warning').map((text) => `> ${text}`),
    ].join('\n>\n'),
    `**Next:** ${steps.join('; ')}`,
    `<sub>${[from.what, from.run, from.baseline].map((text) => safeMarkdown(text, 400)).join('<br>')}</sub>`,
    `<sub>${[...totalPhrases(report), ...(errors ? [`not measured: ${safeMarkdown(errors, 400)}`] : [])].join(' · ')}</sub>`,
  ].filter((block) => block !== '')
}

const named: Partial<Record<CaseReport['status'], string>> = {
  changed: 'Changed since the baseline, not compared',
  added: 'Added since the baseline, not compared',
  removed: 'Removed since the baseline',
  not_measured: 'Not measured',
}

function nameLists({ cases }: SuiteReport): string[] {
  const held = quarantinedCases(cases)
  const heldIds = held ? held.ids.slice(0, SHOWN.names).map((id) => codeSpan(id, 80)) : []
  const quarantined = held
    ? [`${held.title}: ${[...heldIds, ...more(held.ids.length - SHOWN.names, 'case')].join(', ')}`]
    : []
  const lists = Object.entries(named).flatMap(([status, title]) => {
    const found = cases.filter((one) => one.status === status)
    if (found.length === 0) return []
    const names = found.slice(0, SHOWN.names).map(({ id }) => codeSpan(id, 80))
    return [`${title}: ${[...names, ...more(found.length - SHOWN.names, 'case')].join(', ')}`]
  })
  return [...lists, ...quarantined]
}

function renderSuite(report: SuiteReport, room: number): string {
  const head = fill([...facts(report), ...nameLists(report)], room - RESERVE, (block) => block)
  const out = head.taken
  let left = head.left
  let free = room - RESERVE - head.used
  let cases = 0
  for (const group of caseGroups(byStatus(report.cases))) {
    if (group.cases.length === 0) continue
    const title = `### ${group.title} (${group.cases.length})`
    const filled = fill(group.cases, free - title.length - 2, caseBlock)
    cases += filled.left
    if (filled.taken.length === 0) continue
    out.push(title, ...filled.taken)
    free -= filled.used + title.length + 2
  }
  if (cases > 0) out.push(`_${plural(cases, 'case')} left out for length (see the JSON report)._`)
  if (left > 0) out.push(`_${plural(left, 'section')} left out for length (see the JSON report)._`)
  return out.join('\n\n')
}

function summary(report: Report): string[] {
  if (report.suites.length < 2) return []
  const lines = report.suites.slice(0, SHOWN.suites).map(({ suite, suite_version, verdict }) => {
    const rate = passRate(verdict)
    const cells = [
      `${icon[verdict.outcome]} ${outcomeWord[verdict.outcome]}`,
      codeSpan(`${suite} ${suite_version}`, 80),
    ]
    return row([...cells, share(rate?.now ?? null), share(rate?.before ?? null)])
  })
  return [
    `# ${icon[report.outcome]} ${outcomeWord[report.outcome]}`,
    [row(['verdict', 'suite', 'pass rate', 'before']), row([':--', ':--', '--:', '--:']), ...lines].join('\n'),
    ...more(report.suites.length - SHOWN.suites, 'suite'),
  ]
}

/** The report as GitHub-flavoured Markdown of at most MARKDOWN_LIMIT characters; what is left out is counted. */
export const markdown: Reporter = (report) => {
  if (report.suites.length === 0)
    return `## ${icon[report.outcome]} ${outcomeWord[report.outcome]}\n\n${safeMarkdown(unchangedText(report), 500)}\n`
  const out = summary(report)
  let room = MARKDOWN_LIMIT - RESERVE - out.join('\n\n').length
  let left = 0
  for (const [at, suite] of report.suites.entries()) {
    const fair = Math.floor(room / (report.suites.length - at)) - 2
    // Less than this holds no verdict with a reason: the suite is counted instead.
    const text = room < 3000 ? '' : renderSuite(suite, Math.max(fair, 3000) - 2)
    if (text === '') left++
    else out.push(text)
    room -= text.length + 2
  }
  if (left > 0) out.push(`_${plural(left, 'suite')} left out for length (see the JSON report)._`)
  return `${out.join('\n\n')}\n`
}
