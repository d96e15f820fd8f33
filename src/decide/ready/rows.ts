// The rows of readiness, each from its own evidence. What has no proof is `invalid`, and never as good as one that has.
import type { GuardPlan } from '../../schema/guard.ts'
import { noticeTypes } from '../../schema/guard.ts'
import type { ReadyRow } from '../../schema/ready.ts'
import type { Evidence } from '../../schema/release.ts'
import type { GateResult, Outcome } from '../../schema/verdict.ts'
import { worst } from '../../schema/verdict.ts'
import type { Drill } from '../rollback/runs.ts'
import { counted, names } from '../words.ts'

export type Row = Omit<ReadyRow, 'id' | 'title'>
const DAY = 86_400_000
const row = (outcome: Row['outcome'], evidence: string, mend: string | null = null): Row => ({
  outcome,
  evidence,
  mend,
})
/** An open verdict is no proof. */
const proof = (outcome: Outcome): Row['outcome'] => (outcome === 'inconclusive' ? 'invalid' : outcome)
const days = (ms: number): string => counted(Math.floor(ms / DAY), 'day')

/** The worst of all rows; `invalid` for none. */
export const readyOutcome = (rows: readonly ReadyRow[]): Outcome =>
  rows.length === 0 ? 'invalid' : worst(rows.map(({ outcome }) => outcome))

/** A program that was run: `code` null: it could not be started or did not end in time. */
export type TestRun = { argv: readonly string[]; code: number | null; problem: string }

export function testsRow(runs: readonly TestRun[]): Row {
  if (runs.length === 0)
    return row('invalid', 'no tests are configured', 'Write ready: {tests: [[npm, test]]} into aigate.yaml.')
  const bad = runs.find(({ code }) => code !== 0)
  if (!bad) return row('pass', `${runs.map(({ argv }) => argv.join(' ')).join(', ')} ended with 0`)
  const name = bad.argv.join(' ')
  return bad.code === null
    ? row('invalid', `${name} did not run to its end${bad.problem === '' ? '' : `: ${bad.problem}`}`, 'Run it by hand.')
    : row('fail', `${name} ended with ${bad.code}`, 'Mend the code, or the tests.')
}

/** `problems`: sentences. */
export function faultlessRow(what: string, problems: readonly string[]): Row {
  const [first] = problems
  if (first === undefined) return row('pass', what)
  return row('fail', `${counted(problems.length, 'problem')}: ${first}`, 'Run `aigate check`.')
}

/** `at`: the commit is as the runs saw it: by suite, why not, where it is not. */
export function evidenceRow(evidence: readonly Evidence[], stale: ReadonlyMap<string, string>, none: string): Row {
  if (evidence.length === 0) return row('invalid', none, 'Name a suite, and run `aigate eval`.')
  const judged = evidence.map((one) => {
    const why = stale.get(one.suite)
    return why !== undefined && one.outcome === 'pass' ? { ...one, outcome: 'invalid' as const, reason: why } : one
  })
  const outcome = proof(worst(judged.map((one) => one.outcome)))
  const not = judged.filter((one) => one.outcome !== 'pass')
  if (not.length === 0) return row('pass', judged.map(({ suite, run }) => `${suite} ${run ?? ''}`.trim()).join(', '))
  const [first] = not.toSorted((a, b) => Number(b.outcome === 'fail') - Number(a.outcome === 'fail'))
  const more = not.length > 1 ? ` (and ${not.length - 1} more)` : ''
  return row(
    outcome,
    `${first?.suite}: ${first?.outcome}, ${first?.reason}${more}`,
    `Run \`aigate eval ${first?.suite}\`.`,
  )
}

/** `gates`: those of the newest run of each suite. */
export function costLatencyRow(gates: readonly Pick<GateResult, 'id' | 'kind' | 'outcome' | 'sentence'>[]): Row {
  const found = gates.filter(({ kind }) => kind === 'cost' || kind === 'latency')
  const missing = (['cost', 'latency'] as const).filter((kind) => !found.some((one) => one.kind === kind))
  const bad = found.find(({ outcome }) => outcome === 'fail')
  if (bad) return row('fail', bad.sentence, 'Make it cheaper or faster, or agree on another limit.')
  if (missing.length > 0)
    return row('invalid', `no run was held to a gate of ${missing.join(' and ')}`, 'Write cost_per_case and latency_p95 under gate.') // biome-ignore format: one call
  const open = found.find(({ outcome }) => outcome !== 'pass')
  if (open) return row('invalid', open.sentence, 'Ask more: `aigate eval --trials 5`.')
  return row('pass', `${counted(found.length, 'gate')} of cost and latency passed`)
}

/** `today`: the hash of the planes, and the components that they set. A drill of other planes proves nothing about these. */
export function drillRow(
  drill: Drill | null,
  today: { planes: string; components: readonly string[] },
  { now, within }: { now: number; within: number },
): Row {
  const mend = 'Run `aigate rollback --drill`.'
  if (!drill) return row('invalid', 'the rollback was never drilled here', mend)
  const day = drill.at.slice(0, 10)
  const seconds = `${(drill.took_ms / 1000).toFixed(1)} s`
  const undrilled = drill.detail.steps.filter(({ state }) => state === 'skipped').map(({ component }) => component)
  if (drill.outcome === 'inconclusive' && undrilled.length > 0)
    return row('invalid', `the drill of ${day} had nothing to drill ${names(undrilled)} on`, 'Give these planes `drill` commands.') // biome-ignore format: one row
  if (drill.outcome === 'inconclusive') return row('invalid', `in the drill of ${day} nothing had to be set`, mend)
  if (drill.outcome !== 'pass') return row('fail', `the drill of ${day} ended with ${drill.outcome}`, mend)
  const { planes, steps } = drill.detail
  if (planes === undefined)
    return row('invalid', `the drill of ${day} does not say which planes it drilled: it is of an older aigate`, mend)
  if (planes !== today.planes)
    return row('fail', `the planes in aigate.yaml were changed since the drill of ${day}`, mend)
  const missing = today.components.filter((name) => steps.every(({ component }) => component !== name))
  if (missing.length > 0) return row('fail', `the drill of ${day} left out ${names(missing)}`, mend)
  const age = now - Date.parse(drill.at)
  if (age > within) return row('fail', `the last drill is ${days(age)} old, allowed are ${days(within)}`, mend)
  return row('pass', `drilled on ${day} in ${seconds}`)
}

/** What was measured for one guard: events by metric in the last window; `failure`: it could not be read. */
export type GuardData = { plan: GuardPlan; events: Readonly<Record<string, number>>; failure: string | null }

export function triggersRow(guards: readonly GuardData[]): Row {
  if (guards.every(({ plan }) => plan.triggers.length === 0))
    return row('invalid', 'no triggers are configured', 'Write a guard.yaml.')
  const failed = guards.find(({ failure }) => failure !== null)
  if (failed) return row('invalid', `${failed.plan.guard}: ${failed.failure}`, 'Mend its source.')
  const silent = guards.flatMap(({ plan, events }) => {
    const metrics = [...new Set(plan.triggers.flatMap(({ metric }) => metric ?? []))]
    return metrics.filter((metric) => (events[metric] ?? 0) === 0).map((metric) => `${plan.guard}/${metric}`)
  })
  if (silent.length > 0)
    return row('invalid', `no data for ${names(silent)}`, 'Let the application log it, or correct the metric.')
  const triggers = guards.reduce((sum, { plan }) => sum + plan.triggers.length, 0)
  const events = guards.reduce((sum, one) => sum + Object.values(one.events).reduce((a, b) => a + b, 0), 0)
  return row('pass', `${counted(triggers, 'trigger')}, all with data (${counted(events, 'measurement')})`)
}

/** Notices that triggers really use, by the name of the action. */
export function noticesOf(plan: GuardPlan): string[] {
  const used = new Set([...plan.triggers, ...plan.breakers].flatMap((one) => one.do).concat(plan.on_failure))
  return Object.entries(plan.actions).flatMap(([name, { type }]) =>
    used.has(name) && noticeTypes.has(type) ? [name] : [],
  )
}

/** `unset`: environment variables that an address or a key needs. `told`: with --notify; null: it was not tried. */
export function onCallRow(
  notices: readonly string[],
  unset: readonly string[],
  told: readonly { name: string; problem: string | null }[] | null,
): Row {
  if (notices.length === 0) return row('invalid', 'no trigger tells anybody', 'Add a webhook, PagerDuty or an issue.')
  const failed = told?.find(({ problem }) => problem !== null)
  if (failed)
    return row('fail', `the test notice to ${failed.name} failed: ${failed.problem}`, 'Mend its address or key.')
  if (told !== null) return row('pass', `a test notice reached ${names(told.map(({ name }) => name))}`)
  if (unset.length > 0)
    return row('invalid', `not set in the environment: ${names(unset)}`, 'Set them, and try --notify.')
  return row('pass', `${names(notices)} configured; --notify sends a test notice`)
}

/** `accepted`: by suite when its baseline was accepted; null: there is none. */
export function baselineRow(
  accepted: readonly { suite: string; at: string | null }[],
  now: number,
  within: number,
): Row {
  if (accepted.length === 0) return row('invalid', 'there is no suite', 'Write one.')
  const none = accepted.filter(({ at }) => at === null).map(({ suite }) => suite)
  const old = accepted.filter(({ at }) => at !== null && now - Date.parse(at) > within).map(({ suite }) => suite)
  if (old.length > 0)
    return row(
      'fail',
      `older than ${days(within)}: ${names(old)}`,
      'Run `aigate drift`, then `aigate baseline record`.',
    )
  if (none.length > 0) return row('invalid', `no baseline: ${names(none)}`, 'Run `aigate baseline record`.')
  return row('pass', `${counted(accepted.length, 'baseline')}, none older than ${days(within)}`)
}
