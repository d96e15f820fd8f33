// Mutation testing of a suite and its policy: answers that exist are turned to fail on purpose, and the gate should notice.
import type { CaseTally } from '../../schema/baseline.ts'
import type { PowerReport, PowerSuite } from '../../schema/doctor.ts'
import { type Outcome, worst } from '../../schema/verdict.ts'
import { byText, counted } from '../words.ts'
import { categorySizes } from './doctor.ts'
import { chosen, oneOf, type Random, randomOf } from './random.ts'
import { rateOf } from './rates.ts'
import { type Asked, type Plan, type Trial, walk, type Walked } from './walk.ts'

/** Shares of the cases that are broken, after 1, 2, 3 of them. */
const SHARES = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5] as const
const CATEGORY_SHARES = [0.1, 0.2] as const
/** Share of the draws that each step of a category gets. */
const CATEGORY_DRAWS = 0.4
const MOST_CATEGORIES = 12

export type PowerInput = {
  suite: string
  suiteVersion: string
  plan: Plan
  /** Whose answers are degraded, by case id; cases of the plan without a measured answer are left out. */
  answers: readonly CaseTally[]
  source: string
  deterministic: ReadonlySet<string>
  seed: number
  /** Random choices for each number of broken cases, fewer in a category; null: 100, and fewer for more than 200 cases. */
  draws: number | null
  progress?: ((share: number) => void) | undefined
}

type Bench = PowerInput & { ids: readonly string[] }

/**
 * Breaks k cases at random (all their trials fail), judges with the shipped code and counts how often a gate fires. The
 * trials of the others are those that were stored, in random order; where the ladder asks more than there are, again.
 * @returns null when not one answer was measured
 */
export function powerCheck(given: PowerInput): PowerSuite | null {
  const input = answered(given)
  if (input.answers.length === 0) return null
  const bench: Bench = { ...input, ids: input.plan.cases.map(({ id }) => id) }
  const passing = input.plan.cases.flatMap((_, i) => (passes(input, i) ? [i] : []))
  const ordinary = passing.filter((i) => !input.plan.cases[i]?.critical)
  // One critical case that breaks would hide that nothing guards the others; where there are no others, it is they that break.
  const breakable = ordinary.length > 0 ? ordinary : passing
  const categories = [...categorySizes(input.plan)].sort(([a], [b]) => byText(a, b)).slice(0, MOST_CATEGORIES)
  const groups: [string | null, number[]][] = [
    [null, breakable],
    ...categories.map(([name, places]): [string, number[]] => [name, places.filter((i) => breakable.includes(i))]),
  ]
  const stepsOf = ([category, places]: (typeof groups)[number]) =>
    sizes(places.length, category === null ? SHARES : CATEGORY_SHARES).length * drawsOf(input, category)
  const work = groups.reduce((sum, group) => sum + stepsOf(group), input.plan.cases.length)
  let done = 0
  const tick = () => input.progress?.((done += 1) / work)
  const untouched = judgeBroken(bench, [], randomOf(`${input.seed}/${input.suite}/as-is`))
  const mutations = groups.map(([category, places]) => mutation(bench, category, places, tick))
  const single = singles(bench, tick)
  const all = mutations[0]?.all ?? 'pass'
  const blind = all !== 'fail'
  return {
    suite: input.suite,
    suite_version: input.suiteVersion,
    outcome: blind ? 'fail' : 'pass',
    reasons: [reasonOf(mutations[0], { blind, critical: passing.length > ordinary.length })],
    warnings: [...leftOut(given, input), ...warningsOf(untouched.outcome, mutations)],
    source: input.source,
    untouched: untouched.outcome,
    mutations,
    single,
  }
}

/** The cases of the plan that have measured answers of the same content, and these answers in the same order. */
function answered(input: PowerInput): PowerInput {
  const found = new Map(input.answers.map((tally) => [tally.id, tally]))
  const both = input.plan.cases.flatMap((info) => {
    const tally = found.get(info.id)
    return tally && tally.hash === info.hash && tally.trials > 0 ? [{ info, tally }] : []
  })
  // What breaks answers moves neither latency nor cost, and these gates would only add their noise.
  const {
    latency_p95: _,
    cost_per_case: __,
    time_to_first_token_p95: ___,
    valid_output: ____,
    ...policy
  } = input.plan.policy
  return {
    ...input,
    plan: { ...input.plan, policy, cases: both.map(({ info }) => info) },
    answers: both.map(({ tally }) => tally),
  }
}

function leftOut(given: PowerInput, input: PowerInput): string[] {
  const missing = given.plan.cases.length - input.plan.cases.length
  return missing > 0 ? [`${counted(missing, 'case')} left out: no stored answer to degrade.`] : []
}

const drawsOf = ({ draws, plan }: PowerInput, category: string | null): number => {
  const all = draws ?? Math.max(20, Math.min(100, Math.round(20_000 / plan.cases.length)))
  return category === null ? all : Math.max(10, Math.round(CATEGORY_DRAWS * all))
}

const passes = ({ answers }: PowerInput, i: number): boolean => (answers[i]?.passes ?? 0) > 0

type Mutation = PowerSuite['mutations'][number]

function reasonOf(suite: Mutation | undefined, { blind, critical }: { blind: boolean; critical: boolean }): string {
  if (!suite || suite.cases === 0) return 'No stored answer passes, so that none can be broken.'
  if (blind && critical) return 'No gate fires, not even when every answer of the cases that are not critical fails.'
  if (blind) return 'No gate fires, not even when every answer fails.'
  if (suite.half === null) return 'A gate fires only when nearly every case is broken.'
  const always = suite.always === null ? '' : `, and always from ${suite.always} on`
  return `From ${counted(suite.half, 'broken case')} of ${suite.cases} on, a gate fires at least half the time${always}.`
}

function warningsOf(untouched: Outcome, mutations: readonly Mutation[]): string[] {
  const blind = mutations.filter(({ category, all, cases }) => category !== null && all !== 'fail' && cases > 0)
  return [
    ...(untouched === 'pass'
      ? []
      : [`These answers do not pass as they are (${untouched}): what fires below may not be due to what was broken.`]),
    ...blind.map(({ category, cases }) => `Category ${category} could break altogether (${counted(cases, 'case')}) and no gate would fire.`), // biome-ignore format: one line reads better
  ]
}

/** How many cases are broken: 1, 2, 3 and then shares of them, each number once, up to all. */
function sizes(cases: number, shares: readonly number[]): number[] {
  const wanted = [1, 2, 3, ...shares.map((share) => Math.round(share * cases)), cases]
  return [...new Set(wanted)].filter((k) => k >= 1 && k <= cases).sort((a, b) => a - b)
}

function mutation(bench: Bench, category: string | null, places: number[], tick: () => void): Mutation {
  const steps = sizes(places.length, category === null ? SHARES : CATEGORY_SHARES).map((broken) => {
    const random = randomOf(`${bench.seed}/${bench.suite}/${category ?? ''}/${broken}`)
    const outcomes = Array.from({ length: drawsOf(bench, category) }, () => {
      const { outcome } = judgeBroken(bench, chosen(places, broken, random), random)
      tick()
      return outcome
    })
    const share = (wanted: Outcome) => rateOf(outcomes.filter((one) => one === wanted).length, outcomes.length)
    return { broken, fired: share('fail'), held: share('inconclusive') }
  })
  const from = (enough: (fired: number) => boolean): number | null => {
    // From the first number after which none falls short again.
    const short = steps.findLastIndex(({ fired }) => !enough(fired.estimate))
    return steps[short + 1]?.broken ?? null
  }
  const all = judgeBroken(bench, places, randomOf(`${bench.seed}/${bench.suite}/${category ?? ''}/all`)).outcome
  return {
    category,
    cases: places.length,
    steps,
    half: from((fired) => fired >= 0.5),
    always: from((fired) => fired === 1),
    all,
  }
}

function singles(bench: Bench, tick: () => void): PowerSuite['single'] {
  const found: PowerSuite['single'] = { noticed: [], held: [], unnoticed: [], failing: [] }
  for (const [i, id] of bench.ids.entries()) {
    tick()
    if (!passes(bench, i)) {
      found.failing.push(id)
      continue
    }
    const { outcome } = judgeBroken(bench, [i], randomOf(`${bench.seed}/${bench.suite}/single/${id}`))
    const list = outcome === 'fail' ? found.noticed : worst([outcome]) === 'pass' ? found.unnoticed : found.held
    list.push(id)
  }
  return found
}

/** The verdict when the cases at these places fail in every trial and the others answer as they did. */
function judgeBroken(bench: Bench, places: readonly number[], random: Random): Walked {
  const broken = new Set(places)
  const answers = bench.answers.map((tally) => stored(tally, bench.deterministic.has(tally.id), random))
  const ask: Asked = (i) => {
    const trial = answers[i]?.() ?? { passed: null }
    return broken.has(i) && trial.passed !== null ? { ...trial, passed: false, score: 0 } : trial
  }
  return walk(bench.plan, ask)
}

/** Gives the stored trials of one case in random order, and from the start again when they are used up. */
function stored(tally: CaseTally, proof: boolean, random: Random): () => Trial {
  const sorted = tally.scores.toSorted((a, b) => b - a)
  const all = Array.from(
    { length: tally.trials },
    (_, t): Trial => ({ passed: t < tally.passes, score: sorted[t], proof }),
  )
  const order = chosen(all, all.length, random)
  let next = 0
  return () => {
    const trial = order[next++ % Math.max(1, order.length)]
    if (!trial) return { passed: null }
    return { ...trial, latency_ms: oneOf(tally.latencies_ms, random), cost_usd: oneOf(tally.costs_usd, random) }
  }
}

/** All suites together; the outcome is the worst of theirs. */
export function powerReport(
  suites: PowerReport['suites'],
  { toolVersion, seed }: { toolVersion: string; seed: number },
): PowerReport {
  const outcome = worst(suites.map((suite) => suite.outcome))
  return { aigate: 'power-check', version: 1, tool_version: toolVersion, outcome, seed, suites }
}
