// Why a look of a guard is no pass although nothing fires: what happened was not seen, came too late, or names no variant.
import type { Breaker } from '../../schema/guard.ts'
import type { Block, Reading } from '../../schema/rollout-journal.ts'
import { saidLate } from '../rollout/late.ts'
import { saidTime } from '../rollout/said-time.ts'
import { breakerKey, variantsOf } from './as-plan.ts'
import { guardPlanOf, type GuardState } from './state.ts'
import { wholeOf } from './window.ts'

/** So many events that name no variant are no accident of a few. */
const BLIND = 20

/** Events of the metrics of a breaker that name none of its variants: one block more. */
export function blindAfter(breaker: Breaker, before: number, block: Block): number {
  const seen = breaker.when.some((condition) =>
    variantsOf(breaker).some((variant) => (wholeOf(block, breakerKey(breaker, condition, variant))?.n ?? 0) > 0),
  )
  if (seen) return 0
  return before + Math.max(0, ...breaker.when.map(({ metric }) => wholeOf(block, metric)?.n ?? 0))
}

/** Breakers that cannot see, as sentences. */
export function blindBreakers(state: GuardState): string[] {
  return guardPlanOf(state).breakers.flatMap((breaker) => {
    const blind = state.breakers[breaker.id]?.blind ?? 0
    if (blind < BLIND) return []
    return [
      `Breaker ${breaker.id} has no data: none of ${blind} events says in ${breaker.flag.field} that ${variantsOf(breaker).join(', ')} answered. Log the variant of the flag ${breaker.flag.name} with every event, or name its field as flag.field.`,
    ]
  })
}

/** Triggers that have counted nothing since they began, or since what they would take back was released. */
function uncounted(state: GuardState): string | null {
  const names = guardPlanOf(state).triggers.flatMap(({ id, metric }) => {
    const standing = state.triggers[id]
    if (!standing || metric === undefined || standing.window.seen !== null || standing.active !== null) return []
    const since = standing.since === undefined ? '' : ` since the release of ${new Date(standing.since).toISOString()}`
    return [`${id}${since}`]
  })
  return names.length === 0 ? null : `Nothing was counted yet for ${names.join(', ')}.`
}

/** `failure`: why the source could not be read; `now` in milliseconds since 1970. Sentences; none: what is seen can be trusted. */
export function distrust(
  state: GuardState,
  { reading, failure }: { reading: Reading | null; failure: string | null },
  now: number,
): string[] {
  if (failure !== null) return [failure]
  if (reading === null) return ['There is no reading.']
  const { freshness, lateness } = guardPlanOf(state).source
  const blind = blindBreakers(state)
  if (state.late !== undefined) return [saidLate(state.late, lateness), ...blind]
  if (state.newest === null) return ['No event was ever seen.']
  const quiet = now - state.newest
  if (quiet > freshness) return [`No event for ${saidTime(quiet)}.`]
  const none = uncounted(state)
  return [...(none === null ? [] : [none]), ...blind]
}
