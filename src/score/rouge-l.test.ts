// ROUGE-L against the package js-rouge, and by its laws.
import fc from 'fast-check'
import { l } from 'js-rouge'
import { expect, it } from 'vitest'
import { rougeL } from './rouge-l.ts'

const words = fc.array(fc.constantFrom('the', 'cat', 'sat', 'on', 'a', 'mat', 'dog'), { minLength: 1, maxLength: 30 })

it('agrees with js-rouge on whole texts', () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      const tokenizer = (text: string) => text.split(' ')
      const wanted = l(a.join(' '), b.join(' '), { tokenizer, segmenter: (text) => [text] })
      expect(rougeL(a, b)).toBeCloseTo(wanted, 12)
    }),
  )
})
it('is 1 for equal sequences, 0 without a common word, and the same both ways', () => {
  expect(rougeL([], [])).toBe(0)
  expect(rougeL(['a', 'b', 'c', 'd'], ['a', 'c', 'd', 'x'])).toBe(0.75)
  fc.assert(
    fc.property(words, words, (a, b) => {
      expect(rougeL(a, a)).toBe(1)
      expect(rougeL(a, ['zebra'])).toBe(0)
      expect(rougeL(a, b)).toBe(rougeL(b, a))
    }),
  )
})
