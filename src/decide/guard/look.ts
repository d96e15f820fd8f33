// What a look of a guard comes to: something fires, nothing could be measured, or all is well.
import type { Reading } from '../../schema/rollout-journal.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { saidTime } from '../rollout/said-time.ts'
import { distrust } from './distrust.ts'
import { absorbReading } from './fold.ts'
import { aheadBy } from './guard-clock.ts'
import { guardPlanOf, type GuardState, type Releases } from './state.ts'

/**
 * `failure`: why the source could not be read; then `reading` is null. `now` in milliseconds since 1970. `releases`: what the
 * ledger says; absent where nobody asked it.
 */
export type GuardLook = {
  now: number
  reading: Reading | null
  failure: string | null
  releases?: Releases | undefined
}

/** First match: something fires (fail), nothing can be measured (invalid), pass. The reasons are sentences. */
export function decideGuard(state: GuardState, look: GuardLook): { outcome: Outcome; reasons: string[] } {
  const now = Math.max(look.now, state.at)
  const after = absorbReading(state, look.reading, now, look.releases)
  const firing = firingIn(after)
  const why = distrust(after, look, now)
  const ahead = aheadBy(state, look.now)
  if (ahead > 0) why.push(`The clock of the last look was ${saidTime(ahead)} ahead: its time was not kept.`)
  if (firing.length > 0) return { outcome: 'fail', reasons: [...firing, ...why] }
  if (why.length > (ahead > 0 ? 1 : 0)) return { outcome: 'invalid', reasons: why }
  const begun = after.episodes.filter((one) => one.late && !state.episodes.some((old) => old.id === one.id))
  if (begun.length > 0) return { outcome: 'fail', reasons: [...begun.map((one) => one.text), ...why] }
  return { outcome: 'pass', reasons: ['Nothing fires.', ...why] }
}

/** What fires or is open, as sentences. */
export function firingIn(state: GuardState): string[] {
  const guard = guardPlanOf(state)
  const triggers = guard.triggers.flatMap((trigger) => {
    if ((state.triggers[trigger.id]?.active ?? null) === null) return []
    const told = state.episodes.findLast((one) => one.cause === trigger.id)
    return [`Trigger ${trigger.id} fires. ${told?.text ?? ''}`.trim()]
  })
  const breakers = guard.breakers.flatMap((breaker) => {
    const standing = state.breakers[breaker.id]
    if (!standing || standing.phase === 'closed') return []
    return [`Breaker ${breaker.id} is ${standing.phase}. ${standing.why}`.trim()]
  })
  return [...triggers, ...breakers]
}
