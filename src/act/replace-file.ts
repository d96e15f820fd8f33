// Replaces a file as a whole or not at all: what others read at any moment, or find after a crash, is never a part.
import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { controlFailed, saying } from './failure.ts'
import { isFull, rewriteInPlace } from './rewrite-in-place.ts'

/** The text of a file, or null where there is none. Throws AigateError `control_failed`. */
export async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw controlFailed(`${basename(file)} cannot be read (${saying(error)})`, 'Check the path and its permissions.')
  }
}

/** How often somebody else's write in the middle is answered by doing the edit again. */
const ATTEMPTS = 5

/**
 * Replaces the text of `file` by `edit` of it (null: no file yet). Temporary file, fsync, rename; a link is followed and
 * the mode kept; where the text stays the same, nothing is written. A write of somebody else in between is not lost: the
 * edit is done again on their text. On a full disk the file is rewritten in the room that it has.
 * Throws AigateError `control_failed`; then the file is as it was.
 */
export async function replaceFile(file: string, edit: (text: string | null) => string): Promise<void> {
  const real = await realpath(file).catch(() => file)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await textOf(real)
    const after = edit(before)
    if (after === before || (await swap(real, before, after))) return
  }
  throw controlFailed(`${basename(file)} was changed by others again and again`, 'Let one program write it at a time.')
}

/** false: the file is no longer as it was before; nothing was replaced. */
async function swap(file: string, before: string | null, after: string): Promise<boolean> {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`)
  try {
    await makeFolder(dirname(file))
    const old = await stat(file).catch(() => undefined)
    // A rename would put a file in the place of a pipe or a device.
    if (old && !old.isFile()) throw new Error('it is no regular file')
    const handle = await open(draft, 'wx', 0o666)
    try {
      if (old?.isFile()) await handle.chmod(old.mode & 0o7777)
      // FileHandle.writeFile goes on until every byte is taken or it fails: a disk that fills up is an error here.
      await handle.writeFile(after, 'utf8')
      await handle.sync()
    } finally {
      await handle.close()
    }
    if ((await textOf(file)) !== before) return false
    await rename(draft, file)
  } catch (error) {
    // What is left of the draft would take the last room.
    await rm(draft, { force: true }).catch(() => undefined)
    if (isFull(error) && before !== null) return inPlace(file, before, after)
    throw unwritten(file, error)
  } finally {
    await rm(draft, { force: true }).catch(() => undefined)
  }
  // Makes the rename itself last through a power cut; systems that cannot sync a folder are left in peace.
  const folder = await open(dirname(file), 'r').catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close().catch(() => undefined)
  return true
}

async function inPlace(file: string, before: string, after: string): Promise<boolean> {
  try {
    return await rewriteInPlace(file, before, after)
  } catch (error) {
    throw unwritten(file, error)
  }
}

function unwritten(file: string, error: unknown): Error {
  const name = basename(file)
  if (isFull(error))
    return controlFailed(
      `${name} cannot be written: the disk is full, and the new text is longer than the room that the file has`,
      `Make room on the disk of ${name}.`,
    )
  return controlFailed(
    `${name} cannot be written (${saying(error)})`,
    'Check the path, its permissions and the room on the disk.',
  )
}
