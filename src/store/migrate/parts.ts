// Parts of the file of another tool, each with its place, and notes about what became of them.
import type { Place } from '../../errors.ts'
import type { Locate } from '../yaml.ts'

type Path = readonly (string | number)[]
/** A file that was read: `dir` is the folder that the paths in it start from. */
export type Source = { shown: string; dir: string; locate: Locate }
/** A value and where it stands. */
export type Part = { value: unknown; path: Path; source: Source }
export type Data = Record<string, unknown>

/** `left`: not carried over. `changed`: carried over, but a person has to look at it. */
export type Note = { kind: 'left' | 'changed'; what: string; why: string; place: Place }
/** What a migration needs besides the file itself. */
export type Job = {
  notes: Note[]
  /** What was noted already: one cause is told once. */
  told: Set<string>
  /** Folders (absolute) out of which no file is read. */
  roots: readonly string[]
  /** Why an assertion could not be graded; null when it can. */
  problemOf: (assertion: unknown) => string | null
}

export const isMap = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value)

/** A part of a map or a list; undefined where there is none (or null). */
export function child(part: Part | undefined, key: string | number): Part | undefined {
  if (part === undefined || typeof part.value !== 'object' || part.value === null) return undefined
  if (!Object.hasOwn(part.value, key)) return undefined
  const value = (part.value as Record<string | number, unknown>)[key]
  return value === undefined || value === null ? undefined : { ...part, value, path: [...part.path, key] }
}

/** The entries of a list; a single value is a list of one; nothing is none. */
export function items(part: Part | undefined): Part[] {
  if (part === undefined || part.value === null || part.value === undefined) return []
  if (!Array.isArray(part.value)) return [part]
  return part.value.map((value: unknown, i) => ({ ...part, value, path: [...part.path, i] }))
}

/** The entries of a map with their names. */
export function entries(part: Part | undefined): [string, Part][] {
  if (part === undefined || !isMap(part.value)) return []
  return Object.entries(part.value).map(([key, value]) => [key, { ...part, value, path: [...part.path, key] }])
}

/** A text, number or boolean as text. */
export const textOf = (part: Part | undefined): string | undefined =>
  part !== undefined && isScalar(part.value) ? String(part.value) : undefined
export const numberOf = (part: Part | undefined): number | undefined => {
  const text = textOf(part)
  return text === undefined || text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text)
}

/** How a note calls a part: the way to it in its file. */
export const nameOfPart = ({ path }: Part): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('')

export function left(job: Job, part: Part, why: string, what = nameOfPart(part)): void {
  note(job, 'left', part, why, what)
}
export function changed(job: Job, part: Part, why: string, what = nameOfPart(part)): void {
  note(job, 'changed', part, why, what)
}
function note(job: Job, kind: Note['kind'], part: Part, why: string, what: string): void {
  const { file, line } = part.source.locate(part.path, 'key')
  const shown = what === '' ? 'the file' : what
  const key = JSON.stringify([kind, shown, why, file, line])
  if (job.told.has(key)) return
  job.told.add(key)
  job.notes.push({ kind, what: shown, why, place: { file, line: line ?? 1 } })
}

/** Notes every entry of a map that is not among the known ones, so that nothing is dropped in silence. */
export function leaveOthers(
  job: Job,
  part: Part | undefined,
  known: readonly string[],
  why = 'aigate has nothing that it could become',
): void {
  for (const [key, one] of entries(part)) if (!known.includes(key) && one.value !== null) left(job, one, why)
}
