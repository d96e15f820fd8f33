// A scripted judge for the stand-in: no model. It reads only what stands between the fences, and grades by rules that a reader
// can follow: amounts and periods that are there, courtesy, words that overlap. It is wrong now and then, by its seed.
import { createHash } from 'node:crypto'

const draw = (...parts) => createHash('sha256').update(parts.join('\0')).digest().readUInt32BE(0) / 2 ** 32

/** The fenced parts of a message by the line before them: {"the answer to grade": "..."}; null for a message without fences. */
export function partsOf(system, user) {
  const fence = /between a line "BEGIN (\w+)"/.exec(system)?.[1]
  if (fence === undefined) return null
  const found = {}
  const pattern = new RegExp(`(?:^|\\n)([^\\n]*):\\nBEGIN ${fence}\\n([\\s\\S]*?)\\nEND ${fence}(?=\\n|$)`, 'g')
  for (const [, label, text] of user.matchAll(pattern)) found[label.toLowerCase().replace(/ \(.*$/, '')] = text
  return found
}

const words = (text) => new Set(text.toLowerCase().match(/[a-z]{4,}|\d[\d.,]*/g) ?? [])
const shared = (a, b) => {
  const [left, right] = [words(a), words(b)]
  return left.size === 0 ? 0 : [...left].filter((word) => right.has(word)).length / left.size
}
/** One word of the question comes back, by its first five letters. */
const shared5 = (a, b) => {
  const stems = (text) => new Set((text.toLowerCase().match(/[a-z]{4,}/g) ?? []).map((word) => word.slice(0, 5)))
  const right = stems(b)
  return [...stems(a)].some((stem) => right.has(stem))
}
const exact = (text) => /\d/.test(text) && !/\ba few\b|\bthe usual\b|\ba short form\b/.test(text)
const sentences = (text) => text.split(/(?<=[.!?])\s+/).filter((one) => /\w/.test(one) && !/\?\s*$/.test(one))
const wrong = (rate, ...parts) => draw('wrong', ...parts) < rate

/** The verdict of the script on one question to a judge, as JSON text; null when it is no such question. */
export function judge(system, user) {
  const parts = partsOf(system, user)
  if (parts === null) return null
  const say = (value) => JSON.stringify(value)
  const {
    question = '',
    reference = '',
    context = '',
  } = { question: parts['the question'], reference: parts['the reference'], context: parts['the context'] }
  const answer = parts['the answer to grade'] ?? parts['the answer to judge'] ?? parts['the text'] ?? ''
  if (system.startsWith('You list the claims')) return say({ claims: sentences(answer) })
  if (system.startsWith('You check claims')) {
    const claims = (parts['the claims'] ?? '').split('\n').filter(Boolean)
    const verdicts = claims.map((line, i) => {
      const claim = line.replace(/^\d+\.\s*/, '')
      const missing = [...words(claim)].filter((word) => /\d/.test(word) && !words(context).has(word))
      const known = missing.length === 0 && shared(claim, context) >= 0.5
      const verdict = known !== wrong(0.03, claim) ? 'supported' : missing.length > 0 ? 'contradicted' : 'not_found'
      return { number: i + 1, reason: known ? 'the context says so' : 'the context does not say so', verdict }
    })
    return say({ verdicts })
  }
  if (system.startsWith('You compare two answers')) {
    const [first, second] = [parts['the first answer'] ?? '', parts['the second answer'] ?? '']
    const worth = (text) => (exact(text) ? 2 : 0) + (/sorry|thank|please/i.test(text) ? 1 : 0)
    // A liking for the first place, now and then.
    const bias = draw('place', first, second) < 0.1 ? 1.5 : 0
    const difference = worth(first) + bias - worth(second)
    return say({
      reason: 'exactness and courtesy',
      winner: difference > 0.5 ? 'first' : difference < -0.5 ? 'second' : 'tie',
    })
  }
  if (system.startsWith('You compare the facts')) {
    const overlap = shared(reference, answer)
    const clash = [...words(answer)].some((word) => /\d/.test(word) && !words(reference).has(word))
    const relation = clash ? 'contradicts' : overlap > 0.7 ? 'same' : overlap > 0.3 ? 'lacks' : 'contradicts'
    return say({ reason: `${Math.round(100 * overlap)} % of the reference is there`, relation })
  }
  if (system.startsWith('You say whether one piece of text')) {
    const relevant = shared5(question, context)
    return say({ reason: relevant ? 'it is about what was asked' : 'it is about something else', relevant })
  }
  if (system.startsWith('You judge whether')) {
    const score = answer.trim() === '' ? 1 : shared(question, answer) > 0.2 || exact(answer) ? 5 : 2
    return say({ reason: score === 5 ? 'it is about what was asked' : 'it is about something else', score })
  }
  const about = shared5(parts['what was asked'] ?? '', answer)
  const good = /amount|exact|period|number/i.test(system.split('Criteria:')[1] ?? '')
    ? exact(answer) && about
    : /sorry|thank|please|happy to/i.test(answer)
  // It errs on what is about the question; other texts gain nothing by chance.
  const said = good !== (about && wrong(0.06, answer))
  return say({
    reason: said ? 'it meets the criteria' : 'it misses the criteria',
    score: said ? 5 : answer.trim() === '' ? 1 : 2,
  })
}
