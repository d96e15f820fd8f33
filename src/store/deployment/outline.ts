// A deployment file as it was written, with a mark on everything that was understood: what has none is reported.
import type { Place } from '../../errors.ts'
import type { Locate } from '../yaml.ts'

/** A value of the file and where it stands. */
export type At = { value: unknown; path: readonly (string | number)[] }
/** `left`: could not be carried over; `assumed`: the file does not say it, so this was written. */
export type Note = { kind: 'left' | 'assumed'; what: string; why: string; place: Place }
export type Outline = { root: At; file: string; locate: Locate; used: Set<string>; notes: Note[] }

export const newOutline = (value: unknown, file: string, locate: Locate): Outline => ({
  root: { value, path: [] },
  file,
  locate,
  used: new Set(),
  notes: [],
})

/** Names are compared without case, `_`, `-` and spaces. */
export const plain = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, '')
export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const keyOf = (path: At['path']) => JSON.stringify(path)

/** The first of several spellings that a map has. */
export function child(at: At | undefined, ...names: string[]): At | undefined {
  if (at === undefined || !isMap(at.value)) return undefined
  const keys = Object.keys(at.value)
  for (const name of names) {
    const key = keys.find((one) => plain(one) === plain(name))
    if (key !== undefined) return { value: at.value[key], path: [...at.path, key] }
  }
  return undefined
}

export type Item = At & { name?: string }
/** The parts of a list, or of a map with their names; a single text is a list of one. */
export function items(at: At | undefined): Item[] {
  if (at === undefined || at.value === null || at.value === undefined) return []
  if (Array.isArray(at.value)) return at.value.map((value: unknown, i) => ({ value, path: [...at.path, i] }))
  if (isMap(at.value))
    return Object.entries(at.value).map(([name, value]) => ({ name, value, path: [...at.path, name] }))
  return [at]
}

/** Marks something, with all that is in it, as understood. */
export function use(outline: Outline, at: At | undefined): unknown {
  if (at === undefined) return undefined
  outline.used.add(keyOf(at.path))
  return at.value
}

/** Texts and numbers as text, anything else as none; marks nothing. */
export const said = (at: At | undefined): string =>
  typeof at?.value === 'string' || typeof at?.value === 'number' ? String(at.value) : ''

/** Texts and numbers as text; marks it. Undefined for anything else. */
export function words(outline: Outline, at: At | undefined): string | undefined {
  if (at === undefined || !['string', 'number', 'boolean'].includes(typeof at.value)) return undefined
  return String(use(outline, at)).trim()
}

export function left(outline: Outline, at: At, why: string): void {
  use(outline, at)
  note(outline, at, 'left', why)
}
export function assumed(outline: Outline, at: At, why: string): void {
  note(outline, at, 'assumed', why)
}
function note({ notes, locate }: Outline, { path }: At, kind: Note['kind'], why: string): void {
  const { frame: _, ...place } = locate(path, 'key')
  notes.push({ kind, what: path.join('.') || 'the file', why, place })
}

/** Everything without a mark, the largest whole pieces of it. */
export function reportLeft(outline: Outline, at: At = outline.root): void {
  if (outline.used.has(keyOf(at.path))) return
  const parts = isMap(at.value) || Array.isArray(at.value) ? items(at) : []
  const touched = (one: At): boolean =>
    outline.used.has(keyOf(one.path)) ||
    (isMap(one.value) || Array.isArray(one.value) ? items(one).some(touched) : false)
  if (parts.some(touched)) for (const part of parts) reportLeft(outline, part)
  else left(outline, at, 'aigate has nothing that it could become')
}
