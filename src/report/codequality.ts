// The GitLab Code Quality reporter: a finding for each case that failed or was not measured, and for each gate that stops the change.
import type { CaseReport, GateResult, Report, SuiteReport } from '../schema/verdict.ts'
import { jsonList } from './json-list.ts'
import { tally } from './phrases.ts'
import { oneLine } from './safe-text.ts'
import { caseTests, gateTests } from './test-cases.ts'

type Severity = 'info' | 'minor' | 'major' | 'critical' | 'blocker'
type Finding = { check: string; id: string; description: string; severity: Severity; path: string; line: number }

/** Where a finding stands that no line of a suite file caused. */
const NO_PLACE = 'aigate.yaml'

/** FNV-1a with 64 bits (Fowler, Noll and Vo) over UTF-16 units, as 16 hexadecimal digits: a name, no protection. */
function nameHash(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at += 1)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}

/** GitLab wants a path relative to the repository, without `./`. */
const pathOf = (file: string | null) => oneLine(file ?? '', 300).replace(/^(\.\/)+/, '') || NO_PLACE

function severityOf(found: CaseReport): Severity {
  if (found.quarantined) return 'info'
  if (found.status === 'not_measured') return 'minor'
  return found.critical ? 'blocker' : 'major'
}

function* caseFindings(report: SuiteReport): Generator<Finding> {
  for (const { found, trouble } of caseTests(report)) {
    if (found === null || trouble === null) continue
    const description = `${oneLine(found.id, 120)}: ${tally(found)}. ${oneLine(trouble.message, 300)}`
    const place = { path: pathOf(found.file), line: found.line ?? 1 }
    yield { check: `aigate/${trouble.type}`, id: found.id, description, severity: severityOf(found), ...place }
  }
}

const gateSeverity: Record<GateResult['outcome'], Severity> = {
  pass: 'info',
  fail: 'critical',
  inconclusive: 'major',
  invalid: 'major',
}

function gateFindings(report: SuiteReport): Finding[] {
  const file = report.cases.find((found) => found.file !== null)?.file ?? null
  return gateTests(report).flatMap(({ name, trouble }) => {
    if (trouble === null) return []
    const outcome = report.verdict.gates.find(({ id }) => id === name)?.outcome ?? report.verdict.outcome
    const description = `${oneLine(report.suite, 80)}, ${oneLine(name, 80)}: ${oneLine(trouble.message, 400)}`
    return [
      { check: 'aigate/gate', id: name, description, severity: gateSeverity[outcome], path: pathOf(file), line: 1 },
    ]
  })
}

/**
 * The report as a GitLab Code Quality artifact: a JSON array, a finding a piece. A fingerprint is made of the suite, the case or
 * gate and the kind of check, without line and numbers, so that GitLab knows the same finding again.
 */
export function* codequality({ suites }: Report): Generator<string> {
  yield* jsonList(published(suites), '')
  yield '\n'
}

function* published(suites: readonly SuiteReport[]) {
  const times = new Map<string, number>()
  const once = (text: string) => {
    const nth = (times.get(text) ?? 0) + 1
    times.set(text, nth)
    return nameHash(nth === 1 ? text : `${text}\n${nth}`)
  }
  for (const suite of suites)
    for (const findings of [caseFindings(suite), gateFindings(suite)])
      for (const { check, id, description, severity, path, line } of findings)
        yield {
          description,
          check_name: check,
          fingerprint: once([check, suite.suite, id].map((part) => oneLine(part, 1000)).join('\n')),
          severity,
          location: { path, lines: { begin: line } },
        }
}
