// How alike two answers to the same request are: equal, equal as JSON, near as embeddings, or similar as texts.
import type { SimilarityMeasure } from '../schema/shadow.ts'
import type { Json } from '../schema/values.ts'
import { canonical } from './answer.ts'
import { cosine } from './cosine.ts'
import { textSimilarity } from './similar.ts'

/** An answer: text or JSON, with its embedding where there is one. */
export type Answer = { output: Json; embedding?: readonly number[] | undefined }

const textOf = (output: Json): string => (typeof output === 'string' ? output : JSON.stringify(output))

/** The value of an answer that is JSON, itself or as text; undefined for any other text. */
function jsonOf(output: Json): Json | undefined {
  if (typeof output !== 'string') return output
  const text = output.trim()
  if (!text.startsWith('{') && !text.startsWith('[')) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** Equal values; the order of keys does not count, that of a list does. */
export function jsonEqual(a: Json, b: Json): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((value, i) => jsonEqual(value, b[i] ?? null) && i in b)
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key] ?? null, b[key] ?? null))
}

const exact = (a: Answer, b: Answer) =>
  Number(canonical(textOf(a.output)).trim() === canonical(textOf(b.output)).trim())

/** Answers that are no JSON are compared as texts, exactly. */
function asJson(a: Answer, b: Answer): number {
  const [one, other] = [jsonOf(a.output), jsonOf(b.output)]
  return one === undefined || other === undefined ? exact(a, b) : Number(jsonEqual(one, other))
}

/**
 * Similarity from 0 (cosine: -1) to 1. `auto`: the cosine where both have an embedding, equality where both are JSON,
 * else rouge_l. Undefined where `cosine` is asked and an embedding is missing. Throws RangeError for embeddings that
 * cannot be compared.
 */
export async function pairSimilarity(measure: SimilarityMeasure, a: Answer, b: Answer): Promise<number | undefined> {
  if (measure === 'exact') return exact(a, b)
  if (measure === 'json') return asJson(a, b)
  const embedded = a.embedding !== undefined && b.embedding !== undefined
  if (measure === 'cosine' || (measure === 'auto' && embedded))
    return a.embedding && b.embedding ? cosine(a.embedding, b.embedding) : undefined
  if (exact(a, b) === 1) return 1
  if (measure !== 'auto') return textSimilarity(measure, textOf(a.output), textOf(b.output))
  const bothJson = jsonOf(a.output) !== undefined && jsonOf(b.output) !== undefined
  return bothJson ? asJson(a, b) : textSimilarity('rouge_l', textOf(a.output), textOf(b.output))
}
