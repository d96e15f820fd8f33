// Recorded answers, found by what was asked: read from the whole folder, written to one file a suite.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { Recordings } from '../ports.ts'
import { lateObject } from '../schema/late-object.ts'
import { Completion } from '../schema/run.ts'
import {
  badRecord,
  checkHead,
  conflictLine,
  firstIssue,
  jsonLine,
  parseJson,
  readLines,
  refuseConflict,
} from './json-lines.ts'
import { fileNameOf } from './run-journal.ts'
import { errno, fileError, writeText } from './write-text.ts'

/** Only what was measured is recorded: a failure of the network that came back at every replay would poison the suite. */
const measured = ['answered', 'refused', 'truncated'] as const

const Entry = lateObject(() => ({
  key: z.string().min(1),
  trial: z.int().positive(),
  case: z.string(),
  completion: Completion.extend({ outcome: z.enum(measured) }).omit({ error: true, replayed: true }),
}))
type Entry = z.infer<typeof Entry>
type Entries = Map<string, Entry>

export type RecordingsFile = Recordings & {
  /** How many answers can be found. */
  readonly count: number
  /** All recorded answers of judges, as text by what was asked. */
  judgements(): Map<string, string>
  /** Merges what was added into the file of the suite; writes nothing when nothing was added. */
  save(): Promise<void>
}

const head = { aigate: 'recordings', version: 1 }
const mend = 'Take the file from the last good commit, or record its answers again with `aigate eval --record`.'
const nameOf = ({ key, trial }: { key: string; trial: number }) => `${trial} ${key}`

/**
 * Opens the recordings of a folder (all its .jsonl files; the one of `suite` wins where two know the same answer).
 * A folder that does not exist holds none. Found completions carry `replayed: true`; errors and timeouts that are
 * added are not kept. Throws AigateError: `foreign_file`, `newer_file`, `cannot_read`, or `bad_file` with the line
 * that is torn, no recording, an error, or there twice.
 */
export async function openRecordings(folder: string, suite: string): Promise<RecordingsFile> {
  const own = join(folder, `${fileNameOf(suite)}.jsonl`)
  const known: Entries = new Map()
  for (const file of await filesIn(folder, own)) {
    for (const [name, entry] of await readRecordings(file)) known.set(name, entry)
  }
  const added: Entries = new Map()
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
    add: (written) => {
      const entry = kept(written)
      if (entry === undefined) return
      known.set(nameOf(entry), entry)
      added.set(nameOf(entry), entry)
    },
    save: () => {
      saving = saving.catch(() => undefined).then(() => saveInto(own, added))
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

/** The entry as it is stored; undefined for what is not recorded. */
function kept({ key, trial, case: id, completion }: Parameters<Recordings['add']>[0]): Entry | undefined {
  const { replayed: _replayed, error: _error, ...rest } = completion
  const outcome = measured.find((one) => one === rest.outcome)
  if (outcome === undefined) return undefined
  return {
    key,
    trial,
    case: id,
    completion: {
      ...rest,
      outcome,
      latency_ms: Number((rest.latency_ms ?? 0).toFixed(1)),
      ...(rest.first_token_ms !== undefined && { first_token_ms: Number(rest.first_token_ms.toFixed(1)) }),
    },
  }
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
  if (value === undefined) throw badRecord(file, line, 'This recorded answer is cut off or no JSON.', mend)
  const read = Entry.safeParse(value)
  if (!read.success) throw badRecord(file, line, `This is no recorded answer: ${firstIssue(read.error)}.`, mend)
  const entry = read.data
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
