// What is told of a fired trigger or an opened breaker, and the world in which it is told.
import type { Json } from '../../schema/values.ts'

/** `key`: the same at every attempt; whoever receives it can tell a repetition by it. `at`: RFC 3339. */
export type Notice = {
  key: string
  /** Of the incident as a whole: that of what it resolves, too. */
  incident: string
  guard: string
  cause: string
  metric: string
  value: number | null
  at: string
  title: string
  text: string
  resolve: boolean
}

/** `root`: absolute folder of the configuration. `flagFiles`: absolute, where kills go unless the action names a file. */
export type NoticeWorld = {
  root: string
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  now: () => number
  /** Of one attempt, in milliseconds. */
  timeoutMs?: number | undefined
  flagFiles?: readonly string[] | undefined
  /** Flags of others that a kill switches too, with their variant that is off. */
  killed?: Readonly<Record<string, string>> | undefined
}

/** What the other side said afterwards, for the journal: no secret, no long text. */
export type ReadBack = Record<string, Json>

const SIGNS = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu

/** One line that may stand in any message: names of metrics and models come from events, which anybody may write. */
export function plain(text: string, most = 1000): string {
  return text.replace(SIGNS, ' ').replaceAll('{{', '{ {').trim().slice(0, most)
}
