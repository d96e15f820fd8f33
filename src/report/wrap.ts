// Breaks text into lines of a terminal's width, counting wide characters as two columns.
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const combining = /[\p{Mn}\p{Me}\p{Cf}]/u

/** Columns of one character (a code point): 0 for marks, 2 for East Asian wide characters and emoji, else 1. */
function columnsOf(character: string): number {
  if (character < '\u0300') return 1
  if (combining.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** Columns that text without control characters takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += columnsOf(character)
  return width
}

/** A word cut into pieces of at most `width` columns. */
function pieces(text: string, width: number): string[] {
  const found: string[] = []
  let piece = ''
  let used = 0
  for (const character of text) {
    const columns = columnsOf(character)
    if (used + columns > width && piece !== '') {
      found.push(piece)
      piece = ''
      used = 0
    }
    piece += character
    used += columns
  }
  return [...found, piece]
}

/** Spaces at which a line may end: not within `3.1 points`, `91.2 %` or `p < 0.001`. */
const breaks = /(?<!\bp)(?<!\bp [<=]) +(?!(?:%|(?:points|pts|ms)\b))/

/** One line broken at spaces into lines of at most `width` columns; a longer word is cut. Indentation stays on the first line. */
export function wrapLine(line: string, width: number): string[] {
  const lines: string[] = []
  let current = /^ */.exec(line)?.[0].slice(0, Math.floor(width / 2)) ?? ''
  let used = current.length
  let empty = true
  for (const one of line.trimStart().split(breaks)) {
    const size = displayWidth(one)
    if (!empty && used + 1 + size <= width) {
      current += ` ${one}`
      used += 1 + size
      continue
    }
    if (!empty) lines.push(current)
    const cut = pieces(one, empty ? Math.max(1, width - used) : width)
    const prefix = empty ? current : ''
    lines.push(...cut.slice(0, -1).map((piece, at) => (at === 0 ? prefix + piece : piece)))
    current = (cut.length === 1 ? prefix : '') + (cut.at(-1) ?? '')
    used = displayWidth(current)
    empty = false
  }
  return [...lines, current.trimEnd()]
}

/** Text, broken: every line of it by `wrapLine`; tabs become two spaces. */
export function wrap(text: string, width: number): string[] {
  return text
    .replaceAll('\t', '  ')
    .split('\n')
    .flatMap((line) => wrapLine(line, Math.max(1, width)))
}
