// Why a verdict is what it is, in plain words with the numbers: the answer to "why blocked?". Decides nothing itself.
import type { Explanation, ExplanationReport, GateExplanation, Loss } from '../../schema/explanation.ts'
import { type GateResult, type Outcome, type SuiteReport, type Verdict, worst } from '../../schema/verdict.ts'
import { explainGate } from './explain-gates.ts'
import { failedAssertions, lossOf } from './explain-loss.ts'
import { nextOf } from './explain-next.ts'
import type { TalliesInput } from '../gate/judge.ts'
import { counted, names, percent, points, pText } from '../words.ts'

const questions: Record<Outcome, string> = {
  fail: 'Why was it blocked?',
  pass: 'Why did it pass?',
  inconclusive: 'Why is it undecided?',
  invalid: 'Why was it not measured?',
}

/**
 * Explains the verdict of one suite. What would have been needed is found by judging changed counts with the decision
 * itself, so that it holds for this run, this policy and this look.
 * @param report the report of the run
 * @param input the counts that its verdict was made of
 */
export function explainSuite(report: SuiteReport, input: TalliesInput): Explanation {
  const { verdict, suite, suite_version, run } = report
  const { causes, others, cleared } = sortGates(verdict)
  const loss = lossOf(report.cases)
  const explained = (gates: GateResult[]): GateExplanation[] => gates.map((gate) => explainGate(input, gate))
  return {
    suite,
    suite_version,
    run: run.id,
    outcome: verdict.outcome,
    measured: verdict.measured,
    question: questions[verdict.outcome],
    answer: answerOf(verdict, causes, loss),
    causes: explained(causes),
    others: others.map(({ id, outcome, decides, sentence }) => ({ id, outcome, decides, saw: sentence, needed: [] })),
    cleared,
    loss,
    assertions: failedAssertions(report.cases, loss),
    units: unitsOf(verdict),
    next: nextOf(report),
  }
}

/** All suites together. The outcome is the one that `aigate report` has for the same run. */
export function explanationOf(suites: Explanation[], toolVersion: string): ExplanationReport {
  const outcome = worst(suites.map((one) => one.outcome))
  return { aigate: 'explanation', version: 1, tool_version: toolVersion, outcome, suites }
}

const isUndecidedCategory = ({ kind, category, outcome }: GateResult): boolean =>
  kind === 'regression' && category !== undefined && outcome === 'inconclusive'

/** The gates that made the outcome, those that are clear, and the rest. */
function sortGates({ gates, measured }: Verdict) {
  const carries = ({ kind, category }: GateResult) =>
    measured !== 'pass' || ((kind === 'regression' || kind === 'floor') && category === undefined)
  const isCause = (gate: GateResult) =>
    gate.decides && gate.outcome === measured && !isUndecidedCategory(gate) && carries(gate)
  const causes = gates.filter(isCause)
  const rest = gates.filter((gate) => !isCause(gate))
  const clear = rest.filter(({ decides, outcome }) => decides && outcome === 'pass')
  return { causes, others: rest.filter((gate) => !clear.includes(gate)), cleared: clearedBy(clear) }
}

/** What is fine, a sentence each; critical cases and categories that hold in one. */
function clearedBy(gates: readonly GateResult[]): string[] {
  const critical = gates.filter(({ kind }) => kind === 'critical')
  const categories = gates.filter(({ kind, category }) => kind === 'regression' && category !== undefined)
  const grouped = new Set([...critical, ...categories])
  const said = gates.filter((gate) => !grouped.has(gate)).map(({ sentence }) => sentence)
  const named = names(categories.flatMap(({ category }) => category ?? []))
  if (categories.length > 0) {
    said.push(`No drop beyond its margin in ${categories.length === 1 ? 'the category' : 'the categories'} ${named}.`)
  }
  if (critical.length > 0)
    said.push(
      critical.length === 1 ? (critical[0]?.sentence ?? '') : `All ${critical.length} other critical cases hold.`,
    )
  return said
}

function answerOf({ outcome, measured, reasons }: Verdict, causes: readonly GateResult[], loss: Loss | null): string {
  const [first] = causes
  const settled = outcome === measured ? '' : ` The policy takes an undecided verdict as ${outcome}.`
  if (!first) return `${reasons[0] ?? 'No gate decided.'}${settled}`
  const others = causes.length - 1
  const verb = { fail: 'failed', inconclusive: 'open', invalid: 'not measured', pass: '' }[measured]
  const more = others > 0 && measured !== 'pass' ? `; ${others} more ${others === 1 ? 'gate' : 'gates'} ${verb}` : ''
  const carried =
    loss && loss.lost > 0 && measured !== 'pass' && causes.some(({ kind }) => kind === 'regression')
      ? ` ${loss.carrying} of ${counted(loss.compared, 'case')} ${loss.carrying === 1 ? 'carries' : 'carry'} 80 % of what was lost.`
      : ''
  return `${shortly(first)}${more}.${carried}${settled}`
}

/** The gate that decided first, in a clause without its full stop. */
function shortly(gate: GateResult): string {
  const { kind, outcome, category, estimate, baseline, interval, limit, sentence } = gate
  const where = category === undefined ? 'The pass rate' : `The pass rate of category ${category}`
  const whole = sentence.replace(/\.$/, '')
  if (kind !== 'regression' || estimate === null || baseline === null || interval === null || limit === null)
    return whole
  const p = gate.adjusted_p ?? gate.p ?? 1
  const moved = `${percent(baseline)} to ${percent(estimate)}`
  const went = percent(baseline) === percent(estimate) ? `stayed at ${percent(estimate)}` : `went from ${moved}`
  if (outcome === 'fail') return `${where} fell from ${moved}, more than chance explains (${pText(p)})`
  if (outcome === 'pass') {
    return `${where} ${went}: a drop of ${points(limit)} points or more, the margin, is ruled out`
  }
  return `${where} ${went}, and the true change may be anything from ${points(interval.low)} to ${points(interval.high)} points: a drop of ${points(limit)} points, the margin, is neither shown nor ruled out`
}

function unitsOf({ gates }: Verdict): Explanation['units'] {
  return gates.flatMap(({ kind, category, difference, interval, limit, outcome, decides, n }) =>
    kind === 'regression' && difference !== null && interval !== null && limit !== null
      ? [{ category: category ?? null, difference, interval, margin: limit, outcome, decides, n }]
      : [],
  )
}
