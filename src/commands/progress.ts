// Progress while models are asked: one line that moves on a terminal, a plain line now and then in CI. Always on stderr.
import type { Context } from '../ports.ts'
import type { Observation } from '../schema/run.ts'

const BAR = 24
const QUIET_MS = 15_000

export type Progress = {
  pass(trial: number, total: number, purpose: Observation['purpose']): void
  done(observation: Observation): void
  end(): void
}

/** Starts the display for one suite. On a terminal the line is redrawn at most ten times a second. */
export function startProgress(context: Context, suite: string): Progress {
  const { stderr } = context
  const live = stderr.isTTY === true && context.env.TERM !== 'dumb'
  let label = ''
  let total = 0
  let count = 0
  let failed = 0
  let errors = 0
  let cost = 0
  let last = context.monotonic()

  const line = () => {
    const parts = [`${suite} ${label}`, `${count}/${total}`]
    if (failed > 0) parts.push(`${failed} failed`)
    if (errors > 0) parts.push(`${errors} not measured`)
    if (cost > 0) parts.push(`about $${cost.toFixed(4)}`)
    return parts.join(' · ')
  }
  const draw = () => {
    const filled = total === 0 ? 0 : Math.round((BAR * count) / total)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`
    stderr.write(`\r${`${bar} ${line()}`.slice(0, (stderr.columns ?? 80) - 1)}\u001b[K`)
  }
  return {
    pass(trial, size, purpose) {
      label = purpose === 'confirm' ? 'confirming critical cases' : `pass ${trial}`
      total = size
      count = 0
      last = context.monotonic()
      if (live) draw()
    },
    done({ passed, completion }) {
      count += 1
      if (passed === false) failed += 1
      if (passed === null) errors += 1
      if (!completion.replayed) cost += completion.cost_usd ?? 0
      const now = context.monotonic()
      if (live && (now - last > 100 || count === total)) {
        draw()
        last = now
      } else if (!live && (now - last > QUIET_MS || count === total)) {
        stderr.write(`${line()}\n`)
        last = now
      }
    },
    end() {
      if (live) stderr.write('\r\u001b[K')
    },
  }
}
