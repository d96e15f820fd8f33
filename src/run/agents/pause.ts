// The pause between two attempts at one step of a conversation.
import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than this nobody waits between two attempts at one step. */
const LONGEST_PAUSE = 30_000

/** Waits before attempt `tries` + 1; false at once where the provider wants a longer pause than a conversation can take. */
export async function pauseBefore(
  tries: number,
  retry: { after_ms?: number | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  const pause = Math.max(retry.after_ms ?? 0, 250 * 2 ** (tries - 1))
  if (pause > LONGEST_PAUSE) return false
  await sleep(pause, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}
