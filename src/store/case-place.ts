// Where in its file a case has something, with the lines around it, for faults that are found when the file is long closed.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Place } from '../errors.ts'
import type { LoadedSuite } from '../ports.ts'
import { placeIn } from './faults.ts'

/** A file that is gone since has no frame. */
function textOf({ dir, file: own }: LoadedSuite, file: string): string | null {
  const up = dirname(own).split('/').filter((part) => part !== '.').map(() => '..') // biome-ignore format: one path
  try {
    return readFileSync(join(dir, ...up, file), 'utf8')
  } catch {
    return null
  }
}

/**
 * The place of `key` in a case that begins at a line (from 1), else that of the case.
 * @param suite whose files are told relative to the root
 */
export function placeOfCase(suite: LoadedSuite, { file, line }: { file: string; line: number }, key?: string): Place {
  const text = textOf(suite, file)
  if (text === null) return { file, line }
  const lines = text.split('\n')
  // The next case of a YAML list ends this one; a case of JSON lines is one line.
  const next = lines.findIndex((one, at) => at >= line && /^\s*-\s+id:/.test(one))
  const own = file.endsWith('.jsonl') ? lines.slice(line - 1, line) : lines.slice(line - 1, next === -1 ? undefined : next) // biome-ignore format: one choice
  const form = key === undefined ? null : new RegExp(`(?<!\\w)"?${key}"?\\s*:`)
  const at = form === null ? -1 : own.findIndex((one) => form.test(one))
  const column = (own[Math.max(0, at)] ?? '').search(at === -1 || form === null ? /\S|$/ : form)
  return placeIn(text, file, line + Math.max(0, at), column + 1)
}
