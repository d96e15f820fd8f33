// Tells by its content which tool made a file; a shape that is not known is named, never guessed.
import { AigateError } from '../../errors.ts'
import { badResults, type Content, data, isData } from './foreign.ts'
import { looseJson } from './loose-json.ts'
import { formatNames, formats, type ImportFormat } from './registry.ts'
import { zipEntries } from './zip.ts'

/** The outer form of a file. Throws AigateError `bad_file` for text that is cut off, binary or empty. */
export function contentOf(bytes: Uint8Array, file: string): Content {
  if (bytes.length === 0) throw badResults(file, 'The file is empty.', 'Make the results again.')
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return { kind: 'zip', bytes }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badResults(file, 'The file is neither text in UTF-8 nor a zip archive.', 'Name a results file.')
  }
  const start = text.trimStart()[0] ?? ''
  if (start === '') throw badResults(file, 'The file is empty.', 'Make the results again.')
  if (start === '<') return { kind: 'xml', text }
  if (start !== '{' && start !== '[') return { kind: 'csv', text }
  const value = looseJson(text)
  if (value === undefined) return linesOf(text, file)
  return /\.(?:jsonl|ndjson)$/i.test(file) ? { kind: 'lines', values: [{ value, line: 1 }] } : { kind: 'json', value }
}

/** One JSON value a line; a line that is none means that the file was cut off, or is one JSON document that was. */
function linesOf(text: string, file: string): Content {
  const values = text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return []
    const value = looseJson(line)
    if (value !== undefined) return [{ value, line: at + 1 }]
    const problem =
      at === 0 ? 'The JSON is broken or cut off.' : `Line ${at + 1} is no JSON: the file is broken or was cut off.`
    throw badResults(file, problem, 'Make the file again, or copy it as a whole.', at + 1)
  })
  return { kind: 'lines', values }
}

/** The format of a file; `wanted` is checked as well. Throws AigateError that lists the known ones and what was seen. */
export function formatOf(content: Content, file: string, wanted?: string): ImportFormat {
  if (wanted !== undefined) {
    const named = formatNames.find((name) => name === wanted)
    const choice = `Choose from ${formatNames.join(', ')}.`
    if (named === undefined) {
      throw new AigateError('usage', { problem: `There is no format "${wanted}".`, mend: choice })
    }
    if (formats[named].matches(content)) return named
    throw badResults(
      file,
      `This is not ${formats[named].what}: it is ${seen(content, file)}.`,
      `Leave --format out, or: ${choice}`,
    )
  }
  const found = formatNames.filter((name) => formats[name].matches(content))
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const problem =
    found.length > 1
      ? `This file could be ${found.join(' or ')}.`
      : `This is no results file that aigate knows: it is ${seen(content, file)}.`
  const mend = `Known are: ${formatNames.map((name) => formats[name].what).join('; ')}. Write anything else as JSONL rows.`
  throw badResults(file, problem, found.length > 1 ? `Say which with --format ${found.join(' or --format ')}.` : mend)
}

/** What was found, in words: keys, columns or entries. */
function seen(content: Content, file: string): string {
  const names = (all: readonly string[]) =>
    all.length === 0
      ? 'none'
      : `${all
          .slice(0, 8)
          .map((name) => printable(name))
          .join(', ')}${all.length > 8 ? ', …' : ''}`
  const keys = (value: unknown): string => {
    if (isData(value)) {
      const inner = isData(value.results) ? ` (results: ${names(Object.keys(value.results))})` : ''
      return `an object with the keys ${names(Object.keys(value))}${inner}`
    }
    return Array.isArray(value) ? `a list of ${value.length}, the first of them ${keys(value[0])}` : `a ${typeof value}`
  }
  if (content.kind === 'json') {
    const ours = data(content.value).aigate
    return typeof ours === 'string' ? `a file of aigate itself (${printable(ours)})` : `JSON, ${keys(content.value)}`
  }
  if (content.kind === 'lines') return `JSON lines, the first ${keys(content.values[0]?.value)}`
  if (content.kind === 'zip')
    return `a zip archive with ${names(zipEntries(content.bytes, file).map(({ name }) => name))}`
  if (content.kind === 'xml') return `XML with the element <${/<([A-Za-z_][\w.-]*)/.exec(content.text)?.[1] ?? '?'}>`
  return `text that begins with "${printable(content.text.split('\n', 1)[0] ?? '')}"`
}

const printable = (text: string): string =>
  Array.from(text.replace(/[\p{Cc}\p{Cf}]/gu, '·'))
    .slice(0, 60)
    .join('')
