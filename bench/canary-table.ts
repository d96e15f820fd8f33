// Cells and Markdown tables of the simulated rollouts.

/** Rows that are drawn one by one, each draw some numbers; `print` gets them by row and draw. */
export type Part = {
  rows: number
  draw: (row: number, seed: number, draw: number) => number[]
  print: (found: readonly number[][][]) => string[]
}

export const percent = (share: number): string =>
  (share * 100).toFixed((share > 0 && share < 0.1) || (share > 0.9 && share < 1) ? 1 : 0)

/** The lower median; Infinity of an empty list. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Infinity
}

/** Median over the days without an early alarm (NaN); the share of them that was found at all (finite) where that is not all. */
export function delay(found: readonly number[]): string {
  const late = found.filter((minute) => !Number.isNaN(minute))
  const median = medianOf(late)
  const share = late.filter(Number.isFinite).length / late.length
  const found50 = Number.isFinite(median) ? String(median) : '> day'
  return late.length === 0 ? 'always too early' : `${found50}${share < 1 ? ` (${percent(share)} %)` : ''}`
}

/** How many of the days, in %, had an alarm. */
export const rolled = (found: readonly number[]): string =>
  percent(found.filter((minute) => minute !== Infinity).length / found.length)

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? ':--' : '--:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
