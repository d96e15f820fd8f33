// Events that came after their minute was closed: where they are more than a few, what happened was not counted.
import type { Arm, Reading } from '../../schema/rollout-journal.ts'
import { wilson } from '../../statistics/wilson.ts'
import { saidTime } from './said-time.ts'

/** More of what came than this, and a look has not counted what came. */
const LATE = 0.01
const LEVEL = 0.99

/** Events that came too late, of all that came (of one arm), since the last look that counted what came. */
export type Late = { late: number; of: number; arm?: Arm }

/**
 * What came too late, summed up until a look counts what comes; undefined: nothing, or too few to matter. Each arm is asked for
 * by itself: a small one that is late throughout is but a little of everything.
 */
export function lateAfter(
  before: Late | undefined,
  { late, late_arms: arms, blocks }: Pick<Reading, 'late' | 'late_arms' | 'blocks'>,
): Late | undefined {
  const counted = (arm: Arm) => blocks.reduce((sum, block) => sum + block.arms[arm].requests, 0)
  const [baseline, candidate] = [counted('baseline'), counted('candidate')]
  if (late + baseline + candidate === 0) return before
  const asked: Late[] = [
    { late, of: late + baseline + candidate },
    ...(arms
      ? [
          { late: arms.candidate, of: arms.candidate + candidate, arm: 'candidate' as const },
          { late: arms.baseline, of: arms.baseline + baseline, arm: 'baseline' as const },
        ]
      : []),
  ]
  const found = asked.find((one) => one.late > 0 && wilson(one.late, one.of, LEVEL).low > LATE)
  if (found === undefined) return undefined
  if (before === undefined || before.arm !== found.arm) return found
  return { ...found, late: found.late + before.late, of: found.of + before.of }
}

/** `lateness`: that of the source, in milliseconds. */
export const saidLate = ({ late, of, arm }: Late, lateness: number): string =>
  `${late} of ${of} events${arm === undefined ? '' : ` of the ${arm}`} were not counted: they came more than ${saidTime(lateness)} (\`lateness\`) after their minute. Make \`source.lateness\` longer than the logs take.`
