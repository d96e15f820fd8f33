// The comment on a pull request and the job summary: verdict, gates, what changed, flipped cases, what to do next.
import type { Outcome, Report, SuiteReport } from '../../schema/verdict.ts'
import { attributionMarkdown } from '../attribution.ts'
import { caseBlock, gatesTable, icon } from '../markdown.ts'
import { plural, points, share } from '../numbers.ts'
import {
  criticalFirst,
  errorKinds,
  nextSteps,
  outcomeWord,
  passRate,
  provenance,
  settledByPolicy,
  totalPhrases,
  unchangedText,
} from '../phrases.ts'
import { codeSpan, oneLine, safeMarkdown } from '../safe-text.ts'
import { answeredOtherwise, caseChanges, type Change, targetChanges } from '../what-changed.ts'

/** Where the text goes, and what it may link to. Addresses are those of the runner, never of a report. */
export type GithubFrame = {
  /** Units that `size` counts and that are never exceeded; at least 4,000. */
  limit: number
  size: (text: string) => number
  /** Of the workflow run and of the artifact with all reports. */
  links: { run?: string | undefined; artifact?: string | undefined }
  commit?: string | undefined
  /** Said above everything else, for example that answers were replayed. */
  notes: readonly string[]
}

/** Kept free for the sentences that count what was left out. */
const RESERVE = 600
const SHOWN = { reasons: 5, warnings: 8, changes: 12 }

const order: Record<Outcome, number> = { fail: 0, invalid: 1, inconclusive: 2, pass: 3 }

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

const changeLine = ({ what, before, now }: Change) => {
  const side = (value: string | null) => (value === null ? 'none' : codeSpan(value, 120))
  return `- ${safeMarkdown(what, 80)}: ${side(before)} → ${side(now)}`
}

function whatChanged(report: SuiteReport): string {
  if (!report.baseline) return '**What changed:** unknown, there is no baseline.'
  const changes = [...targetChanges(report.baseline.target, report.target), ...answeredOtherwise(report)]
  const lines = changes.slice(0, SHOWN.changes).map(changeLine)
  if (changes.length > SHOWN.changes) lines.push(`- … and ${plural(changes.length - SHOWN.changes, 'more change')}`)
  const cases = caseChanges(report)
  if (cases.length > 0) lines.push(`- suite: ${cases.join(', ')} since the baseline, not compared`)
  if (lines.length === 0) return '**What changed:** nothing that is recorded: prompt, model, parameters and cases are those of the baseline.' // biome-ignore format: one sentence
  return ['**What changed**', '', ...lines].join('\n')
}

const suiteName = ({ suite, suite_version }: SuiteReport) => safeMarkdown(`${suite} ${suite_version}`, 120)

/** The sentence under the title: the most important reason. */
const why = ({ verdict }: SuiteReport) => {
  const policy = settledByPolicy(verdict)
  return `**${safeMarkdown(verdict.reasons[0] ?? outcomeWord[verdict.outcome], 500)}**${policy ? ` (${policy})` : ''}`
}

/** What a reader of a pull request can do: the records of this run are on a runner that is gone, so it is run again. */
function steps(report: SuiteReport): string[] {
  const name = /^\w[\w./:@-]*$/.test(report.suite) ? report.suite : '<suite>'
  const again = { say: 'see it on your own machine', command: `aigate eval ${name}` }
  const here = nextSteps(report).filter(({ command }) => command !== `aigate report ${report.run.id}`)
  const known = report.verdict.outcome === 'pass' || here.some(({ command }) => command === again.command)
  const own = known ? here : [again, ...here]
  return own.map(({ say, command }) => {
    const typed = command?.replaceAll(report.run.id, 'latest')
    return `- ${safeMarkdown(say, 400)}${typed === undefined ? '' : `: ${codeSpan(typed)}`}`
  })
}

/** Everything about a suite but its cases; `alone`: the title of the whole names it already. */
function facts(report: SuiteReport, alone: boolean): string {
  const { verdict, totals } = report
  const from = provenance(report)
  const errors = errorKinds(totals.errors)
  const others = verdict.reasons.slice(1, 1 + SHOWN.reasons).map((reason) => `- ${safeMarkdown(reason, 400)}`)
  const warnings = verdict.warnings.slice(0, SHOWN.warnings).map((text) => `> ⚠️ ${safeMarkdown(text, 400)}`)
  const left = verdict.warnings.length - warnings.length
  if (left > 0) warnings.push(`> … and ${plural(left, 'more warning')}`)
  const next = steps(report)
  return [
    alone ? '' : `### ${icon[verdict.outcome]} ${outcomeWord[verdict.outcome]} · ${suiteName(report)}`,
    why(report),
    others.join('\n'),
    gatesTable(report),
    attributionMarkdown(report),
    whatChanged(report),
    `**Cost and time:** ${[...totalPhrases(report), ...(errors ? [`not measured: ${safeMarkdown(errors, 400)}`] : [])].join(' · ')}`,
    warnings.join('\n>\n'),
    next.length > 0 ? ['**What to do next**', '', ...next].join('\n') : '',
    `<sub>${[from.what, from.run, from.baseline].map((text) => safeMarkdown(text, 400)).join('<br>')}</sub>`,
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

const groups = [
  ['regressed', 'Worse than before'],
  ['failing', 'Failing'],
  ['improved', 'Better than before'],
  ['not_measured', 'Not measured'],
] as const

/** The flipped cases that fit into `room`, worst first; what does not fit is counted. */
function flipped({ cases }: SuiteReport, room: number, size: GithubFrame['size']): { text: string; left: number } {
  const out: string[] = []
  let used = 0
  let left = 0
  for (const [status, title] of groups) {
    const found = criticalFirst(cases).filter((one) => one.status === status)
    let head = found.length > 0 ? `#### ${title} (${found.length})` : ''
    for (const one of found) {
      const error = one.error === null ? '' : `\n\n- ${safeMarkdown(one.error, 300)}`
      const block = `${caseBlock(one)}${error}`
      const cost = size(block) + (head === '' ? 0 : size(head) + 2) + 2
      if (used + cost > room) {
        left += 1
        continue
      }
      if (head !== '') out.push(head)
      out.push(block)
      head = ''
      used += cost
    }
  }
  return { text: out.join('\n\n'), left }
}

function overview({ suites }: Report): string {
  if (suites.length < 2) return ''
  const rows = suites.toSorted(bySeverity).slice(0, 100)
  const lines = rows.map(({ suite, verdict }) => {
    const rate = passRate(verdict)
    const gained = rate && rate.before !== null ? rate.now - rate.before : null
    const cells = [`${icon[verdict.outcome]} ${outcomeWord[verdict.outcome]}`, codeSpan(suite, 80)]
    return `| ${[...cells, share(rate?.now ?? null), share(rate?.before ?? null), points(gained)].join(' | ')} |`
  })
  const left = suites.length - rows.length
  const table = ['| verdict | suite | pass rate | before | difference |', '| :-- | :-- | --: | --: | --: |', ...lines]
  return [...table, ...(left > 0 ? ['', `… and ${plural(left, 'more suite')}`] : [])].join('\n')
}

const bySeverity = (a: SuiteReport, b: SuiteReport) => order[a.verdict.outcome] - order[b.verdict.outcome]

/** A link of the runner's own making; anything that is no plain address is left out. */
const link = (label: string, url: string | undefined) =>
  url !== undefined && /^https?:\/\/[\w.~:/?#@!&+=%-]+$/.test(url) ? [`[${label}](${url})`] : []

const footer = ({ links, commit }: GithubFrame) => {
  const parts = [
    ...(commit === undefined ? [] : [`commit ${codeSpan(commit.slice(0, 12))}`]),
    ...link('workflow run', links.run),
    ...link('all reports', links.artifact),
  ]
  return parts.length > 0 ? `<sub>${parts.join(' · ')}</sub>` : ''
}

/** The report as Markdown that never exceeds the limit: whole sections are left out and counted, no sentence is cut. */
export function githubMarkdown(report: Report, frame: GithubFrame): string {
  const { size, limit } = frame
  const worst = report.suites.toSorted(bySeverity)[0]
  const lead = worst && report.suites.length > 1 ? `${codeSpan(worst.suite, 80)}: ${why(worst)}` : ''
  const alone = report.suites.length === 1
  const of = alone && worst ? ` · ${suiteName(worst)}` : ''
  const title = `## ${icon[report.outcome]} aigate: ${outcomeWord[report.outcome]}${of}`
  const notes = frame.notes.map((note) => `> ⚠️ **${safeMarkdown(note, 500)}**`).join('\n>\n')
  const empty = report.suites.length === 0 ? safeMarkdown(sentence(unchangedText(report)), 500) : ''
  const head = [title, notes, lead, overview(report), empty].filter((block) => block !== '')
  const foot = footer(frame)
  let room = limit - RESERVE - size(head.join('\n\n')) - size(foot)
  const parts: { suite: SuiteReport; text: string }[] = []
  let suitesLeft = 0
  for (const suite of report.suites.toSorted(bySeverity)) {
    const text = facts(suite, alone)
    // Room for the sentence that counts its cases is kept for every suite.
    const cost = size(text) + size(leftOut(suite.cases.length, 'case', frame)) + 6
    if (cost > room) suitesLeft += 1
    else {
      parts.push({ suite, text })
      room -= cost
    }
  }
  const bodies = parts.map(({ suite, text }, at) => {
    // Each suite may use what is its fair share of the room that is left, and hands on what it does not need.
    const cases = flipped(suite, Math.floor(room / (parts.length - at)), size)
    room -= size(cases.text)
    return [text, cases.text, leftOut(cases.left, 'case', frame)].filter((block) => block !== '').join('\n\n')
  })
  const left = leftOut(suitesLeft, 'suite', frame)
  return `${[...head, ...bodies, left, foot].filter((block) => block !== '').join('\n\n')}\n`
}

/** How many were left out, and where all of them are; empty for none. */
function leftOut(count: number, what: string, { links }: GithubFrame): string {
  const [url = 'the reports have all of them'] = link('the reports have all of them', links.artifact ?? links.run)
  return count > 0 ? `_${plural(count, what)} left out for length (${url})._` : ''
}

/** What is said where the change touches nothing that the gate looks at. */
export function nothingToEvaluate(sentence: string, frame: GithubFrame): string {
  const title = `## ${icon.pass} aigate: no relevant change`
  return `${[title, safeMarkdown(oneLine(sentence), 1500), footer(frame)].filter((block) => block !== '').join('\n\n')}\n`
}

/** What is said where nothing was evaluated: why, and what to do. */
export function notEvaluated(sentence: string, mend: string, frame: GithubFrame): string {
  const body = [
    `## ${icon.invalid} aigate: not evaluated`,
    `**${safeMarkdown(oneLine(sentence), 1500)}**`,
    `**What to do next:** ${safeMarkdown(oneLine(mend), 1500)}`,
    footer(frame),
  ]
  return `${body.filter((block) => block !== '').join('\n\n')}\n`
}
