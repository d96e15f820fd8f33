// Files of cases that a suite names in `cases_from`: YAML lists, JSONL and CSV.
import { parseDocument } from 'yaml'
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import { plainCase } from '../schema/plain-case.ts'
import { Case } from '../schema/suite.ts'
import { csvRows } from './csv-rows.ts'
import { type Fault, faultError, placeIn } from './faults.ts'
import { notPlain } from './plain-data.ts'
import { readText, type SourceFile } from './source-text.ts'
import { type Locate, locateFindings, readYaml } from './yaml.ts'
import { findingsOf } from './zod-faults.ts'

/** A case as written, and where it and its parts stand. */
export type WrittenCase = { case: Case; file: string; line: number; locate: Locate }

const Cases = z.array(Case).min(1)

/**
 * Reads the cases of one file; the ending of its name tells the format.
 *
 * - `.yaml`, `.yml`: a list of cases.
 * - `.jsonl`, `.ndjson`: one case a line, as JSON; blank lines are skipped.
 * - `.csv`: a header, then one case a line. The columns `id`, `category`, `tags` (separated by spaces or commas),
 *   `critical` (true or false) and `assert` belong to the case; every other column is a variable, `vars.x` and `x`
 *   both mean the variable x. `assert` holds YAML: one assertion such as `{contains: refund}`, or a list of them.
 *   An empty field leaves a part of the case out; an empty variable is the empty text.
 *
 * Throws AigateError with all faults of the file.
 */
export async function readCases(file: SourceFile): Promise<WrittenCase[]> {
  if (/\.ya?ml$/i.test(file.path)) return readYamlCases(file)
  if (/\.(jsonl|ndjson)$/i.test(file.path)) return readJsonLines(file)
  if (/\.csv$/i.test(file.path)) return readCsv(file)
  throw new AigateError(
    'bad_file',
    { problem: 'the format of this file is not known', mend: 'Name it .jsonl, .csv or .yaml.' },
    { file: file.shown },
  )
}

async function readYamlCases(file: SourceFile): Promise<WrittenCase[]> {
  const { value, locate } = await readYaml(file, Cases, 'list of cases')
  return value.map((one, index) => ({ case: one, ...caseAt(file, [index], locate) }))
}

/** Where a case stands that is part of a larger file. */
export function caseAt(file: SourceFile, path: readonly PropertyKey[], locate: Locate): Omit<WrittenCase, 'case'> {
  return {
    file: file.shown,
    line: locate(path).line ?? 1,
    locate: (inner, at) => locate([...path, ...inner], at),
  }
}

function emptyFile(file: SourceFile, what: string): AigateError {
  return new AigateError(
    'bad_file',
    { problem: `the file holds no cases; ${what} was expected`, mend: 'Add cases, or remove the file.' },
    { file: file.shown, line: 1, column: 1 },
  )
}

async function readJsonLines(file: SourceFile): Promise<WrittenCase[]> {
  const text = await readText(file)
  const lines = text.split('\n')
  const faults: Fault[] = []
  const cases = lines.flatMap((content, index): WrittenCase[] => {
    if (content.trim() === '') return []
    const line = index + 1
    const at = (column: number) => placeIn(text, file.shown, line, column)
    const locate: Locate = (path, which) => at(columnOf(content, path, which))
    const read = parseJson(content)
    if ('problem' in read) {
      faults.push({ problem: read.problem, mend: 'Write one case as JSON on this line.', place: at(read.column) })
      return []
    }
    const one = checkCase(read.data, locate, faults)
    return one === undefined ? [] : [{ case: one, file: file.shown, line, locate }]
  })
  if (faults.length > 0) throw faultError(faults)
  if (cases.length === 0) throw emptyFile(file, 'one case a line, as JSON,')
  return cases
}

function checkCase(data: unknown, locate: Locate, faults: Fault[]): Case | undefined {
  const plain = plainCase(data)
  if (plain) return plain
  const strange = notPlain(data, [], { values: 0 })
  if (strange) {
    faults.push({ problem: strange.problem, mend: strange.mend, place: locate(strange.path) })
    return undefined
  }
  const result = Case.safeParse(data)
  if (result.success) return result.data
  const findings = findingsOf(result.error, { data, schema: Case, written: () => undefined })
  faults.push(...locateFindings(findings, locate))
  return undefined
}

function parseJson(content: string): { data: unknown } | { problem: string; column: number } {
  try {
    return { data: JSON.parse(content) as unknown }
  } catch (error) {
    // The engine's sentence holds a position only sometimes, and quotes the line: only its first words are passed on.
    const message = error instanceof Error ? error.message : ''
    const position = / at position (\d+)/.exec(message)?.[1]
    const reason = message.replace(/ in JSON.*| at position.*|, (?:\.\.\.)?".*is not valid JSON.*| \(line .*/s, '')
    const column = position === undefined ? (/end of JSON/.test(message) ? content.length : 0) : Number(position)
    return { problem: `this line is not JSON: ${reason}`, column: Math.min(column, content.length) + 1 }
  }
}

/** The column of a part of a line of JSON, which is YAML as well. */
function columnOf(content: string, path: readonly PropertyKey[], which: 'key' | 'value' = 'value'): number {
  const doc = parseDocument(content, { logLevel: 'silent' })
  for (let length = path.length; length > 0; length--) {
    const part = path.slice(0, length)
    const whole = length === path.length
    if (!whole || which === 'value') {
      const node = doc.getIn(part, true) as { range?: [number, number, number] } | undefined
      if (node?.range) return node.range[0] + 1
    }
    const holder = doc.getIn(part.slice(0, -1), true) as
      | { items?: { key?: { value?: unknown; range?: number[] } }[] }
      | undefined
    const key = holder?.items?.find((pair) => pair.key?.value === part.at(-1))?.key
    if (key?.range) return (key.range[0] ?? 0) + 1
  }
  return content.length - content.trimStart().length + 1
}

async function readCsv(file: SourceFile): Promise<WrittenCase[]> {
  const text = await readText(file)
  const at = (line: number) => placeIn(text, file.shown, line, 1)
  const { rows, faults } = await csvRows(text, at)
  const cases = rows.flatMap(({ data, line }): WrittenCase[] => {
    const locate: Locate = () => at(line)
    const one = checkCase(data, locate, faults)
    return one === undefined ? [] : [{ case: one, file: file.shown, line, locate }]
  })
  if (faults.length > 0) throw faultError(faults)
  if (cases.length === 0) throw emptyFile(file, 'a header with a case a line below it')
  return cases
}
