// Rows of a CSV file as the data of cases, with the line on which each begins.
import { parseDocument } from 'yaml'
import { type Fault, faultError, nearest } from './faults.ts'

type Row = { fields: string[]; line: number }
const caseColumns = ['id', 'category', 'tags', 'critical', 'assert']

/**
 * The rows below the header as data of cases that no schema has seen yet; `readCases` tells what the columns mean.
 * Rows that cannot be read are faults. Throws AigateError when the CSV or its header is broken.
 */
export async function csvRows(
  text: string,
  at: (line: number) => Fault['place'],
): Promise<{ rows: { data: unknown; line: number }[]; faults: Fault[] }> {
  const [header, ...rest] = await parseRows(text, at)
  if (header === undefined || rest.length === 0) return { rows: [], faults: [] }
  const columns = header.fields.map((name) => name.trim())
  const faults = headerFaults(columns, at(header.line))
  if (faults.length > 0) throw faultError(faults)
  const rows = rest.flatMap(({ fields, line }) => {
    if (fields.length !== columns.length) {
      const problem = `this line has ${fields.length} fields, but the header has ${columns.length}`
      faults.push({ problem, mend: 'Add or remove commas; text with a comma goes in double quotes.', place: at(line) })
      return []
    }
    const data = rowData(columns, fields, at(line), faults)
    return data === undefined ? [] : [{ data, line }]
  })
  return { rows, faults }
}

async function parseRows(text: string, at: (line: number) => Fault['place']): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync')
  try {
    const rows = parse(text, {
      info: true,
      raw: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as {
      record: string[]
      raw: string
      info: { lines: number }
    }[]
    return rows.map(({ record, raw, info }) => {
      // `lines` is the line on which the record ends: fields in quotes may hold line ends.
      const inside = raw.replace(/^\n+/, '').replace(/\n$/, '').split('\n').length - 1
      return { fields: record, line: info.lines - inside }
    })
  } catch (error) {
    const { lines, message } = error as { lines?: number; message: string }
    const problem = `the CSV cannot be read: ${message.split(':')[0]?.toLowerCase() ?? 'unknown reason'}`
    const mend = 'Put text with quotes, commas or line ends in double quotes, and write "" for each quote in it.'
    throw faultError([{ problem, mend, place: at(lines ?? 1) }])
  }
}

function headerFaults(columns: readonly string[], place: Fault['place']): Fault[] {
  const faults: Fault[] = []
  const meanings = columns.map((name) => name.replace(/^vars\./, ''))
  if (!columns.includes('id')) {
    const near = nearest('id', columns)
    const mend =
      near === undefined ? 'Add a column "id" with a name for each case.' : `Rename the column "${near}" to "id".`
    faults.push({ problem: 'the header has no column "id"', mend, place })
  }
  for (const [index, name] of columns.entries()) {
    if (meanings[index] === '')
      faults.push({
        problem: `column ${index + 1} of the header has no name`,
        mend: 'Give it a name, or remove it.',
        place,
      })
    else if (
      columns.indexOf(name) < index ||
      (!caseColumns.includes(name) && columns.some((other, before) => before !== index && other === `vars.${name}`))
    )
      faults.push({ problem: `the column "${name}" stands twice in the header`, mend: 'Keep one of them.', place })
  }
  return faults
}

function rowData(
  columns: readonly string[],
  fields: readonly string[],
  place: Fault['place'],
  faults: Fault[],
): Record<string, unknown> | undefined {
  const data: Record<string, unknown> = {}
  const vars: [string, string][] = []
  for (const [index, name] of columns.entries()) {
    const field = fields[index] ?? ''
    if (!caseColumns.includes(name)) vars.push([name.replace(/^vars\./, ''), field])
    else if (field.trim() !== '' || name === 'id') {
      const value = fieldValue(name, field)
      if (value === undefined) {
        const expected = name === 'critical' ? 'true or false' : 'YAML such as {contains: refund}'
        faults.push({ problem: `column ${name}: expected ${expected}`, mend: 'Correct the field.', place })
        return undefined
      }
      data[name] = value
    }
  }
  return { ...data, vars: Object.fromEntries(vars) }
}

/** A field of the case itself; undefined when it cannot be read. */
function fieldValue(name: string, field: string): unknown {
  if (name === 'tags') return field.split(/[\s,]+/).filter((tag) => tag !== '')
  if (name === 'critical') return { true: true, false: false }[field.trim().toLowerCase()]
  if (name !== 'assert') return field.trim()
  try {
    const doc = parseDocument(field, { prettyErrors: false, logLevel: 'error' })
    if (doc.errors.length > 0 || doc.warnings.length > 0) return undefined
    const value: unknown = doc.toJS()
    return Array.isArray(value) ? value : [value]
  } catch {
    return undefined
  }
}
