// Any tool's results as plain rows: JSONL or CSV with case_id, passed or score, and what else is known.
import {
  amount,
  badResults,
  type Content,
  type Data,
  type ForeignTrial,
  type FormatReader,
  isData,
  passes,
  type ReadOptions,
  shown,
  text,
} from './foreign.ts'

type Row = { fields: Data; line: number }

const known = ['case_id', 'passed', 'score', 'trial', 'category', 'cost', 'latency', 'answer', 'error', 'input', 'expected', 'tags'] // biome-ignore format: one list
const mend = `A row needs case_id and passed or score (or error); it may have ${known.slice(3).join(', ')}. Latency is in milliseconds, cost in US dollars.`

const hasCase = (value: unknown): boolean =>
  isData(value) && 'case_id' in value && ('passed' in value || 'score' in value || 'error' in value)

export const jsonl: FormatReader = {
  what: 'JSONL rows with case_id and passed or score',
  matches: (content) =>
    content.kind === 'lines'
      ? content.values.length > 0 && content.values.every(({ value }) => hasCase(value))
      : content.kind === 'json' &&
        (Array.isArray(content.value)
          ? content.value.length > 0 && content.value.every(hasCase)
          : hasCase(content.value)),
  read: (content, options) => resultsOf(jsonRows(content), options),
}

function jsonRows(content: Content): Row[] {
  if (content.kind === 'lines')
    return content.values.map(({ value, line }) => ({ fields: isData(value) ? value : {}, line }))
  const value = content.kind === 'json' ? content.value : []
  return (Array.isArray(value) ? value : [value]).map((row: unknown) => ({ fields: isData(row) ? row : {}, line: 1 }))
}

export const csv: FormatReader = {
  what: 'CSV with the columns case_id and passed or score',
  matches: (content) =>
    content.kind === 'csv' && /(?:^|,)\s*"?case_id"?\s*(?:,|\r?$)/m.test(content.text.split('\n', 1)[0] ?? ''),
  async read(content, options) {
    return resultsOf(await csvRows(content.kind === 'csv' ? content.text : '', options.file), options)
  },
}

/** Empty fields are left out, as if the row did not have them. */
async function csvRows(written: string, file: string): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync')
  try {
    const rows = parse(written, {
      columns: (names: string[]) => names.map((name) => name.trim()),
      info: true,
      skip_empty_lines: true,
      bom: true,
      max_record_size: 16 * 1024 * 1024,
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[]
    return rows.map(({ record, info }) => ({
      fields: Object.fromEntries(Object.entries(record).filter(([, value]) => value.trim() !== '')),
      line: info.lines,
    }))
  } catch (error) {
    const { lines, message } = error as { lines?: number; message: string }
    throw badResults(
      file,
      `The CSV cannot be read: ${message}.`,
      'Give every row as many fields as the header; put text with commas in double quotes.',
      lines,
    )
  }
}

function resultsOf(rows: readonly Row[], options: ReadOptions) {
  return { label: 'results', target: null, tool: 'rows', trials: rows.map((row) => trialOf(row, options)), notes: [] }
}

/** How tools write that there was no error. */
const noError = new Set(['', 'false', '0', 'no', 'none', 'null'])

/** The case is its case_id, with the input and what was expected where the rows tell. */
function trialOf({ fields, line }: Row, options: ReadOptions): ForeignTrial {
  const id = shown(fields.case_id).trim()
  const fault = (problem: string) => badResults(options.file, problem, mend, line)
  if (id === '') throw fault('This row has no case_id.')
  const number = (name: string): number | undefined => {
    if (fields[name] === undefined || fields[name] === null) return undefined
    const value = typeof fields[name] === 'string' ? Number(fields[name]) : fields[name]
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    throw fault(`${name} is ${JSON.stringify(fields[name])}, not a number from 0 on.`)
  }
  const trial = number('trial')
  if (trial !== undefined && !Number.isInteger(trial)) throw fault(`trial is ${trial}, not a whole number.`)
  const said = shown(fields.error).trim()
  const error = noError.has(said.toLowerCase()) ? undefined : said
  return {
    id,
    content: { input: fields.input ?? null, expected: fields.expected ?? null },
    trial,
    category: text(fields.category),
    tags: tagsOf(fields.tags),
    answer: fields.answer === undefined ? undefined : shown(fields.answer),
    latency_ms: number('latency'),
    cost_usd: number('cost'),
    ...(error !== undefined
      ? { passed: null, score: null, error: { kind: 'server_error', message: error } }
      : gradeOf(fields, amount(number('score')), `case ${id}`, { options, fault })),
  }
}

const tagsOf = (tags: unknown): string[] =>
  Array.isArray(tags)
    ? tags.flatMap((tag) => text(tag) ?? [])
    : shown(tags)
        .split(/[\s,]+/)
        .filter((tag) => tag !== '')

const truths: Record<string, boolean> = { true: true, false: false, '1': true, '0': false, pass: true, fail: false, passed: true, failed: false, yes: true, no: false } // biome-ignore format: one table

function gradeOf(
  { passed: written }: Data,
  score: number | undefined,
  where: string,
  { options, fault }: { options: ReadOptions; fault: (problem: string) => Error },
): Pick<ForeignTrial, 'passed' | 'score' | 'ungraded'> {
  if (score !== undefined && score > 1) throw fault(`score is ${score}, not a number from 0 to 1.`)
  if (written === null || written === undefined) {
    if (score === undefined) return { passed: null, score: null, ungraded: 'the row has neither passed nor score' }
    return { passed: passes(score, where, options), score }
  }
  const passed = typeof written === 'boolean' ? written : truths[shown(written).trim().toLowerCase()]
  if (passed === undefined) throw fault(`passed is ${JSON.stringify(written)}, neither true nor false.`)
  return { passed, score: score ?? (passed ? 1 : 0) }
}
