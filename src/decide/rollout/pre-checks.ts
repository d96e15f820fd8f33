// What must pass before a blue-green switch: which checks a plan asks for, which are due, and what they still lack.
import type { PreCheckName } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import { saidTime } from './said-time.ts'
import { planOf, type RolloutState } from './state.ts'

/** What was found so long ago says nothing about now: caches are cold again, and a model may be gone. */
const FRESH = 3_600_000
/** What asks models is tried again no sooner than after so long. */
const AGAIN = 300_000
const ASKS_MODELS: ReadonlySet<PreCheckName> = new Set(['health', 'warm-up'])

/** The checks of a plan, in the order in which they are made: what costs nothing comes first. */
export function preChecksOf({ strategy, pre_check: asked, warm_up }: RolloutPlan): PreCheckName[] {
  if (strategy !== 'blue-green') return []
  return [
    ...(asked?.gate === undefined ? [] : (['gate'] as const)),
    ...(asked?.shadow === undefined ? [] : (['shadow'] as const)),
    ...(asked?.health === undefined ? [] : (['health'] as const)),
    ...(warm_up === undefined ? [] : (['warm-up'] as const)),
  ]
}

const isAtNone = (state: RolloutState) =>
  state.mode === 'running' && planOf(state).stages[state.stage]?.traffic === 0 && state.wanted.ppm === 0

/** The checks that shall be made at `now` (milliseconds since 1970); none once anybody is served the candidate. */
export function dueChecks(state: RolloutState, now: number): PreCheckName[] {
  if (!isAtNone(state) || state.hold !== null || state.paused !== null) return []
  return preChecksOf(planOf(state)).filter((check) => {
    const known = state.checks?.[check]
    if (!known) return true
    const age = now - known.at
    if (known.outcome === 'pass') return age > FRESH / 2
    return !ASKS_MODELS.has(check) || age >= AGAIN
  })
}

/** What keeps the switch from being made, each a sentence; empty: every check has passed within the last hour. */
export function openChecks(state: RolloutState, now: number): string[] {
  return preChecksOf(planOf(state)).flatMap((check) => {
    const known = state.checks?.[check]
    if (!known) return [`Before the switch: ${check} was not checked yet.`]
    if (known.outcome !== 'pass') return [`Before the switch: ${check} is ${known.outcome}: ${known.said}`]
    const age = now - known.at
    return age > FRESH ? [`Before the switch: ${check} passed ${saidTime(age)} ago: too long ago to count.`] : []
  })
}
