// quarantine.yaml: read with the place of every fault, and changed entry by entry so that its comments stay.
import { existsSync } from 'node:fs'
import { type Document, isSeq, type Node, parseDocument } from 'yaml'
import type { LoadedSuite, Project } from '../ports.ts'
import { LONGEST_QUARANTINE_DAYS, type QuarantineEntry, QuarantineList } from '../schema/quarantine.ts'
import { choose, didYouMean, type Fault, faultError } from './faults.ts'
import { readText, type SourceFile, sourceFile } from './source-text.ts'
import { suiteNames } from './suites.ts'
import { type Locate, parseYaml } from './yaml.ts'

/** The list as it stands: `text` is null when there is no such file. */
export type QuarantineFile = {
  /** Absolute. */
  path: string
  shown: string
  text: string | null
  entries: QuarantineEntry[]
  locate: Locate
}

const HEAD =
  '# Cases that are run and shown but do not count, until the day that each names (UTC).\n# `aigate cases release <suite> <case>` takes one out.\n\n'

const sourceOf = ({ root, config }: Project): SourceFile => sourceFile(root, config.quarantine)

/**
 * The quarantine list of a project; no file is an empty list. Throws AigateError `bad_file` for what the schema refuses
 * and for a case that stands twice; whether the names and days make sense is for `quarantineFaults` to say.
 */
export async function readQuarantineFile(project: Project): Promise<QuarantineFile> {
  const source = sourceOf(project)
  const nowhere: Locate = () => ({ file: source.shown })
  const none = { path: source.path, shown: source.shown, entries: [], locate: nowhere }
  if (!existsSync(source.path)) return { ...none, text: null }
  const text = await readText(source)
  // Whoever empties the list by hand leaves the comments: that is no fault.
  if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return { ...none, text }
  const { value, locate } = parseYaml(text, source.shown, QuarantineList, 'quarantine list')
  const twice = value.flatMap((entry, place): Fault[] => {
    const first = value.findIndex((other) => sameCase(other, entry))
    if (first === place) return []
    const problem = `${entry.suite}/${entry.case} stands in the list twice`
    return [{ problem, mend: 'Keep one of the two.', place: locate([place, 'case']) }]
  })
  if (twice.length > 0) throw faultError(twice)
  return { path: source.path, shown: source.shown, text, entries: value, locate }
}

/** What the list is checked against: the suites that are loaded, whole, and the last day that an entry may name. */
type Against = { suites: readonly LoadedSuite[]; latest: string }

/**
 * The quarantine list of a project, checked. Throws one AigateError `bad_file` with the place of every entry that names
 * an unknown suite or case, ends later than `latest` (YYYY-MM-DD), or quarantines a critical case without
 * `allow_critical: true`. The cases of suites that are not among `suites` are not looked at.
 */
export async function readQuarantine(project: Project, against: Against): Promise<QuarantineEntry[]> {
  const file = await readQuarantineFile(project)
  if (file.entries.length === 0) return []
  const known = await suiteNames(project)
  const faults = file.entries.flatMap((entry, place) => faultsOf(entry, place, { ...against, known, file }))
  if (faults.length > 0) throw faultError(faults)
  return file.entries
}

function faultsOf(
  entry: QuarantineEntry,
  place: number,
  { suites, latest, known, file }: Against & { known: string[] | null; file: QuarantineFile },
): Fault[] {
  const fault = (key: string, problem: string, mend: string): Fault => ({
    problem,
    mend,
    place: file.locate([place, key]),
  })
  const faults: Fault[] = []
  if (entry.until > latest) {
    const problem = `until: ${entry.until} is more than ${LONGEST_QUARANTINE_DAYS} days ahead`
    faults.push(fault('until', problem, `Write ${latest} or a day before it, and look at the case again then.`))
  }
  if (known && !known.includes(entry.suite)) {
    const mend = choose(entry.suite, known, 'suites', 'Remove the entry.')
    return [...faults, fault('suite', `unknown suite "${entry.suite}"${didYouMean(entry.suite, known)}`, mend)]
  }
  const suite = suites.find((one) => one.suite.suite === entry.suite)
  if (!suite) return faults
  const ids = suite.cases.map(({ info }) => info.id)
  const found = suite.cases.find(({ info }) => info.id === entry.case)
  if (!found) {
    const problem = `the suite ${entry.suite} has no case "${entry.case}"${didYouMean(entry.case, ids)}`
    faults.push(fault('case', problem, choose(entry.case, ids, 'cases', 'Remove the entry.')))
  } else if (found.info.critical && !entry.allow_critical) {
    const problem = `${entry.case} is critical: in quarantine it could break without blocking anything`
    faults.push(fault('case', problem, 'Remove the entry, or add `allow_critical: true` if that is meant.'))
  }
  return faults
}

export const sameCase = (a: Pick<QuarantineEntry, 'suite' | 'case'>, b: Pick<QuarantineEntry, 'suite' | 'case'>) =>
  a.suite === b.suite && a.case === b.case

/** The text of the list with one more entry, at its end; an entry of the same case is replaced where it stands. */
export function textWith(text: string | null, entry: QuarantineEntry): string {
  const doc = open(text ?? HEAD)
  const list = doc.contents
  if (!isSeq(list)) return write(doc)
  const node = doc.createNode(entry) as Node
  const place = placeOf(doc, entry)
  if (place === -1) list.items.push(node)
  else {
    node.commentBefore = (list.items[place] as Node).commentBefore ?? null
    list.items[place] = node
  }
  list.flow = false
  return write(doc)
}

/** The text of the list without the entry of a case; comments right above the entry go with it, all others stay. */
export function textWithout(text: string, gone: Pick<QuarantineEntry, 'suite' | 'case'>): string {
  const doc = open(text)
  const list = doc.contents
  if (!isSeq(list)) return write(doc)
  const place = placeOf(doc, gone)
  const [removed] = place === -1 ? [] : list.items.splice(place, 1)
  // The parser hangs the head of the file on the first entry; a blank line tells the two apart.
  const above = place === 0 ? ((removed as Node | undefined)?.commentBefore ?? '') : ''
  const head = above.includes('\n\n') ? above.slice(0, above.lastIndexOf('\n\n')) : ''
  if (head !== '') doc.commentBefore = [doc.commentBefore, head].filter(Boolean).join('\n\n')
  return write(doc)
}

const placeOf = (doc: Document, wanted: Pick<QuarantineEntry, 'suite' | 'case'>): number =>
  (doc.toJS() as QuarantineEntry[]).findIndex((entry) => sameCase(entry, wanted))

function open(text: string): Document {
  const doc: Document = parseDocument(text)
  if (doc.contents !== null) return doc
  // A file of comments only: what was its whole text becomes its head.
  const empty = parseDocument('[]\n') as Document
  const comments = [doc.commentBefore, doc.comment].filter(Boolean).join('\n\n')
  if (comments !== '') empty.commentBefore = comments
  return empty
}

/** Long lines stay long, and `{a: b}` does not become `{ a: b }`. */
const write = (doc: Document): string => doc.toString({ lineWidth: 0, flowCollectionPadding: false })
