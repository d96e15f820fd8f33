// The other side of a run that was made with --against: its record, and the baseline that its answers make.
import { basename, dirname, join } from 'node:path'
import { observedBaseline } from '../../decide/baseline/accept-baseline.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Observation, Run, RunHeader } from '../../schema/run.ts'
import { readRun } from '../../store/run-journal.ts'

/** The folder of the records of the other side, beside those of the candidate. */
export const AGAINST = 'against'

/** What the verdict must say where answers of the base side are not from this run. */
export const keptNote = ({ answers, oldest }: NonNullable<RunHeader['kept']>, ref: string): string =>
  `${answers} answers of ${ref} are kept from ${oldest.slice(0, 16)}Z on: what the provider changed since then counts as an effect. Ask anew with --refresh.`

/** The baseline that the observations of the other side make. */
export function baselineOf(run: Run, { ref, commit }: { ref: string; commit: string }): Baseline {
  const kept = run.observations.filter(({ completion }) => completion.replayed).length
  const how =
    kept === 0 ? 'asked in the same run' : `${kept} of ${run.observations.length} answers taken from before this run`
  return observedBaseline(run, {
    at: run.header.started_at,
    by: 'aigate eval --against',
    reason: `${ref} (${commit.slice(0, 12)}), ${how}`,
  })
}

/** That it was the base side which failed, and how: its own words, once. */
export function failuresOf(
  observations: readonly Observation[],
  { ref, commit }: { ref: string; commit: string },
): string[] {
  // In no order of arrival: every reader of the record names the same one.
  const lost = observations.flatMap(({ completion }) => completion.error?.message ?? []).sort()
  const [first] = lost
  if (first === undefined) return []
  const side = `${ref} (${commit.slice(0, 12)})`
  return [
    `${lost.length} of ${observations.length} answers of the base side, ${side}, could not be measured: ${first.replace(`${side}: `, '')}`,
  ]
}

/** The other side of a finished run as it was recorded beside it; null for a run that was compared otherwise. */
export async function recordedOtherSide(
  run: Run,
  file: string,
): Promise<{ baseline: Baseline; file: string; failures: string[] } | null> {
  const { against } = run.header
  if (!against) return null
  const other = join(dirname(file), AGAINST, basename(file))
  const recorded = await readRun(other)
  return { baseline: baselineOf(recorded, against), file: other, failures: failuresOf(recorded.observations, against) }
}
