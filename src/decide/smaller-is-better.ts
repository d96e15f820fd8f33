// Which numbers are better when small, told from their names where nobody has written it.

const EXPENSES = ['cost', 'duration', 'latency', 'token', 'time']
/** It ends like an expense, and more of it is better. */
const OTHERS: ReadonlySet<string> = new Set(['uptime', 'lifetime'])

/**
 * true: one of the names has a word that is an expense, or ends in one: `cost_usd`, `responseTime`, `total_tokens`, `latencies`,
 * `runtime`. Letters within a word are no word: a sentiment is no time.
 */
export function smallerIsBetter(...names: readonly string[]): boolean {
  const words = names.flatMap((name) =>
    name
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z]+/)
      .map((word) => word.replace(/ies$/, 'y').replace(/s$/, '')),
  )
  return words.some((word) => !OTHERS.has(word) && EXPENSES.some((expense) => word.endsWith(expense)))
}
