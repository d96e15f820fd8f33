// A report as annotations for GitHub: one on the line of each failing case, as many as are shown, and the rest counted.
import type { CaseReport, Report, SuiteReport } from '../../schema/verdict.ts'
import { plural } from '../numbers.ts'
import { outcomeWord, tally } from '../phrases.ts'
import { oneLine } from '../safe-text.ts'
import type { Annotation } from '../workflow-commands.ts'

/** GitHub shows 10 errors and 10 warnings of a step and drops the rest without a word. */
const SHOWN = 10

/** The annotations of a report, errors first. `folder`: of the configuration, relative to the workspace ('' for the workspace). */
export function annotationsOf(report: Report, folder: string): Annotation[] {
  const cases = report.suites.flatMap((suite) => caseAnnotations(suite, folder))
  const verdicts = report.suites.flatMap(verdictAnnotation)
  return (['error', 'warning'] as const).flatMap((level) => {
    const found = [...verdicts, ...cases].filter((one) => one.level === level)
    if (found.length <= SHOWN) return found
    const left = found.length - SHOWN + 1
    const message = `${plural(left, 'more annotation')}: GitHub shows ${SHOWN} of a step. The job summary and the reports have all of them.`
    return [...found.slice(0, SHOWN - 1), { level, title: 'aigate', message }]
  })
}

/** A verdict that stops the pipeline is an error by itself, whatever its cases are. */
function verdictAnnotation({ suite, verdict }: SuiteReport): Annotation[] {
  if (verdict.outcome === 'pass') return []
  const message = verdict.reasons[0] ?? outcomeWord[verdict.outcome]
  return [{ level: 'error', title: `aigate: ${suite}: ${outcomeWord[verdict.outcome]}`, message }]
}

const shown: Partial<Record<CaseReport['status'], string>> = {
  regressed: 'worse than before',
  failing: 'fails',
  not_measured: 'not measured',
}

function caseAnnotations({ suite, verdict, cases }: SuiteReport, folder: string): Annotation[] {
  return cases.flatMap((one): Annotation[] => {
    const said = shown[one.status]
    if (said === undefined) return []
    const blocks = verdict.outcome === 'fail' && one.status !== 'not_measured' && one.quarantined !== true
    const failures = one.failures.slice(0, 3).map(({ assertion, reason }) => `\n${assertion}: ${oneLine(reason, 300)}`)
    const why = one.status === 'not_measured' ? (one.error ?? 'it was not asked') : tally(one)
    const place = one.file === null ? {} : { file: [folder, one.file].filter((part) => part !== '').join('/') }
    return [
      {
        level: blocks ? 'error' : 'warning',
        title: `${suite}: ${one.id} ${said}${one.critical ? ' (critical)' : ''}`,
        message: `${oneLine(why, 300)}${failures.join('')}`,
        ...place,
        ...(one.line !== null && { line: one.line }),
      },
    ]
  })
}
