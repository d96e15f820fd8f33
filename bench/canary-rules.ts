// The bare tests of the statistics and the rules that people usually write, over simulated days with a look a minute.
import { harmEvidence, startArmShare, stepArmShare } from '../src/statistics/arm-share.ts'
import { oddsHarm, startStratifiedOdds, stepStratifiedOdds } from '../src/statistics/e-cmh.ts'
import { delay, type Part, rolled, table } from './canary-table.ts'
import { type ArmMinute, crowd, dayIn, diurnal, doubling, type Flow, type Minute, strangers } from './traffic.ts'
import { streamOf } from './world.ts'

type Random = ReturnType<typeof streamOf>
/** Looks at one minute after the other and answers a number; the rule alarms where it reaches a limit. */
type Rule = { limits: readonly (readonly [string, number])[]; start: () => (minute: Minute) => number }

const levels = [
  ['0.05', Math.log(20)],
  ['0.01', Math.log(100)],
] as const

function armShare(count: (arm: ArmMinute) => number): Rule['start'] {
  return () => {
    let state = startArmShare()
    return ({ at, share, candidate, baseline }) => {
      state = stepArmShare(state, { share, candidate: count(candidate), baseline: count(baseline), hour: at / 60 })
      return harmEvidence(state)
    }
  }
}

function stratified(): (minute: Minute) => number {
  let state = startStratifiedOdds(1.5)
  return ({ at, baseline, candidate }) => {
    state = stepStratifiedOdds(state, { baseline, candidate, hour: at / 60 })
    return oddsHarm(state)
  }
}

/** The share of bad requests of the candidate in the last five minutes, in units of 5 %. */
function lastMinutes(): (minute: Minute) => number {
  const window: ArmMinute[] = []
  return ({ candidate }) => {
    window.push(candidate)
    if (window.length > 5) window.shift()
    const n = window.reduce((sum, one) => sum + one.n, 0)
    return n === 0 ? 0 : window.reduce((sum, one) => sum + one.bad, 0) / n / 0.05
  }
}

/** Minutes in a row in which the pooled one-sided z-test of all requests so far says p < 0.05. */
function pooledZ(): (minute: Minute) => number {
  const [base, cand] = [
    { n: 0, bad: 0 },
    { n: 0, bad: 0 },
  ]
  let inRow = 0
  return ({ baseline, candidate }) => {
    base.n += baseline.n
    base.bad += baseline.bad
    cand.n += candidate.n
    cand.bad += candidate.bad
    const rate = (base.bad + cand.bad) / (base.n + cand.n)
    const error = Math.sqrt(rate * (1 - rate) * (1 / base.n + 1 / cand.n))
    inRow = (cand.bad / cand.n - base.bad / base.n) / error > 1.645 ? inRow + 1 : 0
    return inRow
  }
}

const rules = {
  'arm-share, first bad event of a user': { limits: levels, start: armShare((arm) => arm.first) },
  'arm-share, every bad request': { limits: levels, start: armShare((arm) => arm.bad) },
  'e-CMH, requests': { limits: levels, start: stratified },
  'z-test': {
    limits: [
      ['every minute', 1],
      ['`for: 15m`', 15],
    ],
    start: pooledZ,
  },
  candidate: { limits: [['above 5 % over 5 min', 1 + 1e-9]], start: lastMinutes },
} as const satisfies Record<string, Rule>
const columns = Object.entries<Rule>(rules).flatMap(([rule, { limits }]) =>
  limits.map(([limit]) => `${rule}, ${limit}`),
)

type Scenario = { title: string; draw: (random: Random) => Iterable<Minute>; from?: number }
type Made = Partial<Flow> & { share?: (at: number) => number; heavy?: boolean }

const day = (title: string, rate: number, { share, heavy, ...more }: Made, from = 0): Scenario => ({
  title: `${title}, ${rate}/min`,
  draw: (random) => {
    const flow = { rate, ratio: () => 1, ...more }
    return dayIn(heavy ? crowd(flow, random) : strangers(flow, random), share ?? (() => 0.05))
  },
  from,
})
const both = (title: string, made: Made, from = 0) => [33, 330].map((rate) => day(title, rate, made, from))

const good: Scenario[] = [
  ...both('steady', {}),
  ...both('traffic and base rate swing over the day', { traffic: diurnal, base: diurnal }),
  ...both('base rate of both arms doubles at hour 16', { base: doubling }),
  ...both('the same, with 5 % before and 50 % after', { base: doubling, share: (at) => (at < 960 ? 0.05 : 0.5) }),
  day('a few users ask most', 33, { heavy: true }),
]
const bad: Scenario[] = [
  ...both('1.5x worse', { ratio: () => 1.5 }),
  ...both('2x worse', { ratio: () => 2 }),
  ...both('5x worse', { ratio: () => 5 }),
  day('2x worse, a few users ask most', 33, { ratio: () => 2, heavy: true }),
  ...both('2x worse from hour 12 on', { ratio: (at) => (at < 720 ? 1 : 2) }, 720),
]

/** Minutes from `from` to the alarm of each column (NaN: an alarm before it), Infinity where there was none. */
function dayOf({ draw, from = 0 }: Scenario, random: Random): number[] {
  const watching = Object.values<Rule>(rules).map(({ limits, start }) => ({ limits, look: start() }))
  const found = columns.map(() => Infinity)
  for (const minute of draw(random)) {
    let column = 0
    for (const { limits, look } of watching) {
      const seen = look(minute)
      for (const [, limit] of limits) {
        if (seen >= limit && found[column] === Infinity)
          found[column] = minute.at < from ? Number.NaN : minute.at + 1 - from
        column++
      }
    }
  }
  return found
}

const scenarios = [...good, ...bad]
function printed(
  title: string,
  from: number,
  found: readonly number[][][],
  cell: (minutes: number[]) => string,
): string {
  const part = scenarios.slice(from, from === 0 ? good.length : undefined)
  const rows = columns.map((name, column) => [
    name,
    ...part.map((_, i) => cell((found[from + i] ?? []).map((day) => day[column] ?? Infinity))),
  ])
  return `### ${title}\n\n${table(['rule', ...part.map((scenario) => scenario.title)], rows)}`
}

export const ruleDays: Part = {
  rows: scenarios.length,
  draw(row, seed, draw) {
    const scenario = scenarios[row]
    return scenario ? dayOf(scenario, streamOf(seed, row, draw)) : []
  },
  print: (found) => [
    '## The bare tests and the usual rules',
    printed('Good canary: % of the days on which it is rolled back', 0, found, rolled),
    printed(
      'Bad canary: median minutes to the alarm (and % of the days on which there is one, where not all)',
      good.length,
      found,
      delay,
    ),
  ],
}
