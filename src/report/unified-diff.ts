// A unified diff of two texts as `diff -u` writes it; on a terminal with colours, changed words are marked.
import { paint, type Paint } from './paint.ts'
import { safeLine } from './safe-text.ts'
import { alike, diffLists, diffWords, type Piece } from './text-diff.ts'

const CONTEXT = 3

type Hunk = { from: number; to: number; pieces: Piece[] }

/** Empty when the texts are equal. The texts are those of strangers: nothing in them reaches a terminal or a CI log as a command. */
export function unifiedDiff(
  before: { name: string; text: string },
  after: { name: string; text: string },
  options: { color: boolean },
): string {
  const style = paint(options.color)
  const pieces = diffLists(linesOf(before.text), linesOf(after.text))
  const hunks = hunksOf(pieces)
  if (hunks.length === 0) return ''
  const lines = [style.bold(`--- ${before.name}`), style.bold(`+++ ${after.name}`)]
  for (const hunk of hunks) lines.push(style.cyan(headOf(hunk)), ...bodyOf(hunk.pieces, style, options.color))
  return `${lines.join('\n')}\n`
}

/** A text without a last line end is told by a line of its own, as diff does. */
function linesOf(text: string): string[] {
  const lines = safeLine(text).split('\n')
  return lines.at(-1) === ''
    ? lines.slice(0, -1)
    : [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`]
}

/** Changes with three lines around them; those that touch are one. `from`, `to`: lines passed before, on each side. */
function hunksOf(pieces: readonly Piece[]): Hunk[] {
  const near = new Set<number>()
  for (const [index, { kind }] of pieces.entries())
    if (kind !== 'same') for (let at = index - CONTEXT; at <= index + CONTEXT; at += 1) near.add(at)
  const hunks: Hunk[] = []
  let [from, to, open] = [0, 0, false]
  for (const [index, piece] of pieces.entries()) {
    if (!near.has(index)) open = false
    else if (open) hunks.at(-1)?.pieces.push(piece)
    else {
      hunks.push({ from, to, pieces: [piece] })
      open = true
    }
    if (piece.kind !== 'new') from += 1
    if (piece.kind !== 'gone') to += 1
  }
  return hunks
}

function headOf({ from, to, pieces }: Hunk): string {
  const range = (start: number, except: Piece['kind']) => {
    const length = pieces.filter(({ kind }) => kind !== except).length
    return `${length === 0 ? start : start + 1}${length === 1 ? '' : `,${length}`}`
  }
  return `@@ -${range(from, 'new')} +${range(to, 'gone')} @@`
}

function bodyOf(pieces: readonly Piece[], style: Paint, color: boolean): string[] {
  const lines: string[] = []
  for (let index = 0; index < pieces.length; ) {
    const next = pieces.findIndex(({ kind }, at) => at >= index && kind === 'same')
    const block = pieces.slice(index, next === -1 ? pieces.length : next)
    const of = (side: Piece['kind']) => block.filter(({ kind }) => kind === side)
    lines.push(...changedLines(of('gone'), of('new'), style, color))
    if (next !== -1) lines.push(` ${pieces[next]?.text ?? ''}`)
    index += block.length + 1
  }
  return lines
}

function changedLines(gone: readonly Piece[], fresh: readonly Piece[], style: Paint, color: boolean): string[] {
  const marked = (own: Piece, other: Piece | undefined, kind: 'gone' | 'new') => {
    const tint = kind === 'gone' ? style.red : style.green
    const sign = kind === 'gone' ? '-' : '+'
    if (!color || other === undefined) return tint(`${sign}${own.text}`)
    const [before, after] = kind === 'gone' ? [own.text, other.text] : [other.text, own.text]
    return tint(sign) + markWords(before, after, kind, style)
  }
  return [
    ...gone.map((piece, index) => marked(piece, fresh[index], 'gone')),
    ...fresh.map((piece, index) => marked(piece, gone[index], 'new')),
  ]
}

/** One side of a changed line; words that the other side lacks are inverse, where the two are versions of one line. */
export function markWords(before: string, after: string, side: 'gone' | 'new', style: Paint): string {
  const tint = side === 'gone' ? style.red : style.green
  if (!alike(before, after)) return tint(side === 'gone' ? before : after)
  return diffWords(before, after)
    .filter(({ kind }) => kind === 'same' || kind === side)
    .map(({ kind, text }) => tint(kind === 'same' ? text : style.inverse(text)))
    .join('')
}
