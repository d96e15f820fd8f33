// What can be written down: of a reading with numbers that no journal takes, that which is left, and why the rest is not.
import { Block, Reading, RolloutEntry } from '../../schema/rollout-journal.ts'

/** A reading, or the sentence why there is none or not all of it. */
export type Read = { reading: Reading | null; failure: string | null }

/** A reading without the blocks that have numbers which are none (infinite, negative); what is left is judged and kept. */
export function recordable(reading: Reading): Read {
  const whole = Reading.safeParse(reading)
  if (whole.success) return { reading, failure: null }
  const blocks = reading.blocks.filter((block) => Block.safeParse(block).success)
  const lost = reading.blocks.length - blocks.length
  const [issue] = whole.error.issues
  const why = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
  const rest = { ...reading, blocks }
  if (lost === 0 || !Reading.safeParse(rest).success)
    return { reading: null, failure: `it gave numbers that cannot be recorded (${why}).` }
  return { reading: rest, failure: `${lost} of ${reading.blocks.length} blocks have numbers that are none (${why}).` }
}

/** true: the journal will take it. */
export const isRecordable = (look: RolloutEntry): boolean => RolloutEntry.safeParse(look).success
