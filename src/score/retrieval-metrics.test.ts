// Retrieval measures against published worked values and laws that must hold for every ranking.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retrievalMetrics } from '../schema/assertion.ts'
import { retrievalMetric } from './retrieval-metrics.ts'

const grades = (record: Record<string, number>) => new Map(Object.entries(record))

describe('published values', () => {
  // The example of the README of pytrec_eval, which runs trec_eval itself.
  it.each([
    ['map', ['d3', 'd1', 'd2'], { d1: 0, d2: 1, d3: 0 }, 0.3333333333333333],
    ['ndcg', ['d3', 'd1', 'd2'], { d1: 0, d2: 1, d3: 0 }, 0.5],
    ['map', ['d1', 'd3', 'd2'], { d2: 1, d3: 1 }, 0.5833333333333333],
    ['ndcg', ['d1', 'd3', 'd2'], { d2: 1, d3: 1 }, 0.6934264036172708],
  ] as const)('%s of pytrec_eval for %j', (metric, ranked, relevant, expected) => {
    expect(retrievalMetric(metric, ranked, grades(relevant))).toBeCloseTo(expected, 12)
  })
  // The examples of scikit-learn's page on ndcg_score, run with scikit-learn 1.9.1: grades 10, 0, 0, 1, 5 of a to e.
  it.each([
    ['edcba', undefined, 0.6956940443813076],
    ['bcdae', undefined, 0.493680191377376],
    ['bcdae', 4, 0.3520241100634488],
  ])('nDCG of scikit-learn for %s, k %s', (order, k, expected) => {
    const relevant = grades({ a: 10, b: 0, c: 0, d: 1, e: 5 })
    expect(retrievalMetric('ndcg', order.split(''), relevant, k)).toBeCloseTo(expected, 12)
  })
  // The example of the page of ir_measures, which asks pytrec_eval, for query Q0; and P@10 of Q1.
  it('of ir_measures', () => {
    const q0 = grades({ D0: 0, D1: 1 })
    expect(retrievalMetric('map', ['D0', 'D1'], q0)).toBe(0.5)
    expect(retrievalMetric('mrr', ['D0', 'D1'], q0)).toBe(0.5)
    expect(retrievalMetric('ndcg', ['D0', 'D1'], q0)).toBeCloseTo(0.6309297535714575, 12)
    expect(retrievalMetric('precision', ['D3', 'D0'], grades({ D0: 0, D3: 2 }), 10)).toBeCloseTo(0.1, 12)
  })
  // Wikipedia, "Discounted cumulative gain", § Example: DCG6 6.861, IDCG6 8.740, nDCG6 0.785.
  it('nDCG of graded documents', () => {
    const relevant = grades({ D1: 3, D2: 2, D3: 3, D4: 0, D5: 1, D6: 2, D7: 3, D8: 2 })
    expect(retrievalMetric('ndcg', ['D1', 'D2', 'D3', 'D4', 'D5', 'D6'], relevant, 6)).toBeCloseTo(0.785, 3)
  })
  // Wikipedia, "Mean reciprocal rank": the right plural at ranks 3, 2 and 1; 11/18 on average.
  it('MRR of three queries', () => {
    const queries = [
      ['catten', 'cati', 'cats', 'cats'],
      ['torii', 'tori', 'toruses', 'tori'],
      ['viruses', 'virii', 'viri', 'viruses'],
    ] as const
    const all = queries.map(([a, b, c, right]) => retrievalMetric('mrr', [a, b, c], grades({ [right]: 1 })))
    expect(all.reduce((sum, one) => sum + one, 0) / 3).toBeCloseTo(11 / 18, 12)
  })
  // Manning, Raghavan & Schütze 2008, exercise 8.8: a list of 20 with relevant documents at these ranks, 8 relevant in all.
  it('precision and recall of a list of 20', () => {
    const ranked = 'RRNNNNNNRNRNNNRNNNNR'.split('').map((letter, i) => `${letter}${i}`)
    const relevant = new Map(ranked.filter((id) => id.startsWith('R')).map((id) => [id, 1]))
    for (const id of ['x', 'y']) relevant.set(id, 1)
    expect(retrievalMetric('precision', ranked, relevant)).toBeCloseTo(6 / 20, 12)
    expect(retrievalMetric('recall', ranked, relevant)).toBeCloseTo(6 / 8, 12)
    expect(retrievalMetric('f1', ranked, relevant)).toBeCloseTo(0.43, 2)
    expect(retrievalMetric('map', ranked, relevant)).toBeCloseTo(0.416, 3)
  })
  it('exponential gains are those of Burges', () => {
    const expected = (7 / 1 + 1 / Math.log2(3)) / (7 / 1 + 3 / Math.log2(3))
    expect(retrievalMetric('ndcg_exp', ['a', 'c'], grades({ a: 3, b: 2, c: 1 }), 2)).toBeCloseTo(expected, 12)
  })
})

describe('edges', () => {
  it('a short list is not forgiven, an empty one is 0', () => {
    expect(retrievalMetric('precision', ['a'], grades({ a: 1 }), 5)).toBeCloseTo(0.2, 12)
    for (const metric of retrievalMetrics) expect(retrievalMetric(metric, [], grades({ a: 1 }), 3)).toBe(0)
  })
  it('a document that comes again counts once', () => {
    expect(retrievalMetric('precision', ['a', 'a', 'a', 'a'], grades({ a: 1 }), 4)).toBe(0.25)
    expect(retrievalMetric('ndcg', ['a', 'a'], grades({ a: 2, b: 1 }), 2)).toBeLessThan(1)
  })
})

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const cases = fc.tuple(
  fc.shuffledSubarray(ids),
  fc.dictionary(fc.constantFrom(...ids), fc.integer({ min: 0, max: 3 }), { minKeys: 1 }),
  fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
)
describe('laws', () => {
  it('every measure lies in [0, 1]', () => {
    fc.assert(
      fc.property(cases, ([ranked, relevant, k]) => {
        for (const metric of retrievalMetrics) {
          const value = retrievalMetric(metric, ranked, grades(relevant), k)
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
  it('the best order is worth 1 for nDCG, and moving a better document up never costs', () => {
    fc.assert(
      fc.property(cases, ([ranked, relevant, k]) => {
        const map = grades(relevant)
        const gain = (id: string) => map.get(id) ?? 0
        const best = ids.toSorted((a, b) => gain(b) - gain(a))
        if (best.some((id) => gain(id) > 0)) expect(retrievalMetric('ndcg', best, map, k)).toBeCloseTo(1, 12)
        for (const metric of ['ndcg', 'ndcg_exp', 'map', 'mrr'] as const)
          for (let i = 1; i < ranked.length; i++) {
            const [up, down] = [ranked[i] ?? '', ranked[i - 1] ?? '']
            if (gain(up) <= gain(down)) continue
            const swapped = ranked.with(i - 1, up).with(i, down)
            expect(retrievalMetric(metric, swapped, map, k)).toBeGreaterThanOrEqual(
              retrievalMetric(metric, ranked, map, k) - 1e-12,
            )
          }
      }),
    )
  })
  it('recall and hit never fall as k grows', () => {
    fc.assert(
      fc.property(cases, ([ranked, relevant]) => {
        for (const metric of ['recall', 'hit'] as const)
          for (let k = 1; k < 8; k++)
            expect(retrievalMetric(metric, ranked, grades(relevant), k + 1)).toBeGreaterThanOrEqual(
              retrievalMetric(metric, ranked, grades(relevant), k),
            )
      }),
    )
  })
})
