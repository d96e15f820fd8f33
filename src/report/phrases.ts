// What every reporter says alike: outcome words, the cells of a gate, groups of cases, totals and the next step.
import type { CaseReport, GateResult, Outcome, SuiteReport, Verdict } from '../schema/verdict.ts'
import {
  change, count, dollars, duration, median, moment, plural, points, pValue, share, shortShare, signed,
} from './numbers.ts' // biome-ignore format: a list reads better short
import { oneLine } from './safe-text.ts'

export const outcomeWord: Record<Outcome, string> = {
  pass: 'PASS',
  fail: 'FAIL',
  inconclusive: 'INCONCLUSIVE',
  invalid: 'NOT MEASURED',
}

/** Where on_inconclusive turned an undecided verdict into another, it is said; else null. */
export function settledByPolicy({ outcome, measured }: Verdict): string | null {
  return outcome === measured ? null : `${outcomeWord[measured].toLowerCase()}, taken as ${outcome} by on_inconclusive`
}

/** The cells of one gate, as text. `limit` says in which direction it binds. */
export type GateCells = Record<'gate' | 'now' | 'before' | 'difference' | 'interval' | 'limit' | 'p' | 'verdict', string>

const amount = (value: number | null, unit: GateResult['unit']): string => {
  if (value === null) return '–'
  if (unit === 'share') return share(value)
  if (unit === 'ms') return duration(value)
  if (unit === 'usd') return dollars(value)
  if (unit === 'ratio') return `${value.toFixed(2)}×`
  return unit === 'cases' ? count(value) : value.toFixed(3)
}

/** Latency and cost are compared as ratios, whatever the unit of the estimate. */
const comparesRatios = (gate: GateResult) => gate.kind === 'latency' || gate.kind === 'cost'

function difference(gate: GateResult): string {
  if (gate.difference === null) return '–'
  if (comparesRatios(gate)) return change(gate.difference)
  return gate.unit === 'share' ? points(gate.difference) : signed(gate.difference, gate.unit === 'cases' ? 0 : 3)
}

function interval(gate: GateResult): string {
  if (gate.interval === null) return '–'
  const end = (value: number) => {
    if (!Number.isFinite(value)) return value < 0 ? '-∞' : '∞'
    if (comparesRatios(gate)) return signed((value - 1) * 100)
    if (gate.kind === 'floor' || gate.kind === 'coverage') return (value * 100).toFixed(1)
    return gate.unit === 'share' ? signed(value * 100) : signed(value, 3)
  }
  const unit = gate.unit === 'share' || comparesRatios(gate) ? (gate.kind === 'regression' ? '' : ' %') : ''
  return `${end(gate.interval.low)} to ${end(gate.interval.high)}${unit}`
}

function limit(gate: GateResult): string {
  if (gate.limit === null) return '–'
  const compared = gate.difference !== null
  if (comparesRatios(gate)) {
    return compared || gate.unit === 'ratio' ? `≤ ${change(gate.limit).replace('.0', '')}` : `≤ ${amount(gate.limit, gate.unit)}`
  }
  if (gate.kind === 'regression') return `≥ ${signed(-gate.limit * 100).replace(/\.0$/, '')} points`
  if (gate.kind === 'critical') return `≤ ${count(gate.limit)}`
  if (gate.kind === 'score') return `≥ ${compared ? signed(-gate.limit, 2) : gate.limit}`
  return `≥ ${shortShare(gate.limit)}`
}

/** One gate as cells. A verdict in brackets does not decide anything. */
export function gateCells(gate: GateResult): GateCells {
  const verdict = outcomeWord[gate.outcome].toLowerCase()
  return {
    gate: oneLine(gate.id, 60),
    now: amount(gate.estimate, gate.unit),
    before: amount(gate.baseline, gate.unit),
    difference: difference(gate),
    interval: interval(gate),
    limit: limit(gate),
    p: pValue(gate.adjusted_p ?? gate.p),
    verdict: gate.decides ? verdict : `(${verdict})`,
  }
}

/** Gates to show: critical cases that hold are counted instead of listed when there are more than three of them. */
export function shownGates({ gates }: Verdict): { shown: GateResult[]; criticalHeld: number } {
  const held = gates.filter((gate) => gate.kind === 'critical' && gate.outcome === 'pass')
  if (held.length <= 3) return { shown: gates, criticalHeld: 0 }
  return { shown: gates.filter((gate) => !held.includes(gate)), criticalHeld: held.length }
}

/** What the interval is, in one sentence; null when no gate has one. */
export function intervalNote({ gates }: Verdict): string | null {
  const levels = [...new Set(gates.flatMap(({ interval: found }) => (found ? [found.level] : [])))].toSorted((a, b) => a - b)
  const [lowest, highest] = [levels[0], levels.at(-1)]
  if (lowest === undefined || highest === undefined) return null
  const level = lowest === highest ? shortShare(lowest) : `${shortShare(lowest)} to ${shortShare(highest)}`
  return `Each bound of an interval is one-sided at ${level}; p is corrected for the number of gates.`
}

const titles = [
  ['regressed', 'Regressed'],
  ['failing', 'Failing'],
  ['improved', 'Improved'],
] as const satisfies readonly (readonly [CaseReport['status'], string])[]

/** The cases that are shown one by one, group by group, in the order of the report. */
export function caseGroups(cases: readonly CaseReport[]) {
  return titles.map(([status, title]) => ({ status, title, cases: cases.filter((one) => one.status === status) }))
}

/** Passes of both sides: `1 of 3 trials passed, was 5 of 5`. */
export function tally({ passes, trials, errors, baseline }: CaseReport): string {
  const now = `${passes} of ${plural(trials, 'trial')} passed`
  const before = baseline ? `, was ${baseline.passes} of ${baseline.trials}` : ''
  return `${now}${before}${errors > 0 ? `, ${errors} not measured` : ''}`
}

/** `rate_limit 3, timeout 2`: trials that were not measured, by kind, most first. */
export function errorKinds(errors: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(errors).toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return sorted.map(([kind, trials]) => `${oneLine(kind, 40)} ${count(trials)}`).join(', ')
}

/** Where a suite comes from, in up to three sentences without line ends: what was asked, the run, the baseline. */
export function provenance({ run, target, baseline, totals, verdict }: SuiteReport): { what: string; run: string; baseline: string } {
  const { min, max } = run.trials
  const passes = min === max ? `${plural(max, 'trial')} each` : `${plural(verdict.passes, 'pass', 'passes')} of up to ${max}`
  const commit = (id: string) => `commit ${oneLine(id, 7)}`
  const git = run.git && `${commit(run.git.commit.slice(0, 7))}${run.git.branch ? ` on ${oneLine(run.git.branch, 40)}` : ''}${run.git.dirty ? ' with uncommitted changes' : ''}`
  return {
    what: [oneLine(target.label, 120), plural(totals.cases, 'case'), passes, ...(run.partial ? ['a part of the suite only'] : [])].join(' · '),
    run: [`run ${oneLine(run.id, 80)}`, moment(oneLine(run.started_at, 40)), git ?? 'not in git'].join(' · '),
    baseline: baseline
      ? [
          `baseline of ${moment(oneLine(baseline.accepted.at, 40))} by ${oneLine(baseline.accepted.by, 60)}`,
          ...(baseline.commit ? [commit(baseline.commit.slice(0, 7))] : []),
          `${plural(baseline.trials, 'trial')} each`,
          ...(baseline.target.hash === target.hash ? [] : [oneLine(baseline.target.label, 120)]),
        ].join(' · ')
      : 'no baseline: only the absolute limits are judged',
  }
}

/** Calls, tokens, cost and latency, each a phrase. */
export function totalPhrases({ totals, cases }: SuiteReport): string[] {
  const latency = median(cases.flatMap(({ latency_ms }) => (latency_ms === null ? [] : [latency_ms])))
  const counted = [
    [totals.replayed, `${plural(totals.replayed, 'answer')} replayed`],
    [totals.refused, `${count(totals.refused)} refused`],
    [totals.truncated, `${count(totals.truncated)} cut short`],
  ] as const
  const cost = totals.cost_usd === null ? 'cost unknown' : `about ${dollars(totals.cost_usd)} (estimate)`
  return [
    totals.calls === 0 ? 'no calls' : plural(totals.calls, 'call'),
    ...counted.flatMap(([number, phrase]) => (number > 0 ? [phrase] : [])),
    `${count(totals.input_tokens)} tokens in, ${count(totals.output_tokens)} out`,
    totals.unpriced > 0 ? `${cost}, ${plural(totals.unpriced, 'answer')} without a known price` : cost,
    ...(latency === null ? [] : [`median latency ${duration(latency)}`]),
  ]
}

/** Texts with `n times` counted: what settles an undecided gate, each said once. */
const needs = ({ gates }: Verdict) => [
  ...new Set(gates.flatMap((gate) => (gate.decides && gate.outcome === 'inconclusive' && gate.needed ? [gate.needed] : []))),
]

/** A word of a command line that may be pasted into a shell: anything unusual is left for the reader to fill in. */
const word = (text: string, otherwise: string) => (/^[\w./:@-]+$/.test(text) ? text : otherwise)

/** One step: a sentence and, where there is one, the command that does it. */
export type Step = { say: string; command?: string }

/** What to do next, the most useful first. */
export function nextSteps({ suite, run, baseline, verdict }: SuiteReport): Step[] {
  const id = word(run.id, '<run>')
  const name = word(suite, '<suite>')
  const again: Step = { say: 'see this again', command: `aigate report ${id}` }
  const steps: Step[] = []
  if (verdict.measured === 'inconclusive') steps.push(...needs(verdict).map((say) => ({ say: oneLine(say, 300) })))
  if (verdict.measured === 'invalid') {
    steps.push({ say: 'mend what kept it from being measured and run it again', command: `aigate eval ${name}` })
  } else if (baseline === null && !run.partial) {
    steps.push({ say: 'record a baseline, so that the next change is compared', command: `aigate baseline record ${name}` })
  } else if (verdict.outcome === 'fail' && verdict.gates.some(({ kind, outcome }) => kind === 'regression' && outcome === 'fail')) {
    steps.push({ say: 'if this change is meant, accept it', command: `aigate baseline accept ${id} --reason "why"` })
  }
  return [...steps, again]
}

/** The pass rate of a suite now and before, from its overall gates; null when none has it. */
export function passRate({ gates }: Verdict): { now: number; before: number | null } | null {
  const overall = gates.filter(({ category, unit }) => category === undefined && unit === 'share')
  const found = overall.find(({ kind }) => kind === 'regression') ?? overall.find(({ kind }) => kind === 'floor')
  return found === undefined || found.estimate === null ? null : { now: found.estimate, before: found.baseline }
}
