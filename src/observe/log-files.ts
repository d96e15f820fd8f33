// Which files a log consists of now, and which of them is which of the last look: files are renamed, copied and packed.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { createGunzip } from 'node:zlib'
import * as z from 'zod'

/** `print`: hash of the first `length` bytes as they were before packing; `packed`: size of a .gz that was read to its end. */
export const FileMark = z.strictObject({
  path: z.string(),
  device: z.number(),
  inode: z.number(),
  offset: z.number(),
  print: z.strictObject({ length: z.number(), hash: z.string() }),
  packed: z.number().optional(),
})
export type FileMark = z.infer<typeof FileMark>
/** A file to read from `offset` on; `unchanged`: nothing is new in it, its mark stays. */
export type LogFile = {
  path: string
  device: number
  inode: number
  size: number
  offset: number
  unchanged?: FileMark
}
type Candidate = Omit<LogFile, 'offset'> & { mtime: number; beside: boolean }

const PRINT_BYTES = 1024
export const isPacked = (path: string): boolean => path.endsWith('.gz')

/**
 * The files of the patterns, oldest first, each with the offset up to which it is known. One that was renamed is known by
 * its inode, one that was copied or packed by its beginning; what left the patterns that way is looked for beside its old
 * place. A second file with the same beginning is a copy and is not read (`note`).
 */
export async function logFiles(
  patterns: readonly string[],
  marks: readonly FileMark[],
  note: (text: string) => void,
): Promise<LogFile[]> {
  const candidates = await candidatesOf(patterns, marks)
  const free = new Set(marks)
  const files: LogFile[] = []
  const open: Candidate[] = []
  for (const one of candidates) {
    const mark = [...free].find((each) => each.inode === one.inode && each.device === one.device)
    if (mark === undefined || !(await continues(one, mark))) {
      open.push(one)
      continue
    }
    free.delete(mark)
    files.push(continued(one, mark))
  }
  for (const one of open) {
    const alike: FileMark[] = []
    for (const mark of marks) if (mark.print.length > 0 && (await continues(one, mark))) alike.push(mark)
    const mark = alike.find((each) => free.has(each))
    if (mark) {
      free.delete(mark)
      files.push(continued(one, mark))
    } else if (alike.length > 0) {
      if (!one.beside) note(`${basename(one.path)} begins like a file that is read already: it was taken for a copy.`)
    } else if (!one.beside) files.push({ ...plain(one), offset: 0 })
  }
  return files
}

const plain = ({ path, device, inode, size }: Candidate) => ({ path, device, inode, size })

function continued(one: Candidate, mark: FileMark): LogFile {
  const same = isPacked(one.path) ? mark.packed === one.size && mark.inode === one.inode : mark.offset === one.size
  return { ...plain(one), offset: mark.offset, ...(same && { unchanged: { ...mark, path: one.path } }) }
}

/** Is this the file of the mark, or its copy? A packed one that was read to its end need not be opened again. */
async function continues(one: Candidate, mark: FileMark): Promise<boolean> {
  const packed = isPacked(one.path)
  if (packed && mark.packed === one.size && mark.inode === one.inode) return true
  if (!packed && one.size < mark.offset) return false
  return (await printOf(one.path, mark.print.length)) === mark.print.hash
}

async function candidatesOf(patterns: readonly string[], marks: readonly FileMark[]): Promise<Candidate[]> {
  const { glob, isDynamicPattern } = await import('tinyglobby')
  const named = new Set<string>()
  for (const pattern of patterns) {
    if (!isDynamicPattern(pattern)) named.add(resolve(pattern))
    else
      for (const path of await glob(pattern, { absolute: true, onlyFiles: true, expandDirectories: false }))
        named.add(resolve(path))
  }
  const beside = new Set<string>()
  for (const folder of new Set(marks.map(({ path }) => dirname(path)))) {
    const stems = marks.filter(({ path }) => dirname(path) === folder).map(({ path }) => stemOf(path))
    for (const name of await readdir(folder).catch(() => []))
      if (stems.some((stem) => name.startsWith(stem))) beside.add(join(folder, name))
  }
  const found: Candidate[] = []
  for (const path of new Set([...named, ...beside])) {
    const is = await stat(path).catch(() => null)
    if (!is?.isFile()) continue
    const { dev, ino, size, mtimeMs } = is
    found.push({ path, device: dev, inode: ino, size, mtime: mtimeMs, beside: !named.has(path) })
  }
  const links = new Map(found.toReversed().map((one) => [`${one.device}:${one.inode}`, one]))
  return [...links.values()].toSorted((a, b) => a.mtime - b.mtime || (a.path < b.path ? -1 : 1))
}

/** The name without what rotation adds to it: app.log of app.log.2.gz. */
function stemOf(path: string): string {
  return basename(path)
    .replace(/\.gz$/, '')
    .replace(/[.-]\d[\d.-]*$/, '')
}

/** Hash of the first `length` bytes, unpacked; undefined where there are not so many. */
export async function printOf(path: string, length: number): Promise<string | undefined> {
  const wanted = Math.min(length, PRINT_BYTES)
  const bytes = isPacked(path) ? await unpackedStart(path, wanted) : await plainStart(path, wanted)
  return bytes === undefined || bytes.length < wanted
    ? undefined
    : createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

async function plainStart(path: string, length: number): Promise<Buffer | undefined> {
  const handle = await open(path, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function unpackedStart(path: string, length: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let size = 0
  if (length === 0) return Buffer.alloc(0)
  try {
    for await (const part of unpacked(path)) {
      parts.push(part)
      size += part.length
      if (size >= length) break
    }
  } catch {
    return undefined
  }
  return Buffer.concat(parts).subarray(0, length)
}

/** The unpacked bytes of a .gz. */
export function unpacked(path: string): AsyncIterable<Buffer> {
  const gunzip = createGunzip()
  createReadStream(path)
    .on('error', (error) => gunzip.destroy(error))
    .pipe(gunzip)
  return gunzip
}

/** The mark of a file that was read up to `offset`. */
export async function markOf(file: LogFile, offset: number, ended: boolean): Promise<FileMark> {
  const length = Math.min(offset, PRINT_BYTES)
  const { path, device, inode, size } = file
  const hash = (await printOf(path, length)) ?? ''
  return { path, device, inode, offset, print: { length, hash }, ...(isPacked(path) && ended && { packed: size }) }
}
