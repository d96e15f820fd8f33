// The table of cases in the HTML report: a row each, and under it trials, assertions and answers as far as there is room.
import type { CaseReport, CaseStatus, SuiteReport } from '../../schema/verdict.ts'
import { answers } from './html-answers.ts'
import { bytesOf, headRow, htmlLine, paragraph, wide } from './html-parts.ts'
import { count, dollars, duration, plural } from '../numbers.ts'
import { safeAttribute } from '../safe-text.ts'

/** A sign beside each word, so that no colour is needed; the class colours it. */
const states: Record<CaseStatus, { sign: string; class: string }> = {
  regressed: { sign: '✗', class: 'fail' },
  failing: { sign: '✗', class: 'fail' },
  not_measured: { sign: '!', class: 'invalid' },
  improved: { sign: '✓', class: 'pass' },
  changed: { sign: '~', class: 'shown' },
  added: { sign: '+', class: 'shown' },
  removed: { sign: '−', class: 'shown' },
  unchanged: { sign: '=', class: 'shown' },
  passing: { sign: '✓', class: 'pass' },
}
const NONE = '–'
const columns = ['outcome', 'case', 'category', 'now', 'before', 'score', 'median ms', 'mean cost']

const stateWord = (status: CaseStatus) => status.replace('_', ' ')
const categoryOf = ({ category }: CaseReport) => htmlLine(category ?? '', 40) || NONE
const mark = (passed: boolean | null) => (passed === null ? '–' : passed ? '✓' : '✗')

function caseRow(found: CaseReport): string {
  const { status, passes, trials, baseline, score, latency_ms, cost_usd } = found
  const state = states[status]
  const critical = found.critical ? ' <small>critical</small>' : ''
  const cells = [
    categoryOf(found),
    trials === 0 ? NONE : `${passes}/${trials}`,
    baseline ? `${baseline.passes}/${baseline.trials}` : NONE,
    score === null ? NONE : score.toFixed(2),
    latency_ms === null ? NONE : String(Math.round(latency_ms)),
    htmlLine(dollars(cost_usd)),
  ].map((text) => `<td>${text}</td>`)
  const word = `${state.sign} ${stateWord(status)}${found.quarantined ? ' (quarantined)' : ''}`
  return `<tr><td class="${state.class}">${word}</td><th scope="row">${htmlLine(found.id, 120)}${critical}</th>${cells.join('')}</tr>`
}

const SHOWN = { trials: 12, assertions: 12 }

function trialsText({ detail, errors }: CaseReport): string {
  if (!detail) return errors > 0 ? `${plural(errors, 'trial')} not measured` : ''
  const shown = detail.trials.slice(0, SHOWN.trials).map(({ passed, latency_ms }) => {
    const word = passed === null ? '! not measured' : mark(passed)
    return latency_ms === null ? word : `${word} ${duration(latency_ms)}`
  })
  const left = detail.trials.length - SHOWN.trials
  const more = left > 0 ? `, and ${plural(left, 'trial')} more` : ''
  return `trials ${shown.join(', ')}${more}`
}

/** Assertion by assertion, those that failed first: which trials passed, and why. `short`: those that always held share a line. */
function assertionItems({ detail, failures, trials }: CaseReport, short: boolean): string {
  const told = detail
    ? detail.assertions.map(({ assertion, passed, reason }) => {
        const graded = passed.filter((one) => one !== null)
        const held = graded.filter(Boolean).length
        const marks = passed.slice(0, SHOWN.trials).map(mark).join('')
        const numbers = `${held}/${graded.length} ${marks}`
        return { name: assertion, numbers, reason, failed: graded.length - held, whole: held === passed.length }
      })
    : failures.map(({ assertion, reason, trials: failed }) => ({
        name: assertion,
        numbers: `${trials - failed}/${trials}`,
        reason,
        failed,
        whole: false,
      }))
  const code = (name: string) => `<code>${htmlLine(name, 80)}</code>`
  const sorted = told.toSorted((a, b) => b.failed - a.failed)
  const alone = sorted.filter(({ whole }) => !short || !whole).slice(0, SHOWN.assertions)
  const together = sorted.filter(({ whole }) => short && whole).slice(0, SHOWN.assertions)
  const left = told.length - alone.length - together.length
  const items = [
    ...alone.map(({ name, numbers, reason }) => `${code(name)} ${numbers} ${htmlLine(reason, 400)}`),
    ...(together.length > 0 ? [`✓ ${together.map(({ name }) => code(name)).join(' ')}`] : []),
    ...(left > 0 ? [`and ${plural(left, 'assertion')} more`] : []),
  ]
  return items.length === 0 ? '' : `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
}

/** UTF-16 units of each answer that a level shows; 0: none. */
const LEVELS = [0, 160, 600, 1500] as const

function detailRow(found: CaseReport, level: number): string {
  const most = LEVELS[level] ?? 0
  const place = found.file === null ? '' : htmlLine(`${found.file}${found.line === null ? '' : `:${found.line}`}`, 160)
  const error = found.error === null ? '' : paragraph(htmlLine(found.error, 400), 'warning')
  const facts = [place, trialsText(found)].filter((text) => text !== '').join(' · ')
  const texts = most === 0 ? '' : answers(found, most)
  const body = `${paragraph(facts, 'dim')}${error}${assertionItems(found, level < 2)}${texts}`
  return body === '' ? '' : `<tr><td colspan="${columns.length}">${body}</td></tr>`
}

/** So many of the worst are shown whole before room is given to the others. */
const WHOLE_FIRST = 20
/** Share of the room that rows leave to what stands under them. */
const FOR_DETAILS = 0.25

/**
 * Rows worst first while they fit, then what stands under them: the worst whole, then all of them ever longer.
 * @returns blocks of one `<tbody>` each, and how many cases have no row, no detail, and no answers
 */
function fitted(cases: readonly CaseReport[], room: number) {
  let free = room
  const rows: string[] = []
  for (const found of cases) {
    const text = caseRow(found)
    const size = bytesOf(text) + '<tbody></tbody>\n'.length
    if (size > free - room * FOR_DETAILS) break
    free -= size
    rows.push(text)
  }
  const details = rows.map(() => ({ text: '', size: 0, level: -1 }))
  const raise = (level: number, until: number) => {
    for (const [at, known] of details.slice(0, until).entries()) {
      const found = cases[at]
      if (found === undefined || known.level >= level) continue
      const text = detailRow(found, level)
      const size = bytesOf(text)
      if (size - known.size > free) {
        if (free < 100) break
        continue
      }
      free -= size - known.size
      details[at] = { text, size, level }
    }
  }
  raise(LEVELS.length - 1, WHOLE_FIRST)
  for (const level of LEVELS.keys()) raise(level, details.length)
  const bodies = rows.map((text, at) => `<tbody>${text}${details[at]?.text ?? ''}</tbody>`)
  const having = (least: number) => details.filter(({ level }) => level >= least).length
  return { bodies, rows: rows.length, facts: having(0), answers: having(1) }
}

function choice(name: string, values: ReadonlyMap<string, number>): string {
  const options = [...values].map(([value, cases]) => `<option value="${value}">${value} (${count(cases)})</option>`)
  return `<label>${name}<select><option value="">all</option>${options.join('')}</select></label>`
}

function controls(cases: readonly CaseReport[]): string {
  const outcomes = new Map<string, number>()
  const categories = new Map<string, number>()
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  for (const found of cases) {
    add(outcomes, stateWord(found.status))
    if (found.quarantined) add(outcomes, 'quarantined')
    if (categories.size < 60 || categories.has(categoryOf(found)))
      add(categories, categoryOf(found).replaceAll('\n', ' '))
  }
  return [
    '<div class="controls" role="search">',
    '<label>search<input type="search" autocomplete="off"/></label>',
    choice('outcome', outcomes),
    choice('category', categories),
    '<button type="button" aria-pressed="false">open all</button>',
    '<p class="dim" role="status" aria-live="polite"></p></div>',
  ].join('')
}

/** The cases of a suite with what finds them, in at most about `room` bytes; what is left out is counted. */
export function casesBlock({ suite, cases }: SuiteReport, room: number): string {
  if (cases.length === 0) return ''
  const RESERVE = 1200
  const found = fitted(cases, room - RESERVE - bytesOf(controls(cases)))
  if (found.rows === 0)
    return paragraph(`${plural(cases.length, 'case')} left out for length (see the JSON report).`, 'dim')
  const counted = [
    [cases.length - found.rows, 'left out for length'],
    [found.rows - found.facts, 'shown without trials and assertions for length'],
    [found.facts - found.answers, 'shown without answers for length'],
  ] as const
  const notes = counted.flatMap(([left, what]) => (left > 0 ? [`${plural(left, 'case')} ${what}`] : []))
  const note = notes.length === 0 ? '' : paragraph(`${notes.join('; ')} (see the JSON report).`, 'dim')
  const caption = `<caption>Worst first. Passed of measured trials; a case opens to its trials, assertions and answers.</caption>`
  const inner = `<table>${caption}${headRow(columns)}\n${found.bodies.join('\n')}\n</table>`
  const shown = cases.slice(0, found.rows)
  return `<h3>Cases (${count(cases.length)})</h3><div class="cases">${controls(shown)}${wide(`Cases of ${safeAttribute(suite, 80)}`, inner)}</div>${note}`
}
