// The attribution of a finished run, made again from the records of its combinations; nothing is asked.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { attribution } from '../../decide/change/attribution.ts'
import { type Design, designOf, isCell } from '../../decide/change/cells.ts'
import { tally } from '../../decide/gate/tally.ts'
import { AigateError } from '../../errors.ts'
import type { Baseline } from '../../schema/baseline.ts'
import type { Run, TargetSnapshot } from '../../schema/run.ts'
import type { Attribution } from '../../schema/verdict.ts'
import { readRun } from '../../store/run-journal.ts'

/** The name of a combination, by what is as in the candidate. */
export const cellName = (changed: readonly string[]): string => changed.join('+')
/** Where the runs of one combination are: a folder beside the record of the candidate. */
export const cellFolder = (run: string, name: string): string => join(run, 'attribution', name)
/** The names of the combinations that were asked in a run, sorted. */
export const cellsIn = (run: string): Promise<string[]> =>
  readdir(cellFolder(run, '')).then(
    (names) => names.sort(),
    () => [],
  )

/**
 * What `eval --attribute` said about a run, from its records and the baseline of now.
 * @param regraded gives each record the grades that count; as they were recorded unless given
 * @returns null for a run without an attribution, and for one whose combinations are not those of this baseline
 * @throws AigateError for a record that cannot be read
 */
export async function recordedAttribution(
  { run, file }: { run: Run; file: string },
  baseline: Baseline | null,
  regraded: (run: Run) => Promise<Run> = async (one) => one,
): Promise<Attribution | null> {
  const fileOf = (changed: readonly string[]) => join(cellFolder(dirname(file), cellName(changed)), basename(file))
  if (!baseline || !existsSync(cellFolder(dirname(file), ''))) return null
  const sides = { before: baseline.target, after: run.header.target }
  const design = designFor(run.header.suite, sides)
  const files = design?.cells.slice(1, -1).map((changed) => ({ changed, file: fileOf(changed) })) ?? []
  if (!design || !files.some((one) => existsSync(one.file))) return null
  const { cases } = run.header
  const asked = []
  const problems = [run.stopped]
  for (const { changed, file: record } of files) {
    if (!existsSync(record)) {
      asked.push({ tallies: [], file: record })
      problems.push(`the record of ${cellName(changed)} is missing.`)
      continue
    }
    const cell = await regraded(await readRun(record))
    if (!isCell(cell.header.target, changed, sides)) return null
    asked.push({ tallies: tally(cell.observations, cases), file: record })
    problems.push(cell.stopped)
  }
  asked.push({ tallies: tally(run.observations, cases), file })
  const { quarantined, against } = run.header
  const stopped = problems.find((problem) => problem !== undefined)
  return attribution({ design, baseline, fresh: against !== undefined, cases, asked, quarantined, stopped })
}

/** Two sides that no design fits are another comparison than the one that was attributed: no error here. */
function designFor(suite: string, sides: { before: TargetSnapshot; after: TargetSnapshot }): Design | null {
  try {
    return designOf(suite, sides.before, sides.after)
  } catch (error) {
    if (error instanceof AigateError) return null
    throw error
  }
}
