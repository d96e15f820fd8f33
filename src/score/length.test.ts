// Counting in windows gives what Intl.Segmenter gives for the whole text.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countCharacters } from './length.ts'
import { segments } from './segments.ts'

const pieces = fc.constantFrom(
  'a', ' ', '. ', '! ', '\r\n', '\n\n', 'é', 'e\u0301', '👨‍👩‍👧‍👦', '🇩🇪', '🇫', '한', '\u1100\u1161', 'กำ', '\u0d4e\u0d15', 'नि', '❤️', '1️⃣', '你', 'Hello world', '\u200d', '👍🏽', '𝒳',
) // biome-ignore format: a list reads better short
// Longer than one window.
const text = fc.array(pieces, { minLength: 0, maxLength: 1500, size: 'max' }).map((parts) => parts.join(''))
const whole = (granularity: 'grapheme' | 'sentence', value: string) =>
  [...new Intl.Segmenter('en', { granularity }).segment(value)].map(({ segment }) => segment)

describe('segments', () => {
  it.each(['grapheme', 'sentence'] as const)('%s', (granularity) => {
    fc.assert(
      fc.property(text, (value) => {
        const found = [...segments(value, granularity)].map(({ segment }) => segment)
        expect(found).toEqual(whole(granularity, value))
      }),
      { numRuns: 60 },
    )
  })
})

describe('countCharacters', () => {
  const any = fc.oneof(
    text,
    fc.string({ unit: 'binary', maxLength: 50 }),
    fc.string({ unit: 'grapheme', maxLength: 50 }),
  )
  it('counts grapheme clusters', () => {
    fc.assert(
      fc.property(any, (value) => {
        expect(countCharacters(value)).toBe(whole('grapheme', value).length)
      }),
      { numRuns: 400 },
    )
  })

  it('needs no more than Latin, Greek, Cyrillic and Han for the quick way, and is right about every code point there', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
    const characters = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit)).filter(
      (character) => !/[\ud800-\udfff]/.test(character),
    )
    const wrong = characters.filter((character) => {
      const between = `a${character}b${character}${character}漢`
      return countCharacters(between) !== [...segmenter.segment(between)].length
    })
    expect(wrong).toEqual([])
  })

  it.each(['𑪄ሀ', 'か\uff9e', '\u0600a', 'a\u200db', '\r\n\r', 'นำ'])('%j', (value) => {
    expect(countCharacters(value)).toBe(whole('grapheme', value).length)
  })
})
