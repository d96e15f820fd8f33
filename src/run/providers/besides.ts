// What an application tells besides its answer, by the JSONPaths of the target: contexts, trajectory, state.
import type { Json } from '../../schema/values.ts'

export const besides = ['contexts', 'trajectory', 'state'] as const
type Beside = (typeof besides)[number]

/** A last segment that picks members of a list: `[*]`, `.*`, `[?@.role == 'tool']`. */
const PICKS = /(\[\s*\*\s*\]|\[\s*\?[^[]*\]|\.\*)$/

/**
 * What a path finds, in the form in which answers have it: a list (the path leads to it, or to each of its members), or the
 * state. A path that picks members finds none in an empty list, which says something; undefined where there is no list.
 * Throws what `query` throws on a path that is none.
 */
export function besideIn(
  json: Json,
  name: Beside,
  path: string,
  query: (json: Json, path: string) => unknown[],
): { value: unknown } | undefined {
  const found = query(json, path)
  if (found.length === 0) {
    const picked = PICKS.test(path) && Array.isArray(query(json, path.replace(PICKS, ''))[0])
    return picked && name !== 'state' ? { value: [] } : undefined
  }
  if (name === 'state') return { value: found[0] }
  return { value: found.length === 1 && Array.isArray(found[0]) ? found[0] : found }
}

/** A target that says where its trajectory is tells one with every answer: with none, `never` would be content. */
export const noTrajectory = (path: string): string => `The answer has nothing at ${path} (trajectory).`
