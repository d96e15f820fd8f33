// The lines of one run's record, entered one by one: what each of them may say, and what it may not after those before it.
import * as z from 'zod'
import { lateObject } from '../schema/late-object.ts'
import { isPlainCompletion } from '../schema/plain-completion.ts'
import { Observation, type RunHeader } from '../schema/run.ts'
import { badRecord, firstIssue, type Line, parseJson } from './json-lines.ts'
import { type LineSource, lineSource, withTextOnDisk } from './text-on-disk.ts'

const AnswerLine = lateObject(() => {
  const { case: id, trial, purpose, completion } = Observation.shape
  return { type: z.literal('answer'), case: id, trial, purpose, completion }
})
const ScoreLine = lateObject(() => ({ type: z.literal('score'), ...Observation.omit({ completion: true }).shape }))
const EndLine = lateObject(() => ({ type: z.literal('end'), complete: z.boolean(), stopped: z.string().optional() }))
const RecordLine = z.discriminatedUnion('type', [AnswerLine, ScoreLine, EndLine])
const Grades = lateObject(() => ScoreLine.omit({ type: true, case: true, trial: true, purpose: true }).shape)
export type Grades = z.infer<typeof Grades>

export const damaged =
  'The file was changed or damaged after it was written; take it from a copy, or run the suite again.'

/** A trial as the record has it; the scores of one that no line grades are `UNGRADED`. */
type Recorded = Observation
const UNGRADED: Observation['scores'] = []

export const isGraded = ({ scores }: Recorded): boolean => scores !== UNGRADED

/** Key by key, in place: a record may have a hundred thousand of them. */
function giveGrades(to: Recorded, { scores, passed, score, grader_error, output }: Grades): void {
  to.scores = scores
  to.passed = passed
  to.score = score
  if (grader_error !== undefined) to.grader_error = grader_error
  if (output !== undefined) to.output = output
}

/** What was read so far. */
export type Book = {
  file: string
  /** The same file, for texts that are read when they are asked for. */
  source: LineSource
  /** By case, in the order of the header: its trials. */
  cases: Map<string, { id: string; trials: Recorded[] }>
  /** In the order in which they came. */
  trials: Recorded[]
  /** By their text: the same grades come again and again. */
  grades: Map<string, Grades>
  end?: z.infer<typeof EndLine>
}

export const openBook = (file: string, header: RunHeader): Book => ({
  file,
  source: lineSource(file),
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
export function enterKnownScore(book: Book, { text, ended }: Line): boolean {
  const [head, id, trial, purpose = ''] = (ended ? SCORE.exec(text) : null) ?? []
  if (head === undefined || id === undefined || book.end) return false
  const answered = trialIn(book.cases.get(id)?.trials ?? [], { trial: Number(trial), purpose })
  if (!answered || isGraded(answered)) return false
  const rest = text.slice(head.length)
  const known = book.grades.get(rest) ?? Grades.safeParse(parseJson(`{${rest}`)).data
  if (known === undefined) return false
  if (book.grades.size < MOST_GRADES) book.grades.set(rest, known)
  giveGrades(answered, known)
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
export function enter(book: Book, line: Line, value: unknown): void {
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
    const { offset, length } = line
    const completion = withTextOnDisk(entry.completion, {
      source: book.source,
      offset,
      length,
      id: known.id,
    })
    const recorded = { case: known.id, trial, purpose, completion, scores: UNGRADED, passed: null, score: null }
    known.trials.push(recorded)
    book.trials.push(recorded)
  } else {
    if (!before) throw fault(`A score for ${nameOf(entry)}, which has no answer before it.`)
    if (isGraded(before)) throw fault(`A second score for ${nameOf(entry)}.`)
    giveGrades(before, entry)
  }
}

/** @returns the trials of the book, each whether it was graded or not */
export function observationsOf({ cases }: Book): Observation[] {
  const order = (one: Recorded) => (one.purpose === 'pass' ? 0 : 1)
  const all: Observation[] = []
  // By case first, each with its few trials: a hundred thousand sorted at once take long.
  for (const { trials } of cases.values()) {
    trials.sort((a, b) => order(a) - order(b) || a.trial - b.trial)
    for (const one of trials) {
      if (!isGraded(one)) giveGrades(one, ungraded(one.completion.outcome))
      all.push(one)
    }
  }
  return all
}

/** An error or a timeout needs no grade: its completion says why it was not measured. */
function ungraded(outcome: Observation['completion']['outcome']): Grades {
  const nothing = { scores: [], passed: null, score: null }
  if (outcome === 'error' || outcome === 'timeout') return nothing
  return Object.assign(nothing, { grader_error: 'interrupted before it was graded' })
}
