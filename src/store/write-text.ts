// Writes a text file as a whole or not at all, and turns what the disk says into sentences.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AigateError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EEXIST: 'a part of its path is a file, not a folder',
  ENOENT: 'it does not exist',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links go round in a circle',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it would exceed the largest file that is allowed',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk failed',
}

/** Faults of the machine, not of what was asked for: trying again later may work. */
const trouble: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'EIO'])

/** The code of a system error such as ENOENT; undefined for anything else. */
export function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/**
 * The sentence for a file that could not be read or written.
 * An AigateError passes through unchanged; an error that is no system error is re-thrown, not swallowed.
 */
export function fileError(file: string, error: unknown, doing: 'read' | 'write'): AigateError {
  if (error instanceof AigateError) return error
  const code = errno(error)
  if (code === undefined) throw error
  const facts = { file, reason: reasons[code] ?? code }
  if (trouble.has(code)) return new AigateError('disk_trouble', facts)
  return new AigateError(doing === 'read' ? 'cannot_read' : 'cannot_write', facts)
}

/**
 * Finds out before anything is paid for whether a file can be written: it is no folder, and the nearest folder that exists
 * may be written to. Throws AigateError `cannot_write`.
 */
export async function requireWritable(file: string): Promise<void> {
  try {
    const found = await stat(file).catch(() => null)
    if (found?.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    let folder = dirname(file)
    while (!(await stat(folder).catch(() => null)) && dirname(folder) !== folder) folder = dirname(folder)
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('a file'), { code: 'ENOTDIR' })
    await access(folder, constants.W_OK)
  } catch (error) {
    throw fileError(file, error, 'write')
  }
}

/**
 * Writes `text`, which may come in pieces, to `file` in UTF-8, line ends as LF. Missing folders are made; a link is followed; the mode of an
 * existing file is kept; pipes and devices are written to as they are. Readers, and a crash at any moment, see the old
 * file or the new one, never a part.
 * Throws AigateError `cannot_write` or `disk_trouble`; then the old file stands as it was.
 */
export async function writeText(file: string, text: string | Iterable<string>): Promise<void> {
  try {
    await makeFolder(dirname(file))
    const content = typeof text === 'string' ? withLineFeeds(text) : inBlocks(text)
    await replaceFile(await realpath(file).catch(() => file), content)
  } catch (error) {
    throw fileError(file, error, 'write')
  }
}

const withLineFeeds = (text: string): string => text.replace(/\r\n?/g, '\n')

/** Characters that are written at once, of a text that comes in pieces. */
const BLOCK = 1 << 20

/** Many small pieces as a few large ones. */
export function* inBlocks(pieces: Iterable<string>): Generator<string> {
  let block = ''
  for (const piece of pieces) {
    block += piece
    // The line feed of a carriage return may come with the next piece.
    if (block.length < BLOCK || block.endsWith('\r')) continue
    yield withLineFeeds(block)
    block = ''
  }
  if (block !== '') yield withLineFeeds(block)
}

/**
 * write-file-atomic would do this, but it hands all bytes to one write(2) and ignores how many were taken: on a disk
 * that fills up it renames a cut-off file over the good one. FileHandle.writeFile goes on until all is written or fails.
 */
async function replaceFile(file: string, text: string | Iterable<string>): Promise<void> {
  const old = await stat(file).catch(() => undefined)
  // A pipe or a device such as /dev/null is written to; a rename would put a file in its place.
  if (old && !old.isFile() && !old.isDirectory()) return writeFile(file, text, 'utf8')
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`)
  try {
    const handle = await open(draft, 'wx', 0o666)
    try {
      if (old?.isFile()) await handle.chmod(old.mode & 0o7777)
      // Each goes on where the one before it ended.
      for (const block of typeof text === 'string' ? [text] : text) await handle.writeFile(block, 'utf8')
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(file))
}

/** Makes the rename itself last through a power cut; systems that cannot sync a folder are left in peace. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close().catch(() => undefined)
}
