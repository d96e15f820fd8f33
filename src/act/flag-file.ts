// The flag file as text: what it says, and what an empty one looks like.
import { basename } from 'node:path'
import { controlFailed, saying } from './failure.ts'

export const EMPTY_FLAG_FILE = `${JSON.stringify({ $schema: 'https://flagd.dev/schema/v0/flags.json', flags: {} }, null, 2)}\n`

/** An object as one; anything else as an empty one. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

/** A member of its own: `constructor` and the like are of every object, and are no flag. */
export function member(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/**
 * The flags and shared rules of a file. Throws AigateError `control_failed` where it is no flag file: applications ignore
 * such a file without a word.
 */
export function parseFlagFile(
  text: string,
  file: string,
): { flags: Record<string, unknown>; evaluators: Record<string, unknown> } {
  const mend = 'Correct or remove the file: applications ignore it silently and keep what they read last.'
  let whole: unknown
  try {
    whole = JSON.parse(text)
  } catch (error) {
    throw controlFailed(`${basename(file)} is not JSON (${saying(error)})`, mend)
  }
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole))
    throw controlFailed(`${basename(file)} holds no object`, mend)
  const { flags, $evaluators: evaluators } = record(whole)
  if (flags !== undefined && record(flags) !== flags) throw controlFailed(`${basename(file)} has odd flags`, mend)
  if (evaluators !== undefined && record(evaluators) !== evaluators)
    throw controlFailed(`${basename(file)} has odd $evaluators`, mend)
  return { flags: record(flags), evaluators: record(evaluators) }
}
