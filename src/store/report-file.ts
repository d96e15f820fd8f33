// Reads a report that was made with --reporter json.
import { readFile } from 'node:fs/promises'
import { Report } from '../schema/verdict.ts'
import { badRecord, checkHead, firstIssue, parseJson } from './json-lines.ts'
import { fileError } from './write-text.ts'

/** Throws AigateError: `foreign_file`, `newer_file`, `cannot_read`, or `bad_file` for one that was cut off or changed. */
export async function readReport(file: string): Promise<Report> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw fileError(file, error, 'read')
  }
  const value = parseJson(text)
  await checkHead(file, value, 'report', text.slice(0, 4096))
  const read = Report.safeParse(value)
  if (read.success) return read.data
  const problem = `This report is broken: ${firstIssue(read.error)}.`
  throw badRecord(file, undefined, problem, 'Make it again: aigate report latest --reporter json:report.json')
}
