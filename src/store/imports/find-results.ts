// Tells results of other tools from our own records by name and first bytes, and takes the `#provider` off the name.
import { open, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { fileError } from '../write-text.ts'

const endings = /\.(?:json|jsonl|ndjson|xml|csv|eval)$/i
/** Endings that none of our records has: such a file must be there. */
const neverOurs = /\.(?:xml|csv|eval)$/i

/**
 * The file of another tool that `ref` names, with what stands behind `#`; null when it is a run or a baseline of ours.
 * `forced`: the format was named, so that the file counts as foreign whatever it is called.
 * Throws AigateError `cannot_read` when it can only be a foreign file and is not there.
 */
export async function findResults(
  cwd: string,
  ref: string,
  forced: boolean,
): Promise<{ file: string; pick: string | undefined } | null> {
  const named = await fileAndPick(cwd, ref)
  if (!forced && !endings.test(named.file)) return null
  try {
    if (!(await stat(named.file)).isFile()) return null
    return (await isOurs(named.file)) ? null : named
  } catch (error) {
    if (forced || neverOurs.test(named.file)) throw fileError(named.file, error, 'read')
    return null
  }
}

/** A file may have a # in its name: what is there as it stands wins. */
async function fileAndPick(cwd: string, ref: string): Promise<{ file: string; pick: string | undefined }> {
  const path = (name: string) => (isAbsolute(name) ? name : join(cwd, name))
  const mark = ref.indexOf('#')
  const whole = mark === -1 || (await stat(path(ref)).catch(() => undefined)) !== undefined
  if (whole) return { file: path(ref), pick: undefined }
  return { file: path(ref.slice(0, mark)), pick: ref.slice(mark + 1) }
}

/** All that aigate writes begins with the key `aigate`. */
async function isOurs(file: string): Promise<boolean> {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0)
    return /^\ufeff?\s*\{\s*"aigate"\s*:/.test(buffer.toString('utf8', 0, bytesRead))
  } finally {
    await handle.close()
  }
}
