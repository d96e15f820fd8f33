// One text and one hash for the same content, however its keys were ordered.
import { createHash } from 'node:crypto'

/** JSON with sorted keys; keys whose value is undefined are left out. */
export function canonical(value: unknown): string {
  // Not by a replacer: JSON.stringify is slow with one.
  return JSON.stringify(sorted(value))
}

/** The value with the keys of every object in order; what JSON would call by itself is called here. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted(value.toJSON())
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, sorted(inner)])
  return Object.fromEntries(entries.length < 2 ? entries : entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** SHA-256 (hex) of the canonical JSON of a value. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex')
}
