// Makes text that a model, a provider or a stranger wrote harmless: for terminals, CI logs, Markdown and XML.
import { count } from './numbers.ts'

const ESC = String.fromCharCode(27)
const CSI = String.fromCharCode(0x9b)
const BEL = String.fromCharCode(7)

/** Terminal sequences: CSI (colours, cursor), OSC and its kin (titles, links) as far as they end, and two-character ones. */
const terminalSequences = new RegExp(
  [
    `(?:${ESC}\\[|${CSI})[0-?]*[ -/]*[@-~]`,
    `${ESC}[\\]PX^_][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)`,
    `${ESC}[()*+#%][0-9A-Za-z@]`,
  ].join('|'),
  'g',
)
const lineEnds = /\r\n?|[\v\f\u0085\u2028\u2029]/g
const loneSurrogates = /\p{Surrogate}/gu
/** Everything that is not seen: controls, bidirectional and zero-width characters, tags, noncharacters. Joiners stay: emoji and scripts need them. */
const unseen =
  /(?![\t\n])\p{Cc}|(?![\u0600-\u0605\u06dd\u08e2\u200c\u200d])\p{Cf}|\p{Noncharacter_Code_Point}|[\u034f\u115f\u1160\u3164]/gu

/** Legacy commands of GitHub and Azure runners (anywhere in a line) and TeamCity service messages. */
const logCommands = /##(?=\[|vso\[|teamcity\[)/gi
const workflowCommands = new RegExp(`^((?:[^\\S\\n]|${ESC}\\[[\\d;]*m)*)::`, 'gm')

/**
 * Text without terminal sequences, control, bidirectional and zero-width characters; every line end is a line feed;
 * a lone surrogate becomes U+FFFD. Line feeds and tabs stay. At most `max` UTF-16 units come back (see `shorten`).
 */
export function plain(text: string, max = Number.POSITIVE_INFINITY): string {
  const clean = text
    .replace(terminalSequences, '')
    .replace(lineEnds, '\n')
    .replace(loneSurrogates, '\uFFFD')
    .replace(unseen, '')
  return shorten(clean, max)
}

/** Characters (code points) of well-formed text: its UTF-16 units but for the second halves of pairs. */
const charactersIn = (text: string) => text.length - (text.match(/[\udc00-\udfff]/g)?.length ?? 0)

/** Well-formed text of at most `max` UTF-16 units: the middle gives way to a count of the characters left out (below 48: to `…`). */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text
  const markerOf = (left: number) => (max < 48 ? '…' : ` … [${count(left)} characters left out] … `)
  const room = Math.max(0, max - markerOf(text.length).length)
  const head = text.slice(0, Math.ceil((room * 2) / 3)).replace(loneSurrogates, '')
  const rest = Math.floor(room / 3)
  const tail = (rest > 0 ? text.slice(-rest) : '').replace(loneSurrogates, '')
  const left = charactersIn(text.slice(head.length, text.length - tail.length))
  return `${head}${markerOf(left)}${tail}`
}

/** `plain` on one line: runs of white space become one space. */
export function oneLine(text: string, max = Number.POSITIVE_INFINITY): string {
  return shorten(plain(text).replace(/\s+/g, ' ').trim(), max)
}

/**
 * Text for a terminal or a CI log: `plain`, and no line of it is a command to GitHub Actions, Azure Pipelines or
 * TeamCity. Every line begins with `prefix` (default none).
 */
export function safeLine(text: string, options: { prefix?: string; max?: number } = {}): string {
  const { prefix = '', max } = options
  const lines = plain(text, max).split('\n')
  return disarm(lines.map((line) => `${prefix}${line}`).join('\n'))
}

/** Finished log text, with its colours, in which nothing is a command to a CI runner. Text that is none stays as it is. */
export function disarm(text: string): string {
  return text.replace(logCommands, '# #').replace(workflowCommands, '$1: :')
}

/** No-break marks that keep a forge from linking: `@name`, `#12`, `GH-12`, `https://…`, `www.…`. */
const unlinked = (text: string) =>
  text
    .replace(/[@#](?=[\p{L}\p{N}_])/gu, '$&\u200b')
    .replace(/\b(GH)-(?=\d)/gi, '$1\u200b-')
    .replace(/:(?=\/\/)/g, ':\u200b')
    .replace(/\b(www)\./gi, '$1\u200b.')

/**
 * Text as one line of Markdown prose: no markup, HTML, link, image, mention or reference is left, and it is safe in a
 * table cell. `max` counts before escaping.
 */
export function safeMarkdown(text: string, max = 1000): string {
  return unlinked(oneLine(text, max))
    .replace(/[\\`*_{}[\]~$]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\|/g, '&#124;')
    .replace(logCommands, '#\u200b#')
    .replace(/^[-+=#:]/, '\\$&')
    .replace(/^(\d+)([.)])/, '$1\\$2')
}

const longestRun = (text: string) => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))

/** Text as a Markdown code span on one line, safe in a table cell (where a pipe would end the cell even in code). */
export function codeSpan(text: string, max = 200): string {
  const line = disarm(oneLine(text, max)).replaceAll('|', '¦').replaceAll('\\', '⧵') || '(empty)'
  const ticks = '`'.repeat(longestRun(line) + 1)
  const pad = /^`|`$/.test(line) ? ' ' : ''
  return `${ticks}${pad}${line}${pad}${ticks}`
}

/** Text as a fenced Markdown block whose fence is longer than any in the text. */
export function fenced(text: string, max = 2000): string {
  const body = safeLine(text, { max })
  const fence = '`'.repeat(Math.max(3, longestRun(body) + 1))
  return `${fence}text\n${body}\n${fence}`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** Text as XML 1.0 content: only legal characters, no `]]>`, and no line of the document is a command to a CI runner. */
export function safeXml(text: string, max?: number): string {
  return plain(text, max)
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    .replace(logCommands, '#&#35;')
    .replace(/^([^\S\n]*)::/gm, '$1&#58;:')
}

/** Text as the value of an XML attribute: `safeXml` on one line of the document. */
export function safeAttribute(text: string, max = 500): string {
  return safeXml(text, max).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}

/** JSON text with the same value in which nothing moves a terminal or commands a CI runner: such characters become \u escapes. */
export function safeJson(json: string): string {
  const hidden = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
  return json
    .replace(hidden, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(logCommands, '#\\u0023')
}
