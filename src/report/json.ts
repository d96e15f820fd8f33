// The JSON reporter: the report as it stands, in the key order of its schema.
import type { Reporter } from '../ports.ts'
import { CaseReport, Report } from '../schema/verdict.ts'
import { safeJson } from './safe-text.ts'

/**
 * The report as JSON, two spaces, with a line end. Keys come in the order of the schema, whatever made the report.
 * Throws ZodError when the report does not have the published shape.
 */
export const json: Reporter = (report) => [...jsonPieces(report)].join('')

/** The list of cases of a suite, as it stands in the text of a report without any. */
const NO_CASES = /^ {6}"cases": \[\]/m

/** The same piece by piece, a case each: the text of a large report is longer than a string can be. */
export function* jsonPieces(report: Report): Generator<string> {
  const bare = { ...report, suites: report.suites.map((suite) => ({ ...suite, cases: [] })) }
  const parts = JSON.stringify(Report.parse(bare), null, 2).split(NO_CASES)
  for (const [nth, part] of parts.entries()) {
    yield safeJson(part)
    const cases = report.suites[nth]?.cases
    if (nth === parts.length - 1 || !cases) continue
    yield `      "cases": [${cases.length === 0 ? '' : '\n'}`
    for (const [at, one] of cases.entries()) yield caseText(one, at === cases.length - 1)
    yield cases.length === 0 ? ']' : '      ]'
  }
  yield '\n'
}

function caseText(one: CaseReport, last: boolean): string {
  // Line ends within texts are escaped: these are all of the form.
  const text = JSON.stringify(CaseReport.parse(one), null, 2).replaceAll('\n', '\n        ')
  return `        ${safeJson(text)}${last ? '' : ','}\n`
}
