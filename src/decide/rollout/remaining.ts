// What a stage still needs before it may be left: time, users, data, evidence, criteria.
import { wordsOf } from './evidence.ts'
import { countedOf, leastEvents } from './least-events.ts'
import { stageCriteria } from './limits.ts'
import { saidTime } from './said-time.ts'
import { openChecks } from './pre-checks.ts'
import { gateOf, leastTime, observedFor, observedFrom } from './stages.ts'
import { planOf, type RolloutState } from './state.ts'

function openEvidence(state: RolloutState, from: number): string[] {
  const plan = planOf(state)
  const stage = plan.stages[state.stage]
  const gate = stage ? gateOf(stage) : 'none'
  if (gate === 'none') return []
  return wordsOf(plan).judging.flatMap((one) => {
    if (one.role !== 'guardrail') return []
    const known = state.evidence.metrics[one.name]
    if (!known || known.candidate.n === 0) return [`${one.name}: no event of the candidate yet.`]
    if (known.baseline.n === 0) return [`${one.name}: no event of the baseline yet.`]
    const missing = (['candidate', 'baseline'] as const).find((arm) => (known.seen?.[arm] ?? 0) <= from)
    // What was seen in earlier stages is kept, but a stage is not left on it alone.
    if (missing !== undefined) return [`${one.name}: no event of the ${missing} in this stage yet.`]
    const least = leastEvents(one, stage?.traffic ?? 1)
    const counted = countedOf(state, one, known)
    if (gate === 'no-harm' && counted < least)
      return [`${one.name}: ${counted} of the ${least} of the candidate among which gross harm would show.`]
    if (known.harm === null)
      return [
        `${one.name}: too few events for its test to say anything yet (values that never differ need a \`range\`).`,
      ]
    if (gate === 'no-harm' || (known.safe ?? -1) >= one.safe_bound) return []
    const seen = `evidence ${Math.max(0, known.safe ?? 0).toFixed(1)} of ${one.safe_bound.toFixed(1)}`
    return [`${one.name} is not proven to be within its margin: ${seen}.`]
  })
}

/** Everything that is still missing, each a sentence; empty: the stage may be left. */
export function remaining(state: RolloutState, now: number = state.at): string[] {
  const plan = planOf(state)
  const stage = plan.stages[state.stage]
  if (!stage) return []
  const from = observedFrom(state)
  if (from === null) return ['The share of this stage is not applied yet.']
  const open: string[] = []
  const least = leastTime(stage, plan)
  const left = least - observedFor(state)
  if (state.evidence.clock < from) open.push('The share is settling.')
  else if (left > 0) open.push(`${saidTime(left)} of ${saidTime(least)} to go.`)
  if (stage.traffic <= 0) return [...open, ...openChecks(state, now)]
  const missing = Math.max(stage.min_users ?? 0, 1) - state.evidence.units.candidate
  // Without anybody served there is nothing that could have gone wrong: no data is never a pass.
  if (missing > 0)
    open.push(`${missing} more ${plan.assignment.unit}${missing === 1 ? '' : 's'} of the candidate to be seen.`)
  else if ((state.evidence.candidate_seen ?? 0) <= from) open.push('No event of the candidate in this stage yet.')
  const { alone = 0, baseline_seen: baseline = 0, candidate_seen: candidate } = state.evidence
  const away = alone > baseline ? 'baseline' : alone > (candidate ?? 0) ? 'candidate' : null
  if (away !== null && stage.traffic < 1) open.push(`What came last has no event of the ${away}.`)
  return [...open, ...openEvidence(state, from), ...stageCriteria(state).flatMap((one) => (one.met ? [] : [one.said]))]
}
