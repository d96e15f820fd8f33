// The single cases in the HTML report: one folded block each, and the names of those that were not compared.
import type { CaseReport, SuiteReport } from '../schema/verdict.ts'
import { htmlLine, htmlText, list, more, paragraph } from './html-parts.ts'
import { plural } from './numbers.ts'
import { tally } from './phrases.ts'

const SHOWN = { names: 40, failures: 5 }
/** Characters of one answer. */
const ANSWER = 1500

/** One case, folded: how it went, which assertions failed, the answers before and now. */
export function caseBlock(found: CaseReport): string {
  const place =
    found.file === null
      ? ''
      : `<code>${htmlLine(`${found.file}${found.line === null ? '' : `:${found.line}`}`, 160)}</code>`
  const facts = [
    ...(found.critical ? ['<strong>critical</strong>'] : []),
    ...(found.quarantined === true ? ['in quarantine'] : []),
    ...(found.category === undefined ? [] : [htmlLine(found.category, 60)]),
    htmlLine(tally(found)),
  ]
  const failures = found.failures
    .slice(0, SHOWN.failures)
    .map(
      ({ assertion, reason, trials }) =>
        `<code>${htmlLine(assertion, 80)}</code> ${htmlLine(reason, 400)} (${plural(trials, 'trial')})`,
    )
  const answer = (title: string, text: string | null) =>
    text === null ? '' : `<small>${title}</small><pre dir="auto">${htmlText(text, ANSWER) || '(empty)'}</pre>`
  return [
    `<details><summary><code>${htmlLine(found.id, 120)}</code> <span class="dim">${facts.join(' · ')}</span></summary>`,
    paragraph(place),
    list([...failures, ...more(found.failures.length - SHOWN.failures, 'assertion')]),
    answer('before', found.before),
    answer('now', found.after),
    '</details>',
  ].join('')
}

const named: Partial<Record<CaseReport['status'], string>> = {
  changed: 'Changed since the baseline, not compared',
  added: 'Added since the baseline, not compared',
  removed: 'Removed since the baseline',
  not_measured: 'Not measured',
}

/** The cases that were not compared, by name. */
export function nameLists({ cases }: SuiteReport): string {
  return Object.entries(named)
    .map(([status, title]) => {
      const found = cases.filter((one) => one.status === status)
      const names = found.slice(0, SHOWN.names).map(({ id }) => `<code>${htmlLine(id, 80)}</code>`)
      return found.length === 0
        ? ''
        : paragraph(`${title} (${found.length}): ${[...names, ...more(found.length - SHOWN.names, 'case')].join(', ')}`)
    })
    .join('')
}
