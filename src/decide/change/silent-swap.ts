// A silent swap: the same pin is asked as for the baseline, and something else answers.
import type { Baseline } from '../../schema/baseline.ts'
import type { Observation, TargetSnapshot } from '../../schema/run.ts'
import { byText, names } from '../words.ts'

/** The fingerprints of the systems that answered, each once, in the order of the alphabet. */
export const fingerprintsOf = (observations: readonly Observation[]): string[] => toldOf(observations, 'fingerprint')

/** The model names that the providers answered with, each once, in the order of the alphabet. */
export const responseModels = (observations: readonly Observation[]): string[] => toldOf(observations, 'response_model')

function toldOf(observations: readonly Observation[], what: 'fingerprint' | 'response_model'): string[] {
  const told = new Set<string>()
  for (const { completion } of observations) {
    const name = completion[what]
    if (name !== undefined) told.add(name)
  }
  return [...told].sort(byText)
}

/**
 * What must be said when other models or systems answered than those of the baseline. Nothing is said where another model
 * is asked on purpose, and where either side did not tell who answered.
 * @param target what is asked now
 */
export function swapWarnings(
  observations: readonly Observation[],
  baseline: Baseline | null,
  target: TargetSnapshot,
): string[] {
  // Results of another tool name no pin: whoever compares two models there means to.
  if (!baseline || target.kind === 'results' || askedOf(target) !== askedOf(baseline.target)) return []
  return [
    ...swap('', responseModels(observations), baseline.response_models),
    ...swap('the system ', fingerprintsOf(observations), baseline.fingerprints ?? []),
  ]
}

const askedOf = ({ model }: TargetSnapshot): string => JSON.stringify([model?.provider, model?.id])

function swap(what: string, now: readonly string[], before: readonly string[]): string[] {
  const strangers = now.filter((name) => !before.includes(name))
  if (strangers.length === 0 || before.length === 0) return []
  return [
    `The provider answered with ${what}${names(strangers)}, the baseline with ${what}${names(before)}: a silent swap.`,
  ]
}
