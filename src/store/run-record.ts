// Reads the record of a run back, also of one that was killed, and finds the records by the names that people use.
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AigateError } from '../errors.ts'
import { type Observation, type Run, RunHeader } from '../schema/run.ts'
import { badRecord, checkHead, firstIssue, type Line, parseJson, readLineBatches } from './json-lines.ts'
import {
  type Book,
  damaged,
  enter,
  enterKnownScore,
  type Grades,
  isGraded,
  observationsOf,
  openBook,
} from './run-book.ts'
import { fileError } from './write-text.ts'

/**
 * Reads a run. Observations come in the order of the cases in the header, counted trials before confirming ones, so
 * that the order in which answers happened to arrive changes nothing. A last line that was cut off is left out and
 * `stopped` says so; an answer that was never graded has `grader_error`.
 * Throws AigateError: `foreign_file` (also for a report or a baseline), `newer_file`, `cannot_read`, or `bad_file`
 * with the line that is broken.
 */
export async function readRun(path: string): Promise<Run> {
  const file = await fileOfRun(path)
  const { header, book, torn } = await readBook(file)
  const { end } = book
  const stopped = end ? end.stopped : torn ? 'interrupted while a line was being written' : 'interrupted'
  const anchors = header.anchors?.asked ? await anchorsOf(file) : undefined
  const read = { header, observations: observationsOf(book), complete: end?.complete ?? false, stopped }
  return { ...read, ...(anchors && { anchors }) }
}

export type RecordedAnswer = Pick<Observation, 'case' | 'trial' | 'purpose' | 'completion'>
export type RecordedScore = Pick<Observation, 'case' | 'trial' | 'purpose'> & Grades

/**
 * What stands in the record of a run, whatever became of the run: the answers in the order in which they came, each with
 * its score where it was graded. Throws as `readRun` does.
 */
export async function readRecord(
  file: string,
): Promise<{ header: RunHeader; complete: boolean; trials: { answer: RecordedAnswer; score?: RecordedScore }[] }> {
  const { header, book } = await readBook(file)
  const trials = book.trials.map((one) => {
    const { completion, ...score } = one
    const { case: id, trial, purpose } = one
    return { answer: { case: id, trial, purpose, completion }, ...(isGraded(one) && { score }) }
  })
  return { header, complete: book.end?.complete ?? false, trials }
}

async function readBook(file: string): Promise<{ header: RunHeader; book: Book; torn: boolean }> {
  let header: RunHeader | undefined
  let book: Book | undefined
  let torn = false
  for await (const lines of readLineBatches(file)) {
    for (const line of lines) {
      if (book && enterKnownScore(book, line)) continue
      const value = parseJson(line.text)
      if (header === undefined || book === undefined) {
        header = await readHeader(file, line, value)
        book = openBook(file, header)
      } else if (value === undefined && !line.ended) torn = true
      else enter(book, line, value)
    }
  }
  if (header === undefined || book === undefined) throw noHeader(file)
  return { header, book, torn }
}

/** The folder in which the anchors of a run are recorded: its own, beside the record. */
export const anchorsFolder = (file: string): string => join(dirname(file), 'anchors', basename(file, '.jsonl'))

async function anchorsOf(file: string): Promise<Run | undefined> {
  const folder = anchorsFolder(file)
  return (await isFolder(folder)) ? readRun(folder) : undefined
}

/** A run may be named by its folder when it holds one suite. */
async function fileOfRun(path: string): Promise<string> {
  const files = (await isFolder(path)) ? await recordsIn(path) : [path]
  const [file] = files
  if (file !== undefined && files.length === 1) return file
  const problem =
    file === undefined ? 'There is no record of a run in this folder.' : `This folder holds ${files.length} records.`
  throw new AigateError('bad_file', { problem, mend: 'Name one .jsonl file in it.' }, { file: path })
}

async function readHeader(file: string, line: Line, value: unknown): Promise<RunHeader> {
  const cutOff = !line.ended && value === undefined && line.text.startsWith('{"aigate":"run"')
  if (cutOff) throw noHeader(file)
  await checkHead(file, value, 'run')
  const read = RunHeader.safeParse(value)
  if (read.success) return read.data
  throw badRecord(file, line.number, `The header of the run is broken: ${firstIssue(read.error)}.`, damaged)
}

const noHeader = (file: string) =>
  badRecord(file, undefined, 'The record has no header: the run was stopped before it asked anything.', 'Run it again.')

/**
 * The files of a run, sorted. `ref`: `latest`, an id or the unique beginning of one, a folder, or a file (relative to
 * `root`, the folder of aigate.yaml). Throws AigateError `run_unknown`, which names the latest runs.
 */
export async function findRuns(root: string, ref: string): Promise<string[]> {
  const folder = join(root, '.aigate', 'runs')
  const ids = await runIds(folder)
  const recent = ids.slice(-5).reverse()
  const unknown = (problem: string) => new AigateError('run_unknown', { problem, recent: recent.join(', ') })

  if (ref === 'latest') {
    for (const id of ids.toReversed()) {
      const files = await recordsIn(join(folder, id))
      if (files.length > 0) return files
    }
    throw unknown('There is no run yet.')
  }
  const matches = ids.includes(ref) ? [ref] : ids.filter((id) => ref !== '' && id.startsWith(ref))
  const path = matches[0] === undefined ? resolve(root, ref) : join(folder, matches[0])
  if (matches.length > 1) throw unknown(`${matches.length} runs begin with ${ref}: ${matches.slice(-5).join(', ')}.`)
  const found = await stat(path).catch(() => undefined)
  if (ref === '' || found === undefined) throw unknown(`There is no run ${ref === '' ? 'without a name' : ref}.`)
  if (!found.isDirectory()) return [path]
  const files = await recordsIn(path)
  if (files.length === 0) throw unknown(`The folder ${ref} holds no record of a run.`)
  return files
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false

async function runIds(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

async function recordsIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    throw fileError(folder, error, 'read')
  }
}

/** The ids of the last `most` invocations, newest first. */
export const recentRunFolders = async (root: string, most: number): Promise<string[]> =>
  (await runIds(join(root, '.aigate', 'runs'))).slice(-most).reverse()

/**
 * The stored runs of the last `most` invocations, oldest first, and the files among them that cannot be read: a record
 * that was damaged must not keep the others from being looked at.
 */
export async function recentRuns(root: string, most: number): Promise<{ runs: Run[]; unreadable: string[] }> {
  const folder = join(root, '.aigate', 'runs')
  const runs: Run[] = []
  const unreadable: string[] = []
  for (const id of (await runIds(folder)).slice(-most)) {
    for (const file of await recordsIn(join(folder, id))) {
      try {
        runs.push(await readRun(file))
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        unreadable.push(file)
      }
    }
  }
  return { runs, unreadable }
}
