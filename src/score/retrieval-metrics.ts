// Measures of a ranked list against known relevance, as trec_eval defines them.
// Sources: Manning, Raghavan & Schütze, Introduction to Information Retrieval (2008), §8.4; Järvelin & Kekäläinen, ACM
// TOIS 20 (2002) 422-446; for `ndcg_exp` Burges et al., ICML 2005. Discount log2(rank + 1) as in trec_eval and ranx.
import type { AssertionArgs } from '../schema/assertion.ts'

type Metric = AssertionArgs<'retrieval'>['metric']
/** What each measure needs: gains by rank (0 for irrelevant ones), those of a perfect list, and the cut. */
type Ranked = { gains: readonly number[]; ideal: readonly number[]; k: number }

const hits = (gains: readonly number[]): number => gains.filter((gain) => gain > 0).length
/** Discounted cumulated gain: the sum of gain / log2(rank + 1), rank from 1. */
const dcg = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0)
const exponential = (gains: readonly number[]): number[] => gains.map((gain) => 2 ** gain - 1)
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : Math.min(1, part / whole))

const measures: { [M in Metric]: (ranked: Ranked) => number } = {
  // A list that is shorter than k is not forgiven: trec_eval divides by k as well.
  precision: ({ gains, k }) => ratio(hits(gains), k),
  recall: ({ gains, ideal }) => ratio(hits(gains), ideal.length),
  f1: (ranked) => {
    const [p, r] = [measures.precision(ranked), measures.recall(ranked)]
    return p + r === 0 ? 0 : (2 * p * r) / (p + r)
  },
  hit: ({ gains }) => (hits(gains) > 0 ? 1 : 0),
  mrr: ({ gains }) => {
    const first = gains.findIndex((gain) => gain > 0)
    return first === -1 ? 0 : 1 / (first + 1)
  },
  map: ({ gains, ideal }) => {
    let seen = 0
    let sum = 0
    for (const [index, gain] of gains.entries()) if (gain > 0) sum += (seen += 1) / (index + 1)
    return ratio(sum, ideal.length)
  },
  ndcg: ({ gains, ideal, k }) => ratio(dcg(gains), dcg(ideal.slice(0, k))),
  ndcg_exp: ({ gains, ideal, k }) => ratio(dcg(exponential(gains)), dcg(exponential(ideal).slice(0, k))),
}

/**
 * One measure in [0, 1] of a ranked list of ids, best first. An id that comes again counts at its first place only.
 * @param relevant grade by id, 0 for irrelevant; with no relevant id every measure is 0
 * @param k only the first k count; undefined: all
 */
export function retrievalMetric(
  metric: Metric,
  ranked: readonly string[],
  relevant: ReadonlyMap<string, number>,
  k?: number,
): number {
  const seen = new Set<string>()
  const all = ranked.map((id) => {
    const gain = seen.has(id) ? 0 : (relevant.get(id) ?? 0)
    seen.add(id)
    return gain
  })
  const cut = k ?? all.length
  const ideal = [...relevant.values()].filter((gain) => gain > 0).sort((a, b) => b - a)
  // Without a cut a short list is held against the whole perfect one.
  const whole = metric.startsWith('ndcg') ? Math.max(all.length, ideal.length) : all.length
  return measures[metric]({ gains: all.slice(0, cut), ideal, k: k ?? whole })
}
