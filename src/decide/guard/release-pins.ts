// A rollback is for the release that ran when its trigger fired: what is counted against it, and where it goes back to.
import type { GuardAction, GuardPlan, GuardTrigger } from '../../schema/guard.ts'
import type { LedgerRecord } from '../../schema/release.ts'
import { releasesOf } from '../release/releases.ts'
import { NOTHING, plus } from '../rollout/triggers.ts'
import { lastKnownGood } from '../rollback/rollback-needs.ts'
import type { Episode, GuardState, Pin, Releases, TriggerStanding } from './state.ts'

const rollbacks = (guard: GuardPlan, names: readonly string[]): Extract<GuardAction, { type: 'rollback' }>[] =>
  names.flatMap((name) => {
    const action = Object.hasOwn(guard.actions, name) ? guard.actions[name] : undefined
    return action?.type === 'rollback' ? [action] : []
  })

/** The environments that a rollback of the guard is about. */
export const rolledBack = (guard: GuardPlan): string[] => [
  ...new Set(rollbacks(guard, Object.keys(guard.actions)).map(({ env }) => env)),
]

/** What the ledger says of these environments; one that nothing was released to is left out. */
export function releasesNow(records: readonly LedgerRecord[], envs: readonly string[]): Releases {
  return Object.fromEntries(
    envs.flatMap((env) => {
      const current = releasesOf(records, env).at(-1)
      if (!current) return []
      const good = current.rollback?.to ?? lastKnownGood(records, env)?.id ?? null
      return [[env, { id: current.id, at: Date.parse(current.at), good }]]
    }),
  )
}

/** Triggers that roll back count from the release on that runs now; what was counted of an older one is forgotten. */
export function countedSince(state: GuardState, guard: GuardPlan, releases: Releases | undefined): GuardState {
  if (releases === undefined) return state
  const triggers = { ...state.triggers }
  for (const trigger of guard.triggers) {
    const standing = triggers[trigger.id]
    const since = Math.max(...sincesOf(guard, trigger, releases))
    if (!standing || since <= (standing.since ?? Number.NEGATIVE_INFINITY)) continue
    triggers[trigger.id] = { ...standing, since, window: windowSince(standing.window, since) }
  }
  return { ...state, triggers }
}

const sincesOf = (guard: GuardPlan, trigger: GuardTrigger, releases: Releases): number[] =>
  rollbacks(guard, trigger.do).flatMap(({ env }) => (Object.hasOwn(releases, env) ? [releases[env]?.at ?? 0] : []))

function windowSince(window: TriggerStanding['window'], since: number): TriggerStanding['window'] {
  const cells = window.cells.filter(({ start }) => start >= since)
  if (cells.length === window.cells.length) return window
  const { n } = cells.map(({ candidate }) => candidate).reduce(plus, NOTHING)
  return { cells, held: 0, value: null, n, seen: cells.length > 0 ? window.seen : null }
}

/** Episodes that are new in `state` remember what ran when they fired. */
export function pinned(before: GuardState, state: GuardState, guard: GuardPlan, releases?: Releases): GuardState {
  if (releases === undefined) return state
  const episodes = state.episodes.map((one): Episode => {
    if (one.pins !== undefined || before.episodes.some(({ id }) => id === one.id)) return one
    const pins = rollbacks(guard, one.do).flatMap(({ env }): [string, Pin][] => {
      const known = Object.hasOwn(releases, env) ? releases[env] : undefined
      return known ? [[env, { from: known.id, to: known.good }]] : []
    })
    return pins.length === 0 ? one : { ...one, pins: Object.fromEntries(pins) }
  })
  return { ...state, episodes }
}

/**
 * Why a rollback of what ran when `episode` fired must not be done any more; null: it is still what runs, or a rollback of it
 * to the same release was begun. An episode of an older journal has no pin: what ran then is found by its time.
 * @param to id of the release that would be gone back to; null: by the ledger
 */
export function superseded(
  records: readonly LedgerRecord[],
  env: string,
  episode: Pick<Episode, 'at' | 'pins'>,
  to: string | null,
): string | null {
  const all = releasesOf(records, env)
  const current = all.at(-1)
  const from =
    episode.pins?.[env]?.from ?? all.findLast(({ at, rollback }) => !rollback && Date.parse(at) <= episode.at)?.id
  if (!current || from === undefined || current.id === from || !all.some(({ id }) => id === from)) return null
  let one: typeof current | undefined = current
  for (let hops = 0; one?.rollback && one.id !== from && hops < all.length; hops += 1) {
    const back: string = one.rollback.from
    one = all.find(({ id }) => id === back)
  }
  if (one?.id !== from) return `${current.id} was released after it fired for ${from}: a rollback would take that back`
  if (to !== null && current.rollback && current.rollback.to !== to)
    return `somebody has gone back from ${from} to ${current.rollback.to} since it fired`
  return null
}
