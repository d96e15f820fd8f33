// Progress while models are asked: one line that moves on a terminal, a plain line now and then in CI. Always on stderr.
import type { Context } from '../ports.ts'
import { plain } from '../report/safe-text.ts'
import type { PassEvent } from '../run/engine.ts'
import type { Observation } from '../schema/run.ts'
import { wilson } from '../statistics/wilson.ts'

const BAR = 16
/** Redrawn at most so often. */
const REDRAW_MS = 100
/** Where lines stay: one after so long, or after a tenth of the work, but not so many that they bury the rest. */
const QUIET_MS = 30_000
const TENTH_MS = 5000
/** The rate is that of the last so many milliseconds. */
const WINDOW_MS = 15_000
/** So many failing cases are named, the latest first. */
const NAMED = 3

export type Progress = {
  pass(trial: number, total: number, purpose: Observation['purpose']): void
  done(observation: Observation): void
  /** Why nothing comes for a while: a pause, another attempt, a call without an answer. */
  event: (event: PassEvent) => void
  end(): void
}

/** Shorter waits are not worth a word. */
const WAIT_MS = 3_000

/** What is known of a pass. */
type PassState = {
  label: string
  total: number
  count: number
  passed: number
  failed: number
  /** Not measured. */
  errors: number
  /** In US dollars, of all passes so far. */
  cost: number
  /** Cases that failed, the latest first. */
  failing: string[]
  /** When each of the latest answers came that somebody was asked for, in milliseconds. */
  asked: number[]
}

/** Starts the display for one suite. */
export function startProgress(context: Context, suite: string): Progress {
  const { stderr } = context
  const live = stderr.isTTY === true && context.env.TERM !== 'dumb'
  let state = emptyState(suite, 0, 0)
  let last = context.monotonic()
  let tenths = 0
  let toldWait = -QUIET_MS

  const draw = (now: number, line = progressLine(state, now)) => {
    const filled = state.total === 0 ? 0 : Math.round((BAR * state.count) / state.total)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`
    stderr.write(`\r${`${bar} ${line}`.slice(0, (stderr.columns ?? 80) - 1)}\u001b[K`)
    last = now
  }
  const say = (now: number) => {
    const tenth = Math.floor((10 * state.count) / Math.max(1, state.total))
    const waited = now - last
    const over = state.count === state.total
    if (!over && waited < QUIET_MS && (tenth === tenths || waited < TENTH_MS)) return
    stderr.write(`${progressLine(state, now)}\n`)
    last = now
    tenths = tenth
  }
  return {
    pass(trial, total, purpose) {
      const label = `${suite} ${purpose === 'confirm' ? 'confirming critical cases' : `pass ${trial}`}`
      state = emptyState(label, total, state.cost)
      tenths = 0
      last = context.monotonic()
      if (live) draw(last)
    },
    done(observation) {
      const now = context.monotonic()
      enter(state, observation, now)
      if (!live) say(now)
      else if (now - last > REDRAW_MS || state.count === state.total) draw(now)
    },
    event(event) {
      const why = waitOf(event)
      if (why === null) return
      const now = context.monotonic()
      const line = `${state.label} · ${state.count}/${state.total} · ${why}`
      if (live) draw(now, line)
      else if (now - toldWait >= QUIET_MS) {
        stderr.write(`${line}\n`)
        toldWait = now
      }
    },
    end() {
      if (live) stderr.write('\r\u001b[K')
    },
  }
}

/** What a wait is for, in words; null for one that is too short to be noticed. */
function waitOf(event: PassEvent): string | null {
  if (event.kind === 'stalled') return `no answer within ${durationOf(event.timeout_ms / 1000)}`
  if (event.delay_ms < WAIT_MS) return null
  const span = durationOf(event.delay_ms / 1000)
  const reason = plain(event.reason, 200).replace(/\s+/g, ' ')
  return event.kind === 'paused'
    ? `waits ${span}, as the provider asks: ${reason}`
    : `tries again in ${span}: ${reason}`
}

export const emptyState = (label: string, total: number, cost: number): PassState => ({
  label,
  total,
  count: 0,
  passed: 0,
  failed: 0,
  errors: 0,
  cost,
  failing: [],
  asked: [],
})

/** Enters a finished trial. `now`: milliseconds of the clock that `progressLine` is given. */
export function enter(state: PassState, { case: id, passed, completion }: Observation, now: number): void {
  state.count += 1
  if (passed === true) state.passed += 1
  if (passed === null) state.errors += 1
  if (passed === false) {
    state.failed += 1
    state.failing = [id, ...state.failing.filter((one) => one !== id)].slice(0, NAMED)
  }
  if (completion.replayed) return
  state.cost += completion.cost_usd ?? 0
  state.asked.push(now)
  if (state.asked.length > 4096) state.asked.splice(0, 2048)
}

/**
 * Where a pass stands: how far, how fast, how long still, the share of measured trials that pass with its 95 % interval
 * (Wilson, JASA 22, 1927), what fails, and what it cost so far.
 */
export function progressLine(state: PassState, now: number): string {
  const { label, total, count, passed, failed, errors, cost, failing } = state
  const parts = [label, `${count}/${total}`]
  const rate = rateOf(state.asked, now)
  if (rate !== null) {
    parts.push(`${rate.toFixed(rate < 10 ? 1 : 0)}/s`)
    if (count < total) parts.push(`${durationOf((total - count) / rate)} left`)
  }
  const measured = passed + failed
  if (measured > 0) {
    const { low, high } = wilson(passed, measured, 0.95)
    parts.push(`${percent(passed / measured)} % pass (${percent(low)} to ${percent(high)})`)
  }
  if (cost > 0) parts.push(`about $${cost.toFixed(4)}`)
  if (errors > 0) parts.push(`${errors} not measured`)
  if (failed > 0) parts.push(`${failed} failed: ${failing.join(', ')}${failed > failing.length ? ', …' : ''}`)
  return parts.join(' · ')
}

/** Answers a second; null as long as a few of them say nothing. */
function rateOf(asked: readonly number[], now: number): number | null {
  const recent = asked.filter((at) => at >= now - WINDOW_MS)
  const [first] = recent
  if (first === undefined || recent.length < 3 || now <= first) return null
  return (1000 * (recent.length - 1)) / (now - first)
}

const percent = (share: number): string => String(Math.round(100 * share))

function durationOf(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds))
  if (whole < 90) return `${whole} s`
  const minutes = Math.round(whole / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
