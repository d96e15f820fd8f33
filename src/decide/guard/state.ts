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
}

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
