// What a guard wants done now: derived from its state and the journal of actions, under ids that stay the same until done.
import type { ActionRecord } from '../../schema/action-journal.ts'
import type { Breaker, GuardAction } from '../../schema/guard.ts'
import { type BreakerWish, wishOf } from './breaker.ts'
import { type Episode, guardPlanOf, type GuardState } from './state.ts'

/** What the journal of actions says of one id. `at`: of its last record, in milliseconds since 1970. */
export type Standing = { applied: boolean; attempts: number; error: string; at: number }

const FIRST_RETRY = 10_000
const LONGEST_RETRY = 60_000
/** What nobody has begun within a day is not begun any more: a journal that was lost must not act again. */
const TOO_OLD = 86_400_000

/** What happened to each action of this guard, by id. `run`: the name under which the guard writes. */
export function standings(records: readonly ActionRecord[], run: string): Map<string, Standing> {
  const known = new Map<string, Standing>()
  for (const record of records) {
    if (!('id' in record) || record.run !== run) continue
    const before = known.get(record.id) ?? { applied: false, attempts: 0, error: '', at: 0 }
    const at = Date.parse(record.at)
    if (record.kind === 'intent') known.set(record.id, { ...before, at })
    if (record.kind === 'applied') known.set(record.id, { ...before, applied: true, error: '', at })
    if (record.kind === 'failed') known.set(record.id, { ...before, attempts: record.attempt, error: record.error, at })
  }
  return known
}

type Common = { id: string; why: string }
export type GuardStep =
  | (Common & { do: 'act'; name: string; action: GuardAction; episode: Episode; resolve: boolean })
  | (Common & { do: 'breaker'; breaker: Breaker; wish: BreakerWish })

/** The name under which a guard writes into the journal of actions. */
export const runName = (guard: string): string => `watch-${guard}`

function wanted(state: GuardState): GuardStep[] {
  const guard = guardPlanOf(state)
  const flags = guard.breakers.flatMap((breaker): GuardStep[] => {
    const standing = state.breakers[breaker.id]
    if (!standing) return []
    const wish = wishOf(breaker, standing)
    const why = standing.why === '' ? `Breaker ${breaker.id} is ${standing.phase}.` : standing.why
    return [{ do: 'breaker', id: `breaker-${breaker.id}-g${wish.generation}`, breaker, wish, why }]
  })
  const acts = state.episodes.flatMap((episode) =>
    episode.do.flatMap((name): GuardStep[] => {
      const action = guard.actions[name]
      if (!action) return []
      const act = { do: 'act' as const, name, action, episode, why: episode.text }
      const done: GuardStep = { ...act, id: `${episode.id}-${name}`, resolve: false }
      const resolves = action.type === 'pagerduty' && action.resolve && episode.ended !== null && !episode.late
      return resolves ? [done, { ...act, id: `${episode.id}-${name}-resolve`, resolve: true }] : [done]
    }),
  )
  return [...flags, ...acts]
}

/** Whom to tell that an action has failed: once an attempt, under the key of the action, so that it stays one incident. */
function pages(state: GuardState, steps: readonly GuardStep[], known: ReadonlyMap<string, Standing>): GuardStep[] {
  const guard = guardPlanOf(state)
  return steps.flatMap((step) => {
    const failed = known.get(step.id)
    if (!failed || failed.applied || failed.attempts === 0) return []
    return guard.on_failure.flatMap((name): GuardStep[] => {
      const action = guard.actions[name]
      // The one that tells has failed itself: it cannot tell of that.
      if (!action || (step.do === 'act' && step.name === name)) return []
      const episode: Episode = {
        id: `failed-${step.id}`,
        cause: step.id,
        kind: 'trigger',
        at: failed.at,
        ended: null,
        metric: step.do === 'act' ? step.episode.metric : 'breaker',
        value: null,
        title: `${guard.guard}: an action has failed`,
        text: `${step.id} failed ${failed.attempts} times: ${failed.error}`,
        do: [],
        late: false,
      }
      const id = `failed-${step.id}-${failed.attempts}-${name}`
      return [{ do: 'act', id, name, action, episode, why: episode.text, resolve: false }]
    })
  })
}

function isDue(step: GuardStep, known: ReadonlyMap<string, Standing>, now: number): boolean {
  const standing = known.get(step.id)
  if (standing?.applied) return false
  if (!standing) return step.do === 'breaker' || now - step.episode.at <= TOO_OLD
  if (standing.attempts === 0) return true
  return now >= standing.at + Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** Math.min(10, standing.attempts - 1))
}

/**
 * Everything that shall be done at `now` (milliseconds since 1970); what changes production comes before what tells.
 * The same again until the journal of actions says that it was applied.
 */
export function guardSteps(state: GuardState, known: ReadonlyMap<string, Standing>, now: number): GuardStep[] {
  const steps = wanted(state)
  const told = pages(state, steps, known)
  const tells = (step: GuardStep) =>
    step.do === 'act' && ['webhook', 'pagerduty', 'github-issue'].includes(step.action.type) ? 1 : 0
  return [...steps, ...told].filter((step) => isDue(step, known, now)).sort((a, b) => tells(a) - tells(b))
}

/** Actions that are wanted and have failed, whether they are tried now or later: as long as there are any, it is exit 5. */
export function failing(state: GuardState, known: ReadonlyMap<string, Standing>): { id: string; error: string }[] {
  return wanted(state).flatMap((step) => {
    const standing = known.get(step.id)
    return standing && !standing.applied && standing.attempts > 0 ? [{ id: step.id, error: standing.error }] : []
  })
}
