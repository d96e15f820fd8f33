// SHA-256 of a text, and of a JSON value independent of the order of its keys.
import { hash } from 'node:crypto'

/** SHA-256 in hex. */
export function sha256(text: string): string {
  return hash('sha256', text)
}

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
  for (const key of Object.keys(texts).sort())
    if (texts[key] !== undefined) text += `${text === '' ? '' : ','}"${key}":${texts[key]}`
  return `{${text}}`
}

/** The value with the keys of every object in order, itself where they are; what JSON would call by itself is called here. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const all = value.map(sorted)
    return all.every((one, at) => one === value[at]) ? value : all
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted(value.toJSON())
  let asItIs = Object.getPrototypeOf(value) === Object.prototype
  let before = ''
  const entries: [string, unknown][] = []
  for (const key of Object.keys(value)) {
    const inner: unknown = (value as Record<string, unknown>)[key]
    const own = sorted(inner)
    asItIs &&= own === inner && before <= key
    before = key
    entries.push([key, own])
  }
  return asItIs ? value : Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
