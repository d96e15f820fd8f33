// The committed baseline of a suite: one line a case, the same bytes for the same content, so that a diff shows what changed.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as z from 'zod'
import { Baseline, CaseTally } from '../schema/baseline.ts'
import { isPlainTally } from '../schema/plain-tally.ts'
import { badRecord, checkHead, conflictLine, firstIssue, jsonLine, parseJson, refuseConflict } from './json-lines.ts'
import { committedText } from './git.ts'
import { fileAt } from './git-objects.ts'
import { errno, fileError, writeText } from './write-text.ts'

const again = 'Take the file from the last good commit, or record it again with `aigate baseline record`.'

/** Where the baseline of a suite is; groups in its name are folders. */
export const baselineFile = (folder: string, suite: string): string => join(folder, `${suite}.json`)

/**
 * The baseline in `file`, or null when there is no such file (an error when it is `required`). `suite` is whose
 * baseline it must be; null takes any.
 * Throws AigateError: `foreign_file`, `newer_file`, `cannot_read`, or `bad_file` for a torn file, the marks of a merge,
 * a baseline of another suite, a case that stands twice, and whatever else the schema refuses.
 */
export async function readBaseline(
  file: string,
  suite: string | null,
  options: { required?: boolean } = {},
): Promise<Baseline | null> {
  try {
    return await parseBaseline(file, await readFile(file, 'utf8'), suite)
  } catch (error) {
    if (errno(error) === 'ENOENT' && !options.required) return null
    throw fileError(file, error, 'read')
  }
}

/**
 * The baseline of a suite as the commit has it that is checked out; null when there is none in it.
 * `folder`: where baselines are, relative to `root`. Throws like `readBaseline`.
 */
export async function committedBaseline(root: string, folder: string, suite: string): Promise<Baseline | null> {
  const path = baselineFile(folder, suite)
  const text = await committedText(root, path)
  return text === null ? null : parseBaseline(`HEAD:${path}`, text, suite)
}

/** The baseline in the file `path` (relative to `root`) of a commit; null when there is none. Throws like `readBaseline`. */
export async function baselineAt(root: string, commit: string, path: string, suite: string): Promise<Baseline | null> {
  const text = await fileAt(root, commit, path)
  return text === null ? null : parseBaseline(`${commit.slice(0, 12)}:${path}`, text, suite)
}

/** A baseline from its text; `file` is what errors call it. Throws like `readBaseline`. */
export async function parseBaseline(file: string, content: string, suite: string | null): Promise<Baseline> {
  const text = content.replace(/^\ufeff/, '')
  refuseConflict(file, conflictLine(text))
  const value = parseJson(text)
  await checkHead(file, value, 'baseline', text)
  if (value === undefined) throw syntaxFault(file, text)
  const read = formOf(value)
  if (!read.success) throw schemaFault(file, text, read.error)
  const baseline = read.data
  if (suite !== null && baseline.suite !== suite) {
    const problem = `This is the baseline of the suite ${baseline.suite}, not of ${suite}.`
    throw badRecord(file, undefined, problem, `Name the baseline of ${suite}, or record one.`)
  }
  refuseNonsense(file, text, baseline.cases)
  return baseline
}

/** Tens of thousands of ordinary cases are no work for the schema; any other is. */
function formOf(value: unknown): z.ZodSafeParseResult<Baseline> {
  const { cases, ...rest } = (typeof value === 'object' && value !== null ? value : {}) as { cases?: unknown }
  if (!Array.isArray(cases) || !cases.every(isPlainTally)) return Baseline.safeParse(value)
  const read = Baseline.safeParse({ ...rest, cases: [] })
  return read.success ? { ...read, data: { ...read.data, cases } } : read
}

function syntaxFault(file: string, text: string) {
  if (!text.trimEnd().endsWith('}')) {
    return badRecord(file, text.trimEnd().split('\n').length, 'The baseline is cut off: its end is missing.', again)
  }
  // Each case stands on a line of its own, so the broken one can be named.
  const broken = text
    .split('\n')
    .findIndex((line) => isCase(line) && parseJson(line.trim().replace(/,$/, '')) === undefined)
  return badRecord(file, broken === -1 ? undefined : broken + 1, 'The baseline is no JSON.', again)
}

/** Runs begin with an id too, but have no hash. */
const isCase = (line: string) => line.trimStart().startsWith('{"id":"') && line.includes('"hash":')

/** The line of a case, counted from 1; undefined when the file has been laid out anew by somebody else. */
function lineOfCase(text: string, place: number, cases: number): number | undefined {
  const lines = text.split('\n').flatMap((line, index) => (isCase(line) ? [index + 1] : []))
  return lines.length === cases ? lines[place] : undefined
}

function schemaFault(file: string, text: string, error: z.ZodError) {
  const path = error.issues[0]?.path ?? []
  const value = parseJson(text) as { cases?: unknown[] }
  const place = path[0] === 'cases' && typeof path[1] === 'number' ? path[1] : undefined
  const line = place === undefined ? undefined : lineOfCase(text, place, value.cases?.length ?? 0)
  return badRecord(file, line, `The baseline does not have the expected form: ${firstIssue(error)}.`, again)
}

/** What a merge by hand brings about: a case twice, or more passes than trials. */
function refuseNonsense(file: string, text: string, cases: readonly CaseTally[]): void {
  const seen = new Set<string>()
  for (const [place, { id, passes, trials }] of cases.entries()) {
    const fault = (problem: string) => badRecord(file, lineOfCase(text, place, cases.length), problem, again)
    if (seen.has(id)) throw fault(`The case ${id} stands in the baseline twice.`)
    if (passes > trials) throw fault(`The case ${id} has ${passes} passes in ${trials} trials.`)
    seen.add(id)
  }
}

/** Rounds to so many decimals; rounding again changes nothing. */
const rounded = (decimals: number) => (value: number) => Number(value.toFixed(decimals))

/** 0.1 ms, a billionth of a dollar, a millionth of a score: finer digits are noise that would fill every diff. */
const roundedCase = (tally: CaseTally): CaseTally => ({
  ...tally,
  scores: tally.scores.map(rounded(6)),
  latencies_ms: tally.latencies_ms.map(rounded(1)),
  ...(tally.first_tokens_ms && { first_tokens_ms: tally.first_tokens_ms.map(rounded(1)) }),
  costs_usd: tally.costs_usd.map(rounded(9)),
})

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

const list = (values: readonly unknown[]) =>
  values.length === 0 ? '[]' : `[\n${values.map((value) => `    ${jsonLine(value)}`).join(',\n')}\n  ]`

/**
 * Writes the baseline: header keys one a line, cases one a line sorted by id (by code unit, in every locale alike),
 * atomically. Writing what was read gives the same bytes. Throws AigateError `cannot_write` or `disk_trouble`, and
 * ZodError for a baseline that `readBaseline` would refuse (a fault of the caller).
 */
export async function writeBaseline(file: string, baseline: Baseline): Promise<void> {
  await writeText(file, piecesOf(baseline))
}

/** Case by case: all their answers at once are not needed in memory. */
function* piecesOf(baseline: Baseline): Generator<string> {
  // Through the schema, so that the order of the keys is always that of the schema.
  const { runs, cases: _, ...header } = Baseline.parse({ ...baseline, cases: [] })
  const lines = Object.entries(header).map(([key, value]) => `  ${jsonLine(key)}: ${jsonLine(value)}`)
  yield `{\n${lines.join(',\n')},\n  "runs": ${list(runs)},\n  "cases": [`
  let before = '\n'
  for (const one of baseline.cases.toSorted(byId)) {
    yield `${before}    ${jsonLine(roundedCase(CaseTally.parse(one)))}`
    before = ',\n'
  }
  yield baseline.cases.length === 0 ? ']\n}\n' : '\n  ]\n}\n'
}
