// Doctor on worlds whose truth is known: error rates near what was made, gates that provably can do nothing, the same bytes.
import { describe, expect, it } from 'vitest'
import { DoctorReport } from '../../schema/doctor.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import type { CaseInfo } from '../../schema/run.ts'
import { betaDraw, binomialDraw } from '../../statistics/draws.ts'
import { baselineOf, casesOf, passesOf, policyOf, runOf, target } from '../run-testing.ts'
import { adviceOf } from './advice.ts'
import { dropped } from './changes.ts'
import { doctorReport, drawsFor, examine } from './doctor.ts'
import { abilities } from './extremes.ts'
import { historyOf } from './history.ts'
import { randomOf } from './random.ts'
import { simulate } from './rates.ts'
import { reviewNotes } from './review.ts'
import { type Plan, walk } from './walk.ts'
import { drawRates, worldOf } from './world.ts'

const now = new Date('2026-06-01T12:00:00Z')

/** Cases with rates from Beta(0.9 s, 0.1 s), ICC 0.5, and a baseline of `m` trials of them. */
function made(
  n: number,
  {
    m = 5,
    policy = {},
    of,
    seed = 'made',
    rate,
  }: {
    m?: number
    policy?: Partial<GatePolicy>
    of?: (i: number) => Partial<CaseInfo>
    seed?: string
    rate?: number
  } = {},
) {
  // biome-ignore format: short
  const random = randomOf(seed)
  const cases = casesOf(n, of)
  const baseline = baselineOf(
    cases,
    () => ({ passes: binomialDraw(m, rate ?? betaDraw(0.9, 0.1, random), random), trials: m }),
    m,
  )
  const plan: Plan = { cases, baseline, policy: policyOf(policy), trials: { min: 1, max: 3 } }
  const histories = cases.map((info, i) => ({ info, tally: baseline.cases[i]!, deterministic: true }))
  const history = { histories, baseline, standsIn: false, runs: [], replayed: 0 }
  const examined = (draws = 100, seed = 1) =>
    examine({ suite: 's', suiteVersion: '1.0.0', plan, history, baselineFile: 'b.json', seed, draws, now })!
  return { plan, baseline, history, world: worldOf(histories)!, examined }
}

describe('the world behind the counts', () => {
  it('finds the mean and the share between the cases that it was made with', () => {
    const { world } = made(600)
    expect(world.mean).toBeCloseTo(0.9, 1)
    expect(world.icc).toBeGreaterThan(0.35)
    expect(world.icc).toBeLessThan(0.65)
  })

  it('never claims certainty from counts that never failed, and is surer from more of them', () => {
    const lost = (n: number, m: number) => {
      const { world } = made(n, { m, rate: 1 })
      const random = randomOf('lost')
      const draws = Array.from({ length: 400 }, () => drawRates(world, random))
      return draws.flat().reduce((sum, rate) => sum + 1 - rate, 0) / draws.length / n
    }
    expect(lost(5, 1)).toBeGreaterThan(0.01)
    expect(lost(5, 1)).toBeGreaterThan(3 * lost(200, 1))
    expect(lost(200, 1)).toBeGreaterThan(lost(200, 10))
    expect(lost(200, 10)).toBeGreaterThan(0)
  })

  it('is null when nothing was measured', () => {
    expect(worldOf(casesOf(3).map((info) => ({ info, tally: { ...made(1).baseline.cases[0]!, passes: 0, trials: 0 }, deterministic: true })))).toBeNull() // biome-ignore format: short
  })
})

describe('a drop', () => {
  it.each(['diffuse', 'concentrated'] as const)(
    '%s takes exactly so much from the mean, and only where it should',
    (kind) => {
      const rates = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 0.5 : 1))
      const places = Array.from({ length: 20 }, (_, i) => i)
      const after = dropped(rates, places, { drop: 0.1, kind }, randomOf('drop'))
      const lost = (from: number, to: number) =>
        rates.slice(from, to).reduce((sum, rate, i) => sum + rate - after[from + i]!, 0)
      expect(lost(0, 20)).toBeCloseTo(2, 10)
      expect(lost(20, 40)).toBe(0)
      expect(after.filter((rate, i) => rate !== rates[i]).length).toBe(
        kind === 'diffuse' ? 20 : after.filter((rate, i) => rate < rates[i]!).length,
      )
      if (kind === 'concentrated') expect(after.filter((rate, i) => rate < rates[i]!).length).toBeLessThanOrEqual(4)
    },
  )
})

describe('error rates', () => {
  it('averaged over baselines, the test alone blocks close to alpha when nothing changed', () => {
    // With a margin of 0 only a proven improvement passes before the test is asked; one look of three trials.
    let blocks = 0
    for (let b = 0; b < 12; b++) {
      const { plan, world } = made(60, { seed: `b${b}`, policy: { max_regression: 0, min_pass_rate: 0, alpha: 0.1 } })
      const rates = simulate(
        { plan: { ...plan, trials: { min: 3, max: 3 } }, world, change: null },
        { draws: 100, name: `n${b}` },
      )
      blocks += rates.block.estimate * 100
    }
    expect(blocks / 1200).toBeGreaterThan(0.05)
    expect(blocks / 1200).toBeLessThan(0.15)
  })

  it('finds large drops nearly always and more of the larger', () => {
    const { drops, nothing_changed } = made(100).examined(150)
    const block = (drop: number) =>
      drops.find((one) => one.drop === drop && one.kind === 'diffuse')!.rates.block.estimate
    expect(block(0.1)).toBeGreaterThan(0.9)
    expect(block(0.1)).toBeGreaterThanOrEqual(block(0.05))
    expect(block(0.05)).toBeGreaterThan(block(0.02))
    expect(nothing_changed.block.estimate).toBeLessThan(0.1)
    expect(nothing_changed.calls).toBeLessThanOrEqual(nothing_changed.most_calls)
  })

  it('walks the shipped ladder: confirmations of a critical case are asked and counted', () => {
    const { plan } = made(200, { rate: 1, of: (i) => ({ critical: i === 0 }) })
    let asked = 0
    const flaky = walk(plan, (i) => ({ passed: i > 0 || ++asked !== 1, proof: false }))
    expect(flaky.outcome).toBe('pass')
    expect(flaky.calls).toBe(flaky.passes * 200 + 2)
    expect(walk(plan, (i) => ({ passed: i > 0, proof: true }))).toMatchObject({
      outcome: 'fail',
      fired: ['critical/c000'],
      passes: 1,
    })
  })
})

describe('what no run could do', () => {
  const category = (i: number) => ({ category: i < 12 ? 'billing' : 'other' })

  it('says which category is too small, and proves it by the worst run', () => {
    const { plan } = made(60, { of: category })
    const found = new Map(abilities(plan).map((gate) => [gate.id, gate]))
    expect(found.get('regression/billing')).toMatchObject({ decides: false, can_fire: false, problem: 'Category billing has 12 cases: its gate can never fire (it takes 20, 8 more).' }) // biome-ignore format: short
    expect(found.get('regression/other')).toMatchObject({ can_fire: true, problem: null })
    expect(found.get('regression')).toMatchObject({ can_fire: true, can_pass: true })
  })

  it('a margin that no perfect run could prove makes the policy fail', () => {
    const { outcome, reasons } = made(30, { rate: 1, policy: { max_regression: 0.001 } }).examined(40)
    expect(outcome).toBe('fail')
    expect(reasons.join(' ')).toMatch(/can never pass: 30 cases cannot prove a margin of 0\.1 points/)
    expect(made(30, { rate: 1, policy: { max_regression: 0.001, on_inconclusive: 'pass' } }).examined(40).outcome).toBe(
      'pass',
    )
  })

  it('a margin that could be proven, but seldom is when nothing changed, is warned about', () => {
    const { warnings } = made(60, { policy: { max_regression: 0.005 } }).examined(40)
    expect(warnings.join(' ')).toMatch(/A margin of 0\.5 points is too small for this suite/)
  })

  it('a suite that never passes cannot get worse: its gate can never fire', () => {
    const { outcome, reasons, cases } = made(30, { rate: 0, policy: { min_pass_rate: 0 } }).examined()
    expect(outcome).toBe('fail')
    expect(reasons.join(' ')).toMatch(/regression gate can never fire/)
    expect(cases.always_fail).toHaveLength(30)
  })

  it('warns of a critical case that is not clean, of a near floor, of a thin baseline', () => {
    const { plan, history, examined } = made(60, { m: 2, rate: 0.86, of: (i) => ({ critical: i === 3 }), policy: { latency_p95: { max: 100 } } }) // biome-ignore format: short
    plan.baseline!.cases[3]!.passes = 1
    expect(history.baseline).toBe(plan.baseline)
    const { warnings } = examined(40)
    expect(warnings.join('\n')).not.toMatch(/latency can never/)
    expect(warnings.join('\n')).toMatch(/Critical case c003 can never block/)
    expect(warnings.join('\n')).toMatch(/floor of 85\.0 % lies too near/)
    expect(warnings.join('\n')).toMatch(/cases with only 2 trials/)
  })

  it('a raw policy that blocks for nothing is said to be unsound', () => {
    const raw = { naive: { min_pass_rate: 0.85, max_drop: 0.02, max_category_drop: 0.02 } }
    const { outcome, reasons } = made(100, { of: (i) => ({ category: 'abcde'[i % 5]! }), policy: raw }).examined(100)
    expect(outcome).toBe('fail')
    expect(reasons[0]).toMatch(/The policy blocks too much/)
  })
})

describe('raw thresholds', () => {
  const naive = { min_pass_rate: 0.85, max_drop: 0.5, max_category_drop: 0.5 }
  const of = (i: number) => ({ category: i < 4 ? 'safety' : 'other' })

  it('decide in small categories too: no such gate is said to be dead', () => {
    const { plan } = made(60, { of, policy: { naive } })
    const gate = abilities(plan).find(({ id }) => id === 'regression/safety')
    expect(gate).toMatchObject({ n: 4, decides: true, can_fire: true, problem: null })
    const never = abilities({ ...plan, policy: policyOf({ naive: { ...naive, max_category_drop: 1 } }) })
    expect(never.find(({ id }) => id === 'regression/safety')?.problem).toBe(
      'The regression gate of category safety can never fire: not even a run in which every answer fails breaks it.',
    )
  })

  it('are not warned about by the floor and the margin of the tests, which they replace', () => {
    const near = { rate: 0.86, policy: { max_regression: 0.005 } }
    const { warnings } = made(60, near).examined(40)
    expect(warnings.join('\n')).toMatch(/floor of 85\.0 % lies too near[^]*|A margin of/)
    const raw = made(60, { ...near, policy: { ...near.policy, naive } }).examined(40)
    expect(raw.warnings.join('\n')).not.toMatch(/lies too near|A margin of/)
    expect(raw).toMatchObject({ margin: null, advice: [] })
    // A raw floor of 0 is no floor, whatever the floor of the tests says.
    const free = made(60, { ...near, policy: { naive: { ...naive, min_pass_rate: 0 } } }).examined(40)
    expect(free.reasons.join('\n')).not.toMatch(/The floor can never fire/)
  })
})

describe('advice', () => {
  it('names numbers that the simulation bears out, and none where the goal is met', () => {
    const { plan, world } = made(40, { seed: 'advice' })
    const nothing = simulate({ plan, world, change: null }, { draws: 200, name: 'nothing' })
    expect(nothing.pass.estimate).toBeLessThan(0.8)
    const [conclude] = adviceOf({ plan, world, nothing, found: () => undefined, name: 'a' })
    expect(conclude!.met).toBe(false)
    expect(conclude!.ways.length).toBeGreaterThan(0)
    for (const way of conclude!.ways) {
      expect(way.confirmed!.estimate).toBeGreaterThanOrEqual(0.8)
      expect(way.cases > 40 || way.trials > 3).toBe(true)
    }
    const met = adviceOf({ plan, world, nothing: { ...nothing, pass: { ...nothing.pass, estimate: 0.9 } }, found: () => undefined, name: 'a' }) // biome-ignore format: short
    expect(met[0]).toMatchObject({ met: true, ways: [] })
  })
})

describe('the review of thresholds', () => {
  it.each([
    [{ owner: 'Ada', reviewed: '2026-02-01' }, 'The thresholds were reviewed 120 days ago by Ada: ask for a review.'],
    [{ reviewed: '2026-02-01' }, 'The thresholds were reviewed 120 days ago by nobody who is named: ask for a review.'],
    [{ owner: 'Ada', reviewed: '2026-03-03' }, undefined],
    [{ owner: 'Ada', reviewed: '2026-03-02' }, 'The thresholds were reviewed 91 days ago by Ada: ask for a review.'],
    [{}, undefined],
  ])('%j', (policy, says) => expect(reviewNotes(policy, now)[0]).toBe(says))
})

describe('history', () => {
  const cases = casesOf(4)
  const baseline = baselineOf(cases)
  const given = { suite: 's', targetHash: target.hash, cases, deterministic: new Set<string>() }
  const run = (id: string, trial = {}) => runOf(cases, passesOf(cases, 2, () => trial), { id, trials: { min: 1, max: 2 } }) // biome-ignore format: short

  it('adds fresh runs of the same target, and neither replays, nor others, nor runs that the baseline holds', () => {
    const other = runOf(cases, passesOf(cases, 2), { id: 'x', target: { ...target, hash: 't2' } })
    const runs = [run('r5', { passed: false }), run('r4', { replayed: true }), other, run('r0')]
    const found = historyOf({ ...given, baseline, runs })!
    expect(found).toMatchObject({ runs: ['r5'], replayed: 1, standsIn: false })
    expect(found.histories[0]!.tally).toMatchObject({ passes: 5, trials: 7 })
  })

  it('knows the judge of the newest run, and says that drops are simulated as that one shows them', () => {
    const table = { truePass: 45, falseFail: 5, falsePass: 5, trueFail: 45 }
    const use = { judge: 'j', type: 'rubric' as const, table, kappa: 0.8, threshold: 0.75, sample_of: null, at: null, corrects: true, weak: false, note: null } // biome-ignore format: short
    const judging = { judges: {}, uses: [use], gold: [], notes: [] }
    const judgedRun = runOf(cases, passesOf(cases, 2), { id: 'r6', judging })
    const history = historyOf({ ...given, baseline, runs: [judgedRun] })!
    expect(history.judge).toEqual({ name: 'j', shown: expect.closeTo(0.8, 12) as number })
    const plan = { cases, baseline, policy: policyOf(), trials: { min: 1, max: 1 } }
    const rest = {
      suite: 's',
      suiteVersion: '1.0.0',
      baselineFile: 'b.json',
      seed: 1,
      draws: 20,
      now: new Date('2026-11-21'),
    }
    const found = examine({ ...rest, plan, history })
    expect(found?.warnings.join(' ')).toContain('The judge j shows 80.0 % of a difference.')
  })

  it('lets the newest whole run stand in for a baseline', () => {
    const partial = runOf(cases, passesOf(cases, 2), { id: 'p', partial: true })
    const found = historyOf({ ...given, baseline: null, runs: [partial, run('r2'), run('r1')] })!
    expect(found.standsIn).toBe(true)
    expect(found.baseline.runs.map(({ id }) => id)).toEqual(['r2'])
    expect(found.histories[0]!.tally.trials).toBe(6)
    expect(historyOf({ ...given, baseline: null, runs: [] })).toBeNull()
  })
})

it('the same seed gives the same bytes, another seed others, and the schema holds', () => {
  const bytes = (seed: number) =>
    JSON.stringify(doctorReport([made(24).examined(40, seed)], { toolVersion: '1', seed }))
  expect(bytes(7)).toBe(bytes(7))
  expect(bytes(7)).not.toBe(bytes(8))
  expect(DoctorReport.parse(JSON.parse(bytes(7)))).toEqual(JSON.parse(bytes(7)))
})

it('asks for fewer draws where each of them is slow', () => {
  const plain = made(200).plan
  expect(drawsFor(plain)).toBe(2000)
  expect(drawsFor({ ...plain, policy: policyOf({ latency_p95: { max_increase: 0.1 } }) })).toBeLessThan(1000)
})
