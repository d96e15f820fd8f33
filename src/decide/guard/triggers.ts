// Triggers: pending, firing, over, cooling down; in event time, so that they do not depend on how often one looks.
import type { Block, Reading } from '../../schema/rollout-journal.ts'
import type { GuardPlan, GuardTrigger } from '../../schema/guard.ts'
import { noticeTypes } from '../../schema/guard.ts'
import { saidTime } from '../rollout/said-time.ts'
import { saidCondition } from './said-condition.ts'
import { triggerKey } from './as-plan.ts'
import type { Episode, GuardState, TriggerStanding } from './state.ts'
import { type Asked, startWindow, stepWindow } from './window.ts'

const EPISODES = 200
const LONG = 90

export const startTrigger = (trigger: GuardTrigger): TriggerStanding => ({
  text: JSON.stringify(trigger),
  window: startWindow(),
  active: null,
  clear: 0,
  last_fired: null,
})

const askedOf = (trigger: GuardTrigger): Asked => ({
  key: triggerKey(trigger),
  metric: trigger.metric ?? '',
  window: trigger.window,
  min_events: trigger.min_events,
  above: trigger.above,
  below: trigger.below,
  worse: trigger.below_baseline ?? trigger.above_baseline,
  count_above: trigger.count_above,
  sum_above: trigger.sum_above,
})

/** What the condition is at the time `at`; `length`: milliseconds that have gone by since it was last told. */
function moved(
  trigger: GuardTrigger,
  before: TriggerStanding,
  now: boolean | null,
  { at, held, length }: { at: number; held: number; length: number },
): TriggerStanding {
  if (now === null) return before
  if (now) {
    const cooling = before.last_fired !== null && at - before.last_fired < trigger.cooldown
    const fires = before.active === null && held > trigger.for && !cooling
    const fired_value = before.window.value
    return fires ? { ...before, active: at, clear: 0, last_fired: at, fired_value } : { ...before, clear: 0 }
  }
  if (before.active === null) return before
  const clear = before.clear + length
  return clear > trigger.keep_firing_for ? { ...before, active: null, clear: 0 } : { ...before, clear }
}

/** One block further. */
export function stepTriggerBlock(
  guard: GuardPlan,
  trigger: GuardTrigger,
  before: TriggerStanding,
  block: Block,
  learnt: GuardState['learnt']['cells'],
): TriggerStanding {
  if (trigger.metric === undefined) return before
  const { window, now } = stepWindow(guard, askedOf(trigger), before.window, block, learnt)
  const at = block.start + block.length
  return moved(trigger, { ...before, window }, now, { at, held: window.held, length: block.length })
}

/** A trigger that a fact of the look decides: no data, or a model that answers for another. */
export function stepTriggerFact(
  state: GuardState,
  trigger: GuardTrigger,
  before: TriggerStanding,
  at: number,
): TriggerStanding {
  const told = before.window.seen ?? at
  const length = Math.max(1, at - told)
  const now =
    trigger.no_data_for !== undefined
      ? at - Math.max(state.newest ?? 0, state.since) > trigger.no_data_for
      : state.swap !== null && at - state.swap.at <= Math.max(trigger.window, 1)
  const held = now ? before.window.held + (before.window.held > 0 ? length : 1) : 0
  const window = { ...before.window, held, seen: at }
  return moved(trigger, { ...before, window }, now, { at, held, length })
}

/** Pairs of names that are new; the first answer for a name is what is normal, others are a change. */
export function noteModels(state: GuardState, models: Reading['models'], at: number): GuardState {
  const expected = (state.plan?.triggers ?? []).flatMap((one) => one.expected)
  let next = state
  for (const { requested, answered } of models) {
    const known = next.models[requested] ?? []
    if (known.includes(answered)) continue
    const changed = expected.length > 0 ? !expected.includes(answered) : known.length > 0
    const before = known.at(-1) ?? expected.join(' or ')
    next = { ...next, models: { ...next.models, [requested]: [...known, answered].slice(-20) } }
    if (changed)
      next = {
        ...next,
        swap: { at, text: `${requested} is answered by ${answered}${before === '' ? '' : ` instead of ${before}`}` },
      }
  }
  return next
}

function sentence(guard: GuardPlan, state: GuardState, trigger: GuardTrigger, value: number | null): string {
  if (trigger.no_data_for !== undefined) return `Nothing could be measured for ${saidTime(trigger.no_data_for)}.`
  if (trigger.changed !== undefined) return `${state.swap?.text ?? 'A model has changed'}.`
  const where = trigger.segments === undefined ? '' : ` in ${trigger.segments.join(', ')}`
  return `${saidCondition(guard, { ...trigger, metric: trigger.metric ?? '' }, value, where)}.`
}

/** The episodes after a look: triggers that have begun to fire are added, those that are over are ended. */
export function withEpisodes(before: GuardState, state: GuardState, guard: GuardPlan, at: number): GuardState {
  let episodes = state.episodes
  for (const trigger of guard.triggers) {
    const was = before.triggers[trigger.id]
    const is = state.triggers[trigger.id]
    if (!is) continue
    const fired = is.last_fired
    const id = `${trigger.id}@${fired ?? 0}`
    const isNew = fired !== null && fired !== (was?.last_fired ?? null) && !episodes.some((one) => one.id === id)
    // Two episodes of one trigger within one look are told as one: the last.
    if (is.active === null || isNew)
      episodes = episodes.map((one) =>
        one.cause === trigger.id && one.kind === 'trigger' && one.ended === null ? { ...one, ended: at } : one,
      )
    if (!isNew || fired === null) continue
    const late = is.active === null
    const value = is.fired_value === undefined ? is.window.value : is.fired_value
    const wanted = late ? trigger.do.filter((name) => isNotice(guard, name)) : trigger.do
    const episode: Episode = {
      id,
      cause: trigger.id,
      kind: 'trigger',
      at: fired,
      ended: late ? at : null,
      metric: trigger.metric ?? trigger.changed ?? 'no_data',
      value,
      title: `${guard.guard}: ${trigger.id} fired`.slice(0, LONG),
      text: `${sentence(guard, state, trigger, value)}${late ? ' It was over before anybody looked.' : ''}`,
      do: wanted,
      late,
    }
    episodes = [...episodes, episode]
  }
  return { ...state, episodes: episodes.slice(-EPISODES) }
}

const isNotice = (guard: GuardPlan, name: string): boolean => {
  const action = guard.actions[name]
  return action !== undefined && noticeTypes.has(action.type)
}
