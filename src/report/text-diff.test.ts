// The diff gives back both texts, is as short as `diff -u`, and what it prints is harmless and fits the terminal.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { paint } from './paint.ts'
import { sideBySide } from './side-by-side.ts'
import { diffLists, diffWords, pairLines, type Piece } from './text-diff.ts'
import { unifiedDiff } from './unified-diff.ts'
import { displayWidth } from './wrap.ts'

const seeded = { seed: 4, numRuns: 300 }
const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 })
const side = (pieces: Piece[], other: Piece['kind']) =>
  pieces.filter(({ kind }) => kind !== other).map(({ text }) => text)
const esc = String.fromCharCode(27)

/** The length of the longest common subsequence, by definition. */
function common(a: readonly string[], b: readonly string[]): number {
  const [x, ...as] = a
  if (x === undefined) return 0
  const at = b.indexOf(x)
  return Math.max(common(as, b), at === -1 ? 0 : 1 + common(as, b.slice(at + 1)))
}

describe('diffLists', () => {
  it('gives back both sides and keeps as much as can be kept', () => {
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const pieces = diffLists(a, b)
        expect(side(pieces, 'new')).toEqual(a)
        expect(side(pieces, 'gone')).toEqual(b)
        expect(pieces.filter(({ kind }) => kind === 'same')).toHaveLength(common(a, b))
      }),
      seeded,
    )
  })
  it('ends at once with texts that are large and have nothing in common', () => {
    const many = (letter: string) => Array.from({ length: 20_000 }, (_, index) => `${letter}${index}`)
    const pieces = diffLists(['x', ...many('a')], ['x', ...many('b')])
    expect(pieces[0]).toEqual({ kind: 'same', text: 'x' })
    expect(pieces).toHaveLength(40_001)
  })
})

it('compares words of every script, and gives back both lines', () => {
  expect(diffWords('at most two sentences', 'at most three sentences').filter(({ kind }) => kind !== 'same')).toEqual([
    { kind: 'gone', text: 'two' },
    { kind: 'new', text: 'three' },
  ])
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(side(diffWords(a, b), 'new').join('')).toBe(a)
      expect(side(diffWords(a, b), 'gone').join('')).toBe(b)
    }),
    seeded,
  )
})

it('pairs lines so that each side reads through', () => {
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const rows = pairLines(a, b)
      expect(rows.flatMap((row) => row.before ?? [])).toEqual(a)
      expect(rows.flatMap((row) => row.after ?? [])).toEqual(b)
    }),
    seeded,
  )
})

describe('unifiedDiff', () => {
  const diff = (a: string, b: string, color = false) =>
    unifiedDiff({ name: 'a.md', text: a }, { name: 'b.md', text: b }, { color })
  const text = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('')

  it('is empty for equal texts, and as diff -u writes it for others', () => {
    expect(diff(text(1, 9), text(1, 9))).toBe('')
    expect(diff(text(1, 20), `${text(1, 4)}new\n${text(6, 19)}`)).toBe(
      '--- a.md\n+++ b.md\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+new\n 6\n 7\n 8\n@@ -17,4 +17,3 @@\n 17\n 18\n 19\n-20\n',
    )
    expect(diff('', 'x\n')).toBe('--- a.md\n+++ b.md\n@@ -0,0 +1 @@\n+x\n')
    expect(diff('x\n', 'x')).toBe('--- a.md\n+++ b.md\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n')
  })
  it('marks the words that changed, with colours only', () => {
    const marked = diff('Answer in two sentences.\n', 'Answer in three sentences.\n', true)
    expect(marked).toContain(`${esc}[7mtwo${esc}[27m`)
    expect(marked).toContain(`${esc}[7mthree${esc}[27m`)
    expect(diff('Answer in two.\n', 'Answer in three.\n')).not.toContain(esc)
    expect(diff('one thing\n', 'quite otherwise\n', true)).not.toContain(`${esc}[7m`)
  })
  it('lets no prompt move the terminal or command a CI runner', () => {
    const shown = diff('a\n', `${esc}[2J##[error]boo\n::error::boo\n`)
    expect(shown).not.toContain(esc)
    expect(shown).not.toContain('##[')
  })
})

describe('sideBySide', () => {
  const plain = (a: string, b: string, columns = 43) => sideBySide(a, b, { columns, style: paint(false) })
  it('puts equal lines beside each other and marks the rest', () => {
    expect(plain('one\ntwo\nthree', 'one\n2\nthree\nfour')).toEqual([
      'one                    one',
      'two                  | 2',
      'three                  three',
      '                     > four',
    ])
    expect(plain('gone', '')).toEqual(['gone                 <'])
  })
  it('keeps to the width whatever stands there, with colours and without', () => {
    const strip = (line: string) => line.replaceAll(new RegExp(`${esc}\\[\\d+m`, 'g'), '')
    fc.assert(
      fc.property(
        fc.lorem({ maxCount: 30 }),
        fc.lorem({ maxCount: 30 }),
        fc.integer({ min: 40, max: 120 }),
        (a, b, columns) => {
          const coloured = sideBySide(a, b, { columns, style: paint(true) })
          expect(coloured.map(strip)).toEqual(plain(a, b, columns))
          for (const line of plain(a, b, columns)) expect(displayWidth(line)).toBeLessThanOrEqual(columns)
        },
      ),
      seeded,
    )
    for (const line of plain('漢字'.repeat(40), '漢字'.repeat(41))) expect(displayWidth(line)).toBeLessThanOrEqual(43)
  })
  it('marks the changed word where the line was wrapped', () => {
    const shown = sideBySide('Give amounts and dates exactly as told', 'Give amounts and dates roughly as told', {
      columns: 43,
      style: paint(true),
    }).join('\n')
    expect(shown).toContain(`${esc}[7mexactly${esc}[27m`)
    expect(shown).toContain(`${esc}[7mroughly${esc}[27m`)
    expect(shown.match(new RegExp(`${esc}\\[7m`, 'g'))).toHaveLength(2)
  })
})
