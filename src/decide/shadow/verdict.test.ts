// The verdict of a shadow: what each criterion proves, that none hides another, and how often it errs.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ShadowPair, ShadowPlan } from '../../schema/shadow.ts'
import { pairedInterval } from './paired.ts'
import { shadowVerdict } from './verdict.ts'

const nothing = { unreadable: 0, duplicates: 0, unpaired: 0, notes: [] }
const all = { similarity: {}, winner: {}, latency: {}, cost: {}, errors: {}, confidence: {} }
const planOf = (criteria: object = all, more: object = {}) =>
  ShadowPlan.parse({ shadow: 's', pairs: { path: 'p.jsonl' }, criteria, ...more })

/** A generator of its own, so that a seed gives the same pairs for ever. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

type Truth = { unlike?: number; losing?: number; slower?: number; dearer?: number; failing?: number; surer?: number }
/** `n` pairs of a candidate that is like the baseline where nothing else is said. */
function pairsOf(n: number, seed: number, truth: Truth = {}): ShadowPair[] {
  const { unlike = 0.01, losing = 0.5, slower = 0, dearer = 0, failing = 0.001, surer = 0 } = truth
  const draw = random(seed)
  return Array.from({ length: n }, (_, i) => {
    const base = 500 + 1000 * draw()
    const tie = draw() < 0.3
    return {
      id: `r${i}`,
      similarity: draw() < unlike ? 0.4 : 0.95,
      winner: tie ? 'tie' : draw() < losing ? 'baseline' : 'candidate',
      delta_ms: base * slower + 200 * (draw() - 0.5),
      baseline_ms: base,
      delta_cost_usd: 0.004 * dearer + 0.0004 * (draw() - 0.5),
      baseline_cost_usd: 0.004,
      baseline_error: draw() < 0.001,
      candidate_error: draw() < failing,
      delta_confidence: surer + 0.1 * (draw() - 0.5),
    }
  })
}
const judged = (truth: Truth, n = 3000, seed = 7) => shadowVerdict(planOf(), pairsOf(n, seed, truth), nothing)

it('a candidate that is as good is promoted once everything is proven', () => {
  const { outcome, criteria } = judged({})
  expect(criteria.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'errors proven',
    'winner proven',
    'similarity proven',
    'latency proven',
    'cost proven',
    'confidence proven',
  ])
  expect(outcome).toBe('pass')
})

it.each<[string, Truth]>([
  ['similarity', { unlike: 0.15 }],
  ['winner', { losing: 0.75 }],
  ['latency', { slower: 0.3 }],
  ['cost', { dearer: 1 }],
  ['errors', { failing: 0.08 }],
  ['confidence', { surer: -0.06 }],
])('%s alone is enough to fail, however good the rest is', (name, truth) => {
  const { outcome, criteria, reasons } = judged({ losing: 0.35, slower: -0.2, dearer: -0.2, ...truth })
  expect(criteria.filter(({ state }) => state === 'broken').map((one) => one.name)).toEqual([name])
  expect(outcome).toBe('fail')
  expect(reasons[0]).toContain(`${name}: `)
})

it('few pairs prove nothing, and say how many are missing', () => {
  const { outcome, reasons } = judged({}, 50)
  expect(outcome).toBe('inconclusive')
  expect(reasons[0]).toBe('150 more pairs are needed.')
})

it('enough evidence with too few pairs is no promotion', () => {
  const plan = planOf({ winner: {} }, { min_pairs: 5000 })
  expect(shadowVerdict(plan, pairsOf(3000, 7, { losing: 0.2 }), nothing).outcome).toBe('inconclusive')
})

it('no pair, and a criterion that no pair tells, are not measured; never a pass', () => {
  expect(shadowVerdict(planOf(), [], nothing).outcome).toBe('invalid')
  const bare = pairsOf(500, 1).map(({ similarity, winner }): ShadowPair => ({ similarity, winner }))
  const { outcome, reasons } = shadowVerdict(planOf({ winner: {}, cost: {} }), bare, nothing)
  expect(outcome).toBe('invalid')
  expect(reasons.join()).toContain('cost: no pair tells it')
  expect(
    shadowVerdict(
      planOf({ winner: {} }),
      bare.map(() => ({ winner: 'tie' })),
      nothing,
    ).outcome,
  ).not.toBe('pass')
})

it('a relative limit needs the value of the baseline; an amount does not', () => {
  const pairs = pairsOf(1000, 3).map(({ delta_ms = 0 }): ShadowPair => ({ delta_ms }))
  expect(shadowVerdict(planOf({ latency: { max_increase: '10%' } }), pairs, nothing).outcome).toBe('invalid')
  expect(shadowVerdict(planOf({ latency: { max_increase: '100ms' } }), pairs, nothing).outcome).toBe('pass')
})

it('errors that never came are not certain to be none', () => {
  const pairs = Array.from({ length: 150 }, (): ShadowPair => ({ baseline_error: false, candidate_error: false }))
  expect(shadowVerdict(planOf({ errors: { max_increase: '0.1%' } }), pairs, nothing).outcome).toBe('inconclusive')
})

it('a look after every 200 pairs fails a candidate at its limit in at most 3 of 100 shadows', () => {
  let wrong = 0
  for (let seed = 1; seed <= 100; seed += 1) {
    const pairs = pairsOf(2000, seed * 7919, { unlike: 0.05, slower: 0.1, dearer: 0.1 })
    const looks = Array.from({ length: 10 }, (_, i) => shadowVerdict(planOf(), pairs.slice(0, (i + 1) * 200), nothing))
    if (looks.some(({ outcome }) => outcome === 'fail')) wrong += 1
  }
  expect(wrong).toBeLessThanOrEqual(3)
}, 60_000)

it('the interval covers the mean, narrows with n, and mirrors its differences', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 100, maxLength: 300 }),
      (list) => {
        const seen = pairedInterval(list, 0.05)
        const mirrored = pairedInterval(
          list.map((one) => -one),
          0.05,
        )
        const twice = pairedInterval([...list, ...list], 0.05)
        if (!seen || !mirrored || !twice) throw new Error('no interval')
        expect(seen.low).toBeLessThanOrEqual(seen.estimate)
        expect(mirrored.low).toBeCloseTo(-seen.high, 6)
        expect(twice.high - twice.low).toBeLessThanOrEqual(seen.high - seen.low + 1e-9)
      },
    ),
    { numRuns: 50 },
  )
})

it.each([
  { similarity: { max_share: '100%' } },
  { similarity: { max_share: 0 } },
  { errors: { max_increase: -0.1 } },
  { errors: { max_increase: 1 } },
])('refuses a criterion that nothing could break or keep: %j', (criteria) => {
  const parsed = ShadowPlan.safeParse({ shadow: 's', pairs: { path: 'p.jsonl' }, criteria })
  expect(parsed.error?.issues[0]).toMatchObject({ code: 'custom', params: { mend: expect.stringContaining('share') } })
})
