// Events that came after their minute was closed: where they are more than a few, what happened was not counted.
import type { Reading } from '../../schema/rollout-journal.ts'
import { wilson } from '../../statistics/wilson.ts'
import { saidTime } from './said-time.ts'

/** More of what came than this, and a look has not counted what came. */
const LATE = 0.01
const LEVEL = 0.99

/** Events that came too late, of all that came, since the last look that counted what came. */
export type Late = { late: number; of: number }

/** What came too late, summed up until a look counts what comes; undefined: nothing, or too few to matter. */
export function lateAfter(before: Late | undefined, { late, blocks }: Pick<Reading, 'late' | 'blocks'>) {
  const counted = blocks.reduce((sum, { arms }) => sum + arms.baseline.requests + arms.candidate.requests, 0)
  const of = late + counted
  if (of === 0) return before
  if (late === 0 || wilson(late, of, LEVEL).low <= LATE) return undefined
  return { late: late + (before?.late ?? 0), of: of + (before?.of ?? 0) }
}

/** `lateness`: that of the source, in milliseconds. */
export const saidLate = ({ late, of }: Late, lateness: number): string =>
  `${late} of ${of} events were not counted: they came more than ${saidTime(lateness)} (\`lateness\`) after their minute. Make \`source.lateness\` longer than the logs take.`
