// The JUnit reporter: one test suite a suite with one test case a case, and its gates beside it as another test suite.
import type { Report } from '../schema/verdict.ts'
import { safeAttribute, safeXml, shorten } from './safe-text.ts'
import { caseTests, gateTests, type TestCase } from './test-cases.ts'

/** `strict`: only what Jenkins' junit-10.xsd knows, so no `file` of a test case and no count of skipped ones over all suites. */
type Flavour = { strict: boolean; taken: Set<string> }
type TestSuite = { name: string; timestamp: string; tests: () => Iterable<TestCase> }
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
    lines.push(`      ${head}${safeXml(trouble.body(), 12_000)}</${trouble.element}>`)
  }
  lines.push(`      <system-out>${safeXml(test.output, 2000)}</system-out>`, '    </testcase>')
  return `${lines.join('\n')}\n`
}

const none = () => ({ tests: 0, failure: 0, error: 0, skipped: 0, time: 0 })
type Counts = ReturnType<typeof none>

/** Seconds are added up as they are written. */
function count(sums: readonly Counts[], { trouble, seconds }: TestCase): void {
  for (const sum of sums) {
    sum.tests += 1
    sum.time += Number(time(seconds))
    if (trouble) sum[trouble.element] += 1
  }
}

const written = ({ tests, failure, error, skipped, time: total }: Counts, withSkipped: boolean) =>
  `tests="${tests}" failures="${failure}" errors="${error}"${withSkipped ? ` skipped="${skipped}"` : ''} time="${time(total)}"`

/** A test a piece: what is counted stands before what it counts, so that all tests are gone through twice. */
function* render({ suites: all }: Report, flavour: Flavour): Generator<string> {
  const suites = all.flatMap((one): TestSuite[] => [
    { name: one.suite, timestamp: one.run.started_at, tests: () => caseTests(one) },
    { name: `${one.suite} gates`, timestamp: one.run.started_at, tests: () => gateTests(one) },
  ])
  const total = none()
  const counted = suites.map((suite) => {
    const counts = none()
    for (const test of suite.tests()) count([counts, total], test)
    return { ...suite, counts }
  })
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="aigate" ${written(total, !flavour.strict)}>\n`
  for (const { name, timestamp, tests, counts } of counted) {
    yield `  <testsuite name="${safeAttribute(name)}" ${written(counts, true)} timestamp="${safeAttribute(timestamp, 40)}">\n`
    for (const test of tests()) yield renderTest(test, flavour)
    yield '  </testsuite>\n'
  }
  yield '</testsuites>\n'
}

/** The report as JUnit XML: a regressed or failing case is a failure, a case that was not measured an error. */
export const junit = (report: Report) => render(report, { strict: false, taken: new Set() })

/** As `junit`, and valid by the schema that Jenkins' xUnit plugin checks (junit-10.xsd). */
export const junitStrict = (report: Report) => render(report, { strict: true, taken: new Set() })
