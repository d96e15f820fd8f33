// Files that the file of another tool names: found below the allowed folders only, read as text, YAML, JSON, lines or CSV.
import { existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import * as z from 'zod'
import { AigateError } from '../../errors.ts'
import { readText, type SourceFile, sourceFile } from '../source-text.ts'
import type { Locate } from '../yaml.ts'
import { parseYaml } from '../yaml.ts'
import { type Data, type Job, left, type Part, type Source } from './parts.ts'

const Anything = z.unknown()
const MOST_FILES = 2_000

/** The path behind `file://`; the text itself where there is none. */
export const withoutScheme = (reference: string): string => reference.replace(/^file:\/\//, '')
export const isFile = (value: unknown): value is string => typeof value === 'string' && value.startsWith('file://')

/**
 * The files that a reference means (`*` and `**` are wildcards), relative to the folder of its source. None, with a note
 * at `part`, where there is none or where it leads out of the allowed folders, by `..` or by a link.
 */
export async function filesNamed(job: Job, part: Part, reference: string): Promise<SourceFile[]> {
  const path = withoutScheme(reference)
  const whole = resolve(part.source.dir, path)
  const found = /[*?{[]/.test(path) && !existsSync(whole) ? await wildcard(part.source.dir, path) : [whole]
  const there = found.filter((one) => existsSync(one))
  if (there.length === 0) {
    left(job, part, `there is no file ${path}`)
    return []
  }
  const allowed = there.filter((one) => isInside(job.roots, realpathSync(one)))
  if (allowed.length < there.length)
    left(
      job,
      part,
      `${path} leads out of the project (the folder where you stand and that of the file): it is not read`,
    )
  if (allowed.length > MOST_FILES)
    left(job, part, `${path} means ${allowed.length} files; the first ${MOST_FILES} were read`)
  const shownFrom = folderOf(part.source)
  return allowed.slice(0, MOST_FILES).map((one) => sourceFile(shownFrom, one))
}

/** Where the names of files in notes start from. */
const folderOf = ({ dir, shown }: Source): string => {
  const up = shown.split('/').length - 1
  return isAbsolute(shown) ? dir : resolve(dir, ...Array.from({ length: up }, () => '..'))
}

async function wildcard(dir: string, path: string): Promise<string[]> {
  const { glob } = await import('tinyglobby')
  const pattern = isAbsolute(path) ? relative(dir, path).split(sep).join('/') : path
  const found = await glob(pattern, { cwd: dir, onlyFiles: true, absolute: true, ignore: ['**/node_modules/**'] })
  return found.sort()
}

function isInside(roots: readonly string[], path: string): boolean {
  return roots.some((root) => {
    const way = relative(existsSync(root) ? realpathSync(root) : root, path)
    return way === '' || (!way.startsWith('..') && !isAbsolute(way))
  })
}

/** The text of a file. @throws AigateError for one that cannot be read, or that Git LFS has not fetched */
export async function wholeText(file: SourceFile): Promise<string> {
  const text = await readText(file)
  if (!text.startsWith('version https://git-lfs.github.com/spec/')) return text
  const problem = 'this is only a pointer: Git LFS has not fetched the file'
  throw new AigateError(
    'bad_file',
    { problem, mend: 'Run `git lfs pull` there, then import again.' },
    { file: file.shown },
  )
}

/** The text of a file; undefined, with a note, where it cannot be read. */
export async function textIn(job: Job, part: Part, file: SourceFile): Promise<string | undefined> {
  return noted(job, part, () => wholeText(file))
}

/** What a YAML or JSON file holds, as a part with places of its own. */
export async function dataIn(job: Job, part: Part, file: SourceFile): Promise<Part | undefined> {
  return noted(job, part, async () => readData(await wholeText(file), file))
}

/** @throws AigateError with the place of what cannot be read */
export function readData(text: string, file: SourceFile): Part {
  const { value, locate } = parseYaml(text, file.shown, Anything, 'file')
  return { value, path: [], source: { shown: file.shown, dir: dirname(file.path), locate } }
}

/** The lines of a JSONL file, each a part; lines that are no JSON are noted. */
export function readLines(job: Job, text: string, file: SourceFile): Part[] {
  return text.split('\n').flatMap((content, i) => {
    if (content.trim() === '') return []
    const part = linePart(file, i + 1)
    try {
      return [{ ...part, value: JSON.parse(content) as unknown }]
    } catch {
      left(job, part, 'this line is no JSON', `line ${i + 1}`)
      return []
    }
  })
}

/** The rows of a CSV file as maps by its header. @throws AigateError where it is no CSV */
export async function readRows(text: string, file: SourceFile): Promise<{ columns: string[]; rows: Part[] }> {
  const { parse } = await import('csv-parse/sync')
  const semicolons = !text.split('\n', 1)[0]?.includes(',') && text.split('\n', 1)[0]?.includes(';')
  let read: { record: string[]; info: { lines: number } }[]
  try {
    read = parse(text, {
      info: true,
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      relax_quotes: true,
      delimiter: semicolons ? ';' : ',',
    }) as unknown as typeof read
  } catch (error) {
    const problem = `the CSV cannot be read: ${error instanceof Error ? (error.message.split(':')[0] ?? '').toLowerCase() : ''}`
    throw new AigateError('bad_file', { problem, mend: 'Correct the quotes in it.' }, { file: file.shown })
  }
  const [head, ...rest] = read
  const columns = (head?.record ?? []).map((name) => name.trim())
  const rows = rest.map(({ record, info }) => {
    const inside = record.join('').split('\n').length - 1
    const value: Data = Object.fromEntries(columns.map((name, i) => [name, record[i] ?? '']))
    return { ...linePart(file, info.lines - inside), value }
  })
  return { columns, rows }
}

function linePart(file: SourceFile, line: number): Part {
  const locate: Locate = () => ({ file: file.shown, line })
  return { value: undefined, path: [], source: { shown: file.shown, dir: dirname(file.path), locate } }
}

async function noted<T>(job: Job, part: Part, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    const place = error.places[0]
    const where = place === undefined ? '' : ` (${place.file}${place.line === undefined ? '' : `:${place.line}`})`
    left(job, part, `${error.message}${where}`)
    return undefined
  }
}
