// Lines never exceed the width, lose no word, and count wide characters as terminals do.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { displayWidth, wrap } from './wrap.ts'

const texts = fc
  .array(
    fc.constantFrom(
      'a',
      'word',
      'extraordinarily',
      '返金',
      '한국어',
      '😀',
      'é',
      ' ',
      '  ',
      '\n',
      '91.2 %',
      'p < 0.001',
      '\t',
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

it('keeps to the width and to the characters', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 4, max: 40 }), (text, width) => {
      const lines = wrap(text, width)
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
      expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
    }),
  )
})
it.each([
  ['plain', 5],
  ['返金は30日', 10],
  ['한국어', 6],
  ['😀', 2],
  ['e\u0301', 1],
  ['ｆｕｌｌ', 8],
  ['…│─✗✓', 5],
])('%s takes %i columns', (text, columns) => expect(displayWidth(text)).toBe(columns))
it('keeps a number with its unit', () => {
  expect(wrap('a drop of 10.7 points', 14)).toEqual(['a drop of', '10.7 points'])
  expect(wrap('a drop of it (p < 0.001)', 20)).toEqual(['a drop of it', '(p < 0.001)'])
})
it('keeps indentation', () => {
  expect(wrap('  - indented item', 12)).toEqual(['  - indented', 'item'])
})
