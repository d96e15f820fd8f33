// YAML with positions: every syntax and schema fault as a sentence with file, line, column and a code frame.
import { type Alias, type Document, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit, type YAMLError } from 'yaml' // biome-ignore format: one list
import type * as z from 'zod'
import { AigateError, type Place } from '../errors.ts'
import { type Fault, faultError, placeIn } from './faults.ts'
import { DEEPEST, notPlain } from './plain-data.ts'
import { readText, type SourceFile } from './source-text.ts'
import { type Finding, findingsOf } from './zod-faults.ts'

type Path = readonly PropertyKey[]

/** Where something of a file stands; `key` points at the key instead of its value. */
export type Locate = (path: Path, at?: 'key' | 'value') => Place

/** A file that its schema accepts, and where everything in it stands. */
export type ParsedFile<T> = { value: T; text: string; locate: Locate }

/** Uses of one anchor that are taken for honest; a bomb needs many more. */
const MOST_ALIASES = 10_000
const TOO_DEEP = { problem: 'the YAML is nested too deeply', mend: `Write it with at most ${DEEPEST} levels.` }

/**
 * Reads a YAML file and checks it against a schema. `label` says what the file is, for example `suite`.
 * Throws AigateError with all faults (`more`): syntax faults first, schema faults only when there are none.
 */
export async function readYaml<S extends z.ZodType>(
  file: SourceFile,
  schema: S,
  label: string,
): Promise<ParsedFile<z.output<S>>> {
  return parseYaml(await readText(file), file.shown, schema, label)
}

/**
 * Like readYaml, for a text that was read. `whole` is the file that the text begins (a prompt whose front matter is
 * parsed): frames quote it.
 */
export function parseYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  label: string,
  whole = text,
): ParsedFile<z.output<S>> {
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return placeIn(whole, file, Math.max(1, line), Math.max(1, col))
  }
  const doc = parseDocumentSafely(text, lines, file)
  const locate: Locate = (path, which = 'value') => at(offsetOf(doc, path, which))
  const syntax = syntaxFaults(doc, text, at)
  if (syntax.length > 0) throw faultError(syntax)
  if (doc.contents === null || (isScalar(doc.contents) && doc.contents.value === null)) {
    const mend = `Write the ${label}, or remove the file.`
    throw new AigateError(
      'bad_file',
      { problem: `the file is empty; a ${label} was expected`, mend },
      { file, line: 1, column: 1 },
    )
  }
  const data = plainData(doc, locate)
  // A file is read once: writing code for its form takes longer than to walk through it.
  const result = schema.safeParse(data, { jitless: true })
  if (result.success) return { value: result.data, text: whole, locate }
  const written = (path: Path) => {
    const node = nodeAt(doc, path).value
    return isScalar(node) ? node.source : undefined
  }
  throw faultError(locateFindings(findingsOf(result.error, { data, schema, written }), locate))
}

/** Findings with their places. */
export function locateFindings(findings: readonly Finding[], locate: Locate): Fault[] {
  return findings.map(({ path, at, problem, mend }) => ({ problem, mend, place: locate(path, at) }))
}

function parseDocumentSafely(text: string, lineCounter: LineCounter, file: string): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, merge: true, logLevel: 'error' })
  } catch (error) {
    throw tooDeep(error, { file })
  }
}

/** The parser recurses: what is nested absurdly deep ends its stack. Any other surprise is told as it is. */
function tooDeep(error: unknown, place: Place): AigateError {
  if (error instanceof AigateError) return error
  if (error instanceof RangeError) return new AigateError('bad_file', TOO_DEEP, place)
  const problem = `the YAML cannot be read: ${error instanceof Error ? error.message : String(error)}`
  return new AigateError('bad_file', { problem, mend: 'Write it in a simpler way.' }, place)
}

/** Faults behind which the rest of the file still reads as it is meant. */
const orderly: ReadonlySet<string> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED', 'MULTIPLE_DOCS', 'BAD_ALIAS'])

function syntaxFaults(doc: Document.Parsed, text: string, at: (offset: number) => Place): Fault[] {
  const faults = [...doc.errors, ...doc.warnings].map((error) => ({ ...reword(error, text), place: at(error.pos[0]) }))
  if (faults.length === 0) faults.push(...strangeKeys(doc, at))
  // Where indentation is broken by tabs, whatever follows is noise.
  const tabs = faults.filter((_, index) => doc.errors[index]?.code === 'TAB_AS_INDENT')
  if (tabs.length > 0) return tabs
  // Behind a place where the parser has lost its way whatever it says is noise.
  const lost = Math.min(...doc.errors.filter(({ code }) => !orderly.has(code)).map(({ pos }) => pos[0]))
  const before = doc.errors.length === 0 ? faults : faults.filter((_, index) => ([...doc.errors, ...doc.warnings][index]?.pos[0] ?? 0) <= lost) // biome-ignore format: one choice
  // One broken line makes the parser complain several times; the first complaint is the useful one.
  const seen = new Set<number | undefined>()
  return before.filter(({ place }) => !seen.has(place.line) && seen.add(place.line))
}

function reword(error: YAMLError, text: string): { problem: string; mend: string } {
  if (error.message.includes('call stack')) return TOO_DEEP
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { problem: 'YAML may not be indented with tabs', mend: 'Use spaces instead of the tab.' }
    case 'DUPLICATE_KEY': {
      const key = /^["']?([^\s"':,{}[\]]*)/.exec(text.slice(error.pos[0], error.pos[0] + 200))?.[1] ?? ''
      return { problem: `the key "${key}" is written twice`, mend: 'Keep one of the two.' }
    }
    case 'MULTIPLE_DOCS':
      return {
        problem: 'the file holds more than one YAML document',
        mend: 'Make a file of each document, or remove the line "---".',
      }
    case 'TAG_RESOLVE_FAILED':
      return {
        problem: `${error.message}; tags are not supported`,
        mend: 'Remove the tag, or write the text in quotes.',
      }
    case 'BLOCK_AS_IMPLICIT_KEY':
      // Its own line has no further colon: what follows is indented more than the key that it stands beside.
      if (!/:(?:\s|$)/.test(text.slice(error.pos[0]).split('\n', 1)[0] ?? ''))
        return { problem: 'the line below is indented as if it belonged to this value', mend: 'Indent it as far as the key of this line.' } // biome-ignore format: one error
      return { problem: 'a colon in the middle of a text begins a new key', mend: 'Write the text in quotes.' }
    case 'BAD_SCALAR_START':
      return { problem: error.message, mend: 'Write the text in quotes.' }
    default:
      return (
        plainWords(error.message) ?? {
          problem: `the YAML cannot be read: ${error.message.replace(/(["'])quote/, 'quote $1')}`,
          mend: 'Correct the YAML at this place.',
        }
      )
  }
}

/** What people get wrong most often, in words of theirs; the parser notices it a line too late. */
const commonFaults: readonly [RegExp, string, string][] = [
  [/^Missing closing ["']/, 'a quotation mark is opened here or above and never closed', 'Close it at the end of the text.'],
  [/^Flow map in block collection|^Flow map must end|expected flow map to end/i, 'a { that is opened before is not closed here', 'Close it with } where it ends, and remove what does not belong there.'],
  [/^Flow sequence in block collection|^Flow sequence must end|expected flow sequence to end/i, 'a [ that is opened before is not closed here', 'Close it with ] where it ends, and remove what does not belong there.'],
  [/^Unexpected flow-map-end/, 'a } closes nothing', 'Remove it, or open it with { before.'],
  [/^Unexpected flow-seq-end/, 'a ] closes nothing', 'Remove it, or open it with [ before.'],
  [/^Sequence item without - indicator/, 'this line stands between the items of a list and is none of them', 'Indent it as far as the other keys of its item, or begin it with "- ".'],
  [/^All (?:mapping|sequence) items must start at the same column|^A (?:block|sequence) .* must (?:be|start)/, 'this line is not indented as those that it belongs to', 'Give it as many spaces as its neighbours.'],
  [/^Implicit keys need to be on a single line|^Implicit map keys need to be followed by map values|^Nested mappings are not allowed/, 'this is no "key: value"', 'Put a colon and a space behind the key, or the text in quotes.'],
] // biome-ignore format: a fault a line

function plainWords(message: string): { problem: string; mend: string } | undefined {
  const found = commonFaults.find(([form]) => form.test(message))
  return found && { problem: found[1], mend: found[2] }
}

/** Keys that JSON cannot have. */
function strangeKeys(doc: Document.Parsed, at: (offset: number) => Place): Fault[] {
  const faults: Fault[] = []
  try {
    visit(doc, {
      Pair(_, pair) {
        const key = pair.key as Node | null
        const text = isScalar(key) ? key.value : undefined
        if (isCollection(key) || text === '__proto__')
          faults.push({
            problem: isCollection(key) ? 'a key must be plain text' : 'the key "__proto__" is not allowed',
            mend: 'Use another key.',
            place: at(key?.range?.[0] ?? 0),
          })
      },
    })
  } catch (error) {
    throw tooDeep(error, at(0))
  }
  return faults
}

/** The data of a document as JSON would hold it. Unresolved, circular and exploding aliases are faults. */
function plainData(doc: Document.Parsed, locate: Locate): unknown {
  let data: unknown
  try {
    data = doc.toJS({ maxAliasCount: MOST_ALIASES })
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw tooDeep(error, locate([]))
    const bomb = error.message.startsWith('Excessive')
    const problem = bomb ? 'the aliases (*name) of this file multiply beyond all measure' : error.message
    const mend = bomb ? 'Write the values out, or use fewer aliases.' : 'Define the anchor (&name) above its first use.'
    const place = bomb ? locate([]) : (aliasPlace(doc, error.message, locate) ?? locate([]))
    throw new AigateError('bad_file', { problem, mend }, place)
  }
  const fault = notPlain(data, [], { values: 0 })
  if (fault) throw faultError([{ problem: fault.problem, mend: fault.mend, place: locate(fault.path) }])
  return data
}

function aliasPlace(doc: Document.Parsed, message: string, locate: Locate): Place | undefined {
  let path: Path | undefined
  visit(doc, {
    Alias(key, node: Alias, ancestors) {
      if (!message.endsWith(node.source)) return undefined
      const above = ancestors.flatMap((one, depth): PropertyKey[] => {
        const child = ancestors[depth + 1] ?? node
        if (isSeq(one)) return [one.items.indexOf(child)]
        return 'key' in one && !isCollection(one) && isScalar(one.key) ? [String(one.key.value)] : []
      })
      path = key === 'key' ? above.slice(0, -1) : above
      return visit.BREAK
    },
  })
  return path && locate(path)
}

/** The deepest node on the path that the document has; aliases are followed to where their value is written. */
function nodeAt(doc: Document.Parsed, path: Path): { key?: Node | undefined; value: Node | null; whole: boolean } {
  let value: Node | null = doc.contents
  let key: Node | undefined
  for (const step of path) {
    const holder = isAlias(value) ? (value.resolve(doc) ?? null) : value
    if (isMap(holder)) {
      const pair = holder.items.find((one) => isScalar(one.key) && String(one.key.value) === String(step))
      if (pair === undefined) return { key, value, whole: false }
      key = pair.key as Node
      value = (pair.value as Node | null) ?? null
    } else if (isSeq(holder) && typeof step === 'number' && holder.items[step] !== undefined) {
      key = undefined
      value = holder.items[step] as Node
    } else return { key, value, whole: false }
  }
  return { key, value, whole: true }
}

function offsetOf(doc: Document.Parsed, path: Path, which: 'key' | 'value'): number {
  const { key, value, whole } = nodeAt(doc, path)
  const empty = value === null || (isScalar(value) && value.value === null)
  const node = whole && key !== undefined && (which === 'key' || empty) ? key : (value ?? key)
  return node?.range?.[0] ?? doc.contents?.range?.[0] ?? 0
}
