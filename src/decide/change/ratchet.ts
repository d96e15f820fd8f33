// The chain of accepted baselines: how old the baseline is, and whether acceptance after acceptance slides downwards.
import { AigateError } from '../../errors.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { byText, counted, points } from '../words.ts'

/** So many acceptances are remembered. */
export const MOST_ACCEPTANCES = 20
/** From so many acceptances on, a drop of more than this share in all is a ratchet. */
const RATCHET = { acceptances: 3, drop: 0.01 }
const DAY_MS = 86_400_000
const WARN_AFTER_MS = 90 * DAY_MS
const MONTHS = 'January February March April May June July August September October November December'.split(' ')

/** One entry of the history of a baseline. */
export type Acceptance = NonNullable<Baseline['history']>[number]

/** Mean over the measured cases of their share of passed trials, 0 to 1; 0 when nothing was measured. */
export function passRate({ cases }: Pick<Baseline, 'cases'>): number {
  const shares = cases.flatMap(({ passes, trials }) => (trials > 0 ? [passes / trials] : []))
  return shares.length > 0 ? shares.reduce((sum, share) => sum + share, 0) / shares.length : 0
}

/**
 * The baseline as the next link after `before`. `digest`: SHA-256 (hex) of the file that it replaces, as it lay on the
 * disk; null where there is none.
 */
export function chained(after: Baseline, before: Baseline | null, digest: string | null): Baseline {
  const { previous: _, history: __, ...rest } = after
  const own: Acceptance = {
    at: after.accepted.at,
    by: after.accepted.by,
    pass_rate: Number(passRate(after).toFixed(6)),
    cases: after.cases.length,
    previous: digest,
  }
  const history = [...(before?.history ?? (before ? [firstLink(before)] : [])), own].slice(-MOST_ACCEPTANCES)
  return { ...rest, ...(digest !== null && { previous: digest }), history }
}

/** A baseline from before there was a chain is its first link. */
export const firstLink = (before: Baseline): Acceptance => ({
  at: before.accepted.at,
  by: before.accepted.by,
  pass_rate: Number(passRate(before).toFixed(6)),
  cases: before.cases.length,
  previous: null,
})

/** What must be said about where a baseline comes from: its age at `now`, and a slow slide of what was accepted. */
export function baselineWarnings(baseline: Baseline, policy: GatePolicy, now: Date): string[] {
  const warn = policy.baseline_max_age?.warn ?? WARN_AFTER_MS
  const age = now.getTime() - Date.parse(baseline.accepted.at)
  const old =
    age > warn
      ? [
          `The baseline is ${counted(Math.floor(age / DAY_MS), 'day')} old (accepted ${baseline.accepted.at.slice(0, 10)}); it is warned of after ${daysOf(warn)}. \`aigate baseline record\` renews it.`,
        ]
      : []
  return [...old, ...ratchet(baseline.history ?? [])]
}

function ratchet(history: readonly Acceptance[]): string[] {
  const sorted = [...history].sort((a, b) => byText(a.at, b.at))
  const [first] = sorted
  const last = sorted.at(-1)
  if (!first || !last || sorted.length < RATCHET.acceptances) return []
  if (last.pass_rate - first.pass_rate > -RATCHET.drop) return []
  return [`A slow ratchet: ${courseOf(sorted)}. Each step was accepted against the one before it.`]
}

/** What became of the pass rate: "6 accepted baselines, -4.1 points since March 2026". At least one acceptance. */
export function courseOf(history: readonly Acceptance[]): string {
  const sorted = [...history].sort((a, b) => byText(a.at, b.at))
  const [first] = sorted
  const difference = (sorted.at(-1)?.pass_rate ?? 0) - (first?.pass_rate ?? 0)
  const since = `${MONTHS[Number(first?.at.slice(5, 7)) - 1]} ${first?.at.slice(0, 4)}`
  const sign = difference > 0 ? '+' : ''
  return `${counted(sorted.length, 'accepted baseline')}, ${sign}${points(difference)} points since ${since}`
}

/** @throws AigateError baseline_expired when the baseline is older at `now` than `baseline_max_age.stop` */
export function requireFresh(baseline: Baseline, policy: GatePolicy, now: Date): void {
  const stop = policy.baseline_max_age?.stop
  const age = now.getTime() - Date.parse(baseline.accepted.at)
  if (stop === undefined || age <= stop) return
  throw new AigateError('baseline_expired', {
    suite: baseline.suite,
    at: baseline.accepted.at.slice(0, 10),
    age: counted(Math.floor(age / DAY_MS), 'day'),
    stop: daysOf(stop),
  })
}

const daysOf = (ms: number): string => counted(Number((ms / DAY_MS).toFixed(1)), 'day')
