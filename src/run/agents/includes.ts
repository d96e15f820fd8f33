// Whether the arguments of a call have at least those that a recorded result is for.
import type { Json } from '../../schema/values.ts'

/** At every depth; lists have the same length. */
export function includes(found: Json | undefined, wanted: Json): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(found) && found.length === wanted.length && wanted.every((value, i) => includes(found[i], value))
    )
  if (typeof wanted !== 'object' || wanted === null) return found === wanted
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return false
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(found, key) && includes(found[key], value))
}
