// Reads the record of a run back, also of one that was killed, and finds the records by the names that people use.
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import { isPlainCompletion } from '../schema/plain-completion.ts'
import { Observation, type Run, RunHeader } from '../schema/run.ts'
import { badRecord, checkHead, firstIssue, type Line, parseJson, readLineBatches } from './json-lines.ts'
import { fileError } from './write-text.ts'

const { shape } = Observation
const AnswerLine = z.strictObject({
  type: z.literal('answer'),
  case: shape.case,
  trial: shape.trial,
  purpose: shape.purpose,
  completion: shape.completion,
})
const ScoreLine = z.strictObject({ type: z.literal('score'), ...Observation.omit({ completion: true }).shape })
const EndLine = z.strictObject({ type: z.literal('end'), complete: z.boolean(), stopped: z.string().optional() })
const RecordLine = z.discriminatedUnion('type', [AnswerLine, ScoreLine, EndLine])
const Grades = ScoreLine.omit({ type: true, case: true, trial: true, purpose: true })
type Grades = z.infer<typeof Grades>

const damaged = 'The file was changed or damaged after it was written; take it from a copy, or run the suite again.'

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

export type RecordedAnswer = Omit<z.infer<typeof AnswerLine>, 'type'>
export type RecordedScore = Omit<z.infer<typeof ScoreLine>, 'type'>

/**
 * What stands in the record of a run, whatever became of the run: the answers in the order in which they came, each with
 * its score where it was graded. Throws as `readRun` does.
 */
export async function readRecord(
  file: string,
): Promise<{ header: RunHeader; complete: boolean; trials: { answer: RecordedAnswer; score?: RecordedScore }[] }> {
  const { header, book } = await readBook(file)
  const trials = book.trials.map(({ completion, grades, ...trial }) => ({
    answer: { ...trial, completion },
    ...(grades && { score: { ...trial, ...grades } }),
  }))
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

/** A trial as the record has it. */
type Recorded = Pick<Observation, 'case' | 'trial' | 'purpose' | 'completion'> & { grades?: Grades }

/** What was read so far. */
type Book = {
  file: string
  /** By case, in the order of the header: its trials. */
  cases: Map<string, { id: string; trials: Recorded[] }>
  /** In the order in which they came. */
  trials: Recorded[]
  /** By their text: the same grades come again and again. */
  grades: Map<string, Grades>
  end?: z.infer<typeof EndLine>
}

const openBook = (file: string, header: RunHeader): Book => ({
  file,
  cases: new Map(header.cases.map(({ id }) => [id, { id, trials: [] }])),
  trials: [],
  grades: new Map(),
})

const nameOf = (line: { case: string; trial: number; purpose: string }) =>
  `${line.purpose} ${line.trial} of ${line.case}`

const trialIn = (trials: readonly Recorded[], { trial, purpose }: { trial: number; purpose: string }) =>
  trials.find((one) => one.trial === trial && one.purpose === purpose)

/** How `journalOf` begins the line of a score. */
const SCORE = /^\{"type":"score","case":"([^"\\\p{Cc}]*)","trial":([1-9]\d{0,8}),"purpose":"(pass|confirm)",/u
/** Different grades that are kept to be compared with. */
const MOST_GRADES = 10_000

/**
 * Enters a score whose grades, by their very text, were read before: most lines of a large record are such. False for any
 * other line, and for one with a fault: that is told by `enter`.
 */
function enterKnownScore(book: Book, { text, ended }: Line): boolean {
  const [head, id, trial, purpose = ''] = (ended ? SCORE.exec(text) : null) ?? []
  if (head === undefined || id === undefined || book.end) return false
  const answered = trialIn(book.cases.get(id)?.trials ?? [], { trial: Number(trial), purpose })
  if (!answered || answered.grades) return false
  const rest = text.slice(head.length)
  const known = book.grades.get(rest) ?? Grades.safeParse(parseJson(`{${rest}`)).data
  if (known === undefined) return false
  if (book.grades.size < MOST_GRADES) book.grades.set(rest, known)
  answered.grades = known
  return true
}

/** The line of an ordinary answer, without the schema. */
function plainAnswer(value: unknown): { success: true; data: z.infer<typeof AnswerLine> } | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 5) return undefined
  const { type, case: id, trial, purpose, completion } = value as Record<string, unknown>
  if (type !== 'answer' || typeof id !== 'string' || !Number.isSafeInteger(trial) || (trial as number) < 1)
    return undefined
  if ((purpose !== 'pass' && purpose !== 'confirm') || !isPlainCompletion(completion)) return undefined
  return { success: true, data: { type, case: id, trial: trial as number, purpose, completion } }
}

/** Enters one line; what contradicts the lines before it is a fault, for a guess would change the verdict. */
function enter(book: Book, line: Line, value: unknown): void {
  const fault = (problem: string) => badRecord(book.file, line.number, problem, damaged)
  if (value === undefined) throw fault('This line is no JSON.')
  const read = plainAnswer(value) ?? RecordLine.safeParse(value)
  if (!read.success) throw fault(`This line is no line of a run: ${firstIssue(read.error)}.`)
  if (book.end) throw fault('This line stands after the end of the run.')
  const entry = read.data
  if (entry.type === 'end') {
    book.end = entry
    return
  }
  const known = book.cases.get(entry.case)
  if (!known) throw fault(`The header knows no case ${entry.case}.`)
  const before = trialIn(known.trials, entry)
  const { trial, purpose } = entry
  if (entry.type === 'answer') {
    if (before) throw fault(`A second answer for ${nameOf(entry)}.`)
    // The id of the header: one text for all of its trials.
    const recorded: Recorded = { case: known.id, trial, purpose, completion: entry.completion }
    known.trials.push(recorded)
    book.trials.push(recorded)
  } else {
    if (!before) throw fault(`A score for ${nameOf(entry)}, which has no answer before it.`)
    if (before.grades) throw fault(`A second score for ${nameOf(entry)}.`)
    const { type: _type, case: _case, trial: _trial, purpose: _purpose, ...grades } = entry
    before.grades = grades
  }
}

function observationsOf({ cases }: Book): Observation[] {
  const order = (one: Recorded) => (one.purpose === 'pass' ? 0 : 1)
  // By case first, each with its few trials: a hundred thousand sorted at once take long.
  return [...cases.values()].flatMap(({ trials }) =>
    trials.sort((a, b) => order(a) - order(b) || a.trial - b.trial).map(observationOf),
  )
}

function observationOf({ case: id, trial, purpose, completion, grades }: Recorded): Observation {
  const { scores, passed, score, grader_error, output }: Grades = grades ?? ungraded(completion.outcome)
  const observation: Observation = { case: id, trial, purpose, completion, scores, passed, score }
  if (grader_error !== undefined) observation.grader_error = grader_error
  if (output !== undefined) observation.output = output
  return observation
}

/** An error or a timeout needs no grade: its completion says why it was not measured. */
function ungraded(outcome: Observation['completion']['outcome']): Grades {
  const nothing = { scores: [], passed: null, score: null }
  if (outcome === 'error' || outcome === 'timeout') return nothing
  return Object.assign(nothing, { grader_error: 'interrupted before it was graded' })
}

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
