// What every reporter says alike: outcome words, groups of cases, where a suite comes from, totals and the next step.
import type { CaseReport, GateResult, Outcome, Report, SuiteReport, Verdict } from '../schema/verdict.ts'
import { count, dollars, duration, median, moment, plural, share } from './numbers.ts'
import { oneLine } from './safe-text.ts'

export const outcomeWord: Record<Outcome, string> = {
  pass: 'PASS',
  fail: 'FAIL',
  inconclusive: 'INCONCLUSIVE',
  invalid: 'NOT MEASURED',
}

/** Why a report has no suite. */
export function unchangedText({ unchanged = [] }: Report): string {
  if (unchanged.length === 0) return 'no suite was run.'
  const names = unchanged.map(({ suite }) => oneLine(suite, 60)).join(', ')
  return `nothing to do, nothing that decides a verdict differs from ${oneLine(unchanged[0]?.base.slice(0, 12) ?? '')}: ${names}.`
}

/** Where on_inconclusive turned an undecided verdict into another, it is said; else null. */
export function settledByPolicy({ outcome, measured }: Verdict): string | null {
  return outcome === measured ? null : `${outcomeWord[measured].toLowerCase()}, taken as ${outcome} by on_inconclusive`
}

const titles = [
  ['regressed', 'Regressed'],
  ['failing', 'Failing'],
  ['improved', 'Improved'],
] as const satisfies readonly (readonly [CaseReport['status'], string])[]

/** Critical cases first: reports cut long lists. Else in the order of the report. */
export const criticalFirst = (cases: readonly CaseReport[]): CaseReport[] =>
  cases.toSorted((a, b) => Number(b.critical) - Number(a.critical))

/** The cases of a status, in the order of the report. All are looked at once: there may be a hundred thousand. */
export function byStatus(cases: readonly CaseReport[]): (status: CaseReport['status']) => readonly CaseReport[] {
  const found = new Map<CaseReport['status'], CaseReport[]>()
  for (const one of cases) {
    const list = found.get(one.status)
    if (list) list.push(one)
    else found.set(one.status, [one])
  }
  return (status) => found.get(status) ?? []
}

/** The cases that are shown one by one, group by group. */
export const caseGroups = (casesOf: ReturnType<typeof byStatus>) =>
  titles.map(([status, title]) => ({ status, title, cases: criticalFirst(casesOf(status)) }))

/** Cases that were run but do not count, each with its passes; null when there are none. */
export function quarantinedCases(cases: readonly CaseReport[]): { title: string; ids: string[] } | null {
  const found = cases.filter(({ quarantined }) => quarantined)
  if (found.length === 0) return null
  return {
    title: `Quarantined, run but not counted (${found.length})`,
    ids: found.map(({ id, passes, trials }) => `${id} ${passes}/${trials}`),
  }
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
export function provenance({ run, target, baseline, totals, verdict }: SuiteReport): {
  what: string
  run: string
  baseline: string
} {
  const { min, max } = run.trials
  const asked = `${verdict.passes} of up to ${plural(max, 'trial')} each`
  const passes = min === max || verdict.passes === max ? `${plural(max, 'trial')} each` : asked
  const commit = (id: string) => `commit ${oneLine(id.slice(0, 7))}`
  const branch = run.git?.branch ? ` on ${oneLine(run.git.branch, 40)}` : ''
  const git = run.git && `${commit(run.git.commit)}${branch}${run.git.dirty ? ' with uncommitted changes' : ''}`
  return {
    what: [
      oneLine(target.label, 120),
      plural(totals.cases, 'case'),
      passes,
      ...(run.partial ? ['a part of the suite only'] : []),
    ].join(' · '),
    run: [`run ${oneLine(run.id, 80)}`, dateOf(run.started_at), git ?? 'not in git'].join(' · '),
    baseline: baseline
      ? [
          `baseline of ${dateOf(baseline.accepted.at)} by ${oneLine(baseline.accepted.by, 60)}`,
          ...(baseline.commit ? [commit(baseline.commit)] : []),
          `${plural(baseline.trials, 'trial')} each`,
          ...(baseline.target.hash === target.hash ? [] : [oneLine(baseline.target.label, 120)]),
        ].join(' · ')
      : 'no baseline: only the absolute limits are judged',
  }
}

/** Results of another tool that tell no date are dated 1970. */
const dateOf = (at: string) => (at.startsWith('1970-01-01T00:00:00') ? 'unknown date' : moment(oneLine(at, 40)))

const cost = (usd: number | null) => {
  if (usd === null) return 'cost unknown'
  return usd === 0 ? 'no cost' : `about ${dollars(usd)} (estimate)`
}

/** What the ladder did not need: `1 of 3 passes asked: 134 calls saved`; nothing where it was climbed to the end. */
function saved({ verdict, run }: SuiteReport): string[] {
  const { saved_calls: calls = 0, passes } = verdict
  return calls > 0
    ? [`${passes} of ${plural(run.trials.max, 'pass', 'passes')} asked: ${plural(calls, 'call')} saved`]
    : []
}

/** How many answers have the form that was asked for, for example JSON that fits a schema. */
const formPhrase = ({ forms }: SuiteReport['totals']): string[] =>
  forms === undefined
    ? []
    : [`valid output ${count(forms.valid)} of ${count(forms.of)} (${share(forms.valid / forms.of)})`]

/** Calls, tokens, cost and latency, each a phrase. */
export function totalPhrases(report: SuiteReport): string[] {
  const { totals, cases } = report
  const latencies: number[] = []
  const firsts: number[] = []
  for (const { latency_ms, first_token_ms } of cases) {
    if (latency_ms !== null) latencies.push(latency_ms)
    if (first_token_ms !== undefined && first_token_ms !== null) firsts.push(first_token_ms)
  }
  const latency = median(latencies)
  const { cached = 0, saved_usd } = totals
  const replayed = totals.replayed - cached
  const worth = saved_usd === undefined ? '' : ` and about ${dollars(saved_usd)}`
  const first = median(firsts)
  const counted = [
    [cached, `${plural(cached, 'call')}${worth} saved by the cache`],
    [replayed, `${plural(replayed, 'answer')} replayed`],
    [totals.refused, `${count(totals.refused)} refused`],
    [totals.truncated, `${count(totals.truncated)} cut short`],
  ] as const
  const unpriced = totals.unpriced > 0 ? `, ${plural(totals.unpriced, 'answer')} without a known price` : ''
  return [
    totals.calls === 0 ? 'no calls' : plural(totals.calls, 'call'),
    ...counted.flatMap(([number, phrase]) => (number > 0 ? [phrase] : [])),
    ...saved(report),
    `${count(totals.input_tokens)} tokens in, ${count(totals.output_tokens)} out`,
    `${cost(totals.cost_usd)}${unpriced}`,
    ...(totals.judge_calls === undefined
      ? []
      : [
          `judges: ${plural(totals.judge_calls, 'call')}, ${cost(totals.judge_cost_usd ?? null)}${totals.judge_cached === undefined ? '' : `, ${plural(totals.judge_cached, 'answer')} from the cache`}`,
        ]),
    ...(totals.embedding_calls === undefined
      ? []
      : [`embeddings: ${plural(totals.embedding_calls, 'call')}, ${cost(totals.embedding_cost_usd ?? null)}`]),
    ...(totals.user_calls === undefined
      ? []
      : [`simulated users: ${plural(totals.user_calls, 'call')}, ${cost(totals.user_cost_usd ?? null)}`]),
    ...(latency === null ? [] : [`median latency ${duration(latency)}`]),
    ...(first === null ? [] : [`median time to first token ${duration(first)}`]),
    ...formPhrase(totals),
  ]
}

/** What settles an undecided gate, each said once. */
const needs = ({ gates }: Verdict) => [
  ...new Set(
    gates.flatMap((gate) => (gate.decides && gate.outcome === 'inconclusive' && gate.needed ? [gate.needed] : [])),
  ),
]

/** A word of a command line that may be pasted into a shell: anything unusual is left for the reader to fill in. */
const word = (text: string, otherwise: string) => (/^\w[\w./:@-]*$/.test(text) ? text : otherwise)

/** One step: a sentence and, where there is one, the command that does it. */
export type Step = { say: string; command?: string }

/** Failed against the baseline: accepting this run as the new one would settle it. */
const brokenByChange = ({ kind, outcome, decides, difference }: GateResult) =>
  decides && outcome === 'fail' && (kind === 'regression' || kind === 'critical' || difference !== null)

/** A run lies in the folder of its id; results that were only compared lie wherever they are. */
const isStored = ({ id, file }: SuiteReport['run']) => file.split(/[\\/]/).at(-2) === id

/** Results without a suite of the project have the version 0.0.0. */
const evalResults = ({ suite, suite_version }: SuiteReport, results: string) =>
  `aigate eval ${suite_version === '0.0.0' ? '' : `${word(suite, '<suite>')} `}--results ${results}`

/** No command finds results by the id of a run while they are not saved as one. */
function unstoredSteps(report: SuiteReport): Step[] {
  const { file } = report.run
  const results = /^[\w/.][\w./:@-]*$/.test(file) ? file : '<results>'
  const invalid = report.verdict.measured === 'invalid'
  return [
    ...(invalid ? [{ say: 'mend what kept it from being measured and make the results again' }] : []),
    {
      say: 'save it as a run, which report, explain and baseline accept take where there is an aigate.yaml',
      command: evalResults(report, results),
    },
  ]
}

/** What to do next, the most useful first. */
export function nextSteps(report: SuiteReport): Step[] {
  const { suite, run, baseline, target, verdict } = report
  const id = word(run.id, '<run>')
  const name = word(suite, '<suite>')
  const again: Step = { say: 'see this again', command: `aigate report ${id}` }
  const steps: Step[] = []
  const imported = target.kind === 'results'
  // Harm is no state that later changes should be compared with.
  const harm = verdict.gates.some(({ kind, decides, outcome }) => decides && outcome === 'fail' && kind === 'harmful')
  if (verdict.measured === 'inconclusive') steps.push(...needs(verdict).map((say) => ({ say: oneLine(say, 300) })))
  if (imported && !isStored(run)) return [...steps, ...unstoredSteps(report)]
  if (verdict.measured === 'invalid') {
    const command = imported ? evalResults(report, '<results>') : `aigate eval ${name}`
    steps.push({ say: 'mend what kept it from being measured and run it again', command })
  } else if (baseline === null && !run.partial && !harm) {
    steps.push({
      say: 'record a baseline, so that the next change is compared',
      command: imported ? `aigate baseline accept ${id} --reason "why"` : `aigate baseline record ${name}`,
    })
  } else if (!harm && verdict.outcome === 'fail' && verdict.gates.some(brokenByChange)) {
    steps.push({ say: 'if this change is meant, accept it', command: `aigate baseline accept ${id} --reason "why"` })
  }
  if (verdict.outcome !== 'pass') steps.push({ say: 'see why, with the numbers', command: `aigate explain ${id}` })
  return [...steps, again]
}

/** The pass rate of a suite now and before, from its overall gates; null when none has it. */
export function passRate({ gates }: Verdict): { now: number; before: number | null } | null {
  const overall = gates.filter(({ category, unit }) => category === undefined && unit === 'share')
  const found = overall.find(({ kind }) => kind === 'regression') ?? overall.find(({ kind }) => kind === 'floor')
  return found === undefined || found.estimate === null ? null : { now: found.estimate, before: found.baseline }
}
