// The JUnit reporter: one test suite a suite with one test case a case, and its gates beside it as another test suite.
import type { Reporter } from '../ports.ts'
import type { Report } from '../schema/verdict.ts'
import { safeAttribute, safeXml, shorten } from './safe-text.ts'
import { caseTests, gateTests, type TestCase, type Trouble } from './test-cases.ts'

/** `strict`: only what Jenkins' junit-10.xsd knows, so no `file` of a test case and no count of skipped ones over all suites. */
type Flavour = { strict: boolean; taken: Set<string> }
type TestSuite = { name: string; timestamp: string; tests: TestCase[] }
const time = (value: number) => String(Number(value.toFixed(3)))

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

function renderTest(test: TestCase, { taken, strict }: Flavour): string {
  const { classname, file, trouble } = test
  const name = nameOnce(taken, classname, test.name)
  const place = file === null || strict ? '' : ` file="${safeAttribute(file)}"`
  const open = `    <testcase classname="${safeAttribute(classname)}" name="${name}"${place} time="${time(test.seconds)}">`
  const lines = [open]
  if (trouble) {
    const head = `<${trouble.element} message="${safeAttribute(shorten(trouble.message, 300))}" type="${safeAttribute(trouble.type)}">`
    lines.push(`      ${head}${safeXml(trouble.body, 12_000)}</${trouble.element}>`)
  }
  lines.push(`      <system-out>${safeXml(test.output, 2000)}</system-out>`, '    </testcase>')
  return lines.join('\n')
}

const counts = (tests: readonly TestCase[], withSkipped: boolean) => {
  const having = (element: NonNullable<Trouble>['element']) =>
    tests.filter(({ trouble }) => trouble?.element === element).length
  const total = tests.reduce((sum, test) => sum + Number(time(test.seconds)), 0)
  return `tests="${tests.length}" failures="${having('failure')}" errors="${having('error')}"${withSkipped ? ` skipped="${having('skipped')}"` : ''} time="${time(total)}"`
}

function renderSuite(suite: TestSuite, flavour: Flavour): string {
  const open = `  <testsuite name="${safeAttribute(suite.name)}" ${counts(suite.tests, true)} timestamp="${safeAttribute(suite.timestamp, 40)}">`
  return [open, ...suite.tests.map((test) => renderTest(test, flavour)), '  </testsuite>'].join('\n')
}

function render({ suites: all }: Report, flavour: Flavour): string {
  const suites = all.flatMap((one): TestSuite[] => [
    { name: one.suite, timestamp: one.run.started_at, tests: caseTests(one) },
    { name: `${one.suite} gates`, timestamp: one.run.started_at, tests: gateTests(one) },
  ])
  const total = suites.flatMap(({ tests }) => tests)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="aigate" ${counts(total, !flavour.strict)}>`,
    ...suites.map((suite) => renderSuite(suite, flavour)),
    '</testsuites>',
    '',
  ].join('\n')
}

/** The report as JUnit XML: a regressed or failing case is a failure, a case that was not measured an error. */
export const junit: Reporter = (report) => render(report, { strict: false, taken: new Set() })

/** As `junit`, and valid by the schema that Jenkins' xUnit plugin checks (junit-10.xsd). */
export const junitStrict: Reporter = (report) => render(report, { strict: true, taken: new Set() })
