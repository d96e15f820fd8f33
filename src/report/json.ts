// The JSON reporter: the report as it stands, in the key order of its schema.
import { CaseReport, Report } from '../schema/verdict.ts'
import { jsonList } from './json-list.ts'
import { safeJson } from './safe-text.ts'

/** The list of cases of a suite, as it stands in the text of a report without any. */
const NO_CASES = /^( {6}"cases": )\[\]/m

/**
 * The report as JSON, two spaces, with a line end, a case a piece. Keys come in the order of the schema, whatever made the
 * report. Throws ZodError when the report does not have the published shape.
 */
export function* json(report: Report): Generator<string> {
  const bare = { ...report, suites: report.suites.map((suite) => ({ ...suite, cases: [] })) }
  const parts = JSON.stringify(Report.parse(bare), null, 2).split(NO_CASES)
  for (const [nth, part] of parts.entries()) {
    yield safeJson(part)
    if (nth % 2 === 1) yield* jsonList(inOrder(report.suites[(nth - 1) / 2]?.cases ?? []), '      ')
  }
  yield '\n'
}

function* inOrder(cases: readonly CaseReport[]): Generator<CaseReport> {
  for (const one of cases) yield CaseReport.parse(one)
}
