// The pieces of the HTML report: escaped text, lists, tables and badges.
import type { Outcome } from '../../schema/verdict.ts'
import { plural } from '../numbers.ts'
import { oneLine, safeAttribute, safeXml } from '../safe-text.ts'

/** Text that somebody else wrote, as content of an element: several lines, at most `max` characters of the text. */
export const htmlText = (text: string, max = 4000): string => safeXml(text, max)

/** As `htmlText`, on one line. */
export const htmlLine = (text: string, max = 600): string => safeXml(oneLine(text, max))

/** A paragraph of escaped text; empty for none. */
export const paragraph = (text: string, of = '') => (text === '' ? '' : `<p${of && ` class="${of}"`}>${text}</p>`)
/** A list of escaped items; empty for none. */
export const list = (items: readonly string[], of = '') =>
  items.length === 0 ? '' : `<ul${of && ` class="${of}"`}>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
/** A row of escaped cells. */
export const row = (cells: readonly string[]) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
/** The first row of a table: the names of its columns. */
export const headRow = (cells: readonly string[]) =>
  `<thead><tr>${cells.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead>`
/** What may be too wide scrolls by itself, with the keyboard as well. `name`: said by screen readers. */
export const wide = (name: string, content: string) =>
  `<div class="wide" role="region" tabindex="0" aria-label="${safeAttribute(name, 120)}">${content}</div>`
/** A table that scrolls by itself where it is too wide. */
export const table = (name: string, head: readonly string[], rows: readonly string[]) =>
  wide(name, `<table class="text">${headRow(head)}<tbody>\n${rows.join('\n')}\n</tbody></table>`)

/** What a list leaves out, in words, as its last item; nothing for nothing. */
export const more = (left: number, what: string) =>
  left > 0 ? [`and ${plural(left, what)} more (see the JSON report)`] : []

/** UTF-8 bytes of text, without a lone surrogate. */
export function bytesOf(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

export const badge = (outcome: Outcome, word: string): string => `<span class="badge ${outcome}">${word}</span>`
