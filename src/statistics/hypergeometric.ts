// The hypergeometric distribution as a table: how many of the passes of a case fall on one side when the sides are alike.

/** `pmf[j]` is P(X = low + j); the values sum to 1. */
export type Table = { low: number; pmf: Float64Array }

/**
 * X successes among `drawn` of a population of `drawn + rest` with `successes` in all; whole numbers >= 0,
 * successes <= drawn + rest. By the ratio of neighbours from the mode outwards and one division by the sum: a few units in
 * the last place, without the digits that log-factorials lose.
 */
export function hypergeometric(drawn: number, rest: number, successes: number): Table {
  const low = Math.max(0, successes - rest)
  const high = Math.min(drawn, successes)
  const pmf = new Float64Array(high - low + 1)
  const mode = Math.min(high, Math.max(low, Math.floor(((drawn + 1) * (successes + 1)) / (drawn + rest + 2))))
  /** P(X = x + 1) / P(X = x) */
  const ratio = (x: number) => ((drawn - x) / (x + 1)) * ((successes - x) / (rest - successes + x + 1))
  let total = 1
  pmf[mode - low] = 1
  for (let x = mode, value = 1; x < high; x++) {
    value *= ratio(x)
    pmf[x + 1 - low] = value
    total += value
  }
  for (let x = mode, value = 1; x > low; x--) {
    value /= ratio(x - 1)
    pmf[x - 1 - low] = value
    total += value
  }
  return { low, pmf: pmf.map((value) => value / total) }
}
