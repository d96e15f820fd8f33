// The state of a guard: what the fold over its journal has come to. Plain JSON, so that a new journal can begin with it.
import type { Reading } from '../../schema/rollout-journal.ts'
import type { GuardPlan } from '../../schema/guard.ts'
import type { Outcome } from '../../schema/verdict.ts'
import type { RateLimit } from '../../statistics/rate-limit.ts'
import type { OneMean } from '../rollout/one-mean.ts'
import type { Cell } from '../rollout/triggers.ts'
import type { WindowState } from './window.ts'

/** `active`: since when it fires (event time), null: it does not; `clear`: for how long the condition has been over. */
export type TriggerStanding = {
  /** The trigger as it was written: another text is another trigger. */
  text: string
  window: WindowState
  active: number | null
  clear: number
  last_fired: number | null
  /** The value at the moment of `last_fired`; absent in states of before. */
  fired_value?: number | null | undefined
  /** Events before this release (milliseconds since 1970) do not count: they say nothing of what would go back. */
  since?: number | undefined
}

export type Probe = { rate: RateLimit | null; mean: OneMean | null }
export type BreakerPhase = 'closed' | 'open' | 'half-open' | 'stuck'
/** Times are milliseconds since 1970. `level`: which fallback serves; `generation`: how often the flag was changed. */
export type BreakerStanding = {
  text: string
  phase: BreakerPhase
  level: number
  since: number
  open_until: number | null
  opens: number[]
  generation: number
  windows: WindowState[]
  probe: Probe[]
  why: string
  /** Events of its metrics since one has said which variant answered. */
  blind?: number | undefined
}

/** Something that happened once and asks for actions: a trigger that fired, a breaker that opened. */
export type Episode = {
  id: string
  cause: string
  kind: 'trigger' | 'breaker'
  at: number
  ended: number | null
  metric: string
  value: number | null
  title: string
  text: string
  do: string[]
  /** It was over before anybody looked: people are told, nothing is changed. */
  late: boolean
  /** What ran when it fired and where it goes back to, by environment; absent where no rollback is asked or no release known. */
  pins?: Readonly<Record<string, Pin>> | undefined
}

export type Pin = { from: string; to: string | null }
/** By environment: what runs by the ledger, since when (milliseconds since 1970), and the last one that was good. */
export type Releases = Readonly<Record<string, { id: string; at: number; good: string | null }>>

export type GuardState = {
  version: 1
  seq: number
  at: number
  plan: GuardPlan | null
  plan_hash: string
  since: number
  cursor: Reading['cursor']
  closed: number | null
  newest: number | null
  triggers: Record<string, TriggerStanding>
  breakers: Record<string, BreakerStanding>
  /** What was normal, by the names of the source; `until`: the end of learning. */
  learnt: { until: number; done: boolean; cells: Record<string, Cell> }
  /** Names that have answered for each name that was asked for, first the one that was there at the beginning. */
  models: Record<string, string[]>
  swap: { at: number; text: string } | null
  episodes: Episode[]
  looks: number
  last: { at: number; outcome: Outcome; reasons: string[] } | null
  /** When the last look that could measure was. */
  measured_at: number
  /** Events that came too late to be counted, of those that came, since the last look that counted what came. */
  late?: { late: number; of: number } | undefined
}

export function draftGuard(): GuardState {
  return {
    version: 1,
    seq: 0,
    at: 0,
    plan: null,
    plan_hash: '',
    since: 0,
    cursor: null,
    closed: null,
    newest: null,
    triggers: {},
    breakers: {},
    learnt: { until: 0, done: false, cells: {} },
    models: {},
    swap: null,
    episodes: [],
    looks: 0,
    last: null,
    measured_at: 0,
  }
}

/** The plan of a guard that has begun; throws Error before that. */
export function guardPlanOf(state: GuardState): GuardPlan {
  if (!state.plan) throw new Error('the guard has no start record')
  return state.plan
}
