// What holds for every run: order never matters, errors never decide, more passes never make it worse; and error rates, simulated.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CaseTally } from '../../schema/baseline.ts'
import { Verdict } from '../../schema/verdict.ts'
import { type Judgement, judgeTallies } from './judge.ts'
import { baselineOf, casesOf, judged, observe, passesOf, policyOf } from '../run-testing.ts'

/** A small world: per case its rates, its category, whether it is critical, and how its trials end. */
const world = fc
  .record({
    trials: fc.integer({ min: 1, max: 3 }),
    baseTrials: fc.integer({ min: 1, max: 6 }),
    cases: fc.array(
      fc.record({
        base: fc.integer({ min: 0, max: 6 }),
        ends: fc.array(fc.constantFrom(true, true, true, true, false, null), { minLength: 3, maxLength: 3 }),
        category: fc.constantFrom('a', 'b', undefined),
        critical: fc.constantFrom(false, false, false, true),
        deterministic: fc.boolean(),
        changed: fc.constantFrom(false, false, false, false, false, false, true),
        cost: fc.constantFrom(undefined, 0, 0.001, 0.002),
      }),
      { minLength: 1, maxLength: 45 },
    ),
    scope: fc.constantFrom('suite' as const, 'population' as const),
    burden: fc.constantFrom('prove-bad' as const, 'prove-good' as const),
    exact: fc.boolean(),
    all: fc.boolean(),
  })
  .map((made) => {
    const cases = casesOf(made.cases.length, (i) => {
      const { category, critical } = made.cases[i]!
      return { critical, ...(category && { category }) }
    })
    const baseline = baselineOf(
      cases,
      (i) => ({
        passes: Math.min(made.cases[i]!.base, made.baseTrials),
        trials: made.baseTrials,
        ...(made.cases[i]!.changed && { hash: 'before' }),
      }),
      made.baseTrials,
    )
    const observations = passesOf(cases, made.trials, (i, t) => {
      const { ends, deterministic, cost } = made.cases[i]!
      return {
        passed: ends[t - 1] ?? null,
        deterministic,
        latency: 50 + 7 * i * t,
        ...(cost !== undefined && { cost }),
      }
    })
    const everything = {
      latency_p95: { max: 500, max_increase: 0.1 },
      cost_per_case: { max: 0.01, max_increase: 0.1 },
      mean_score: { min: 0.5, max_drop: 0.05 },
      categories: { a: { min_pass_rate: 0.5 }, b: { max_regression: 0.2 } },
    }
    const { scope, burden, exact, all } = made
    const policy = policyOf({ scope, burden, exact, min_coverage: 0.5, ...(all && everything) })
    return { cases, baseline, observations, policy, trials: { min: 1, max: 3 } }
  })

const text = ({ verdict, next }: Judgement) => JSON.stringify({ verdict, next })

describe('for every run', () => {
  it('the order of cases and observations changes no byte, and the verdict fits its schema', () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (given, dice) => {
        const shuffled = <T>(list: T[]) =>
          list
            .map((value) => ({ value, key: dice.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ value }) => value)
        const { baseline } = given
        const one = judged(given)
        const other = judged({
          ...given,
          cases: shuffled(given.cases),
          observations: shuffled(given.observations),
          baseline: { ...baseline, cases: shuffled(baseline.cases) },
        })
        expect(text(other)).toBe(text(one))
        expect(() => Verdict.parse(one.verdict)).not.toThrow()
        expect(one.verdict.reasons.length).toBeGreaterThan(0)
      }),
      { numRuns: 200 },
    )
  })

  it('is not changed by the input, and says the same twice', () => {
    fc.assert(
      fc.property(world, (given) => {
        const before = JSON.stringify(given)
        expect(text(judged(given))).toBe(text(judged(given)))
        expect(JSON.stringify(given)).toBe(before)
      }),
      { numRuns: 50 },
    )
  })

  it('errors alone never end in fail or pass', () => {
    fc.assert(
      fc.property(world, (given) => {
        const observations = given.observations.map(({ case: id, trial }) => observe(id, trial, { passed: null }))
        expect(judged({ ...given, observations }).verdict.outcome).toBe('invalid')
      }),
      { numRuns: 50 },
    )
  })

  it('a run that was stopped is invalid and asks for nothing', () => {
    fc.assert(
      fc.property(world, (given) => {
        const { verdict, next } = judged({ ...given, stopped: 'the key was refused' })
        expect([verdict.outcome, next]).toEqual(['invalid', null])
      }),
      { numRuns: 50 },
    )
  })

  it('turning a failure into a pass never makes the suite look more like a regression', () => {
    fc.assert(
      fc.property(world, fc.nat(), (given, pick) => {
        const failed = given.observations.flatMap(({ passed }, i) => (passed === false ? [i] : []))
        const chosen = failed[pick % Math.max(1, failed.length)]
        const better = given.observations.map((one, i) => (i === chosen ? { ...one, passed: true, score: 1 } : one))
        const p = (observations: typeof better) => judged({ ...given, observations }).gate('regression')?.p ?? 0
        expect(p(better)).toBeGreaterThanOrEqual(p(given.observations) - 1e-12)
      }),
      { numRuns: 100 },
    )
  })

  it('ends: after at most max passes and one round of confirmations there is nothing more to ask', () => {
    fc.assert(
      fc.property(world, (given) => {
        const all = passesOf(given.cases, 3, (i, t) => ({ passed: (i + t) % 4 !== 0, deterministic: false }))
        const confirms = given.cases.flatMap(({ id }) => [1001, 1002].map((t) => observe(id, t, {}, 'confirm')))
        expect(judged({ ...given, observations: [...all, ...confirms] }).next).toBeNull()
      }),
      { numRuns: 50 },
    )
  })
})

/** mulberry32: the same draws on every machine. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Gamma by Marsaglia and Tsang; for shapes below 1 with the usual boost. */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) return gamma(shape + 1, random) * random() ** (1 / shape)
  const d = shape - 1 / 3
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(1 - random()) < (normal * normal) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}

const CASES = 200
const BASE_TRIALS = 5
const simulated = casesOf(CASES, (i) => ({ category: `k${i % 5}` }))
const policy = policyOf({ min_pass_rate: 0 })
const trials = { min: 1, max: 3 }

/** One pull request: a fresh baseline of a fresh suite (mean 0.90, ICC 0.5), and a candidate that fails `drop` more. */
function draw(drop: number, random: () => number): { outcome: string; passes: number } {
  const rates = simulated.map(() => {
    const [x, y] = [gamma(0.9, random), gamma(0.1, random)]
    return x / (x + y)
  })
  const passes = (rate: number, n: number) => Array.from({ length: n }, () => random() < rate).filter(Boolean).length
  const baseline = baselineOf(simulated, (i) => ({ passes: passes(rates[i]!, BASE_TRIALS) }), BASE_TRIALS)
  const tallies: CaseTally[] = simulated.map(({ id, hash, category }) => ({
    id,
    hash,
    category: category!,
    passes: 0,
    trials: 0,
    errors: 0,
    scores: [],
    latencies_ms: [],
    costs_usd: [],
  }))
  for (let pass = 1; ; pass++) {
    for (const [i, tally] of tallies.entries()) {
      tally.trials = pass
      tally.passes += passes(rates[i]! * (1 - drop / 0.9), 1)
    }
    const frame = { cases: simulated, baseline, policy, trials, partial: false, evidence: [] }
    const { verdict, next } = judgeTallies({ ...frame, tallies, passes: pass })
    if (!next) return { outcome: verdict.outcome, passes: pass }
  }
}

function simulate(drop: number, draws: number, seed: number) {
  const random = randomOf(seed)
  const runs = Array.from({ length: draws }, () => draw(drop, random))
  const share = (outcome: string) => runs.filter((run) => run.outcome === outcome).length / draws
  return {
    fail: share('fail'),
    pass: share('pass'),
    calls: runs.reduce((sum, { passes }) => sum + passes, 0) / draws / trials.max,
  }
}

/** What a share of `draws` may show when the truth is `rate`: three standard errors above it. */
const upTo = (rate: number, draws: number) => rate + 3 * Math.sqrt((rate * (1 - rate)) / draws)
const downTo = (rate: number, draws: number) => rate - 3 * Math.sqrt((rate * (1 - rate)) / draws)

describe('error rates of the whole rule: 200 cases, ladder of 3, baseline of 5 trials, margin 5 points', () => {
  it('nothing changed: blocks at most 5 %, passes most, and asks at most 60 % of the calls', () => {
    const draws = 2000
    const { fail, pass, calls } = simulate(0, draws, 1)
    // The rule was measured at 2.1 % blocked, 98 % passed, 49 % of the calls.
    expect(fail).toBeLessThanOrEqual(0.05)
    expect(fail).toBeLessThanOrEqual(upTo(0.021, draws))
    expect(pass).toBeGreaterThanOrEqual(downTo(0.97, draws))
    expect(calls).toBeLessThanOrEqual(0.6)
  }, 60_000)

  it('a true drop as large as the margin passes at most about 5 % of the time', () => {
    const draws = 2000
    const { fail, pass } = simulate(0.05, draws, 2)
    expect(pass).toBeLessThanOrEqual(upTo(0.05, draws))
    expect(fail).toBeGreaterThanOrEqual(downTo(0.94, draws))
  }, 60_000)

  it('a drop of 10 points is blocked, early', () => {
    const draws = 1000
    const { fail, calls } = simulate(0.1, draws, 3)
    expect(fail).toBeGreaterThanOrEqual(0.99)
    expect(calls).toBeLessThanOrEqual(0.42)
  }, 60_000)
})
