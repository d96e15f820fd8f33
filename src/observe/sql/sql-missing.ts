// Fields that a plan asks for and that no event has, told by an engine from the names of columns and keys alone.
import type { RolloutPlan } from '../../schema/rollout.ts'
import { askedFields, ENOUGH, missingNote } from '../asked-fields.ts'
import { EVALUATED } from '../events.ts'
import type { Finder } from './sql-events.ts'

/** Those that were not `said` before, each with its note, once there are enough events to tell. */
export function fieldsNowhere(
  { metrics }: RolloutPlan,
  finder: Finder,
  { requests, labels }: { requests: number; labels: number },
  said: readonly string[],
): { path: string; note: string }[] {
  const there = (path: string) => {
    const evaluated = EVALUATED.exec(path)
    const value = `gen_ai.evaluation.score.${evaluated?.[2] === 'label' ? 'label' : 'value'}`
    return finder.has(path) || (evaluated !== null && finder.has('gen_ai.evaluation.name') && finder.has(value))
  }
  return askedFields(metrics).flatMap((field) => {
    const many = field.label ? labels : requests
    if (many < ENOUGH || there(field.path) || said.includes(field.path)) return []
    return [{ path: field.path, note: missingNote(field, many) }]
  })
}
