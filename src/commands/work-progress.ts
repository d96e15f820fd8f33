// A share of work that is done, as one moving line on a terminal; silent elsewhere. Always on stderr.
import type { Context } from '../ports.ts'

const BAR = 24

/** Redrawn at most ten times a second. */
export function workProgress(context: Context, label: string): { at(share: number): void; end(): void } {
  const { stderr } = context
  const live = stderr.isTTY === true && context.env.TERM !== 'dumb'
  let last = -Infinity
  return {
    at(share) {
      const now = context.monotonic()
      if (!live || now - last < 100) return
      last = now
      const filled = Math.round(share * BAR)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`
      stderr.write(`\r${`${bar} ${label} ${Math.round(100 * share)} %`.slice(0, (stderr.columns ?? 80) - 1)}\u001b[K`)
    },
    end() {
      if (live) stderr.write('\r\u001b[K')
    },
  }
}
