// Rollouts through the shipped fold over simulated users: days at 5 % with a look a minute, and whole rollouts from 1 % to 100 %.
import { type SimulatedRun, simulateMinutes } from '../src/decide/rollout/simulate.ts'
import type { Block } from '../src/schema/rollout-journal.ts'
import { RolloutPlan } from '../src/schema/rollout.ts'
import { delay, medianOf, type Part, percent, rolled, table } from './canary-table.ts'
import { type ArmMinute, crowd, diurnal, doubling, type Flow, type Minute, strangers } from './traffic.ts'
import { streamOf } from './world.ts'

const common = {
  rollout: 'bench',
  release: { prompt: 'answer@2' },
  baseline: { prompt: 'answer@1' },
  control: { type: 'flagd', path: 'flags.json' },
  source: { type: 'jsonl', path: 'events.jsonl' },
  metrics: { error_rate: { bad: 'error.type != null', margin: { risk_ratio: 1.5 } } },
}
const planned = (alpha: number, stages: unknown): RolloutPlan => RolloutPlan.parse({ ...common, alpha, stages })
const stay = [{ traffic: '5%', duration: '30h' }, { traffic: '100%' }]
const grow = [{ traffic: '5%', duration: '16h' }, { traffic: '50%', duration: '30h' }, { traffic: '100%' }]
/** Days that nothing but proven harm ends: at 5 %, or at 5 % for 16 hours and then at 50 %; at alpha 0.05 and 0.01. */
export const stayPlans = { loose: planned(0.05, stay), strict: planned(0.01, stay) }
const growPlans = { loose: planned(0.05, grow), strict: planned(0.01, grow) }
const ladder = [
  { traffic: '1%', duration: '30m', gate: 'no-harm', min_users: 10 },
  { traffic: '5%', duration: '2h', gate: 'no-harm', min_users: 50 },
  { traffic: '25%', duration: '4h', gate: 'non-inferior' },
  { traffic: '50%', duration: '4h', gate: 'non-inferior' },
  { traffic: '100%', bake: '4h' },
]
export const wholePlan = planned(0.01, ladder)
/** For few users, who soon have all had their first bad answer. */
const widePlan = RolloutPlan.parse({
  ...wholePlan,
  metrics: { error_rate: { ...common.metrics.error_rate, margin: { risk_ratio: 2 } } },
})

function blockOf({ baseline, candidate }: Minute, at: { start: number; generation: number }): Block {
  const arm = ({ n, bad, first, units, fresh, risk }: ArmMinute) => ({
    requests: n,
    units,
    fresh,
    metrics: { error_rate: { n, bad, first, at_risk: risk, sum: 0, squares: 0, over: [] } },
  })
  return {
    start: at.start,
    length: 60_000,
    generation: at.generation,
    arms: { baseline: arm(baseline), candidate: arm(candidate) },
    both: 0,
  }
}

export type FoldRow = {
  title: string
  flow: Flow
  /** The same 3,000 users ask all the time; else every request is a user of its own. */
  heavy?: boolean
  /** Share of 5 % for 16 hours, then 50 %. */
  grows?: boolean
  /** The candidate gets worse at this minute. */
  from?: number
  /** A margin of 2 instead of 1.5. */
  wide?: boolean
}

/** One rollout; the seed, the row and the draw decide it. */
export function rolloutOf(
  row: FoldRow,
  plan: RolloutPlan,
  hours: number,
  [seed, index, draw]: [number, number, number],
): SimulatedRun {
  const random = streamOf(seed, index, draw)
  const town = row.heavy ? crowd(row.flow, random) : strangers(row.flow, random)
  return simulateMinutes(plan, (at) => blockOf(town(at.minute, at.share), at), { hours, every: 1 })
}

/** Minutes until it was rolled back, at alpha 0.05 and 0.01: Infinity where it was not, NaN where it was not worse yet. */
export function dayOf(row: FoldRow, at: [number, number, number]): [number, number] {
  const plans = row.grows ? growPlans : stayPlans
  const from = row.from ?? 0
  const minutes = (plan: RolloutPlan) => {
    const run = rolloutOf(row, plan, 24, at)
    if (run.end !== 'rolled-back') return Infinity
    return run.minutes <= from ? Number.NaN : run.minutes - from
  }
  const loose = minutes(plans.loose)
  // The evidence is the same at both levels: what never reached the lower bound did not reach the higher one.
  return [loose, loose === Infinity ? Infinity : minutes(plans.strict)]
}

const same = () => 1
const both = (title: string, more: Partial<Flow>, rest: Omit<FoldRow, 'title' | 'flow'> = {}): FoldRow[] =>
  [33, 330].map((rate) => ({ title: `${title}, ${rate}/min`, flow: { rate, ratio: same, ...more }, ...rest }))

const good: FoldRow[] = [
  ...both('steady', {}),
  ...both('traffic and base rate swing over the day', { traffic: diurnal, base: diurnal }),
  ...both('base rate of both arms doubles at hour 16', { base: doubling }),
  ...both('the same, and 5 % becomes 50 % then', { base: doubling }, { grows: true }),
  ...both('3,000 users, a few ask most', {}, { heavy: true }),
]
const bad: FoldRow[] = [
  ...both('1.5x worse', { ratio: () => 1.5 }),
  ...both('2x worse', { ratio: () => 2 }),
  ...both('5x worse', { ratio: () => 5 }),
  ...both('2x worse, 3,000 users, a few ask most', { ratio: () => 2 }, { heavy: true }),
  ...both('2x worse from hour 12 on', { ratio: (at) => (at < 720 ? 1 : 2) }, { from: 720 }),
]
const whole: FoldRow[] = [
  ...both('as good', {}),
  ...both('as good, traffic and base rate swing', { traffic: diurnal, base: diurnal }),
  ...both('as good, 3,000 users, a few ask most', {}, { heavy: true }),
  ...both('1.5x worse, as much as the margin', { ratio: () => 1.5 }),
  ...both('2x worse', { ratio: () => 2 }),
  ...both('as good, 3,000 users, margin 2', {}, { heavy: true, wide: true }),
  ...both('2x worse, 3,000 users, margin 2', { ratio: () => 2 }, { heavy: true, wide: true }),
  ...both('1.5x worse, 3,000 users', { ratio: () => 1.5 }, { heavy: true }),
  ...both('2x worse, 3,000 users', { ratio: () => 2 }, { heavy: true }),
]
const HOURS = 96
const hours = (minutes: number) => (Number.isFinite(minutes) ? (minutes / 60).toFixed(1) : 'none')

const FIRST_STREAM = 100

function printed(rows: readonly FoldRow[], found: readonly number[][][], cell: (minutes: number[]) => string) {
  return rows.map((row, i) => [
    row.title,
    ...[0, 1].map((level) => cell((found[i] ?? []).map((day) => day[level] ?? 0))),
  ])
}

export const foldRows = [...good, ...bad]
export const foldDays: Part = {
  rows: foldRows.length,
  draw(index, seed, draw) {
    const row = foldRows[index]
    return row ? dayOf(row, [seed, FIRST_STREAM + index, draw]) : []
  },
  print: (found) => [
    '## The shipped fold',
    '### Good canary at 5 % for a day: % of the draws that are rolled back',
    table(['traffic', 'alpha 0.05', 'alpha 0.01'], printed(good, found, rolled)),
    '### Bad canary at 5 %: median minutes until it is rolled back (and % of the draws that are within the day, where not all)',
    table(['candidate', 'alpha 0.05', 'alpha 0.01'], printed(bad, found.slice(good.length), delay)),
  ],
}

const ENDS = ['promoted', 'rolled-back', 'open'] as const
export const wholeRollouts: Part = {
  rows: whole.length,
  draw(index, seed, draw) {
    const row = whole[index]
    if (!row) return []
    const run = rolloutOf(row, row.wide ? widePlan : wholePlan, HOURS, [
      seed,
      FIRST_STREAM + foldRows.length + index,
      draw,
    ])
    return [ENDS.indexOf(run.end), run.minutes]
  },
  print: (found) => [
    `### Whole rollouts 1-5-25-50-100, alpha 0.01, at most ${HOURS} hours: % of the draws`,
    table(
      ['candidate', 'promoted', 'rolled back', 'open', 'median hours to the end', 'median hours to the rollback'],
      whole.map(({ title }, i) => {
        const runs = found[i] ?? []
        const by = ENDS.map((_, end) => runs.filter((run) => run[0] === end).map((run) => run[1] ?? Infinity))
        const median = (end: number) => hours(medianOf(by[end] ?? []))
        return [title, ...by.map((some) => percent(some.length / runs.length)), median(0), median(1)]
      }),
    ),
  ],
}
