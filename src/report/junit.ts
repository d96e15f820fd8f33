// The JUnit reporter: one test suite a suite with one test case a case, and its gates beside it as another test suite.
import type { Reporter } from '../ports.ts'
import type { CaseReport, GateResult, SuiteReport } from '../schema/verdict.ts'
import { gateCells } from './gate-cells.ts'
import { outcomeWord, tally } from './phrases.ts'
import { plain, safeAttribute, safeXml, shorten } from './safe-text.ts'

/** What a test case came to: nothing, an assertion that failed, or no measurement at all. */
type Trouble = { element: 'failure' | 'error' | 'skipped'; type: string; message: string; body: string } | null
type TestCase = {
  classname: string
  name: string
  file: string | null
  seconds: number
  trouble: Trouble
  output: string
}
type TestSuite = { name: string; timestamp: string; tests: TestCase[] }

const seconds = (ms: number | null) => (ms === null || !Number.isFinite(ms) ? 0 : ms / 1000)
const time = (value: number) => String(Number(value.toFixed(3)))

/** A case that nobody compared (no baseline, or new) counts as failed when most of its trials did. */
function failed({ status, passes, trials }: CaseReport): boolean {
  if (status === 'regressed' || status === 'failing') return true
  return (status === 'added' || status === 'changed') && trials > 0 && passes * 2 < trials
}

function troubleOf(found: CaseReport): Trouble {
  if (found.quarantined) {
    const message = `quarantined: ${found.status.replace('_', ' ')}, ${tally(found)}`
    return { element: 'skipped', type: 'quarantined', message, body: message }
  }
  if (found.status === 'not_measured') {
    const message = found.error ?? 'not measured'
    return { element: 'error', type: 'not_measured', message, body: message }
  }
  if (!failed(found)) return null
  const reasons = found.failures.map(
    ({ assertion, reason, trials }) => `${assertion}: ${reason} (${trials} of ${found.trials} trials)`,
  )
  const answers = [
    ...(found.before === null ? [] : [`--- answer before ---\n${plain(found.before, 4000)}`]),
    ...(found.after === null ? [] : [`--- answer now ---\n${plain(found.after, 4000)}`]),
  ]
  const body = [tally(found), ...reasons.map((reason) => plain(reason, 2000)), ...answers].join('\n')
  return { element: 'failure', type: found.status, message: reasons[0] ?? tally(found), body }
}

function caseTests({ suite, cases }: SuiteReport): TestCase[] {
  const asked = cases.filter(({ status }) => status !== 'removed')
  return asked.map((found) => ({
    classname: found.category === undefined ? suite : `${suite}.${found.category}`,
    name: found.id,
    file: found.file,
    seconds: seconds(found.latency_ms),
    trouble: troubleOf(found),
    output: `${found.status.replace('_', ' ')}: ${tally(found)}${found.score === null ? '' : `, score ${found.score.toFixed(3)}`}`,
  }))
}

function numbersOf(gate: GateResult): string {
  const { gate: _, verdict, ...cells } = gateCells(gate)
  const said = Object.entries(cells).filter(([, text]) => text !== '–')
  return [`${verdict} (${gate.test}, n = ${gate.n})`, ...said.map(([name, text]) => `${name} ${text}`)].join(', ')
}

/** An undecided gate is a failure only where the suite as a whole was not let through. */
function gateTrouble(gate: GateResult, report: SuiteReport): Trouble {
  const { outcome } = gate
  if (outcome === 'pass' || (outcome === 'inconclusive' && report.verdict.outcome === 'pass')) return null
  const body = [gate.sentence, ...(gate.needed ? [gate.needed] : [])].join('\n')
  return { element: outcome === 'invalid' ? 'error' : 'failure', type: outcome, message: gate.sentence, body }
}

function gateTests(report: SuiteReport): TestCase[] {
  const { suite, verdict } = report
  const test = (name: string, trouble: Trouble, output: string): TestCase => ({
    classname: `${suite} gates`,
    name,
    file: null,
    seconds: 0,
    trouble,
    output,
  })
  const deciding = verdict.gates.filter(({ decides }) => decides)
  const tests = deciding.map((gate) => test(gate.id, gateTrouble(gate, report), numbersOf(gate)))
  if (verdict.outcome === 'pass' || tests.some(({ trouble }) => trouble !== null)) return tests
  // A suite that is not let through never looks green, even when no single gate says so.
  const message = verdict.reasons[0] ?? outcomeWord[verdict.outcome]
  const element = verdict.outcome === 'invalid' ? 'error' : 'failure'
  return [
    test('verdict', { element, type: verdict.outcome, message, body: verdict.reasons.join('\n') }, message),
    ...tests,
  ]
}

/** Readers keep only the first of equal names: later ones get a number. */
function nameOnce(taken: Set<string>, classname: string, name: string): string {
  const clean = safeAttribute(name)
  for (let nth = 1; ; nth++) {
    const candidate = nth === 1 ? clean : `${clean} (${nth})`
    const key = `${safeAttribute(classname)}\n${candidate}`
    if (taken.has(key)) continue
    taken.add(key)
    return candidate
  }
}

function renderTest(test: TestCase, taken: Set<string>): string {
  const { classname, file, trouble } = test
  const name = nameOnce(taken, classname, test.name)
  const place = file === null ? '' : ` file="${safeAttribute(file)}"`
  const open = `    <testcase classname="${safeAttribute(classname)}" name="${name}"${place} time="${time(test.seconds)}">`
  const lines = [open]
  if (trouble) {
    const head = `<${trouble.element} message="${safeAttribute(shorten(trouble.message, 300))}" type="${safeAttribute(trouble.type)}">`
    lines.push(`      ${head}${safeXml(trouble.body, 12_000)}</${trouble.element}>`)
  }
  lines.push(`      <system-out>${safeXml(test.output, 2000)}</system-out>`, '    </testcase>')
  return lines.join('\n')
}

const counts = (tests: readonly TestCase[]) => {
  const having = (element: NonNullable<Trouble>['element']) =>
    tests.filter(({ trouble }) => trouble?.element === element).length
  const total = tests.reduce((sum, test) => sum + Number(time(test.seconds)), 0)
  return `tests="${tests.length}" failures="${having('failure')}" errors="${having('error')}" skipped="${having('skipped')}" time="${time(total)}"`
}

function renderSuite(suite: TestSuite, taken: Set<string>): string {
  const open = `  <testsuite name="${safeAttribute(suite.name)}" ${counts(suite.tests)} timestamp="${safeAttribute(suite.timestamp, 40)}">`
  return [open, ...suite.tests.map((test) => renderTest(test, taken)), '  </testsuite>'].join('\n')
}

/** The report as JUnit XML: a regressed or failing case is a failure, a case that was not measured an error. */
export const junit: Reporter = (report) => {
  const suites = report.suites.flatMap((one): TestSuite[] => [
    { name: one.suite, timestamp: one.run.started_at, tests: caseTests(one) },
    { name: `${one.suite} gates`, timestamp: one.run.started_at, tests: gateTests(one) },
  ])
  const taken = new Set<string>()
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="aigate" ${counts(suites.flatMap(({ tests }) => tests))}>`,
    ...suites.map((suite) => renderSuite(suite, taken)),
    '</testsuites>',
    '',
  ].join('\n')
}
