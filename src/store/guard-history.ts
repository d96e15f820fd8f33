// What all guards of a project have ever written: their journal with those that were put aside before it.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../ports.ts'
import { GUARD_JOURNAL_FORMAT, GuardRecord } from '../schema/guard-journal.ts'
import { type ChainedKind, damaged, readChain } from './chained-file.ts'
import { guardFolder } from './guard-journal.ts'

const kind: ChainedKind<GuardRecord> = {
  aigate: 'guard',
  name: 'the journal of the guard',
  mend: 'Take the journal as it was from a copy; never mend a record.',
  schema: GuardRecord,
  format: GUARD_JOURNAL_FORMAT,
  version: GUARD_JOURNAL_FORMAT,
  upgrades: {},
}

/** The names of all guards that have a journal, sorted. */
export function guardNames(project: Project): string[] {
  const folder = guardFolder(project, '.')
  if (!existsSync(folder)) return []
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .flatMap((path) => /^(.+)\/journal(?:\.\d+)?\.jsonl$/.exec(path)?.[1] ?? [])
  return [...new Set(found)].sort()
}

/** All records of a guard, oldest first. Throws AigateError `bad_file` at a damaged one, `newer_file`, `cannot_read`. */
export function guardRecords(project: Project, guard: string): GuardRecord[] {
  const folder = guardFolder(project, guard)
  const aside = readdirSync(folder)
    .flatMap((name) => /^journal\.(\d+)\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => `journal.${number}.jsonl`)
  return [...aside, 'journal.jsonl'].flatMap((name) => {
    const chain = readChain(join(folder, name), kind)
    const [fault] = chain.faults
    if (fault) throw damaged(fault, kind)
    return chain.records
  })
}
