// The cases of a run as its observations come: each can be counted and reported while others are waited for.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo, Observation } from '../../schema/run.ts'
import { type RunTotals, runTotals } from './totals.ts'
import { type Ranked, rankedReport } from './case-report.ts'
import { addTrial, type CaseCount, countCase } from './tally.ts'

/** `all`: observations of whole passes, in the order of their trials. The rest is there once it was asked for, until another comes. */
type Entry = {
  info: CaseInfo
  old: CaseTally | undefined
  all: Observation[]
  count: CaseCount | undefined
  ranked: Ranked | undefined
}

const NONE: Observation[] = []

export type CaseBook = {
  readonly cases: readonly CaseInfo[]
  readonly observations: readonly Observation[]
  readonly baseline: Baseline | null
  /** Counts and reports one case as it stands now, so that this needs not be done when all are asked for; none: makes room for all. */
  prepare(id?: string): void
  /** Those of whole passes that were measured, case by case. */
  measured(): (readonly Observation[])[]
  /** Whether any answer is a conversation. */
  talks(): boolean
  /** Whole passes that are finished, as `finishedPasses`, and the latest pass of which there is anything. */
  passes(): { finished: number; latest: number }
  /** One tally a case, without its answer, in the order of the cases; of one that was never asked with 0 trials. */
  tallies(): CaseTally[]
  /** One report a case, in the order of the cases. */
  reports(): Ranked[]
  /** What all observations came to. */
  totals(): RunTotals
}

/** @param observations may grow at its end, and must not change otherwise: what comes belongs to the book as well */
export function caseBook(
  cases: readonly CaseInfo[],
  observations: readonly Observation[],
  baseline: Baseline | null = null,
): CaseBook {
  const entries = new Map<string, Entry>()
  let read = 0
  let talks = false
  const upToDate = (): ReadonlyMap<string, Entry> => {
    // Not at once: nothing must hold up the first question.
    if (entries.size === 0) {
      const before = new Map(baseline?.cases.map((old) => [old.id, old]))
      for (const info of cases)
        entries.set(info.id, { info, old: before.get(info.id), all: NONE, count: undefined, ranked: undefined })
    }
    for (; read < observations.length; read++) enter(observations[read])
    return entries
  }
  const sums = runTotals()
  let summed = 0
  const summedUp = () => {
    for (const one of observations.slice(summed)) sums.add(one)
    summed = observations.length
    return sums
  }
  const enter = (observation: Observation | undefined) => {
    const entry = observation && entries.get(observation.case)
    if (!entry || observation.purpose !== 'pass') return
    // What grows from nothing takes the room of 17.
    if (entry.all === NONE) entry.all = [observation]
    else addTrial(entry.all, observation)
    if (observation.completion.conversation) talks = true
    entry.count = entry.ranked = undefined
  }
  const countOf = (entry: Entry) => (entry.count ??= countCase(entry.info, entry.all))
  const reportOf = (entry: Entry) =>
    (entry.ranked ??= rankedReport(entry.info, entry.all, countOf(entry), { baseline, old: entry.old }))
  const each = <T>(of: (entry: Entry) => T): T[] => {
    const found: T[] = []
    for (const entry of upToDate().values()) found.push(of(entry))
    return found
  }
  return {
    cases,
    observations,
    baseline,
    prepare: (id) => {
      const room = upToDate()
      const entry = id === undefined ? undefined : room.get(id)
      if (entry) reportOf(entry)
      summedUp()
    },
    measured: () => each((entry) => countOf(entry).measured),
    talks: () => upToDate() && talks,
    passes: () => {
      let [finished, latest] = [Infinity, 0]
      for (const entry of upToDate().values()) {
        const count = countOf(entry)
        finished = Math.min(finished, count.finished)
        latest = Math.max(latest, count.latest)
      }
      return { finished: finished === Infinity ? 0 : finished, latest }
    },
    tallies: () => each((entry) => countOf(entry).tally),
    reports: () => each(reportOf),
    totals: summedUp,
  }
}

type Booked = {
  cases: readonly CaseInfo[]
  observations: readonly Observation[]
  book?: CaseBook | undefined
}

/** The book that was kept while the run went on; a new one where that is of other cases, observations or another baseline. */
export function bookOf({ cases, observations, book }: Booked, baseline = book?.baseline ?? null): CaseBook {
  const isOwn = book?.cases === cases && book.observations === observations && book.baseline === baseline
  return isOwn ? book : caseBook(cases, observations, baseline)
}
