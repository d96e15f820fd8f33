// A plan takes the place of another one: what was counted goes on wherever it was counted in the same way.
import type { BreakerCondition, Breaker, GuardPlan, GuardTrigger } from '../../schema/guard.ts'
import { startBreaker } from './breaker.ts'
import type { BreakerStanding, TriggerStanding } from './state.ts'
import { startTrigger } from './triggers.ts'

type Plans = { before: GuardPlan | null; now: GuardPlan }
type Counted = Pick<GuardTrigger, 'metric' | 'above' | 'segments'>

/** What the cells of a window are made of: as long as it is the same, they can be judged by another limit. */
function inputsOf(plan: GuardPlan | null, { metric: name, above, segments }: Counted): string | null {
  const metric = name === undefined || !plan || !Object.hasOwn(plan.metrics, name) ? undefined : plan.metrics[name]
  if (metric === undefined) return null
  // Of values, only those above the limit are counted.
  const limit = 'value' in metric && above !== undefined && above > 1 ? above : null
  return JSON.stringify([name, metric, segments ?? null, limit])
}

/** Everything but what is done then, and how often. */
function conditionOf(trigger: GuardTrigger): string {
  return JSON.stringify({ ...trigger, do: [], cooldown: 0, keep_firing_for: 0 })
}

/** A trigger under the plan `now`. Another limit goes on with what was counted; its `for` begins anew. */
export function nextTrigger(
  known: TriggerStanding | undefined,
  trigger: GuardTrigger,
  { before, now }: Plans,
): TriggerStanding {
  const fresh = startTrigger(trigger)
  const old = before?.triggers.find(({ id }) => id === trigger.id)
  if (!known || !old) return fresh
  const same = conditionOf(old) === conditionOf(trigger)
  if (trigger.metric === undefined) return same ? { ...known, text: fresh.text } : fresh
  if (inputsOf(before, old) !== inputsOf(now, trigger)) return { ...fresh, last_fired: known.last_fired }
  return { ...known, text: fresh.text, window: same ? known.window : { ...known.window, held: 0 } }
}

/** A breaker under the plan `now`, from `at` on (milliseconds since 1970); `since`: where the counting of a new one begins. */
export function nextBreaker(
  known: BreakerStanding | undefined,
  breaker: Breaker,
  { before, now, at, since }: Plans & { at: number; since: number },
): BreakerStanding {
  const fresh = startBreaker(breaker, known ? at : since)
  if (!known) return fresh
  const old = before?.breakers.find(({ id }) => id === breaker.id)
  const source = ({ flag }: Breaker) => JSON.stringify([flag.field, Object.keys(flag.variants)])
  const inputs = (plan: GuardPlan | null, condition: BreakerCondition) =>
    inputsOf(plan, { ...condition, segments: undefined })
  const counts = (one: Breaker, plan: GuardPlan | null) => [source(one), ...one.when.map((when) => inputs(plan, when))]
  const alike = old && JSON.stringify(counts(old, before)) === JSON.stringify(counts(breaker, now))
  if (known.text === fresh.text && alike) return known
  const windows =
    alike && known.phase === 'closed' ? known.windows.map((window) => ({ ...window, held: 0 })) : fresh.windows
  // The flag goes on counting its changes: an older generation must never look like a newer one.
  return { ...fresh, windows, generation: known.generation + 1 }
}
