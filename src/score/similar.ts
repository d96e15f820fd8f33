// similar: how much the answer resembles a reference text, by Levenshtein distance, ROUGE-L, BLEU or the cosine of embeddings.
import { distance } from 'fastest-levenshtein'
import type { AssertionPlugin, GraderTools } from '../ports.ts'
import { type AssertionArgs, similarThreshold } from '../schema/assertion.ts'
import { answerOf, canonical, fold } from './answer.ts'
import { bleu } from './bleu.ts'
import { cosine } from './cosine.ts'
import { shorten } from './reason.ts'
import { rougeL } from './rouge-l.ts'

type Method = Exclude<AssertionArgs<'similar'>['method'], 'cosine'>

const letter =
  '\\p{Script=Han}|\\p{Script=Hiragana}|\\p{Script=Katakana}|\\p{Script=Thai}|\\p{Script=Lao}|\\p{Script=Khmer}'
const token = new RegExp(`${letter}|(?:(?!${letter})[\\p{L}\\p{M}\\p{N}])+`, 'gu')

/** Words in lower case without punctuation; letters, for scripts that put no space between words. */
export const tokens = (text: string): string[] => fold(text).match(token) ?? []

/** 1 - distance / length of the longer text, in UTF-16 units, upper and lower case apart. */
function levenshtein(answer: string, reference: string): number {
  const longer = Math.max(answer.length, reference.length)
  return longer === 0 ? 1 : 1 - distance(answer, reference) / longer
}

const methods: Record<Method, (answer: string, reference: string) => number | Promise<number>> = {
  levenshtein,
  // The whole text is taken as one sequence.
  rouge_l: (answer, reference) => rougeL(tokens(answer), tokens(reference)),
  bleu: (answer, reference) => bleu(tokens(answer), tokens(reference)),
}

/** How alike two texts are, from 0 to 1, by one of the methods. */
export async function textSimilarity(method: Method, text: string, reference: string): Promise<number> {
  const [a, b] = [canonical(text).trim(), canonical(reference).trim()]
  return hopeless(a.length, b.length) ? 0 : methods[method](a, b)
}

/** The methods take time that grows with the product of the lengths; such a pair could reach one tenth at the very most. */
const hopeless = (a: number, b: number) => Math.max(a, b) > 20_000 && Math.max(a, b) > 20 * Math.min(a, b)

/** The cosine of both embeddings; what points apart is 0, as an answer without a text is. */
async function meaning(answer: string, reference: string, model: string | undefined, tools: GraderTools) {
  if (!tools.embed) throw new Error('embeddings cannot be asked for here')
  if (answer === '') return { score: 0 }
  const { vectors, took } = await tools.embed([answer, reference], model)
  const [a, b] = vectors
  if (!a || !b) throw new Error('an embedding is missing')
  return { score: Math.max(0, cosine(a, b)), embedded: took }
}

export const similar: AssertionPlugin<'similar'> = {
  deterministic: ({ method }) => method !== 'cosine',
  async grade({ to, method, model }, { completion }, tools) {
    const answer = answerOf(completion)
    const reference = canonical(to).trim()
    const found =
      method === 'cosine'
        ? await meaning(answer, reference, model, tools)
        : { score: await textSimilarity(method, answer, reference) }
    const { score } = found
    const reason = `similarity ${score.toFixed(2)} (${method}) to "${shorten(reference, 60)}"`
    return { ...found, passed: score >= similarThreshold, reason }
  },
}
