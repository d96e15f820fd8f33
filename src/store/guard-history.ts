// What all guards of a project have ever written: their journal with those that were put aside before it.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../ports.ts'
import type { GuardRecord } from '../schema/guard-journal.ts'
import { damaged, readChain } from './chained-file.ts'
import { guardFolder, guardKind } from './guard-journal.ts'

/** The names of all guards that have a journal, sorted. */
export function guardNames(project: Project): string[] {
  const folder = guardFolder(project, '.')
  if (!existsSync(folder)) return []
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .flatMap((path) => /^(.+)\/journal(?:\.\d+)?\.jsonl$/.exec(path)?.[1] ?? [])
  return [...new Set(found)].sort()
}

/**
 * All records of a guard, oldest first; those behind a damaged one are not told, and `problems` says so in sentences.
 * Throws AigateError `newer_file`, `cannot_read`.
 */
export function guardRecords(project: Project, guard: string): { records: GuardRecord[]; problems: string[] } {
  const folder = guardFolder(project, guard)
  const names = readdirSync(folder)
  const aside = names
    .flatMap((name) => /^journal\.(\d+)\.jsonl$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => `journal.${number}.jsonl`)
  const kept = names.filter((name) => name.includes('.damaged-')).sort()
  const problems = kept.map((name) => `A damaged journal of the guard ${guard} was put aside as ${name}.`)
  const records = [...aside, 'journal.jsonl'].flatMap((name) => {
    const chain = readChain(join(folder, name), guardKind)
    const [fault] = chain.faults
    if (fault) problems.push(`${damaged(fault, guardKind).message} (${guard}, ${name})`)
    return chain.records
  })
  return { records, problems }
}
