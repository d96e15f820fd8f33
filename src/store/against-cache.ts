// The answers of a base side, kept by commit: a second `eval --against` of the same commit need not ask for them again.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { Completion } from '../schema/run.ts'
import { checkHead, jsonLine, parseJson, readLines } from './json-lines.ts'
import { fileNameOf } from './run-journal.ts'
import { writeText } from './write-text.ts'

const Head = z.strictObject({
  aigate: z.literal('against'),
  version: z.literal(1),
  commit: z.string(),
  suite: z.string(),
  target: z.string(),
})
/** Whose answers they are: the full commit, the suite, and the hash of what is asked there. */
export type KeptOf = Omit<z.infer<typeof Head>, 'aigate' | 'version'>

const Entry = z.strictObject({
  key: z.string().min(1).describe('Content hash of the question'),
  trial: z.int().positive(),
  case: z.string(),
  at: z.iso.datetime(),
  // Only what was measured is kept: a failure of the network is asked again.
  completion: Completion.extend({ outcome: z.enum(['answered', 'refused', 'truncated']) }).omit({
    error: true,
    replayed: true,
  }),
})
type Entry = z.infer<typeof Entry>

type Asked = Pick<Entry, 'key' | 'trial' | 'case'>

export type KeptAnswers = {
  /** An answer from before, marked as `replayed`; undefined when it must be asked. */
  find(asked: Asked): Completion | undefined
  add(entry: Asked & { at: Date; completion: Completion }): void
  /** How many answers are young enough, and the time of the oldest of them (ISO 8601). */
  count: number
  oldest: string | null
  /** Writes the file where something was added. Throws AigateError `cannot_write` or `disk_trouble`. */
  save(): Promise<void>
}

/** Below the folder of aigate.yaml. */
export const KEPT_FOLDER = '.aigate/against'

/** The case too: applications are told its id, and two cases with one question are two draws. */
const nameOf = (asked: Asked) => `${asked.trial} ${asked.case} ${asked.key}`

/**
 * Opens `.aigate/against/<commit>/<suite>.jsonl` below `root`. Answers from before `since` are left out, and so are lines
 * that are damaged and the whole file where it is of another target: what is missing is asked again.
 * Throws AigateError `newer_file`, `foreign_file` or `cannot_read`.
 */
export async function openKeptAnswers(root: string, of: KeptOf, since: Date): Promise<KeptAnswers> {
  const file = join(root, KEPT_FOLDER, of.commit, `${fileNameOf(of.suite)}.jsonl`)
  const known = new Map((await readKept(file, of)).map((entry) => [nameOf(entry), entry]))
  for (const [name, { at }] of known) if (Date.parse(at) < since.getTime()) known.delete(name)
  const oldest = [...known.values()].map(({ at }) => at).sort()[0] ?? null
  const { size: count } = known
  const added = new Map<string, Entry>()
  return {
    count,
    oldest,
    find: (asked) => {
      const entry = known.get(nameOf(asked))
      return entry && { ...entry.completion, replayed: true }
    },
    add: ({ at, completion: { replayed, ...completion }, ...rest }) => {
      const read = Entry.safeParse({ ...rest, at: at.toISOString(), completion })
      if (replayed || !read.success) return
      added.set(nameOf(read.data), read.data)
    },
    save: async () => {
      if (added.size === 0) return
      const lines = [{ aigate: 'against', version: 1, ...of }, ...new Map([...known, ...added]).values()].map(jsonLine)
      await writeText(file, `${lines.join('\n')}\n`)
    },
  }
}

async function readKept(file: string, of: KeptOf): Promise<Entry[]> {
  if (!existsSync(file)) return []
  const entries: Entry[] = []
  for await (const { number, text } of readLines(file)) {
    const value = parseJson(text)
    if (number === 1) {
      await checkHead(file, value, 'against')
      const { data } = Head.safeParse(value)
      if (data?.commit !== of.commit || data.suite !== of.suite || data.target !== of.target) return []
      continue
    }
    const { data } = Entry.safeParse(value)
    if (data) entries.push(data)
  }
  return entries
}
