// Flaky cases: those that passed and failed under one and the same configuration, from accepted and stored runs.
import type { Baseline } from '../../schema/baseline.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { CaseInfo, Observation, Run } from '../../schema/run.ts'
import type { Interval } from '../../schema/verdict.ts'
import { wilson } from '../../statistics/wilson.ts'
import { type Sighting, sightingsOf, stampOf } from '../baseline/history.ts'
import { isExpired } from './quarantine.ts'
import { distinctTrials } from '../gate/repeats.ts'
import { byCase, isMeasured } from '../gate/tally.ts'
import { byText } from '../words.ts'

/** Confidence of each one-sided bound of a rate. */
const LEVEL = 0.95

/**
 * flaky: passed and failed under one configuration; moved: all alike under each configuration, but not under all of them
 * (a change broke or mended it); unknown: no trial of its present content was measured.
 */
export type Steadiness = 'flaky' | 'never_failed' | 'always_failed' | 'moved' | 'unknown'

export type CaseRecord = {
  id: string
  category?: string
  critical: boolean
  steadiness: Steadiness
  passes: number
  trials: number
  /** Pass rate over all trials; null when there are none. */
  rate: number | null
  interval: Interval | null
  /** Start of the run (ISO 8601) with which the first configuration became mixed; null unless flaky. */
  since: string | null
  /** Oldest first. */
  runs: (Sighting & { source: 'accepted' | 'stored' })[]
  quarantine: { owner: string; reason: string; until: string; expired: boolean } | null
}

export type FlakyReport = {
  suite: string
  suite_version: string
  accepted_runs: number
  stored_runs: number
  /** Every case of the suite; flaky first (the rate nearest to one half first), then by id. */
  cases: CaseRecord[]
}

type Seen = Sighting & { source: 'accepted' | 'stored'; target: string }

type Input = {
  suite: string
  suite_version: string
  cases: readonly CaseInfo[]
  baseline: Baseline | null
  /** Stored runs; those of other suites are passed over. */
  runs: readonly Run[]
  quarantine: readonly QuarantineEntry[]
  now: Date
}

/**
 * What is known of each case of a suite. Only trials of its present content (its hash) count, and a replayed answer
 * counts once for its configuration and trial, however often it was replayed, and not at all where an accepted run of the
 * configuration had that trial: it is one trial and no new evidence.
 */
export function flakyReport(input: Input): FlakyReport {
  const { suite, suite_version, baseline } = input
  const runs = input.runs
    .filter(({ header }) => header.suite === suite)
    .sort((a, b) => byText(a.header.started_at, b.header.started_at) || byText(a.header.id, b.header.id))
  const stored = storedSightings(runs, replaysIn(baseline, input.cases))
  const own = input.quarantine.filter((entry) => entry.suite === suite)
  const accepted = new Set<string>()
  const cases = input.cases.map((info) => {
    const remembered = acceptedSightings(baseline, info)
    for (const { run } of remembered) accepted.add(run)
    const known = new Set(remembered.map(({ run }) => run))
    const others = (stored.get(keyOf(info)) ?? []).filter(({ run }) => !known.has(run))
    const entry = own.find((one) => one.case === info.id)
    return recordOf(info, [...remembered, ...others], entry, input.now)
  })
  return { suite, suite_version, accepted_runs: accepted.size, stored_runs: runs.length, cases: cases.sort(worstFirst) }
}

const keyOf = ({ id, hash }: { id: string; hash: string }) => `${id} ${hash}`

/** Runs that the baseline still names share its configuration; of older ones it is not known, so each stands alone. */
function acceptedSightings(baseline: Baseline | null, { id, hash }: CaseInfo): Seen[] {
  const present = new Set(baseline?.runs.map(stampOf))
  return sightingsOf(baseline, id, hash).map((one) => ({
    ...one,
    source: 'accepted',
    target: present.has(one.run) ? (baseline?.target.hash ?? one.run) : one.run,
  }))
}

const replayKey = (target: string, id: string, trial: number) => JSON.stringify([target, id, trial])

/** Trials of the accepted runs: replaying their configuration shows the same answers again (at worst too few count). */
function replaysIn(baseline: Baseline | null, cases: readonly CaseInfo[]): Set<string> {
  const target = baseline?.target.hash ?? ''
  const trials = cases.flatMap((info) => {
    const own = acceptedSightings(baseline, info).filter((one) => one.target === target)
    const most = Math.max(0, ...own.map((one) => one.trials))
    return Array.from({ length: most }, (_, i) => replayKey(target, info.id, i + 1))
  })
  return new Set(trials)
}

/** What each stored run saw of each case, by id and content. */
function storedSightings(runs: readonly Run[], known: ReadonlySet<string>): Map<string, Seen[]> {
  const found = new Map<string, Seen[]>()
  const replayed = new Set(known)
  for (const { header, observations } of runs) {
    const target = header.target.hash
    const isNew = (one: Observation) => {
      if (!one.completion.replayed) return true
      const key = replayKey(target, one.case, one.trial)
      return !replayed.has(key) && replayed.add(key)
    }
    const measured = byCase(observations.filter((one) => isMeasured(one) && isNew(one)))
    for (const info of header.cases) {
      const all = distinctTrials(measured.get(info.id) ?? [])
      if (all.length === 0) continue
      const passes = all.filter(({ passed }) => passed).length
      const run = stampOf({ id: header.id, at: header.started_at })
      const seen: Seen = { run, at: header.started_at, passes, trials: all.length, source: 'stored', target }
      found.set(keyOf(info), [...(found.get(keyOf(info)) ?? []), seen])
    }
  }
  return found
}

function recordOf(info: CaseInfo, seen: readonly Seen[], entry: QuarantineEntry | undefined, now: Date): CaseRecord {
  const runs = [...seen].sort((a, b) => byText(a.at, b.at))
  const passes = runs.reduce((sum, one) => sum + one.passes, 0)
  const trials = runs.reduce((sum, one) => sum + one.trials, 0)
  const since = mixedSince(runs)
  return {
    id: info.id,
    ...(info.category !== undefined && { category: info.category }),
    critical: info.critical,
    steadiness: since === null ? steadinessOf(passes, trials) : 'flaky',
    passes,
    trials,
    rate: trials > 0 ? passes / trials : null,
    interval: trials > 0 ? { ...wilson(passes, trials, 2 * LEVEL - 1), level: LEVEL } : null,
    since,
    runs: runs.map(({ run, at, passes: passed, trials: measured, source }) => ({
      run,
      at,
      passes: passed,
      trials: measured,
      source,
    })),
    quarantine: entry
      ? { owner: entry.owner, reason: entry.reason, until: entry.until, expired: isExpired(entry, now) }
      : null,
  }
}

/** Where a configuration first had passes and failures both; the runs come oldest first. */
function mixedSince(runs: readonly Seen[]): string | null {
  const sums = new Map<string, { passes: number; trials: number }>()
  for (const { target, passes, trials, at } of runs) {
    const sum = sums.get(target) ?? { passes: 0, trials: 0 }
    sum.passes += passes
    sum.trials += trials
    sums.set(target, sum)
    if (sum.passes > 0 && sum.passes < sum.trials) return at
  }
  return null
}

function steadinessOf(passes: number, trials: number): Steadiness {
  if (trials === 0) return 'unknown'
  if (passes === trials) return 'never_failed'
  return passes === 0 ? 'always_failed' : 'moved'
}

function worstFirst(a: CaseRecord, b: CaseRecord): number {
  const doubt = ({ steadiness, rate }: CaseRecord) => (steadiness === 'flaky' ? Math.abs((rate ?? 0) - 0.5) : 1)
  return doubt(a) - doubt(b) || byText(a.id, b.id)
}
