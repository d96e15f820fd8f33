// Rewrites a file within the room that it has: for a disk that is full, on which no second file can be made.
import { type FileHandle, open, stat } from 'node:fs/promises'

const BLANK = ' '.charCodeAt(0)

/** Whether an error says that a disk, a quota or its list of files is full. */
export const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

/**
 * Replaces `before` by `after` in the blocks that the file has already. First blanks make it as long as the new text, then one write
 * of that length puts the text over it, then what is too much is cut off: JSON is whole before and after each of the steps.
 * JSON that is too long for the room is written without its blanks. What fails is taken back.
 * @returns false: the file is no longer as it was before. Throws the error of the disk where there is no room.
 */
export async function rewriteInPlace(file: string, before: string, after: string): Promise<boolean> {
  const handle = await open(file, 'r+')
  try {
    const old = await handle.readFile()
    if (old.toString('utf8') !== before) return false
    const texts = [after, ...compact(after)]
    for (const [index, text] of texts.entries()) {
      try {
        await writeOver(handle, old, Buffer.from(text))
        break
      } catch (error) {
        if (!isFull(error) || index === texts.length - 1) throw error
      }
    }
    // Whoever put another file in its place meanwhile has not seen this.
    return (await stat(file)).ino === (await handle.stat()).ino
  } finally {
    await handle.close()
  }
}

function compact(text: string): string[] {
  try {
    const short = `${JSON.stringify(JSON.parse(text))}\n`
    return short.length < text.length ? [short] : []
  } catch {
    return []
  }
}

async function writeOver(handle: FileHandle, old: Buffer, wanted: Buffer): Promise<void> {
  const more = wanted.length - old.length
  try {
    if (more > 0) {
      await writeAll(handle, Buffer.alloc(more, BLANK), old.length)
      await handle.sync()
    }
    await writeAll(handle, more < 0 ? Buffer.concat([wanted, Buffer.alloc(-more, BLANK)]) : wanted, 0)
    await handle.sync()
  } catch (error) {
    await writeAll(handle, old, 0).catch(() => undefined)
    await handle.truncate(old.length).catch(() => undefined)
    await handle.sync().catch(() => undefined)
    throw error
  }
  // Blanks that a disk does not let go of harm nobody.
  if (more < 0) await handle.truncate(wanted.length).catch(() => undefined)
  await handle.sync().catch(() => undefined)
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}
