// Recorded answers, found by what was asked: read from the whole folder, written to one file a suite.
import { fstatSync, openSync } from 'node:fs'
import { readdir, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolderSync } from '../make-folder.ts'
import type { Recordings } from '../ports.ts'
import type { Completion } from '../schema/run.ts'
import { badRecord, checkHead, conflictLine, jsonLine, parseJson, readLines, refuseConflict } from './json-lines.ts'
import { type Entries, entryIn, head, kept, nameOf } from './recording-entries.ts'
import { fileNameOf, type LineWriter, lineWriter } from './run-journal.ts'
import { errno, fileError, writeText } from './write-text.ts'

export type RecordingsFile = Recordings & {
  /** How many answers can be found. */
  readonly count: number
  /** All recorded answers of judges, as text by what was asked. */
  judgements(): Map<string, string>
  /** What stood in the file of unsaved answers when it was opened: somebody said so to this run, before it was killed. */
  told(key: string, trial: number): Completion | undefined
  /** Merges what was added into the file of the suite; writes nothing when nothing was added. */
  save(): Promise<void>
}

const mend = 'Take the file from the last good commit, or record its answers again with `aigate eval --record`.'
const anew = 'Move it away and start a new run with `aigate eval --record`.'

/**
 * Opens the recordings of a folder (all its .jsonl files; the one of `suite` wins where two know the same answer).
 * A folder that does not exist holds none. Found completions carry `replayed: true`; errors and timeouts that are
 * added are not kept. `unsaved`: a file, of nobody else, to which each answer is written before `add` returns, so that kill -9 takes
 * none away; those that stand in it already are saved with the others, and one that was cut off is taken out.
 * Throws AigateError: `foreign_file`, `newer_file`, `cannot_read`, or `bad_file` with the line
 * that is torn, no recording, an error, or there twice; `add` throws where it cannot write.
 */
export async function openRecordings(folder: string, suite: string, unsaved?: string): Promise<RecordingsFile> {
  const own = join(folder, `${fileNameOf(suite)}.jsonl`)
  const before: Entries = unsaved === undefined ? new Map() : await readUnsaved(unsaved)
  const known: Entries = new Map()
  for (const file of await filesIn(folder, own)) {
    for (const [name, entry] of await readRecordings(file)) known.set(name, entry)
  }
  for (const [name, entry] of before) known.set(name, entry)
  const added: Entries = new Map(before)
  let lines: LineWriter | undefined
  let saving = Promise.resolve()
  return {
    get count() {
      return known.size
    },
    judgements: () =>
      new Map(
        [...known].flatMap(([name, { case: id, completion }]) =>
          id.startsWith('judge:') ? [[name, JSON.stringify(completion)] as const] : [],
        ),
      ),
    find: (key, trial) => {
      const entry = known.get(nameOf({ key, trial }))
      return entry && { ...entry.completion, replayed: true }
    },
    told: (key, trial) => before.get(nameOf({ key, trial }))?.completion,
    add: (written) => {
      const entry = kept(written)
      if (entry === undefined) return
      known.set(nameOf(entry), entry)
      added.set(nameOf(entry), entry)
      if (unsaved !== undefined) (lines ??= appendTo(unsaved)).write(entry)
    },
    save: () => {
      saving = saving
        .catch(() => undefined)
        .then(async () => {
          await saveInto(own, added)
          const written = lines
          lines = undefined
          await written?.close()
        })
      return saving
    },
  }
}

/** What is added while this writes stays added, for the next time. */
async function saveInto(own: string, added: Entries): Promise<void> {
  const now = [...added]
  if (now.length === 0) return
  // Read once more: another run may have saved since.
  await writeText(own, textOf(new Map([...(await readRecordings(own)), ...now])))
  for (const [name, entry] of now) if (added.get(name) === entry) added.delete(name)
}

/** The first line goes out with the one that follows. */
function appendTo(file: string): LineWriter {
  try {
    makeFolderSync(dirname(file))
    const fd = openSync(file, 'a')
    const { size } = fstatSync(fd)
    const lines = lineWriter(fd, file, size)
    if (size === 0) lines.write(head, true)
    return lines
  } catch (error) {
    throw fileError(file, error, 'write')
  }
}

/** What a run wrote down before it was killed; of the same answer the last one counts. */
async function readUnsaved(file: string): Promise<Entries> {
  const entries: Entries = new Map()
  if (await absent(file)) return entries
  for await (const { number, text, ended, offset } of readLines(file)) {
    if (!ended) {
      await truncate(file, offset).catch((error: unknown) => {
        throw fileError(file, error, 'write')
      })
      break
    }
    const value = parseJson(text)
    if (number === 1) {
      await checkHead(file, value, 'recordings')
      continue
    }
    const entry = entryIn(file, number, value, anew)
    entries.set(nameOf(entry), entry)
  }
  return entries
}

/** Sorted, with the file of the suite itself last. */
async function filesIn(folder: string, own: string): Promise<string[]> {
  try {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()
    return [...files.map((name) => join(folder, name)).filter((file) => file !== own), own]
  } catch (error) {
    if (errno(error) === 'ENOENT') return []
    throw fileError(folder, error, 'read')
  }
}

async function readRecordings(file: string): Promise<Entries> {
  const entries: Entries = new Map()
  if (await absent(file)) return entries
  let empty = true
  for await (const { number, text } of readLines(file)) {
    refuseConflict(file, conflictLine(text) && number)
    const value = parseJson(text)
    if (empty) await checkHead(file, value, 'recordings')
    else if (text.trim() !== '') addEntry(entries, file, number, value)
    empty = false
  }
  if (empty) await checkHead(file, undefined, 'recordings')
  return entries
}

const absent = (file: string) =>
  stat(file).then(
    () => false,
    (error: unknown) => errno(error) === 'ENOENT',
  )

function addEntry(entries: Entries, file: string, line: number, value: unknown): void {
  const entry = entryIn(file, line, value, mend)
  if (entries.has(nameOf(entry))) {
    const problem = `Trial ${entry.trial} of case ${entry.case} is recorded twice.`
    throw badRecord(file, line, problem, 'Delete one of the two lines.')
  }
  entries.set(nameOf(entry), entry)
}

const compare = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0)

/** One line an answer, in an order that depends on nothing else: small diffs. */
function textOf(entries: Entries): string {
  const sorted = [...entries.values()].sort(
    (a, b) => compare(a.case, b.case) || compare(a.key, b.key) || compare(a.trial, b.trial),
  )
  const lines = sorted.map(({ key, trial, case: id, completion }) => ({ key, trial, case: id, completion }))
  return [head, ...lines].map((line) => `${jsonLine(line)}\n`).join('')
}

/** Judges' answers are recorded apart from those of the target. */
export const judgeRecordings = (suite: string): string => `${suite}.judges`
