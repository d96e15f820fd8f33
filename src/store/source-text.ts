// Reads a text file that a person wrote: size limit, UTF-8, no byte order mark, LF line ends.
import { readFile, stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { AigateError } from '../errors.ts'

/** A file on the disk: its absolute path, and how messages name it. */
export type SourceFile = { path: string; shown: string }

/** Larger files are refused before they are parsed. */
export const LARGEST_FILE = 20 * 1024 * 1024

/** A file below (or beside) a folder; it is shown relative to that folder, with forward slashes. */
export function sourceFile(folder: string, file: string): SourceFile {
  const path = isAbsolute(file) ? file : resolve(folder, file)
  const shown = relative(folder, path).split(sep).join('/')
  return { path, shown: shown === '' || isAbsolute(shown) ? path : shown }
}

/** The text of a file, without byte order mark and with LF line ends, so that a checkout on Windows reads the same. */
export async function readText(file: SourceFile): Promise<string> {
  const refuse = (problem: string, mend: string) => new AigateError('bad_file', { problem, mend }, { file: file.shown })
  const bytes = await readBytes(file, refuse)
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw refuse('the file is UTF-16', 'Save it as UTF-8.')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n')
  } catch {
    throw refuse('the file is not UTF-8 text', 'Save it as UTF-8.')
  }
}

async function readBytes(file: SourceFile, refuse: (problem: string, mend: string) => AigateError): Promise<Buffer> {
  try {
    const { size } = await stat(file.path)
    if (size > LARGEST_FILE) {
      const megabytes = Math.round(size / 1024 / 1024)
      throw refuse(`the file is too large: ${megabytes} MB, at most 20 MB are read`, 'Split it into several files.')
    }
    return await readFile(file.path)
  } catch (error) {
    if (error instanceof AigateError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw refuse('there is no such file', 'Correct the path, or make the file.')
    if (code === 'EISDIR') throw refuse('this is a folder, not a file', 'Name a file.')
    if (code === 'EACCES' || code === 'EPERM')
      throw refuse('the file may not be read', 'Give yourself permission to read it.')
    throw refuse(`the file cannot be read (${code ?? 'unknown reason'})`, 'Check the path and the disk.')
  }
}
