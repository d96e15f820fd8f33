// SHA-256 of a text, and of a JSON value independent of the order of its keys.
import { createHash } from 'node:crypto'

/** SHA-256 in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** JSON with sorted keys and without what is undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
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
