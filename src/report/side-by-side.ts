// Two texts in two columns, equal lines beside each other; `|` marks a changed line, `<` a gone and `>` a new one.
import type { Paint } from './paint.ts'
import { plain } from './safe-text.ts'
import { alike, diffWords, pairLines, type Piece } from './text-diff.ts'
import { displayWidth, wrap } from './wrap.ts'

type Mark = ' ' | '|' | '<' | '>'
type Side = 'gone' | 'new'

/**
 * Lines of at most `columns` columns (at least 40). Long lines are wrapped within their column; `style` colours the
 * sides, and words that only one side has are inverse. Without colours the mark in the middle tells what changed.
 */
export function sideBySide(before: string, after: string, options: { columns: number; style: Paint }): string[] {
  const width = Math.floor((Math.max(40, options.columns) - 3) / 2)
  const lines = (text: string) => (text === '' ? [] : plain(text).replaceAll('\t', '  ').split('\n'))
  return pairLines(lines(before), lines(after)).flatMap((row) => {
    const mark: Mark = row.after === null ? '<' : row.before === null ? '>' : row.before === row.after ? ' ' : '|'
    const left = column(row.before, row.after, 'gone', width, options.style)
    const right = column(row.after, row.before, 'new', width, options.style)
    return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
      const own = left[index] ?? { shown: '', width: 0 }
      const pad = ' '.repeat(Math.max(0, width - own.width))
      return `${own.shown}${pad} ${mark} ${right[index]?.shown ?? ''}`.trimEnd()
    })
  })
}

/** One side of a row, wrapped; colours are laid on after wrapping, so that they never count as columns. */
function column(own: string | null, other: string | null, side: Side, width: number, style: Paint) {
  if (own === null) return []
  const lines = wrap(own, width)
  const marks = own === other ? null : marksOf(own, other, side)
  let at = 0
  return lines.map((line) => {
    // Wrapping drops the space at which it breaks: each line is found again in the text that it came from.
    const start = Math.max(at, own.indexOf(line, at))
    at = start + line.length
    return { shown: marks === null ? line : tinted(line, start, marks, side, style), width: displayWidth(line) }
  })
}

/** For each UTF-16 unit of a line, whether the other side lacks its word; all false where the lines have little in common. */
function marksOf(own: string, other: string | null, side: Side): boolean[] {
  if (other === null) return Array.from(own, () => false)
  const [before, after] = side === 'gone' ? [own, other] : [other, own]
  if (!alike(before, after)) return []
  const kept = (piece: Piece) => piece.kind === 'same' || piece.kind === side
  return diffWords(before, after)
    .filter(kept)
    .flatMap(({ kind, text }) => Array.from({ length: text.length }, () => kind === side))
}

function tinted(line: string, start: number, marks: readonly boolean[], side: Side, style: Paint): string {
  const tint = side === 'gone' ? style.red : style.green
  const runs: { text: string; marked: boolean }[] = []
  for (let index = 0; index < line.length; index += 1) {
    const marked = marks[start + index] === true
    const last = runs.at(-1)
    if (last?.marked === marked) last.text += line[index] ?? ''
    else runs.push({ text: line[index] ?? '', marked })
  }
  return runs.map(({ text, marked }) => tint(marked ? style.inverse(text) : text)).join('')
}
