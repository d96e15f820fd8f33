// Labels of people: a JSONL file, one answer a line with what people said of it, read with the place of every fault.
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import { Assertion } from '../schema/assertion.ts'
import { Label, LabelsHead } from '../schema/calibration.ts'
import { sha256 } from '../content-hash.ts'
import { type Fault, faultError, placeIn } from './faults.ts'
import { firstIssue, parseJson } from './json-lines.ts'
import { findingsOf } from './zod-faults.ts'
import { fileError } from './write-text.ts'

/** A label with its assertion read; `written` is the assertion as it stands in the file. */
export type ReadLabel = Omit<Label, 'assert' | 'id'> & {
  id: string
  line: number
  assertion: Assertion
  written: Record<string, z.core.util.JSONType>
}

/** All labels of a file. `hash`: SHA-256 (hex) of its content. Throws AigateError with every fault. */
export async function readLabels(path: string, shown: string): Promise<{ labels: ReadLabel[]; hash: string }> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fileError(shown, error, 'read')
  })
  const lines = text
    .replace(/^\ufeff/, '')
    .replace(/\r\n/g, '\n')
    .split('\n')
  const faults: Fault[] = []
  const labels: ReadLabel[] = []
  let head: LabelsHead | undefined
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const fault = (problem: string, mend: string) =>
      void faults.push({ problem, mend, place: placeIn(text, shown, index + 1, 1) })
    const value = parseJson(line)
    if (value === undefined) {
      fault('this line is no JSON', 'Write one object a line: {"answer": "…", "label": "pass"}.')
      continue
    }
    if (index === 0 && typeof value === 'object' && value !== null && 'aigate' in value) {
      const read = LabelsHead.safeParse(value)
      if (read.success) head = read.data
      else
        fault(
          `the head of the labels: ${firstIssue(read.error)}`,
          'Write {"aigate": "labels", "version": 1, "assert": {…}}.',
        )
      continue
    }
    const read = readLabel(value, head, index + 1)
    if ('problem' in read) fault(read.problem, read.mend)
    else labels.push(read)
  }
  const seen = new Set<string>()
  for (const { id, line } of labels) {
    if (seen.has(id))
      faults.push({
        problem: `the id "${id}" is used twice`,
        mend: 'Give one of the two another id.',
        place: placeIn(text, shown, line, 1),
      })
    seen.add(id)
  }
  if (faults.length > 0) throw faultError(faults)
  if (labels.length === 0)
    throw new AigateError('bad_file', { problem: 'There is no label in this file.', mend: FORM }, { file: shown })
  return { labels, hash: sha256(text) }
}

const FORM =
  'Write one object a line: {"assert": {"rubric": "…"}, "vars": {…}, "answer": "…", "label": "pass"}; or the assertion once, in a first line {"aigate": "labels", "version": 1, "assert": {…}}.'

function readLabel(
  value: unknown,
  head: LabelsHead | undefined,
  line: number,
): ReadLabel | { problem: string; mend: string } {
  const read = Label.safeParse(value)
  if (!read.success) {
    const [first] = findingsOf(read.error, { data: value, schema: Label, written: () => undefined })
    return { problem: first?.problem ?? firstIssue(read.error), mend: first?.mend ?? FORM }
  }
  const { assert, id, ...label } = read.data
  const written = assert ?? head?.assert
  if (written === undefined) return { problem: 'the label names no assertion', mend: FORM }
  const assertion = Assertion.safeParse(written)
  if (!assertion.success) {
    const [first] = findingsOf(assertion.error, { data: written, schema: Assertion, written: () => undefined })
    return { problem: `assert: ${first?.problem ?? firstIssue(assertion.error)}`, mend: first?.mend ?? FORM }
  }
  return { ...label, id: id ?? `line-${line}`, line, assertion: assertion.data, written }
}
