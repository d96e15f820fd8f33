// What a guard wants done now: derived from its state and the journal of actions, under ids that stay the same until done.
import type { ActionRecord } from '../../schema/action-journal.ts'
import { type Breaker, type GuardAction, noticeTypes } from '../../schema/guard.ts'
import { type BreakerWish, wishOf } from './breaker.ts'
import { type Episode, guardPlanOf, type GuardState } from './state.ts'

/**
 * What the journal of actions says of one id. `at`: of its last record, in milliseconds since 1970. `final`: it was given up.
 */
export type Standing = { applied: boolean; attempts: number; error: string; at: number; final: boolean }

/** How ids begin that tell of a journal which was put aside. */
export const DAMAGED = 'journal-'
const FIRST_RETRY = 10_000
const LONGEST_RETRY = 60_000
/** What nobody has begun within a day is not begun any more: a journal that was lost must not act again. */
const TOO_OLD = 86_400_000

/** What happened to each action of this guard, by id. `run`: the name under which the guard writes. */
export function standings(records: readonly ActionRecord[], run: string): Map<string, Standing> {
  const known = new Map<string, Standing>()
  for (const record of records) {
    if (!('id' in record) || record.run !== run) continue
    const before = known.get(record.id) ?? { applied: false, attempts: 0, error: '', at: 0, final: false }
    const at = Date.parse(record.at)
    if (record.kind === 'intent') known.set(record.id, { ...before, at })
    if (record.kind === 'applied') known.set(record.id, { ...before, applied: true, error: '', at })
    if (record.kind === 'failed') {
      const final = record.final ?? false
      known.set(record.id, { ...before, attempts: record.attempt, error: record.error, at, final })
    }
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
  const metrics = new Map(steps.map((step) => [step.id, step.do === 'act' ? step.episode.metric : 'breaker'] as const))
  const names = new Map(steps.map((step) => [step.id, step.do === 'act' ? step.name : ''] as const))
  const journals = [...known.keys()].filter((id) => id.startsWith(DAMAGED))
  return [...metrics.keys(), ...journals].flatMap((of) => {
    const failed = known.get(of)
    if (!failed || failed.applied || failed.attempts === 0) return []
    return guard.on_failure.flatMap((name): GuardStep[] => {
      const action = guard.actions[name]
      // The one that tells has failed itself: it cannot tell of that.
      if (!action || names.get(of) === name) return []
      const times = failed.attempts === 1 ? 'once' : `${failed.attempts} times`
      const episode: Episode = {
        id: `failed-${of}`,
        cause: of,
        kind: 'trigger',
        at: failed.at,
        ended: null,
        metric: metrics.get(of) ?? 'journal',
        value: null,
        title: `${guard.guard}: ${metrics.has(of) ? 'an action has failed' : 'a journal was damaged'}`,
        text: failed.final ? `${of}: ${failed.error}` : `${of} failed ${times}: ${failed.error}`,
        do: [],
        late: false,
      }
      const id = `failed-${of}-${failed.attempts}-${name}`
      return [{ do: 'act', id, name, action, episode, why: episode.text, resolve: false }]
    })
  })
}

function isDue(step: GuardStep, known: ReadonlyMap<string, Standing>, now: number): boolean {
  const standing = known.get(step.id)
  if (standing?.applied || standing?.final) return false
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
  const order = ['switch', 'rollback', 'change', 'tell'] as const
  const place = (step: GuardStep) => order.indexOf(laneOf(step))
  return [...steps, ...told].filter((step) => isDue(step, known, now)).sort((a, b) => place(a) - place(b))
}

/** `switch`: writes a flag file, at once; `change`: anything else that changes something, and may take its time. */
export type Lane = 'switch' | 'rollback' | 'change' | 'tell'

/** In which lane an action is done: nothing of an earlier one waits for anything of a later one. */
export function laneOf(step: GuardStep): Lane {
  if (step.do === 'breaker') return 'switch'
  const { type } = step.action
  if (type === 'kill' || type === 'disable-flag') return 'switch'
  if (type === 'rollback') return 'rollback'
  return noticeTypes.has(type) ? 'tell' : 'change'
}

/** Ids of actions that were wanted in `state` and that no record says to be done: after a journal was damaged, nobody knows. */
export function unknownPast(state: GuardState, known: ReadonlyMap<string, Standing>, now: number): GuardStep[] {
  return wanted(state).filter((step) => step.do === 'act' && isDue(step, known, now))
}

/** Actions that are wanted and have failed, whether they are tried now or later: as long as there are any, it is exit 5. */
export function failing(state: GuardState, known: ReadonlyMap<string, Standing>): { id: string; error: string }[] {
  return wanted(state).flatMap((step) => {
    const standing = known.get(step.id)
    const open = standing && !standing.applied && !standing.final && standing.attempts > 0
    return open ? [{ id: step.id, error: standing.error }] : []
  })
}
