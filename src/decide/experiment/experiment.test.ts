// Verdicts on experiments: error rates by simulation through the whole decision, what each part may and may not do, and properties.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../../fixtures/reference/read.ts'
import { ExperimentPlan, type LoadedExperiment } from '../../schema/experiment.ts'
import { ExperimentReport } from '../../schema/experiment-report.ts'
import type { ExperimentSummary, UnitMoments } from '../../schema/experiment-summary.ts'
import { bucketOf } from '../../statistics/log-histogram.ts'
import { DAY, horizonOf } from './horizon.ts'
import { sizeExperiment } from './size.ts'
import { judgeExperiment } from './verdict.ts'

const START = Date.parse('2026-10-05T00:00:00Z')
const END = START + 14 * DAY

function planOf(more: Record<string, unknown> = {}): LoadedExperiment {
  const plan = ExperimentPlan.parse({
    experiment: 'e',
    hypothesis: 'It helps.',
    variants: { control: { share: '50%' }, b: { share: '50%' } },
    source: { type: 'jsonl', path: 'x.jsonl' },
    metrics: {
      failed: { bad: 'x == 1' },
      slow: { bad: 'y == 1' },
      score: { mean: 'score' },
      cost: { kind: 'skewed', value: 'cost' },
    },
    primary: { metric: 'failed', effect: { abs: 0.05 }, direction: 'decrease' },
    horizon: { start: '2026-10-05T00:00:00Z', end: '2026-10-19T00:00:00Z', min_days: 14 },
    ...more,
  })
  return { plan, file: 'e.experiment.yaml', hash: 'f'.repeat(64) }
}

const rate = (n: number, bad: number): UnitMoments => ({ n, bad, sum: bad, squares: bad })
function moments(values: readonly number[]): UnitMoments {
  const histogram: Record<string, number> = {}
  for (const value of values) histogram[bucketOf(value)] = (histogram[bucketOf(value)] ?? 0) + 1
  const add = (a: number, b: number) => a + b
  return {
    n: values.length,
    bad: 0,
    sum: values.reduce(add, 0),
    squares: values.map((v) => v * v).reduce(add, 0),
    histogram,
  }
}
type Metrics = Record<string, UnitMoments>
function summaryOf(variants: Record<string, Metrics>, more: Partial<ExperimentSummary> = {}): ExperimentSummary {
  const unitsOf = (metrics: Metrics) => Math.max(0, ...Object.values(metrics).map(({ n }) => n))
  return {
    since: new Date(START).toISOString(),
    until: new Date(END).toISOString(),
    newest: new Date(END - 1).toISOString(),
    variants: Object.fromEntries(Object.entries(variants).map(([name, metrics]) => [name, { units: unitsOf(metrics), metrics }])), // biome-ignore format: one line
    days: [Object.fromEntries(Object.entries(variants).map(([name, metrics]) => [name, unitsOf(metrics)]))],
    both: 0,
    followed: 1,
    events: 1000,
    unreadable: 0,
    duplicates: 0,
    without_variant: 0,
    notes: [],
    ...more,
  }
}
function judge(loaded: LoadedExperiment, summary: ExperimentSummary, now = END + DAY, peek = false): ExperimentReport {
  const horizon = horizonOf(loaded.plan, summary, now)
  return ExperimentReport.parse(judgeExperiment(loaded, { now, peek, summary, horizon }))
}

describe('error rates of the whole decision', () => {
  const runs = 600
  const slack = (share: number) => 4 * Math.sqrt((share * (1 - share)) / runs)
  const draw = seeded(21)
  it('A/A with three variants, two secondaries and a guardrail: a winner in at most 2.5 % (one side of alpha), no veto beyond alpha', () => {
    const loaded = planOf({
      variants: { control: { share: 0.4 }, b: { share: 0.3 }, c: { share: 0.3 } },
      secondary: ['slow', 'score'],
      guardrails: { score: { abs: 0.1 } },
    })
    const arm = (n: number) => ({
      failed: rate(n, draw.binomial(n, 0.2)),
      slow: rate(n, draw.binomial(n, 0.1)),
      score: moments(Array.from({ length: 60 }, () => 1 + 0.3 * draw.normal())),
    })
    const seen = Array.from({ length: runs }, () =>
      judge(loaded, summaryOf({ control: arm(400), b: arm(300), c: arm(300) })),
    )
    const share = (of: (report: ExperimentReport) => boolean) => seen.filter(of).length / runs
    expect(
      share(({ primary }) => primary.some(({ finding }) => finding === 'better' || finding === 'worse')),
    ).toBeLessThan(0.05 + slack(0.05))
    expect(share(({ secondary }) => secondary.some(({ finding }) => finding !== 'open'))).toBeLessThan(
      0.05 + slack(0.05),
    )
    expect(share(({ outcome }) => outcome === 'pass')).toBeLessThan(0.025 + slack(0.025))
    expect(share(({ guardrails }) => guardrails.some(({ state }) => state === 'broken'))).toBeLessThan(0.05)
    expect(share(({ outcome }) => outcome === 'invalid')).toBeLessThan(0.02)
  })
  it('at the size that the plan says, the wanted effect is found with the wanted power', () => {
    const loaded = planOf()
    const size = sizeExperiment(loaded, { value: 0.2, deviation: null, from: 'plan' }, null)
    const n = size.smallest_variant
    const won = Array.from({ length: runs }, () =>
      judge(
        loaded,
        summaryOf({
          control: { failed: rate(n, draw.binomial(n, 0.2)) },
          b: { failed: rate(n, draw.binomial(n, 0.15)) },
        }),
      ),
    ).filter(({ winner }) => winner === 'b').length
    expect(won / runs).toBeGreaterThan(0.8 - slack(0.8))
    expect(won / runs).toBeLessThan(0.8 + slack(0.8))
  })
  it('a variant that is worse by exactly the margin of its guardrail is passed in at most alpha', () => {
    const loaded = planOf({ guardrails: { slow: { risk_ratio: 1.5 } } })
    const world = () =>
      judge(
        loaded,
        summaryOf({
          control: { failed: rate(3000, 600), slow: rate(3000, draw.binomial(3000, 0.04)) },
          b: { failed: rate(3000, 300), slow: rate(3000, draw.binomial(3000, 0.06)) },
        }),
      )
    const seen = Array.from({ length: runs }, world)
    expect(seen.filter(({ outcome }) => outcome === 'pass').length / runs).toBeLessThan(0.05 + slack(0.05))
    expect(seen.filter(({ outcome }) => outcome === 'fail').length / runs).toBeLessThan(0.05 + slack(0.05))
  })
})

describe('the order of things', () => {
  const good = { control: { failed: rate(2000, 600) }, b: { failed: rate(2000, 400) } }
  it('a crooked split makes even a great effect invalid, at once and at the horizon', () => {
    const crooked = summaryOf({ control: { failed: rate(2000, 600) }, b: { failed: rate(1700, 100) } })
    for (const now of [START + 8 * DAY, END + DAY])
      expect(judge(planOf(), crooked, now)).toMatchObject({ outcome: 'invalid', winner: null, primary: [] })
    expect(judge(planOf(), summaryOf(good, { both: 100 }))).toMatchObject({ outcome: 'invalid' })
    expect(judge(planOf(), summaryOf({ control: {}, b: {} }))).toMatchObject({ outcome: 'invalid' })
  })
  it('before the horizon nothing passes, however great the effect', () => {
    const early = judge(planOf(), summaryOf(good), START + 3 * DAY, true)
    expect(early).toMatchObject({ outcome: 'inconclusive', winner: null })
    expect(early.primary[0]).toMatchObject({ finding: 'better', p: null })
    expect(judge(planOf(), summaryOf(good))).toMatchObject({ outcome: 'pass', winner: 'b' })
  })
  it('a metric without values is never a pass', () => {
    const loaded = planOf({ guardrails: { score: { abs: 0.1 } } })
    expect(judge(loaded, summaryOf(good))).toMatchObject({ outcome: 'invalid', winner: null })
    const other = planOf({ primary: { metric: 'score', effect: { abs: 1 }, direction: 'increase' } })
    expect(judge(other, summaryOf(good))).toMatchObject({ outcome: 'invalid', winner: null })
  })
  it('tells "smaller than wanted" from "cannot be told"', () => {
    const many = { control: { failed: rate(20_000, 4000) }, b: { failed: rate(20_000, 3980) } }
    expect(judge(planOf(), summaryOf(many))).toMatchObject({ outcome: 'fail', winner: null })
    const few = { control: { failed: rate(100, 20) }, b: { failed: rate(100, 18) } }
    expect(judge(planOf(), summaryOf(few))).toMatchObject({ outcome: 'inconclusive', winner: null })
    const small = { control: { failed: rate(40_000, 8000) }, b: { failed: rate(40_000, 7600) } }
    const report = judge(planOf(), summaryOf(small))
    expect(report).toMatchObject({ outcome: 'pass', winner: 'b' })
    expect(report.warnings.join()).toContain('less than the effect that was wanted')
  })
  it('of several the one with the greatest effect wins, and a vetoed one never', () => {
    const loaded = planOf({
      variants: { control: { share: 0.5 }, b: { share: 0.25 }, c: { share: 0.25 } },
      guardrails: { slow: { abs: 0.02 } },
    })
    const arm = (failed: number, slow: number, n = 2000) => ({ failed: rate(n, failed), slow: rate(n, slow) })
    const both = summaryOf({ control: arm(1200, 200, 4000), b: arm(450, 100), c: arm(350, 100) })
    expect(judge(loaded, both)).toMatchObject({ outcome: 'pass', winner: 'c' })
    const vetoed = summaryOf({ control: arm(1200, 200, 4000), b: arm(450, 100), c: arm(350, 400) })
    const report = judge(loaded, vetoed)
    expect(report).toMatchObject({ outcome: 'pass', winner: 'b' })
    expect(report.reasons.join()).toContain('"c" must not be shipped')
  })
  it('skewed values: by rank, a ratio, and a guardrail on it', () => {
    const draw = seeded(4)
    const sample = (factor: number) => moments(Array.from({ length: 1500 }, () => factor * Math.exp(draw.normal())))
    const loaded = planOf({
      primary: { metric: 'cost', effect: { rel: 0.1 }, direction: 'decrease' },
      guardrails: { cost: { rel: 0.1 } },
    })
    const cheap = judge(loaded, summaryOf({ control: { cost: sample(1) }, b: { cost: sample(0.7) } }))
    expect(cheap).toMatchObject({ outcome: 'pass', guardrails: [{ state: 'held' }] })
    expect(cheap.primary[0]?.ratio?.estimate).toBeCloseTo(0.7, 1)
    const dear = judge(loaded, summaryOf({ control: { cost: sample(1) }, b: { cost: sample(1.5) } }))
    expect(dear).toMatchObject({ outcome: 'fail', guardrails: [{ state: 'broken' }] })
    expect(
      judge(loaded, summaryOf({ control: { cost: sample(1) }, b: { cost: sample(1.5) } }), START + 5 * DAY, true),
    ).toMatchObject({ outcome: 'fail' })
  })
  it('segments are shown, adjusted, and change nothing', () => {
    const loaded = planOf({ segments: {} })
    const part = (a: number, b: number) => ({
      control: { units: 500, metrics: { failed: rate(500, a) } },
      b: { units: 500, metrics: { failed: rate(500, b) } },
    })
    const segments = { free: part(150, 40), pro: part(150, 145), tiny: { control: { units: 1, metrics: {} } } }
    const [plain, split] = [judge(planOf(), summaryOf(good)), judge(loaded, summaryOf(good, { segments }))]
    expect({ ...split, segments: [], summary: plain.summary }).toEqual(plain)
    const [{ rows, heterogeneity } = { rows: [], heterogeneity: 1 }] = split.segments
    expect(rows.map(({ segment, compared }) => [segment, compared.finding])).toEqual([
      ['free', 'better'],
      ['pro', 'open'],
      ['tiny', 'not measured'],
    ])
    expect(heterogeneity).toBeLessThan(0.001)
  })
})

describe('horizon', () => {
  const loaded = planOf({ horizon: { start: '2026-10-05T00:00:00Z', units_per_variant: 100, min_days: 2 } })
  const days = (...counts: [number, number][]) => ({ days: counts.map(([control, b]) => ({ control, b })) })
  const at = (seen: Pick<ExperimentSummary, 'days'>, now: number) =>
    horizonOf(loaded.plan, summaryOf({ control: {}, b: {} }, seen), now)
  it('is the first whole day with the units and the days, plus the lateness of the log', () => {
    const seen = days([60, 60], [60, 30], [60, 60])
    expect(at(seen, START + 10 * DAY).at).toBe(new Date(START + 3 * DAY).toISOString())
    expect(at(seen, START + 3 * DAY)).toMatchObject({ reached: false })
    expect(at(seen, START + 3 * DAY + 60_000)).toMatchObject({ reached: true, days_left: 0 })
    expect(at(days([200, 200]), START + 10 * DAY).at).toBe(new Date(START + 2 * DAY).toISOString())
    expect(at(days([200, 99]), START + 10 * DAY)).toMatchObject({ at: null, reached: false })
  })
  it('never moves once it was reached, whatever comes later', () => {
    const day = fc.tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 80 }))
    fc.assert(
      fc.property(fc.array(day, { minLength: 1, maxLength: 12 }), fc.array(day, { maxLength: 5 }), (past, later) => {
        const [first, second] = [at(days(...past), START + 40 * DAY), at(days(...past, ...later), START + 50 * DAY)]
        if (first.reached) expect(second.at).toBe(first.at)
      }),
    )
  })
})
