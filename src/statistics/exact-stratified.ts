// The exact conditional test that a suite passes less often than its baseline, the case being the stratum.
// Sources: Mantel & Haenszel, J. Natl. Cancer Inst. 22 (1959) 719-748, in its exact form (Mehta, Patel & Gray, J. Am. Stat.
// Assoc. 80 (1985) 969-973); with one trial a side it is McNemar's; mid-p after Fagerland, Lydersen & Laake, BMC Med. Res.
// Methodol. 13 (2013) 91.
import { requireStrata, type Stratum } from './counts.ts'
import { hypergeometric, type Table } from './hypergeometric.ts'

/** No p is given smaller than this: beyond it the tables underflow, and a p of exactly 0 would claim the impossible. */
export const smallestP = 1e-300

/** Clips a computed probability into [1e-300, 1]. */
export function asP(probability: number): number {
  return Math.min(1, Math.max(smallestP, probability))
}

export type StratifiedTest = {
  /** P(candidate passes <= observed | passes of each case): small when the candidate is worse. */
  pRegress: number
  midpRegress: number
  /** P(candidate passes >= observed | ...): small when the candidate is better. */
  pImprove: number
  midpImprove: number
  /** Candidate passes over all cases, and their mean and variance if nothing changed. */
  observed: number
  mean: number
  variance: number
}

/**
 * Given how often each case passed on both sides together, the candidate's share of those passes is hypergeometric when
 * nothing changed; over the cases the distribution is the convolution. Repeats may differ between cases and sides. Cases
 * that always or never pass say nothing and drop out; without any other both p are 1 and both mid-p 0.5. The result does
 * not hang on the order of the cases, to the last bit. Throws RangeError on impossible counts.
 */
export function exactStratified(strata: readonly Stratum[]): StratifiedTest {
  requireStrata(strata)
  const kinds = new Map<string, { drawn: number; rest: number; successes: number; cases: number }>()
  let observed = 0
  for (const { passes, trials, basePasses, baseTrials } of strata) {
    observed += passes
    const successes = passes + basePasses
    const key = `${trials} ${baseTrials} ${successes}`
    const kind = kinds.get(key) ?? { drawn: trials, rest: baseTrials, successes, cases: 0 }
    kind.cases += 1
    kinds.set(key, kind)
  }
  let mean = 0
  let variance = 0
  let table: Table = { low: 0, pmf: Float64Array.of(1) }
  for (const [, { drawn, rest, successes, cases }] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const size = drawn + rest
    mean += (cases * (drawn * successes)) / size
    variance += (cases * (drawn * rest * successes * (size - successes))) / (size * size * (size - 1))
    table = convolveTimes(table, hypergeometric(drawn, rest, successes), cases)
  }
  return { ...tails(table, observed), observed, mean, variance }
}

/** The distribution after adding `times` independent draws of `step`. */
function convolveTimes(table: Table, step: Table, times: number): Table {
  if (step.pmf.length === 1) return { low: table.low + times * step.low, pmf: table.pmf }
  const width = step.pmf.length - 1
  let from = new Float64Array(table.pmf.length + times * width)
  let to = new Float64Array(from.length)
  from.set(table.pmf)
  // Both ends of the window are cut where the mass falls below the smallest p: it keeps subnormal numbers, and time, away.
  let first = 0
  let last = table.pmf.length - 1
  for (let round = 0; round < times; round++) {
    to.fill(0, first, last + width + 1)
    for (let shift = 0; shift <= width; shift++) {
      const weight = step.pmf[shift] ?? 0
      for (let at = first; at <= last; at++) to[at + shift] = (to[at + shift] ?? 0) + (from[at] ?? 0) * weight
    }
    ;[from, to] = [to, from]
    last += width
    while (first < last && (from[first] ?? 0) < smallestP) first++
    while (last > first && (from[last] ?? 0) < smallestP) last--
  }
  return { low: table.low + times * step.low + first, pmf: from.slice(first, last + 1) }
}

function tails({ low, pmf }: Table, observed: number) {
  const at = observed - low
  const below = pmf.subarray(0, Math.max(0, at)).reduce((a, b) => a + b, 0)
  const above = pmf.subarray(Math.max(0, at + 1)).reduceRight((a, b) => a + b, 0)
  const point = pmf[at] ?? 0
  const total = below + point + above
  return {
    pRegress: asP((below + point) / total),
    midpRegress: asP((below + point / 2) / total),
    pImprove: asP((above + point) / total),
    midpImprove: asP((above + point / 2) / total),
  }
}
