// --tag and --case: which cases of the suites are asked, and what their absence would hide from a change's base.
import { counted } from '../../decide/words.ts'
import { AigateError } from '../../errors.ts'
import type { LoadedSuite } from '../../ports.ts'
import type { CaseInfo, GuardRecord, RunHeader } from '../../schema/run.ts'
import type { AskOptions } from '../options.ts'

type Selecting = Pick<AskOptions, 'tag' | 'case'>

const isWanted = ({ id, tags }: CaseInfo, { tag, case: ids }: Selecting): boolean =>
  (!tag || tag.some((one) => tags.includes(one))) && (!ids || ids.includes(id))

/** Keeps only the cases that --tag and --case ask for. */
export function selectCases(suites: LoadedSuite[], options: Selecting): { suites: LoadedSuite[]; partial: boolean } {
  if (!options.tag && !options.case) return { suites, partial: false }
  const known = suites.flatMap(({ cases }) => cases.map(({ info }) => info.id))
  const unknown = (options.case ?? []).filter((id) => !known.includes(id))
  if (unknown.length > 0) {
    const mend = 'Look the id up in the suite, or see all of them in `aigate report latest --reporter json`.'
    throw new AigateError('usage', { problem: `There is no case ${unknown.join(', ')}.`, mend })
  }
  const selected = suites.map((suite) => ({
    ...suite,
    cases: suite.cases.filter(({ info }) => isWanted(info, options)),
  }))
  const left = selected.filter(({ cases }) => cases.length > 0)
  if (left.length === 0) {
    const tags = [...new Set(suites.flatMap(({ cases }) => cases.flatMap(({ info }) => info.tags)))].sort()
    const problem = `No case has the tag ${(options.tag ?? []).join(' or ')}.`
    throw new AigateError('usage', { problem, mend: `Tags in use: ${tags.join(', ') || 'none'}.` })
  }
  return { suites: left, partial: true }
}

/** What a record says of --tag and --case. */
export const selectionOf = ({ tag, case: ids }: Selecting): Pick<RunHeader, 'selection'> =>
  tag || ids ? { selection: { ...(tag && { tags: tag }), ...(ids && { cases: ids }) } } : {}

/**
 * The records of the suites that are asked. A suite of which nothing is left to ask, because the change took those cases
 * away, has no verdict of its own: so it holds the others.
 */
export function holdEmptied(
  records: ReadonlyMap<string, GuardRecord>,
  asked: readonly LoadedSuite[],
  options: Selecting,
): ReadonlyMap<string, GuardRecord> {
  const present = new Set(asked.map(({ suite }) => suite.suite))
  const holds = [...records].flatMap(([name, { hidden }]) => {
    const lost = present.has(name) ? [] : hidden.filter((info) => isWanted(info, options))
    return lost.length === 0
      ? []
      : [
          `The suite ${name} has no case left that is asked here; at the base it has ${counted(lost.length, 'such case')}, which this change removes or rewrites.`,
        ]
  })
  if (holds.length === 0) return records
  return new Map([...records].map(([name, record]) => [name, { ...record, holds: [...record.holds, ...holds] }]))
}
