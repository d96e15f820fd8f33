// Draft cases beside their suite: a file that no suite counts, until the drafts in it are accepted into one that it does.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isSeq, parseDocument } from 'yaml'
import type { LoadedSuite } from '../ports.ts'
import type { Case } from '../schema/suite.ts'
import { readCases } from './case-files.ts'
import { jsonLine } from './json-lines.ts'
import { readText, type SourceFile, sourceFile } from './source-text.ts'
import { writeText } from './write-text.ts'

/** `drafts`: never named in `cases_from`; `production`: what was accepted of them. */
export type DraftFiles = { drafts: SourceFile; production: SourceFile; inSuite: string }

/** The files of a suite, below the folder of the suite file. */
export function draftFiles(root: string, { suite, dir }: LoadedSuite): DraftFiles {
  const name = suite.suite.replaceAll('/', '-')
  const file = (ending: string) => sourceFile(root, join(dir, 'cases', `${name}-${ending}.jsonl`))
  return { drafts: file('drafts'), production: file('production'), inSuite: `cases/${name}-production.jsonl` }
}

/** A case as it stands in its file: what the schema makes of its assertions is not what a person wrote. */
export type WrittenCase = { id: string; vars: Case['vars']; tags?: string[]; assert?: unknown[] }

/** The cases of a file of ours as they are written; none is an empty one. Throws AigateError with every fault. */
export async function casesIn(file: SourceFile): Promise<WrittenCase[]> {
  if (!existsSync(file.path)) return []
  const text = await readText(file)
  if (text.trim() === '') return []
  const read = await readCases(file)
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => {
    const { id = '', vars = {} } = read[index]?.case ?? {}
    return { ...(JSON.parse(line) as object), id, vars }
  })
}

/** Writes the cases as a whole, one a line. Throws AigateError `cannot_write`. */
export async function writeCases(file: SourceFile, cases: readonly WrittenCase[]): Promise<void> {
  await writeText(file.path, cases.map((one) => `${jsonLine(one).trimEnd()}\n`).join(''))
}

/** Names a file of cases in `cases_from` of a suite, unless it is there; comments and order of the rest stay. */
export async function nameCasesFile(suiteFile: SourceFile, name: string): Promise<boolean> {
  const doc = parseDocument(await readText(suiteFile))
  const list = doc.get('cases_from')
  if (isSeq(list)) {
    if (list.items.some((item) => String(item) === name)) return false
    list.add(name)
  } else doc.set('cases_from', doc.createNode([name], { flow: true }))
  await writeText(suiteFile.path, doc.toString({ lineWidth: 0 }))
  return true
}
