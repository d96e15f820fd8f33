// One question to a judge that is answered with a reason and a score on a scale of whole numbers with anchors.
import type { JudgeQuestion, JudgeTools } from '../../ports.ts'
import { show } from '../reason.ts'
import { type Ballot, objectOf, objectSchema, reasonIn, textSchema } from './panel.ts'

/** Scores with their meaning, ascending. */
export type Scale = readonly (readonly [score: number, meaning: string])[]

/** A scale as it is written, sorted. @throws Error on fewer than two scores */
export function scaleOf(written: Readonly<Record<string, string>>): Scale {
  const scale = Object.entries(written).map(([score, meaning]) => [Number(score), meaning] as const)
  if (scale.length < 2) throw new Error('a scale needs at least two scores')
  return scale.sort(([a], [b]) => a - b)
}

export const scaleText = (scale: Scale): string => scale.map(([score, meaning]) => `${score}: ${meaning}`).join('\n')

/** The worst is 0, the best is 1, what lies between is in proportion. */
export async function scoredBallot(
  { judge, vote, tools }: { judge: string; vote: number; tools: JudgeTools },
  scale: Scale,
  question: Omit<JudgeQuestion, 'answer'>,
): Promise<Ballot> {
  const [low, high] = [scale[0]?.[0] ?? 0, scale.at(-1)?.[0] ?? 1]
  const answer = objectSchema({
    reason: textSchema('What speaks for and against, before the score'),
    score: { type: 'integer', enum: Array.from({ length: high - low + 1 }, (_, i) => low + i) },
  })
  const given = await tools.ask(judge, vote, { ...question, answer })
  const value = objectOf(given.value)
  const reason = reasonIn(value)
  const { score } = value
  if (typeof score !== 'number' || !Number.isInteger(score) || score < low || score > high)
    throw new Error(`the judge gave the score ${show(score)}, which is not on the scale from ${low} to ${high}`)
  const share = (score - low) / (high - low)
  return { score: share, shown: `${score} of ${high}`, votes: [{ judge, score: share, reason }], answers: [given] }
}
