// What a file of recorded answers holds, line by line: one answer each, found by what was asked and the trial.
import * as z from 'zod'
import type { Recordings } from '../ports.ts'
import { lateObject } from '../schema/late-object.ts'
import { Completion } from '../schema/run.ts'
import { badRecord, firstIssue } from './json-lines.ts'

/** Only what was measured is recorded: a failure of the network that came back at every replay would poison the suite. */
const measured = ['answered', 'refused', 'truncated'] as const

const Entry = lateObject(() => ({
  key: z.string().min(1),
  trial: z.int().positive(),
  case: z.string(),
  completion: Completion.extend({ outcome: z.enum(measured) }).omit({ error: true, replayed: true }),
}))
export type Entry = z.infer<typeof Entry>
export type Entries = Map<string, Entry>

export const head = { aigate: 'recordings', version: 1 }
export const nameOf = ({ key, trial }: { key: string; trial: number }) => `${trial} ${key}`

/** The entry as it is stored; undefined for what is not recorded. */
export function kept({ key, trial, case: id, completion }: Parameters<Recordings['add']>[0]): Entry | undefined {
  const { replayed: _replayed, error: _error, ...rest } = completion
  const outcome = measured.find((one) => one === rest.outcome)
  if (outcome === undefined) return undefined
  const entry = {
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
  // With its keys in the order in which it is read back: the same bytes however often it is saved.
  return Entry.safeParse(entry).data ?? entry
}

/** Of a line that was read. @param mend what to do where it is none @throws AigateError `bad_file` */
export function entryIn(file: string, line: number, value: unknown, mend: string): Entry {
  if (value === undefined) throw badRecord(file, line, 'This recorded answer is cut off or no JSON.', mend)
  const read = Entry.safeParse(value)
  if (!read.success) throw badRecord(file, line, `This is no recorded answer: ${firstIssue(read.error)}.`, mend)
  return read.data
}
