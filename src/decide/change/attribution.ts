// The effect of each of several changes made together, and of their interplay, from the runs of all combinations.
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo } from '../../schema/run.ts'
import type { Attribution } from '../../schema/verdict.ts'
import { meanRate } from '../../statistics/counts.ts'
import { factorialContrast } from '../../statistics/factorial-contrast.ts'
import type { Design } from './cells.ts'
import { byText } from '../words.ts'

/** Of each one-sided bound: 95 % intervals. */
const LEVEL = 0.975

/** A combination that was asked: one tally a case of the suite. `file`: its record; null for the baseline. */
export type AskedCell = { tallies: readonly CaseTally[]; file: string | null }

/**
 * The effects of a design.
 * @param input.asked the cells in the order of the design, from which the first (the baseline) is missing
 * @param input.fresh the baseline was asked in the same run, not recorded before
 * @param input.quarantined ids of cases that do not count
 * @param input.stopped why not everything was asked: then there are no effects, and this is the problem
 */
export function attribution(input: {
  design: Design
  baseline: Baseline
  fresh?: boolean | undefined
  cases: readonly CaseInfo[]
  asked: readonly AskedCell[]
  quarantined?: readonly string[] | undefined
  stopped?: string | undefined
}): Attribution {
  const { design, baseline, cases, stopped } = input
  const cells: AskedCell[] = [{ tallies: baseline.cases, file: null }, ...input.asked]
  const rows = comparable(cells, cases, new Set(input.quarantined))
  const measured = stopped === undefined && rows.length > 0
  return {
    components: design.changes,
    cells: design.cells.map((changed, g) => {
      const column = rows.flatMap((row) => row[g] ?? [])
      return {
        changed,
        pass_rate: column.length > 0 ? meanRate(column) : null,
        trials: column.reduce((least, { trials }) => Math.min(least, trials), column[0]?.trials ?? 0),
        file: cells[g]?.file ?? null,
      }
    }),
    effects: measured ? effectsOf(design, rows) : [],
    n: rows.length,
    not_compared: cases.length - rows.length,
    problem: stopped ?? (measured ? null : 'No case was measured in every combination.'),
    notes: [...(input.fresh ? [] : [driftNote(baseline)]), ...notesOf(rows)],
  }
}

/** The cases that are the same in the baseline and measured in every cell: one row each, one tally a cell. */
function comparable(cells: readonly AskedCell[], cases: readonly CaseInfo[], left: ReadonlySet<string>): CaseTally[][] {
  const shelves = cells.map(({ tallies }) => new Map(tallies.map((tally) => [tally.id, tally])))
  return [...cases]
    .sort((a, b) => byText(a.id, b.id))
    .flatMap(({ id, hash }) => {
      const row = shelves.flatMap((shelf) => {
        const tally = shelf.get(id)
        return tally && tally.hash === hash && tally.trials > 0 ? [tally] : []
      })
      return row.length === cells.length && !left.has(id) ? [row] : []
    })
}

function effectsOf({ changes, cells }: Design, rows: readonly CaseTally[][]): Attribution['effects'] {
  const sets = cells.map((members, mask) => ({ members, mask })).slice(1)
  sets.sort((a, b) => a.members.length - b.members.length || a.mask - b.mask)
  return sets.map(({ mask }) => {
    const { difference, low, high } = factorialContrast(rows, mask, LEVEL)
    const components = changes.filter((_, j) => (mask >> j) & 1).map(({ name }) => name)
    return { components, estimate: difference, interval: { low, high, level: LEVEL } }
  })
}

function driftNote({ runs }: Baseline): string {
  const recorded = runs.at(-1)?.at.slice(0, 10) ?? 'before'
  return `The combination without any change is the baseline of ${recorded}: what its provider changed since then counts as effect too.`
}

function notesOf(rows: readonly CaseTally[][]): string[] {
  const once = rows.some((row) => row.some(({ trials }) => trials < 2))
  return [
    'A case whose input or assertions changed has another ruler and is not compared.',
    ...(once
      ? ['Some cases were tried once in a combination, which makes the intervals wide; --trials 3 narrows them.']
      : []),
  ]
}
