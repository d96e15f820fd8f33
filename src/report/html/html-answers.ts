// The answers before and now in the HTML report, with the words that only one of them has marked.
import { diffWordsWithSpace } from 'diff'
import { htmlText } from './html-parts.ts'
import { plain } from '../safe-text.ts'

/** Above this many changed words two texts are not versions of one another, and the search is given up. */
const MOST_EDITS = 400
/** Share of the letters of the shorter text that must be common for marks to help. */
const COMMON = 0.3

type Sides = { before: string; now: string }

/** Both texts as escaped HTML; what only one has is in `<del>` and `<ins>`, so that not only a colour tells it. */
function marked(before: string, now: string): Sides | null {
  const pieces = diffWordsWithSpace(before, now, { maxEditLength: MOST_EDITS })
  if (pieces === undefined) return null
  const letters = (text: string) => text.replace(/\s/g, '').length
  const common = pieces.reduce((sum, { added, removed, value }) => sum + (added || removed ? 0 : letters(value)), 0)
  if (common < COMMON * Math.min(letters(before), letters(now))) return null
  const side = (without: 'added' | 'removed', tag: string) =>
    pieces
      .filter((piece) => !piece[without])
      .map((piece) =>
        piece.added || piece.removed ? `<${tag}>${htmlText(piece.value)}</${tag}>` : htmlText(piece.value),
      )
      .join('')
  return { before: side('added', 'del'), now: side('removed', 'ins') }
}

const box = (title: string, html: string) =>
  `<div><small>${title}</small><pre dir="auto">${html === '' ? '(empty)' : html}</pre></div>`

/** The answers, each cut to `max` UTF-16 units with a count of what is left out; empty without answers. */
export function answers({ before, after }: { before: string | null; after: string | null }, max: number): string {
  if (before === null && after === null) return ''
  const [was, now] = [before, after].map((text) => (text === null ? null : plain(text, max)))
  if (typeof was === 'string' && typeof now === 'string') {
    if (was === now) return `<div class="sides">${box('before and now', htmlText(now))}</div>`
    const sides = marked(was, now) ?? { before: htmlText(was), now: htmlText(now) }
    return `<div class="sides">${box('before', sides.before)}${box('now', sides.now)}</div>`
  }
  const [title, text] = typeof was === 'string' ? ['before', was] : ['now', now ?? '']
  return `<div class="sides">${box(title, htmlText(text))}</div>`
}
