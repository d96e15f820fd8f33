// Reads the verdict of a judge: its whole answer is one JSON value, or there is no verdict.
import type { Completion } from '../../schema/run.ts'
import type { Json } from '../../schema/values.ts'

/** Some models put a fence around the JSON that they were asked for; anything else around it is no verdict. */
const fenced = /^```(?:json)?[ \t]*\n([\s\S]*)\n```$/

/**
 * The value that a judge answered with. Nothing is searched for in the text: an answer that repeats a verdict from
 * the text under test, and says something around it, gives none.
 * @throws Error in the words of people: not asked, refused, cut off, no JSON
 */
export function verdictOf(judge: string, { outcome, text, error, finish_reason }: Completion): Json {
  if (outcome === 'error' || outcome === 'timeout')
    throw new Error(`judge ${judge}: ${error?.message ?? 'no answer in time'}`)
  if (outcome === 'refused') throw new Error(`judge ${judge} refused to judge`)
  if (outcome === 'truncated')
    throw new Error(`judge ${judge} was cut off (${finish_reason ?? 'length'}): raise max_tokens of its model`)
  const whole = text.trim()
  try {
    return JSON.parse(fenced.exec(whole)?.[1] ?? whole) as Json
  } catch {
    throw new Error(`judge ${judge} gave no verdict in the form that it was asked for`)
  }
}
