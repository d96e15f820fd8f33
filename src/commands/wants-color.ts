// Whether a stream gets colours: NO_COLOR and FORCE_COLOR decide before the terminal does (https://no-color.org).
import type { Context, Sink } from '../ports.ts'

export function wantsColor(env: Context['env'], stream: Sink): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}
