// A guard for people: what fires, what is open, what was done.
import type { Outcome } from '../schema/verdict.ts'

export type GuardView = {
  guard: string
  at: string
  outcome: Outcome
  reasons: string[]
  newest: string | null
  measured_at: string | null
  triggers: {
    id: string
    metric: string
    state: 'firing' | 'pending' | 'quiet'
    value: number | null
    /** The value is a share (0 to 1) of the events. */
    share: boolean
    events: number
    last_fired: string | null
  }[]
  breakers: { id: string; phase: string; serving: string; probe_ppm: number; open_until: string | null }[]
  episodes: { id: string; at: string; ended: string | null; text: string }[]
}

const digits = (value: number | null, share: boolean) =>
  value === null ? 'no data' : share ? `${Number((value * 100).toPrecision(3))}%` : String(Number(value.toPrecision(4)))

/** Some lines of plain text that end with a line end. */
export function guardText(
  view: GuardView,
  tick: { reasons: string[]; acted: { done: string[]; failed: string[] }; kills?: readonly string[] },
): string {
  const width = Math.max(0, ...[...view.triggers, ...view.breakers].map(({ id }) => id.length))
  const lines = [
    `${view.at.slice(0, 19)}Z ${view.guard}: ${view.outcome}. ${tick.reasons.join(' ')}`.trimEnd(),
    ...view.triggers.map(
      (one) => `  ${one.id.padEnd(width)}  ${one.state.padEnd(7)}  ${one.metric} ${digits(one.value, one.share)}`,
    ),
    ...view.breakers.map((one) => {
      const probe = one.probe_ppm > 0 ? `, ${one.probe_ppm / 10_000} % try the primary` : ''
      return `  ${one.id.padEnd(width)}  ${one.phase}  ${one.serving} serves${probe}`
    }),
    ...(tick.kills ?? []).map((one) => `  ${one}`),
    ...tick.acted.done.map((id) => `  done: ${id}`),
    ...tick.acted.failed.map((said) => `  FAILED: ${said}`),
  ]
  return `${lines.join('\n')}\n`
}
