// What is shown of a guard: its triggers, its breakers, and what has happened.
import { wishOf } from '../../decide/guard/breaker.ts'
import { isShare } from '../../decide/guard/said-condition.ts'
import { guardPlanOf, type GuardState } from '../../decide/guard/state.ts'
import type { GuardView } from '../../report/guard.ts'

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString())

/** The view of a state at `now` (milliseconds since 1970). */
export function guardView(state: GuardState, now: number): GuardView {
  const guard = guardPlanOf(state)
  return {
    guard: guard.guard,
    at: new Date(now).toISOString(),
    outcome: state.last?.outcome ?? 'invalid',
    reasons: state.last?.reasons ?? [],
    newest: iso(state.newest),
    measured_at: state.measured_at === 0 ? null : iso(state.measured_at),
    triggers: guard.triggers.map((one) => {
      const standing = state.triggers[one.id]
      const active = standing?.active ?? null
      const pending = active === null && (standing?.window.held ?? 0) > 0
      return {
        id: one.id,
        metric: one.metric ?? one.changed ?? 'no_data',
        state: active !== null ? ('firing' as const) : pending ? ('pending' as const) : ('quiet' as const),
        value: standing?.window.value ?? null,
        share: one.metric !== undefined && isShare(guard, { ...one, metric: one.metric }),
        events: standing?.window.n ?? 0,
        last_fired: iso(standing?.last_fired ?? null),
      }
    }),
    breakers: guard.breakers.flatMap((one) => {
      const standing = state.breakers[one.id]
      if (!standing) return []
      const { serving, ppm } = wishOf(one, standing)
      return [{ id: one.id, phase: standing.phase, serving, probe_ppm: ppm, open_until: iso(standing.open_until) }]
    }),
    episodes: state.episodes.slice(-20).map(({ id, at, ended, text }) => ({
      id,
      at: new Date(at).toISOString(),
      ended: iso(ended),
      text,
    })),
  }
}
