// Properties of shards: the split is even and the same for everybody, and the ladder climbed by parts ends where one machine ends.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Observation } from '../../schema/run.ts'
import { observedBaseline } from '../baseline/accept-baseline.ts'
import { judgeChange } from '../change/judge-change.ts'
import { CONFIRMATIONS } from '../gate/critical.ts'
import { baselineOf, casesOf, observe, policyOf, runOf } from '../run-testing.ts'
import { shardNext } from './shard-ladder.ts'
import { splitCases } from './split-cases.ts'
import { FIRST_CONFIRMATION, wholeRun } from './whole-run.ts'

const loads = fc.uniqueArray(
  fc.record({
    suite: fc.constantFrom('a', 'b'),
    id: fc.string({ minLength: 1, maxLength: 4 }),
    ms: fc.option(fc.nat(60_000)),
  }),
  { selector: ({ suite, id }) => `${suite} ${id}`, maxLength: 60 },
)

it('every case has one shard, whatever the order, and none has much more to do than it must', () => {
  fc.assert(
    fc.property(loads, fc.integer({ min: 1, max: 9 }), (given, of) => {
      const shares = splitCases(given, of)
      expect(splitCases(given.toReversed(), of)).toEqual(shares)
      expect(shares.map(({ suite, id }) => `${suite} ${id}`).toSorted()).toEqual(
        given.map(({ suite, id }) => `${suite} ${id}`).toSorted(),
      )
      const known = given.flatMap(({ ms }) => (ms ? [ms] : []))
      const typical = known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : 1
      const lengths = shares.map(({ ms, shard }) => ({ shard, ms: ms || typical }))
      const work = Array.from({ length: of }, (_, i) =>
        lengths.filter(({ shard }) => shard === i + 1).reduce((sum, { ms }) => sum + ms, 0),
      )
      const sorted = lengths.map(({ ms }) => ms).toSorted((a, b) => b - a)
      // No split is better than this.
      const best = Math.max(
        work.reduce((a, b) => a + b, 0) / of,
        sorted[0] ?? 0,
        (sorted[of - 1] ?? 0) + (sorted[of] ?? 0),
      )
      // Lengths are counted in whole millionths.
      expect(Math.max(0, ...work)).toBeLessThanOrEqual(best * 1.5 + 0.001)
    }),
  )
})

it('cases of equal length are split by count', () => {
  const given = Array.from({ length: 23 }, (_, i) => ({ suite: 'a', id: `c${i}`, ms: 200 }))
  const counts = Array.from({ length: 4 }, (_, i) => splitCases(given, 4).filter(({ shard }) => shard === i + 1).length)
  expect(counts.toSorted((a, b) => a - b)).toEqual([5, 6, 6, 6])
})

type World = {
  n: number
  of: number
  max: number
  min: number
  rates: number[]
  critical: number[]
  quarantined: number[]
  seed: number
  compared: boolean
}
const worlds: fc.Arbitrary<World> = fc.record({
  n: fc.integer({ min: 3, max: 24 }),
  of: fc.integer({ min: 1, max: 6 }),
  min: fc.integer({ min: 1, max: 2 }),
  max: fc.integer({ min: 2, max: 4 }),
  rates: fc.array(fc.constantFrom(0, 1, 2, 5, 9), { minLength: 1, maxLength: 6 }),
  critical: fc.array(fc.nat(23), { maxLength: 4 }),
  quarantined: fc.array(fc.nat(23), { maxLength: 2 }),
  seed: fc.nat(1000),
  compared: fc.boolean(),
})

/** The answer to a trial, the same on every machine. */
function answerOf({ rates, seed }: World, i: number, trial: number, purpose: Observation['purpose']): Observation {
  const draw = (i * 7919 + trial * 104_729 + seed * 31) % 10
  const rate = rates[i % rates.length] ?? 0
  const id = `c${String(i).padStart(3, '0')}`
  return observe(id, trial, { passed: draw >= rate, deterministic: i % 2 === 0 }, purpose)
}

it('the run made of shards is the run of one machine, and it never asked for more than the shards have', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const { n, of, min, max, critical, quarantined, compared } = world
      const cases = casesOf(n, (i) => ({ critical: critical.includes(i) }))
      const baseline = compared ? baselineOf(cases) : null
      const out = cases.flatMap(({ id }, i) => (quarantined.includes(i) ? [id] : []))
      const { header } = runOf(cases, [], {
        trials: { min, max },
        policy: policyOf({ min_pass_rate: 0.8 }),
        ...(out.length > 0 && { quarantined: out }),
      })
      const place = new Map(cases.map(({ id }, i) => [id, i]))
      const ask = (ids: readonly string[], trials: readonly number[], purpose: Observation['purpose']) =>
        ids.flatMap((id) => trials.map((trial) => answerOf(world, place.get(id) ?? 0, trial, purpose)))
      const confirming = (count: number) => Array.from({ length: count }, (_, i) => FIRST_CONFIRMATION + i)

      const alone: Observation[] = ask(
        cases.map(({ id }) => id),
        [1],
        'pass',
      )
      const { policy, trials, partial } = header
      for (;;) {
        const { next } = judgeChange({
          cases,
          observations: [...alone],
          baseline,
          policy,
          trials,
          partial,
          quarantine: header,
        })
        if (!next) break
        alone.push(
          ...(next.kind === 'pass'
            ? ask(
                cases.map(({ id }) => id),
                [next.trial],
                'pass',
              )
            : ask(next.cases, confirming(next.trials), 'confirm')),
        )
      }

      const shares = splitCases(
        cases.map(({ id }) => ({ suite: 's', id, ms: null })),
        of,
      )
      const shards = Array.from({ length: of }, (_, i) => {
        const own = shares.filter(({ shard }) => shard === i + 1).map(({ id }) => id)
        const observations = ask(own, [1], 'pass')
        let asked = 1
        for (;;) {
          const infos = cases.filter(({ id }) => own.includes(id))
          const next = shardNext({ cases: infos, observations, baseline, quarantined: out, asked, min, passes: max })
          if (!next) break
          if (next.kind === 'pass') asked = next.trial
          observations.push(
            ...(next.kind === 'pass'
              ? ask(own, [next.trial], 'pass')
              : ask(next.cases, confirming(next.trials), 'confirm')),
          )
        }
        return { shard: i + 1, cases: own, observations }
      })
      const merged = wholeRun(header, baseline, shards, of)
      const names = (all: readonly Observation[]) =>
        all.map(({ case: id, trial, purpose }) => `${purpose} ${trial} ${id}`).toSorted()
      expect(merged.needed).toBe(null)
      expect(names(merged.run.observations)).toEqual(names(alone))
      const judged = (observations: Observation[]) =>
        JSON.stringify(judgeChange({ cases, observations, baseline, policy, trials, partial, quarantine: header }))
      expect(judged(merged.run.observations)).toBe(judged(alone))
      expect(merged.unused).toHaveLength(shards.reduce((sum, one) => sum + one.observations.length, 0) - alone.length)
    }),
    { numRuns: 150 },
  )
})

it('another side that is asked along grows with every pass, and by parts as in one run', () => {
  const property = fc.property(worlds, fc.nat(1000), fc.nat(23), (world, luck, unaskable) => {
    const { n, of, min, max, critical } = world
    const cases = casesOf(n, (i) => ({ critical: critical.includes(i) }))
    const { header } = runOf(cases, [], { trials: { min, max }, policy: policyOf({ min_pass_rate: 0.8 }) })
    // One case that the other side cannot ask.
    const asked = cases.filter((_, i) => i !== unaskable)
    const before = runOf(asked, []).header
    const baseline = (observations: Observation[]) =>
      observedBaseline(
        { header: before, observations, complete: true },
        { at: before.started_at, by: 'x', reason: 'y' },
      )
    const place = new Map(cases.map(({ id }, i) => [id, i]))
    const ask = (
      ids: readonly string[],
      trials: readonly number[],
      purpose: Observation['purpose'],
      of: World = world,
    ) => ids.flatMap((id) => trials.map((trial) => answerOf(of, place.get(id) ?? 0, trial, purpose)))
    const old = { ...world, seed: luck }
    const confirming = (count: number) => Array.from({ length: count }, (_, i) => FIRST_CONFIRMATION + i)
    const frame = { cases, policy: header.policy, trials: header.trials, partial: false, quarantine: header }
    const ids = cases.map(({ id }) => id)
    const otherIds = asked.map(({ id }) => id)
    const alone = ask(ids, [1], 'pass')
    const along = ask(otherIds, [1], 'pass', old)
    const judged = () => judgeChange({ ...frame, observations: [...alone], baseline: baseline(along) })
    for (let { next } = judged(); next; { next } = judged()) {
      if (next.kind === 'confirm') alone.push(...ask(next.cases, confirming(next.trials), 'confirm'))
      else {
        alone.push(...ask(ids, [next.trial], 'pass'))
        along.push(...ask(otherIds, [next.trial], 'pass', old))
      }
    }
    const shares = splitCases(
      ids.map((id) => ({ suite: 's', id, ms: null })),
      of,
    )
    const passes = Array.from({ length: max }, (_, i) => i + 1)
    const shards = Array.from({ length: of }, (_, i) => {
      const own = shares.filter(({ shard }) => shard === i + 1).map(({ id }) => id)
      const beside = own.filter((id) => otherIds.includes(id))
      const observations = [...ask(own, passes, 'pass'), ...ask(own, confirming(CONFIRMATIONS), 'confirm')]
      return { shard: i + 1, cases: own, observations, other: ask(beside, passes, 'pass', old) }
    })
    const merged = wholeRun(header, { cases: asked, baseline }, shards, of)
    expect(merged.needed).toBe(null)
    const name = ({ case: id, trial, purpose }: Observation) => `${purpose} ${trial} ${id}`
    expect(merged.run.observations.map(name).toSorted()).toEqual(alone.map(name).toSorted())
    expect(merged.other.map(name).toSorted()).toEqual(along.map(name).toSorted())
    const { observations } = merged.run
    expect(JSON.stringify(judgeChange({ ...frame, observations, baseline: baseline(merged.other) }))).toBe(
      JSON.stringify(judged()),
    )
    // Without an answer of the other side there is no verdict yet.
    const [first, ...rest] = shards
    if (first && first.other.length > 0)
      expect(
        wholeRun(header, { cases: asked, baseline }, [{ ...first, other: first.other.slice(1) }, ...rest], of).needed,
      ).toEqual({ kind: 'pass', trial: 1 })
  })
  fc.assert(property, { numRuns: 100 })
})
