// contains, contains_any, icontains, icontains_any: texts that the answer must hold.
import type { AssertionPlugin, Grade, Subject } from '../ports.ts'
import { answerOf, canonical, fold } from './answer.ts'
import { list, quote } from './reason.ts'

type Reading = (text: string) => string

/** Every text: the score is the share that was found. */
function every(texts: string | readonly string[], { completion }: Subject, read: Reading): Grade {
  const wanted = typeof texts === 'string' ? [texts] : texts
  const answer = read(answerOf(completion))
  const missing = wanted.filter((text) => !answer.includes(read(text)))
  const [named, verb] = missing.length > 0 ? [missing, 'missing'] : [wanted, 'there']
  return {
    score: 1 - missing.length / wanted.length,
    passed: missing.length === 0,
    reason: `${list(named.map(quote))} ${named.length > 1 ? 'are' : 'is'} ${verb}`,
  }
}

/** At least one of the texts. */
function some(texts: readonly string[], { completion }: Subject, read: Reading): Grade {
  const answer = read(answerOf(completion))
  const found = texts.filter((text) => answer.includes(read(text)))
  const reason =
    found.length > 0
      ? `${list(found.map(quote))} ${found.length > 1 ? 'are' : 'is'} there`
      : `none of ${list(texts.map(quote))} is there`
  return { score: found.length > 0 ? 1 : 0, passed: found.length > 0, reason }
}

export const contains: AssertionPlugin<'contains'> = {
  deterministic: true,
  grade: (texts, subject) => every(texts, subject, canonical),
}
export const containsAny: AssertionPlugin<'contains_any'> = {
  deterministic: true,
  grade: (texts, subject) => some(texts, subject, canonical),
}
export const icontains: AssertionPlugin<'icontains'> = {
  deterministic: true,
  grade: (texts, subject) => every(texts, subject, fold),
}
export const icontainsAny: AssertionPlugin<'icontains_any'> = {
  deterministic: true,
  grade: (texts, subject) => some(texts, subject, fold),
}
