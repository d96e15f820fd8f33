// Repeats that are none: an answer that a cache gave twice is one draw, however often it was counted.
import type { Observation } from '../../schema/run.ts'
import { counted, percent } from '../words.ts'

/** Cases whose answers are alike, before it is said that the trials may be worth one. */
const ALIKE = 0.95
/** Fewer cases than this show no habit. */
const ENOUGH_CASES = 5
/** Labels and numbers repeat by themselves; a sentence does not. */
const SENTENCE = 40

/**
 * Takes out trials of one case that are answered by the very completion of an earlier one (the same request id): a gateway
 * or a cache answered, not the model. The first of them stays, whatever its grade.
 * @param trials of ONE case, measured, in the order of their trials
 */
export function distinctTrials(trials: readonly Observation[]): readonly Observation[] {
  if (trials.length < 2) return trials
  const seen = new Set<string>()
  return trials.filter(({ completion: { request_id: id } }) => {
    if (id === undefined || id === '') return true
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}

/**
 * What people must know about the trials of a run: how many were given twice and counted once, and that answers which
 * hardly ever differ may come from a cache without request ids.
 * @param byCase measured trials of whole passes by case, in the order of their trials
 */
export function repeatWarnings(byCase: Iterable<readonly Observation[]>): string[] {
  let twice = 0
  let repeated = 0
  let alike = 0
  for (const all of byCase) {
    const distinct = distinctTrials(all)
    twice += all.length - distinct.length
    if (distinct.length < 2) continue
    const answers = distinct.map(({ completion }) => answerOf(completion))
    if (!answers.some(({ length }) => length >= SENTENCE)) continue
    repeated++
    if (new Set(answers).size === 1) alike++
  }
  const warnings: string[] = []
  if (twice > 0) {
    warnings.push(
      `${counted(twice, 'answer')} came a second time (the same request id as an earlier trial of the case) and ${twice === 1 ? 'counts' : 'count'} once: a cache answered. Turn it off for evaluations.`,
    )
  }
  if (repeated >= ENOUGH_CASES && alike >= ALIKE * repeated) {
    warnings.push(
      `Answers look cached, or the model is deterministic: in ${percent(alike / repeated)} of ${counted(repeated, 'case')} every trial got the same text. Such trials may be worth one.`,
    )
  }
  return warnings
}

const answerOf = ({ text, tool_calls }: Observation['completion']): string =>
  tool_calls.length === 0
    ? text
    : `${text}${JSON.stringify(tool_calls.map(({ name, arguments: written }) => [name, written]))}`
