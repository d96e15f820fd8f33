// min/max words, characters and sentences: how long an answer is, as a person would count.
import type { AssertionPlugin, Grade, Subject } from '../ports.ts'
import { answerOf } from './answer.ts'
import { segments } from './segments.ts'

const unspaced =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}|\p{Script=Lao}|\p{Script=Khmer}|\p{Script=Myanmar}/u

/**
 * Words: runs between white space or dashes that hold a letter or a digit, so that `$4.2M`, `don't` and `state-of-the-art`
 * are one each and a lone `-` is none. Scripts written without spaces are divided by UAX #29 with the dictionaries of ICU.
 */
export function countWords(text: string): number {
  let count = 0
  for (const [run] of text.matchAll(/[^\s\u2014]+/g)) {
    if (!/[\p{L}\p{N}]/u.test(run)) continue
    if (!unspaced.test(run)) count += 1
    else for (const { isWordLike } of segments(run, 'word')) count += isWordLike ? 1 : 0
  }
  return count
}

/** Blocks of Latin, Greek, Cyrillic, punctuation, kana and Han in which every code unit is a character of its own. */
const alone =
  /^[\t\n -~\u00a0-\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u3000-\u3029\u3041-\u3096\u309b-\u30ff\u3400-\u9fff\uff01-\uff5e]*$/

/** Characters that people see (grapheme clusters, UAX #29): a flag or a family emoji is one, CRLF is one. */
export function countCharacters(text: string): number {
  // 50 times as fast as asking ICU, and what nearly every answer is made of.
  if (alone.test(text)) return text.length
  let count = 0
  for (const { segment } of segments(text, 'grapheme')) count += segment === '' ? 0 : 1
  return count
}

/** Where a full stop ends no sentence: titles, references and initials. */
const abbreviation =
  /(?:^|[\s("'])(?:mr|mrs|ms|dr|prof|st|sr|jr|vs|no|nos|fig|eq|pp?|e\.g|i\.e|cf|approx|ca|dept|gen|col|capt|rev|hon|[a-z](?:\.[a-z])*)\.\s*$/i

/** The start of a line that begins something new: a list item, a heading, a quotation, a table row. */
const block = /\n(?=\s*(?:\n|[-*+•]\s|\d+[.)]\s|#{1,6}\s|>|\|))/

/**
 * Sentences by UAX #29, except that a line break inside a paragraph and a full stop after an abbreviation or an initial
 * end none. A list item, a heading and a paragraph end one even without a full stop. Marks alone are no sentence.
 */
export function countSentences(text: string): number {
  let count = 0
  for (const paragraph of text.split(block)) {
    const line = paragraph.replace(/\s+/g, ' ').replace(/^ ?(?:[-*+•>|]|\d+[.)]|#{1,6}) /, '')
    let open = false
    for (const { segment } of segments(line, 'sentence')) {
      open ||= /[\p{L}\p{N}]/u.test(segment)
      if (!open || abbreviation.test(segment.slice(-20))) continue
      count += 1
      open = false
    }
    if (open) count += 1
  }
  return count
}

const counters = { word: countWords, character: countCharacters, sentence: countSentences }

/** One limit on one unit. */
function limit(unit: keyof typeof counters, side: 'least' | 'most') {
  const grade = (allowed: number, { completion }: Subject): Grade => {
    const count = counters[unit](answerOf(completion))
    const passed = side === 'least' ? count >= allowed : count <= allowed
    const wanted = side === 'least' ? 'needed' : 'allowed'
    const reason = `${count} ${unit}${count === 1 ? '' : 's'}, at ${side} ${allowed} ${wanted}`
    return { score: passed ? 1 : 0, passed, reason }
  }
  return { deterministic: true, grade }
}

export const minWords: AssertionPlugin<'min_words'> = limit('word', 'least')
export const maxWords: AssertionPlugin<'max_words'> = limit('word', 'most')
export const minCharacters: AssertionPlugin<'min_characters'> = limit('character', 'least')
export const maxCharacters: AssertionPlugin<'max_characters'> = limit('character', 'most')
export const minSentences: AssertionPlugin<'min_sentences'> = limit('sentence', 'least')
export const maxSentences: AssertionPlugin<'max_sentences'> = limit('sentence', 'most')
