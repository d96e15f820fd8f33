// Going on without the evidence: what a person may not pass over, however sure.
import { isApplied } from './stages.ts'
import { planOf, type RolloutState } from './state.ts'

/**
 * Why the rollout may not be advanced now; null: it may. One stage a look at most, so that each share is seen before the
 * next; a pause, a hold and an approval are somebody else's word.
 */
export function advanceProblem(state: RolloutState): { problem: string; mend: string } | null {
  const { rollout, stages } = planOf(state)
  const resume = `Say \`aigate canary resume ${rollout}\` first.`
  if (state.paused) return { problem: `it was paused by ${state.paused.by}`, mend: resume }
  if (state.hold !== null) return { problem: `it holds: ${state.hold}`, mend: resume }
  if (stages[state.stage]?.approval === true && !state.approved.includes(state.stage))
    return {
      problem: `stage ${state.stage + 1} needs an approval, which advance does not replace`,
      mend: `Say \`aigate canary approve ${rollout}\` first.`,
    }
  const looked = isApplied(state) && state.last !== null && state.last.at > (state.applied?.at ?? 0)
  if (looked) return null
  const mend = `Run \`aigate canary tick ${rollout}\`, and see what it says.`
  return { problem: `nobody has looked since stage ${state.stage + 1} was given its share`, mend }
}
