// Goes on with the record of a run where it ends: what was answered and graded stays, what was not is asked again.
import { openSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Observation, RunHeader } from '../schema/run.ts'
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
import { fileError, writeText } from './write-text.ts'

/**
 * Opens the record of the same suite in a folder to go on with it; `createRun` where there is none, or none that asked
 * anything. What is kept stays as it was recorded: every measured answer and its grades. Answers that were not measured
 * are taken out, and so asked again, unless the run had come to its verdict with them. Readers, and a crash at any moment,
 * see the old record or the new one. Throws what `readRun` and `createRun` throw.
 */
export async function resumeRun(folder: string, header: RunHeader): Promise<RunJournal> {
  const found = await recordOf(folder, header.suite)
  if (!found) return createRun(folder, header)
  const { file, record } = found
  const kept = record.trials.filter(({ answer }) => record.complete || isMeasured(answer.completion.outcome))
  const lines = kept.flatMap(({ answer, score }) => [
    { type: 'answer', ...answer },
    ...(score ? [{ type: 'score', ...score }] : []),
  ])
  const text = [record.header, ...lines].map((line) => `${jsonLine(line)}\n`).join('')
  await writeText(file, text)
  const known = new Map(
    kept.map(({ answer, score }): [string, KnownTrial] => {
      const { completion } = answer
      if (!score) return [trialName(answer), { completion }]
      const { case: _case, trial: _trial, purpose: _purpose, ...grades } = score
      return [trialName(answer), { completion, grades }]
    }),
  )
  try {
    return journalOf(file, record.header, lineWriter(openSync(file, 'a'), file, Buffer.byteLength(text)), known)
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
