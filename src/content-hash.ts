// One text and one hash for the same content, however its keys were ordered. Touches nothing, but is not for pure rooms: it needs Node.
import { hash } from 'node:crypto'

/** JSON with sorted keys and without what is undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  // Not by a replacer: JSON.stringify is slow with one.
  return JSON.stringify(sorted(value))
}

/**
 * As `canonicalJson` of an object, from the canonical JSON of its values; undefined: it lacks that key. Keys are plain words, and no
 * whole numbers.
 */
export function canonicalObject(texts: Readonly<Record<string, string | undefined>>): string {
  let text = ''
  const keys = Object.keys(texts)
  // Most are written down in their order.
  if (!keys.every((key, i) => i === 0 || (keys[i - 1] ?? '') < key)) keys.sort()
  for (const key of keys) if (texts[key] !== undefined) text += `${text === '' ? '' : ','}"${key}":${texts[key]}`
  return `{${text}}`
}

/** The canonical JSON of each value of an object. */
export const canonicalParts = (value: Readonly<Record<string, unknown>>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, canonicalJson(inner)]))

/** The value with the keys of every object in order, itself where they are; what JSON would call by itself is called here. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const all = value.map(sorted)
    return all.every((one, at) => one === value[at]) ? value : all
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted(value.toJSON())
  const of = value as Record<string, unknown>
  const keys = Object.keys(of)
  let before = ''
  /** From the first key on that is not as it must be: all keys. */
  let entries: [string, unknown][] | undefined = Object.getPrototypeOf(of) === Object.prototype ? undefined : []
  for (const [at, key] of keys.entries()) {
    const inner = of[key]
    const own = typeof inner === 'object' ? sorted(inner) : inner
    if (own !== inner || key < before) entries ??= keys.slice(0, at).map((earlier) => [earlier, of[earlier]])
    entries?.push([key, own])
    before = key
  }
  return entries ? Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) : value
}

/** SHA-256 (hex) of a text. */
export const sha256 = (text: string): string => hash('sha256', text)

/** SHA-256 (hex) of the canonical JSON of a value. */
export function contentHash(value: unknown): string {
  return sha256(canonicalJson(value))
}
