// A report as a list of tests, one a case and one a gate: what JUnit and CTRF have in common.
import type { CaseReport, GateResult, SuiteReport } from '../schema/verdict.ts'
import { gateCells } from './gate-cells.ts'
import { outcomeWord, tally } from './phrases.ts'
import { plain } from './safe-text.ts'

/** What a test case came to: nothing, an assertion that failed, or no measurement at all. Long texts are made when they are asked for. */
export type Trouble = { element: 'failure' | 'error' | 'skipped'; type: string; message: string; body(): string } | null
export type TestCase = {
  classname: string
  name: string
  file: string | null
  seconds: number
  trouble: Trouble
  output: string
  /** null: a gate or a verdict. */
  found: CaseReport | null
}
const seconds = (ms: number | null) => (ms === null || !Number.isFinite(ms) ? 0 : ms / 1000)

/** A case that nobody compared (no baseline, or new) counts as failed when most of its trials did. */
function failed({ status, passes, trials }: CaseReport): boolean {
  if (status === 'regressed' || status === 'failing') return true
  return (status === 'added' || status === 'changed') && trials > 0 && passes * 2 < trials
}

function troubleOf(found: CaseReport): Trouble {
  if (found.quarantined) {
    const message = `quarantined: ${found.status.replace('_', ' ')}, ${tally(found)}`
    return { element: 'skipped', type: 'quarantined', message, body: () => message }
  }
  if (found.status === 'not_measured') {
    const message = found.error ?? 'not measured'
    return { element: 'error', type: 'not_measured', message, body: () => message }
  }
  if (!failed(found)) return null
  const reasons = found.failures.map(
    ({ assertion, reason, trials }) => `${assertion}: ${reason} (${trials} of ${found.trials} trials)`,
  )
  const answers = () => [
    ...(found.before === null ? [] : [`--- answer before ---\n${plain(found.before, 4000)}`]),
    ...(found.after === null ? [] : [`--- answer now ---\n${plain(found.after, 4000)}`]),
  ]
  const body = () => [tally(found), ...reasons.map((reason) => plain(reason, 2000)), ...answers()].join('\n')
  return { element: 'failure', type: found.status, message: reasons[0] ?? tally(found), body }
}

/** One test a case of the run, made when it is its turn; what only the baseline has is none. */
export function* caseTests({ suite, cases }: SuiteReport): Generator<TestCase> {
  for (const found of cases) {
    if (found.status === 'removed') continue
    yield {
      classname: found.category === undefined ? suite : `${suite}.${found.category}`,
      name: found.id,
      file: found.file,
      seconds: seconds(found.latency_ms),
      trouble: troubleOf(found),
      found,
      output: `${found.status.replace('_', ' ')}: ${tally(found)}${found.score === null ? '' : `, score ${found.score.toFixed(3)}`}`,
    }
  }
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
  const body = () => [gate.sentence, ...(gate.needed ? [gate.needed] : [])].join('\n')
  return { element: outcome === 'invalid' ? 'error' : 'failure', type: outcome, message: gate.sentence, body }
}

/** One test a gate that decides, and one for the verdict where no gate says why it did not pass. */
export function gateTests(report: SuiteReport): TestCase[] {
  const { suite, verdict } = report
  const test = (name: string, trouble: Trouble, output: string): TestCase => ({
    classname: `${suite} gates`,
    name,
    file: null,
    seconds: 0,
    trouble,
    output,
    found: null,
  })
  const deciding = verdict.gates.filter(({ decides }) => decides)
  const tests = deciding.map((gate) => test(gate.id, gateTrouble(gate, report), numbersOf(gate)))
  if (verdict.outcome === 'pass' || tests.some(({ trouble }) => trouble !== null)) return tests
  // A suite that is not let through never looks green, even when no single gate says so.
  const message = verdict.reasons[0] ?? outcomeWord[verdict.outcome]
  const element = verdict.outcome === 'invalid' ? 'error' : 'failure'
  return [
    test('verdict', { element, type: verdict.outcome, message, body: () => verdict.reasons.join('\n') }, message),
    ...tests,
  ]
}
