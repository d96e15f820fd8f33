// The exact test of a 2x2 table. Source: Fisher, Statistical Methods for Research Workers (5th ed. 1934) §21.02.
import { asP } from './exact-stratified.ts'
import { hypergeometric } from './hypergeometric.ts'

/** Tables within this of the observed one's probability count as equally likely, as in R. */
const tie = 1 + 1e-7

export type FisherTest = {
  /** Small when the first row has fewer of the first column than the second row: odds ratio below 1. */
  less: number
  greater: number
  /** Sum over the tables that are no more likely than the observed one. */
  twoSided: number
}

/**
 * The table [[a, b], [c, d]], whole numbers >= 0, for example a = passes and b = failures of the candidate, c and d of the
 * baseline. An empty row or column says nothing: every p is 1. Throws RangeError otherwise.
 */
export function fisherExact(a: number, b: number, c: number, d: number): FisherTest {
  if (![a, b, c, d].every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw new RangeError('a 2x2 table holds whole numbers >= 0')
  }
  const { low, pmf } = hypergeometric(a + b, c + d, a + c)
  const point = pmf[a - low] ?? 0
  const add = (total: number, probability: number) => total + probability
  return {
    less: asP(pmf.subarray(0, a - low + 1).reduce(add, 0)),
    greater: asP(pmf.subarray(a - low).reduceRight(add, 0)),
    twoSided: asP(pmf.filter((probability) => probability <= point * tie).reduce(add, 0)),
  }
}
