// Do two series of counts come from the same mix, when counts of one hour hang together?
// Sources: Pearson's X2 of homogeneity; Rao & Scott, Ann. Stat. 12 (1984) 46-60 (first-order correction by the dispersion) with an F
// reference as in McCullagh & Nelder, Generalized Linear Models (1989) §4.5. Stability index: Kullback & Leibler (1951), symmetric form.
import { betaQuantile } from './beta.ts'

/** Counts of one block (an hour), one number a cell; all blocks have the same cells. */
export type CellCounts = readonly number[]

/** P(F >= f) for F with `df1`, `df2` > 0 degrees of freedom: the beta distribution inverted, down to 1e-300. */
export function fTail(f: number, df1: number, df2: number): number {
  if (!(f >= 0 && df1 > 0 && df2 > 0)) throw new RangeError(`no F: ${f} with ${df1} and ${df2} degrees of freedom`)
  const x = df2 / (df2 + df1 * f)
  if (x >= 1) return 1
  let [low, high] = [-690, 0]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (betaQuantile(Math.exp(middle), df2 / 2, df1 / 2) < x) low = middle
    else high = middle
  }
  return Math.exp(high)
}

const totalOf = (blocks: readonly CellCounts[], cells: number): number[] =>
  Array.from({ length: cells }, (_, cell) => blocks.reduce((sum, block) => sum + (block[cell] ?? 0), 0))
const add = (counts: CellCounts): number => counts.reduce((a, b) => a + b, 0)

/** Pearson's statistic of "all blocks have one mix", and its degrees of freedom. */
function pearson(blocks: readonly CellCounts[], cells: number): { statistic: number; df: number } {
  const filled = blocks.filter((block) => add(block) > 0)
  const totals = totalOf(filled, cells)
  const all = add(totals)
  const used = totals.filter((total) => total > 0).length
  let statistic = 0
  for (const block of filled) {
    const n = add(block)
    for (let cell = 0; cell < cells; cell++) {
      const expected = (n * (totals[cell] ?? 0)) / all
      if (expected > 0) statistic += ((block[cell] ?? 0) - expected) ** 2 / expected
    }
  }
  return { statistic, df: Math.max(0, filled.length - 1) * Math.max(0, used - 1) }
}

export type Homogeneity = {
  p: number
  /** So many times more do blocks of one series differ than chance alone explains; at least 1. */
  dispersion: number
  /** Symmetric: 0 for the same mix; by custom 0.1 is a moderate and 0.25 a large change. */
  psi: number
}

/**
 * Tests that two series have one mix. `groupings`: how blocks that hang together are seen (by hour, by day): the one in
 * which they differ most counts. null: fewer than two cells are filled, a side is empty, or the blocks are too few to say
 * how much they differ. Throws RangeError on a negative count.
 */
export function twoSeries(
  groupings: readonly { first: readonly CellCounts[]; second: readonly CellCounts[] }[],
  cells: number,
): Homogeneity | null {
  const [one] = groupings
  if (!one) return null
  for (const block of [...one.first, ...one.second])
    if (block.some((count) => !(count >= 0))) throw new RangeError('no count is negative')
  const [first, second] = [totalOf(one.first, cells), totalOf(one.second, cells)]
  if (add(first) === 0 || add(second) === 0) return null
  const between = pearson([first, second], cells)
  const within = groupings
    .map((group) => {
      const sides = [pearson(group.first, cells), pearson(group.second, cells)]
      const df = sides.reduce((sum, side) => sum + side.df, 0)
      return { df, dispersion: df === 0 ? 0 : Math.max(1, sides.reduce((sum, side) => sum + side.statistic, 0) / df) }
    })
    .filter(({ df }) => df > 0)
    .toSorted((a, b) => b.dispersion - a.dispersion || a.df - b.df)
  const [worst] = within
  if (!worst || between.df === 0) return null
  const { dispersion, df } = worst
  const p = fTail(between.statistic / between.df / dispersion, between.df, df)
  return { p, dispersion, psi: stabilityIndex(first, second) }
}

/** Sum over the cells of (q - p) ln(q / p), half a count added to each cell, so that none is empty. */
export function stabilityIndex(first: CellCounts, second: CellCounts): number {
  const cells = first.length
  const [m, n] = [add(first) + cells / 2, add(second) + cells / 2]
  return first.reduce((sum, count, cell) => {
    const p = (count + 0.5) / m
    const q = ((second[cell] ?? 0) + 0.5) / n
    return sum + (q - p) * Math.log(q / p)
  }, 0)
}
