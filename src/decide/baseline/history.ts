// How each case fared in the runs that were accepted, one short entry a run, kept with the case while its content stays.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import { byText } from '../words.ts'

/** Accepted runs that a case remembers. */
export const MOST_RUNS = 10

/** One accepted run of one case. `run` begins the id of the run; `at` is when it started (ISO 8601). */
export type Sighting = { run: string; at: string; passes: number; trials: number }

/**
 * What a run is called here: the time with which its id begins (20261121T075454265Z), so that it can be looked up by it;
 * for an id of another form the time at which it started.
 */
export const stampOf = ({ id, at }: { id: string; at: string }): string =>
  /^\d{8}T\d{6,}Z/.exec(id)?.[0] ?? at.replace(/[-:.]/g, '')

const momentOf = (stamp: string): string => {
  const [, year, month, day, hour, minute, second, rest = ''] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d*)Z$/.exec(stamp) ?? []
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${rest === '' ? '' : `.${rest}`}Z`
}

const entryOf = (stamp: string, { passes, trials }: { passes: number; trials: number }) =>
  trials > 0 ? [`${stamp}:${passes}/${trials}`] : []

const stampIn = (entry: string): string => entry.split(':')[0] ?? ''

/**
 * The history of each case of a new baseline: what the baseline before it remembers of the same content, then the run.
 * Accepting the same run again changes nothing, and answers that were only replayed for the configuration of the last run
 * take the place of its entry: they are no new trials. The last 10 runs stay, oldest first.
 * @param tallies what this run alone measured, in whole passes
 * @param run its id, and when it started (ISO 8601)
 * @param replayed whether the run only replayed a case, for the configuration that `before` knows
 * @returns entries by the id of the case; a case that was never measured has none
 */
export function extendedHistory(
  before: Baseline | null,
  tallies: readonly CaseTally[],
  run: { id: string; at: string },
  replayed: (id: string) => boolean,
): Map<string, string[]> {
  const stamp = stampOf(run)
  const latest = before && stampOf(lastRun(before))
  const old = new Map(before?.cases.map((tally) => [tally.id, tally]))
  return new Map(
    tallies.map((tally) => {
      const known = old.get(tally.id)
      const past = before && known?.hash === tally.hash ? historyOf(before, known) : []
      const others = past.filter(
        (entry) => stampIn(entry) !== stamp && !(replayed(tally.id) && stampIn(entry) === latest),
      )
      const all = [...others, ...entryOf(stamp, tally)].sort((a, b) => byText(stampIn(a), stampIn(b)))
      return [tally.id, all.slice(-MOST_RUNS)]
    }),
  )
}

const lastRun = ({ runs, accepted }: Baseline) => runs.at(-1) ?? { id: '', at: accepted.at }

/**
 * The entries of a case. A baseline from before there was a history knows only the sum over its runs: that becomes one
 * entry under the last of them.
 */
function historyOf(baseline: Baseline, tally: CaseTally): string[] {
  return tally.history ?? entryOf(stampOf(lastRun(baseline)), tally)
}

/** What a baseline remembers of a case, oldest first; empty when it does not know the case with this content. */
export function sightingsOf(baseline: Baseline | null, id: string, hash: string): Sighting[] {
  const tally = baseline?.cases.find((one) => one.id === id)
  if (!baseline || tally?.hash !== hash) return []
  return historyOf(baseline, tally).map((entry) => {
    const [run = '', counts = ''] = entry.split(':')
    const [passes = 0, trials = 0] = counts.split('/').map(Number)
    return { run, at: momentOf(run), passes, trials }
  })
}
