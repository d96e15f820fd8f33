// Goes on with the record of a run where it ends: what was answered and graded stays, what was not is asked again.
import { openSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Completion, Observation, RunHeader } from '../schema/run.ts'
import { jsonLine, readLines } from './json-lines.ts'
import {
  createRun,
  fileNameOf,
  journalOf,
  type KnownTrial,
  lineWriter,
  type RunJournal,
  trialName,
} from './run-journal.ts'
import { readRecord } from './run-record.ts'
import { lineSource, withTextOnDisk } from './text-on-disk.ts'
import { fileError, writeText } from './write-text.ts'

/**
 * Opens the record of the same suite in a folder to go on with it; `createRun` where there is none, or none that asked
 * anything. What is kept stays as it was recorded: every measured answer and its grades. Answers that were not measured
 * are taken out, and so asked again, and grades that failed are made again, unless the run had come to its verdict with them. Readers, and a crash at any moment,
 * see the old record or the new one. `continued`: what today adds to the header of a run that is not finished. Throws what `readRun` and `createRun` throw.
 */
export async function resumeRun(
  folder: string,
  header: RunHeader,
  continued: (before: RunHeader) => RunHeader = (before) => before,
): Promise<RunJournal> {
  const found = await recordOf(folder, header.suite)
  if (!found) return createRun(folder, header)
  const { file, record } = found
  const whole = record.complete ? record.header : continued(record.header)
  const kept = record.trials.filter(({ answer }) => record.complete || isMeasured(answer.completion.outcome))
  // A grader that failed, such as a judge that was down, may grade today.
  const graded = <S extends { grader_error?: string | undefined }>(score: S | undefined) =>
    record.complete || score?.grader_error === undefined ? score : undefined
  const lines = kept.flatMap(({ answer, score }) => {
    const grades = graded(score)
    return [{ type: 'answer', ...answer }, ...(grades ? [{ type: 'score', ...grades }] : [])]
  })
  // A line at a time, since the texts of its answers are read from the record as it was.
  const source = lineSource(file)
  const completions: Completion[] = []
  let size = 0
  const text = function* (): Generator<string> {
    for (const line of [whole, ...lines]) {
      const written = `${jsonLine(line)}\n`
      const bytes = Buffer.byteLength(written)
      if ('completion' in line)
        completions.push(withTextOnDisk(line.completion, { source, offset: size, length: bytes - 1, id: line.case }))
      size += bytes
      yield written
    }
  }
  await writeText(file, text())
  const known = new Map(
    kept.map(({ answer, score: found }, nth): [string, KnownTrial] => {
      const completion = completions[nth] ?? answer.completion
      const score = graded(found)
      if (!score) return [trialName(answer), { completion }]
      const { case: _case, trial: _trial, purpose: _purpose, ...grades } = score
      return [trialName(answer), { completion, grades }]
    }),
  )
  try {
    return journalOf(file, whole, lineWriter(openSync(file, 'a'), file, size), known)
  } catch (error) {
    throw fileError(file, error, 'write')
  }
}

const isMeasured = (outcome: Observation['completion']['outcome']) => outcome !== 'error' && outcome !== 'timeout'

/**
 * The record of a suite in the folder of a run; undefined where there is none. A file that was cut off in its first line
 * holds nothing that was paid for: it is removed.
 */
export async function recordOf(folder: string, suite: string) {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => one.endsWith('.jsonl')).sort()) {
    const file = join(folder, name)
    if (await isBegun(file)) {
      const record = await readRecord(file)
      if (record.header.suite === suite) return { file, record }
    } else if (name === `${fileNameOf(suite)}.jsonl`) await rm(file, { force: true })
  }
  return undefined
}

/** Whether the first line came to its end. */
async function isBegun(file: string): Promise<boolean> {
  for await (const { ended } of readLines(file)) return ended
  return false
}
