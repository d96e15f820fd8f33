// What the cache of answers holds, for people.
import { plural } from './numbers.ts'
import { oneLine, plain } from './safe-text.ts'

type Stats = {
  folder: string
  segments: number
  live: number
  bytes: number
  answers: number
  replaced: number
  damaged: number
  expired: number
  newer: string[]
  foreign: string[]
  oldest: string | null
  newest: string | null
}
type Bounds = { maxBytes: number; maxAgeMs: number }
type Kept = {
  key: string
  trial: number
  at: string
  suite: string
  case: string
  asked: string
  completion: {
    outcome: string
    text: string
    tool_calls: { name: string; arguments: string }[]
    latency_ms?: number | undefined
    cost_usd?: number | undefined
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

/** How long ago, in the largest unit that fits: `3 d`, `5 h`, `2 min`. */
function age(at: string, now: Date): string {
  const minutes = Math.max(0, (now.getTime() - Date.parse(at)) / 60_000)
  if (minutes < 60) return `${Math.floor(minutes)} min`
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`
}

/** The figures of a cache, a line each. */
export function cacheText(stats: Stats, { maxBytes, maxAgeMs }: Bounds, now: Date): string {
  const { answers, segments, live, oldest, newest, expired, replaced, damaged } = stats
  const writing = live > 0 ? `, ${live} being written` : ''
  const when = oldest && newest ? `, the oldest ${age(oldest, now)} old, the newest ${age(newest, now)} old` : ''
  const waste = [
    [expired, 'too old'],
    [replaced, 'replaced by newer ones'],
    [damaged, 'torn or changed'],
  ] as const
  const lost = waste.flatMap(([count, word]) => (count > 0 ? [`${plural(count, 'line')} ${word}`] : []))
  return [
    `${stats.folder}: ${plural(answers, 'answer')} in ${plural(segments, 'segment')}${writing}${when}`,
    `size     ${megabytes(stats.bytes)} of ${megabytes(maxBytes)}; answers serve for ${Math.round(maxAgeMs / 3_600_000)} h`,
    ...(lost.length > 0 ? [`waste    ${lost.join(', ')}: \`aigate cache gc\` drops them`] : []),
    ...stats.newer.map((file) => `left out ${oneLine(file, 200)}: written by a newer aigate`),
    ...stats.foreign.map((file) => `left out ${oneLine(file, 200)}: no segment of the cache`),
  ].join('\n')
}

/** Kept answers with their texts. */
export function cachedAnswersText(found: readonly Kept[], now: Date): string {
  return found
    .map(({ key, trial, at, suite, case: id, asked, completion }) => {
      const { text, tool_calls, outcome, latency_ms, cost_usd } = completion
      const facts = [
        `trial ${trial}`,
        `${age(at, now)} old`,
        outcome,
        ...(latency_ms === undefined ? [] : [`${Math.round(latency_ms)} ms`]),
        ...(cost_usd === undefined ? [] : [`$${cost_usd.toFixed(6)}`]),
      ]
      const calls = tool_calls.map((call) => `${call.name}(${call.arguments})`)
      const lines = [text, ...calls].filter((part) => part !== '').join('\n')
      const shown = plain(lines, 4000)
        .split('\n')
        .map((line) => `  │ ${line}`)
      const head = `${oneLine(suite, 60)} ${oneLine(id, 100)} · ${oneLine(asked, 120)} · ${facts.join(' · ')}`
      return [head, `  key ${key}`, ...shown].join('\n')
    })
    .join('\n\n')
}
