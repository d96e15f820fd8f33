// How often a good canary is rolled back and how soon a bad one is found, with a look a minute for a day: the shipped tests and the usual rules.
import { parseArgs } from 'node:util'
import { harmEvidence, startArmShare, stepArmShare } from '../src/statistics/arm-share.ts'
import { oddsHarm, startStratifiedOdds, stepStratifiedOdds } from '../src/statistics/e-cmh.ts'
import { type ArmMinute, DAY, type Flow, heavyUsers, independent, type Minute } from './traffic.ts'
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

type Scenario = { title: string; draw: (random: Random) => Iterable<Minute>; from?: number; slow?: boolean }

const steady: Pick<Flow, 'share' | 'ratio'> = { share: () => 0.05, ratio: () => 1 }
const diurnal = (at: number) => 1 + 0.8 * Math.sin((2 * Math.PI * at) / DAY)
const doubling = (at: number) => (at < 960 ? 1 : 2)
const flow = (title: string, more: Partial<Flow> & { rate: number }, from = 0): Scenario => ({
  title: `${title}, ${more.rate}/min`,
  draw: (random) => independent({ ...steady, ...more }, random),
  from,
})
const both = (title: string, more: Partial<Flow>, from = 0) =>
  [33, 330].map((rate) => flow(title, { rate, ...more }, from))

const good: Scenario[] = [
  ...both('steady', {}),
  ...both('traffic and base rate swing over the day', { traffic: diurnal, base: diurnal }),
  ...both('base rate of both arms doubles at hour 16', { base: doubling }),
  ...both('the same, with 5 % before and 50 % after', { base: doubling, share: (at) => (at < 960 ? 0.05 : 0.5) }),
  { title: 'a few users ask most, 33/min', draw: (random) => heavyUsers(33, 0.05, 1, random) },
]
const bad: Scenario[] = [
  ...both('1.5x worse', { ratio: () => 1.5 }),
  ...both('2x worse', { ratio: () => 2 }),
  ...both('5x worse', { ratio: () => 5 }),
  { title: '2x worse, a few users ask most, 33/min', draw: (random) => heavyUsers(33, 0.05, 2, random) },
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

function measure(scenario: Scenario, index: number, draws: number, seed: number): number[][] {
  const days = Array.from({ length: draws }, (_, draw) => dayOf(scenario, streamOf(seed, index, draw)))
  return columns.map((_, column) => days.map((day) => day[column] ?? Infinity))
}

const percent = (share: number) => (share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)

/** Median over the days without an early alarm; the share of them that was found at all where that is not all. */
function delay(found: readonly number[]): string {
  const late = found.filter((minute) => !Number.isNaN(minute)).sort((a, b) => a - b)
  const median = late[Math.floor((late.length - 1) / 2)] ?? Infinity
  const share = late.filter(Number.isFinite).length / late.length
  const found50 = Number.isFinite(median) ? String(median) : '> day'
  return late.length === 0 ? 'always too early' : `${found50}${share < 1 ? ` (${percent(share)} %)` : ''}`
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = ['rule', ...titles]
  const lines = [head, head.map((_, i) => (i === 0 ? ':--' : '--:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function section(
  scenarios: readonly Scenario[],
  first: number,
  draws: number,
  seed: number,
  cell: (found: number[]) => string,
) {
  const results = scenarios.map((scenario, i) => measure(scenario, first + i, draws, seed))
  const rows = columns.map((name, column) => [name, ...results.map((result) => cell(result[column] ?? []))])
  return table(
    scenarios.map(({ title }) => title),
    rows,
  )
}

const usage = `node bench/run.mjs canary [--quick] [--draws <days a column>] [--seed <n>]\n`

export async function main(flags: string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: flags,
    options: { quick: { type: 'boolean' }, help: { type: 'boolean' }, draws: text, seed: text },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const draws = Number(values.draws ?? (values.quick ? 50 : 500))
  const seed = Number(values.seed ?? 1)
  const alarmed = (found: readonly number[]) =>
    percent(found.filter((minute) => minute !== Infinity).length / found.length)
  const out = [
    `5 % of the users at the candidate, 2 % bad, a look a minute for 24 h; ${draws} days a column, seed ${seed}.`,
    '### Good canary: % of the days on which it is rolled back',
    section(good, 0, draws, seed, alarmed),
    '### Bad canary: median minutes to the alarm (and % of the days on which there is one, where not all)',
    section(bad, good.length, Math.ceil(draws / 2), seed, delay),
  ]
  process.stdout.write(`${out.join('\n\n')}\n`)
  return 0
}
