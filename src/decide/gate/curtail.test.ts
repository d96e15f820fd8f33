// Curtailment: a ladder that stops undecided would have stayed undecided, whatever the answers; and calls saved are counted.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CaseTally } from '../../schema/baseline.ts'
import { cannotChange, completed } from './curtail.ts'
import { judgeTallies } from './judge.ts'
import { baselineOf, casesOf, judged, passesOf, policyOf } from '../run-testing.ts'

const tallyOf = (id: string, hash: string, passes: number, trials: number): CaseTally => {
  return { id, hash, passes, trials, errors: 0, scores: [], latencies_ms: [], costs_usd: [] }
}

/** Small suites whose ladder may be hopeless, the ends of all passes that could be asked, and some other ends instead. */
const world = fc.record({
  base: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
  ends: fc.array(fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), { minLength: 4, maxLength: 4 }),
  other: fc.array(fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), { minLength: 4, maxLength: 4 }),
  exact: fc.boolean(),
  alpha: fc.constantFrom(0.05, 0.01, 0.001, 0.0001),
  floor: fc.constantFrom(0, 0.5, 0.85),
  margin: fc.constantFrom(0.05, 0.2, 0.5),
  max: fc.integer({ min: 2, max: 4 }),
})

describe('a ladder that stops without a verdict', () => {
  it('could not have found one: any other ends of the remaining passes leave it undecided at every look', () => {
    let curtailed = 0
    fc.assert(
      fc.property(world, ({ base, ends, other, exact, alpha, floor, margin, max }) => {
        const cases = casesOf(base.length)
        const baseline = baselineOf(cases, (i) => ({ passes: base[i]!, trials: 3 }))
        const policy = policyOf({ exact, alpha, min_pass_rate: floor, max_regression: margin })
        const at = (passes: number, seen: readonly boolean[][]) =>
          judgeTallies({
            cases,
            baseline,
            policy,
            passes,
            trials: { min: 1, max },
            partial: false,
            evidence: [],
            tallies: cases.map(({ id, hash }, i) =>
              tallyOf(id, hash, seen.slice(0, passes).filter((pass) => pass[i]).length, passes),
            ),
          })
        let passes = 1
        while (at(passes, ends).next !== null) passes += 1
        const { measured } = at(passes, ends).verdict
        if (passes === max || measured !== 'inconclusive') return
        curtailed += 1
        const otherwise = [...ends.slice(0, passes), ...other.slice(passes)]
        for (let later = passes + 1; later <= max; later++) expect(at(later, otherwise).verdict.measured).toBe(measured)
      }),
      { numRuns: 1500, seed: 5 },
    )
    // Without it the property would hold of nothing.
    expect(curtailed).toBeGreaterThan(20)
  })

  it('is stopped where two cases can prove nothing: even if all fails from now on, p stays above alpha', () => {
    const cases = casesOf(2)
    const input = { cases, baseline: baselineOf(cases, () => ({ passes: 3, trials: 3 })), trials: { min: 1, max: 3 } }
    const at = (changes: Parameters<typeof policyOf>[0]) =>
      judged({
        ...input,
        observations: passesOf(cases, 1),
        policy: policyOf({ exact: true, min_pass_rate: 0, ...changes }),
      })
    // Both passed once. Should both fail from now on, p is 0.2 each (1 of 3 against 3 of 3), 0.04 together.
    expect(at({ alpha: 0.01 })).toMatchObject({ next: null, verdict: { outcome: 'inconclusive', saved_calls: 4 } })
    expect(at({ alpha: 0.05 })).toMatchObject({ next: { kind: 'pass', trial: 2 } })
    expect(at({ alpha: 0.05 }).verdict).not.toHaveProperty('saved_calls')
    // New cases have another bound, one that hangs on the spread: nothing is curtailed.
    expect(at({ alpha: 0.01, scope: 'population' })).toMatchObject({ next: { kind: 'pass', trial: 2 } })
  })
})

describe('cannotChange', () => {
  const given = {
    tallies: [tallyOf('a', 'a', 1, 1)],
    gates: [],
    now: 'inconclusive' as const,
    passes: 1,
    max: 3,
    outcomeAt: () => 'inconclusive' as const,
  }

  it('asks the rule at every later look, everything passed and everything failed', () => {
    const asked: string[] = []
    const outcomeAt = ([tally]: CaseTally[], passes: number) => {
      asked.push(`${passes}: ${tally?.passes}/${tally?.trials}`)
      return 'inconclusive' as const
    }
    expect(cannotChange({ ...given, outcomeAt })).toBe(true)
    expect(asked).toEqual(['3: 1/3', '3: 3/3', '2: 1/2', '2: 2/2'])
  })

  it('is no when one look ends otherwise, when a trial was lost, and beside gates that passes do not bound', () => {
    const [gate] = judged({ cases: casesOf(1), observations: passesOf(casesOf(1), 1) }).verdict.gates
    expect(cannotChange({ ...given, outcomeAt: (_, passes) => (passes === 2 ? 'fail' : 'inconclusive') })).toBe(false)
    expect(cannotChange({ ...given, tallies: [{ ...given.tallies[0]!, errors: 1 }] })).toBe(false)
    for (const kind of ['latency', 'cost', 'score', 'critical'] as const) {
      expect(cannotChange({ ...given, gates: [{ ...gate!, kind }] })).toBe(false)
      expect(cannotChange({ ...given, gates: [{ ...gate!, kind, decides: false }] })).toBe(true)
    }
  })

  it('adds trials without touching what was seen', () => {
    const before = tallyOf('a', 'a', 1, 2)
    expect(completed([before], 2, 'fail')).toEqual([tallyOf('a', 'a', 1, 4)])
    expect(completed([before], 2, 'pass')).toEqual([tallyOf('a', 'a', 3, 4)])
    expect(before.trials).toBe(2)
  })
})

describe('calls saved', () => {
  const cases = casesOf(200)
  const few = casesOf(20)
  const frame = { cases, baseline: baselineOf(cases), trials: { min: 1, max: 3 } }

  it('are the trials that the ladder did not need', () => {
    expect(judged({ ...frame, observations: passesOf(cases, 1) }).verdict).toMatchObject({
      outcome: 'pass',
      passes: 1,
      saved_calls: 400,
    })
  })

  it.each([
    ['a ladder climbed to its end', { observations: passesOf(cases, 3) }],
    ['a run that goes on', { cases: few, baseline: baselineOf(few), observations: passesOf(few, 1) }],
    ['what was not measured', { observations: passesOf(cases, 1, () => ({ passed: null })) }],
  ])('are none for %s', (_, given) => {
    expect(judged({ ...frame, ...given }).verdict).not.toHaveProperty('saved_calls')
  })
})
