// Notes on fields that a rollout plan asks for and that look like a misspelt name of ours.
import { askedFields, commonFields } from '../../observe/asked-fields.ts'
import { AigateError } from '../../errors.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { nearest } from '../../store/faults.ts'

/** Fewer letters make many words near to each other. */
const SHORTEST = 6

/**
 * A sentence for each field whose name is nearly that of a field which events usually have. No fault: an application may log
 * what it likes. Conditions that cannot be read are somebody else's to name.
 */
export function fieldNotes({ metrics, source }: RolloutPlan): string[] {
  if (source.type === 'prometheus') return []
  const renamed = 'mapping' in source && typeof source.mapping === 'object' ? Object.keys(source.mapping) : []
  const columns = 'columns' in source ? Object.keys(source.columns) : []
  const known = new Set([...commonFields, ...renamed, ...columns])
  try {
    return askedFields(metrics).flatMap(({ metric, path }) => {
      if (path.length < SHORTEST || known.has(path)) return []
      const meant = nearest(path, [...known])
      const near = meant !== undefined && Math.abs(meant.length - path.length) <= 2 && differing(meant, path) <= 2
      return near ? [`${metric} asks for the field ${path}, which is nearly ${meant}`] : []
    })
  } catch (error) {
    if (error instanceof AigateError) return []
    throw error
  }
}

/** How many letters of the shorter one have no partner in the other one, in order from both ends. */
function differing(a: string, b: string): number {
  const least = Math.min(a.length, b.length)
  let head = 0
  while (head < least && a[head] === b[head]) head += 1
  let tail = 0
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1
  return Math.max(a.length, b.length) - head - tail
}
