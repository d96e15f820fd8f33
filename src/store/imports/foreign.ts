// What every format is reduced to: one trial a row, with the content that says which case it is.
import { AigateError } from '../../errors.ts'
import type { ErrorKind, Git, Score, Usage } from '../../schema/run.ts'

/** One answer to one case, as the other tool graded it. */
export type ForeignTrial = {
  /** The name of the case; the same in every file that holds the case. */
  id: string
  /** All that makes it this case (input, variables, expected): never its position, and nothing of the answer. */
  content: unknown
  /** The number of the repeat, where the format tells one. */
  trial?: number | undefined
  category?: string | undefined
  tags?: string[]
  answer?: string | undefined
  scores?: Score[]
  /** null: not graded; `error` or `ungraded` says why. */
  passed: boolean | null
  score: number | null
  /** No answer came: a failed measurement, not a failure. */
  error?: { kind: ErrorKind; message: string } | undefined
  timeout?: boolean
  /** An answer came, but nobody could grade it. */
  ungraded?: string | undefined
  latency_ms?: number | undefined
  cost_usd?: number | undefined
  usage?: Usage | undefined
  response_model?: string | undefined
  /** Taken from a cache: the model was not asked again. */
  replayed?: boolean
}

/** A file, reduced to its trials. */
export type ForeignResults = {
  /** What was asked, for people: model and prompt where the file tells. */
  label: string
  /** All that identifies what was asked. */
  target: unknown
  /** Who made the results, with its version where the file tells. */
  tool: string
  started_at?: string | undefined
  git?: Git | null
  /** Why the run behind the file ended before its time. */
  stopped?: string | undefined
  trials: ForeignTrial[]
  /** What people must know about how the file was read, one sentence each. */
  notes: string[]
}

/** A file as far as its outer form goes. */
export type Content =
  | { kind: 'json'; value: unknown }
  | { kind: 'lines'; values: { value: unknown; line: number }[] }
  | { kind: 'xml'; text: string }
  | { kind: 'csv'; text: string }
  | { kind: 'zip'; bytes: Uint8Array }

export type ReadOptions = {
  /** How messages name the file. */
  file: string
  /** Which provider or prompt of a file that holds several. */
  pick?: string | undefined
  /** The score from which on a trial passes, for graders that give no pass or fail. */
  passScore?: number | undefined
}

export type FormatReader = {
  /** For people, in a list of what there is. */
  what: string
  /** Whether the content has the marks of this format. Marks, not file names: no two formats share one. */
  matches(content: Content): boolean
  /** Throws AigateError `bad_file` for what it cannot read; guesses nothing. */
  read(content: Content, options: ReadOptions): ForeignResults | Promise<ForeignResults>
}

export type Data = Record<string, unknown>

/** Large files are refused before they are read: 256 MiB. */
export const MOST_BYTES = 256 * 1024 * 1024

export function badResults(file: string, problem: string, mend: string, line?: number): AigateError {
  return new AigateError('bad_file', { problem, mend }, { file, line })
}

export const isData = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value as an object; an empty one when it is none. */
export const data = (value: unknown): Data => (isData(value) ? value : {})
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
/** A finite number that is not negative. */
export const amount = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined

/** Any value as text: what is text stays, the rest is JSON. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)

/** The beginning of a text as part of a name: letters and digits of any script, joined by dashes; at most 40 characters. */
export function slug(written: string): string {
  const words = written
    .normalize('NFC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu)
  let name = ''
  for (const word of words ?? []) {
    if (name !== '' && name.length + word.length >= 40) break
    name = name === '' ? Array.from(word).slice(0, 40).join('') : `${name}-${word}`
  }
  return name === '' ? 'case' : name
}

/** The grade of a trial that the file names, but that was never asked (skipped, pending): it is not measured. */
export const notRun = (message: string): Pick<ForeignTrial, 'passed' | 'score' | 'error'> => ({
  passed: null,
  score: null,
  error: { kind: 'not_recorded', message },
})

/** A date of any usual form as ISO 8601 in UTC; undefined when it is none. */
export function isoDate(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/**
 * Whether a score passes. 1 passes and 0 fails everywhere; what lies between is not for us to say.
 * Throws AigateError when it does and no `passScore` was given, or when the score is outside of 0 to 1.
 */
export function passes(score: number, where: string, { file, passScore }: ReadOptions): boolean {
  if (!(score >= 0 && score <= 1)) {
    throw badResults(
      file,
      `${where} has the score ${score}, which is not between 0 and 1.`,
      'Scale the scores to 0 to 1, or add a field that says whether it passed.',
    )
  }
  if (passScore !== undefined) return score >= passScore
  if (score === 0 || score === 1) return score === 1
  throw badResults(
    file,
    `${where} has the score ${score}, and the file does not say which scores pass.`,
    'Say it, for example --pass-score 0.7.',
  )
}
