// The difference of two lists of words or lines: the longest common subsequence, exact for texts that people write.
export type Piece = { kind: 'same' | 'gone' | 'new'; text: string }

/** Above this many cells of the table, what lies between the common ends counts as replaced. */
const MOST_CELLS = 4_000_000

/** The steps from `before` to `after` in order; where something is replaced, what is gone comes first. */
export function diffLists(before: readonly string[], after: readonly string[]): Piece[] {
  let head = 0
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1
  let tail = 0
  const most = Math.min(before.length, after.length) - head
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  const as = (kind: Piece['kind']) => (text: string) => ({ kind, text })
  return [
    ...before.slice(0, head).map(as('same')),
    ...diffMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(as('same')),
  ]
}

/** Hunt for the longest common subsequence by the table of Wagner and Fischer (J. ACM 21, 1974). */
function diffMiddle(a: readonly string[], b: readonly string[]): Piece[] {
  const gone = a.map((text): Piece => ({ kind: 'gone', text }))
  const fresh = b.map((text): Piece => ({ kind: 'new', text }))
  if (a.length === 0 || b.length === 0 || a.length * b.length > MOST_CELLS) return [...gone, ...fresh]
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const at = (row: number, column: number) => common[row * width + column] ?? 0
  for (let row = a.length - 1; row >= 0; row -= 1)
    for (let column = b.length - 1; column >= 0; column -= 1)
      common[row * width + column] =
        a[row] === b[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
  const pieces: Piece[] = []
  let row = 0
  let column = 0
  while (row < a.length && column < b.length) {
    if (a[row] === b[column]) {
      pieces.push({ kind: 'same', text: a[row] ?? '' })
      row += 1
      column += 1
    } else if (at(row + 1, column) >= at(row, column + 1)) pieces.push(...gone.slice(row, (row += 1)))
    else pieces.push(...fresh.slice(column, (column += 1)))
  }
  return [...pieces, ...gone.slice(row), ...fresh.slice(column)]
}

const words = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu

/** The difference of two lines word by word. */
export function diffWords(before: string, after: string): Piece[] {
  return diffLists(before.match(words) ?? [], after.match(words) ?? [])
}

/** One row of a comparison; null: nothing stands there. `changed`: the two sides are versions of one line. */
export type Row = { before: string | null; after: string | null }

/** Lines beside each other: within a replaced block the first gone line stands beside the first new one, and so on. */
export function pairLines(before: readonly string[], after: readonly string[]): Row[] {
  const rows: Row[] = []
  let gone: string[] = []
  let fresh: string[] = []
  const flush = () => {
    for (let index = 0; index < Math.max(gone.length, fresh.length); index += 1)
      rows.push({ before: gone[index] ?? null, after: fresh[index] ?? null })
    gone = []
    fresh = []
  }
  for (const { kind, text } of diffLists(before, after)) {
    if (kind === 'gone') gone.push(text)
    else if (kind === 'new') fresh.push(text)
    else {
      flush()
      rows.push({ before: text, after: text })
    }
  }
  flush()
  return rows
}

/** Whether two lines have enough in common for their words to be compared: half of the letters of the shorter one. */
export function alike(before: string, after: string): boolean {
  const kept = diffWords(before, after)
    .filter(({ kind, text }) => kind === 'same' && text.trim() !== '')
    .reduce((sum, { text }) => sum + text.length, 0)
  const shorter = Math.min(before.replace(/\s/g, '').length, after.replace(/\s/g, '').length)
  return shorter > 0 && kept * 2 >= shorter
}
