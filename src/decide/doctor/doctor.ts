// The examination of one suite and its policy: error rates by simulation, what no run could do, the cases, and what is missing.
import type { DoctorReport, DoctorSuite, Drop, GateAbility, Rate, Rates } from '../../schema/doctor.ts'
import { worst } from '../../schema/verdict.ts'
import { normalQuantile } from '../../statistics/normal.ts'
import { lookAt } from '../gate/look.ts'
import { rawFloor } from '../gate/naive.ts'
import { pairCases, pairingWarnings } from '../gate/pairing.ts'
import { SMALLEST_CATEGORY } from '../gate/regression-units.ts'
import { byText, counted, percent, points } from '../words.ts'
import { abilities } from './extremes.ts'
import { adviceOf, dropToFind } from './advice.ts'
import type { History } from './history.ts'
import { type Change, simulate } from './rates.ts'
import { reviewNotes } from './review.ts'
import type { Plan } from './walk.ts'
import { type World, worldOf } from './world.ts'

/** True drops that are simulated, as shares: over the whole suite, and in one category alone. */
const DROPS = [0.02, 0.05, 0.1] as const
const CATEGORY_DROPS = [0.1, 0.2] as const
/** Shares of the draws that each of these gets: they are many, and nobody needs their last decimal. */
const DROP_SHARE = 0.1
const CATEGORY_SHARE = 0.05
const FEWEST_DRAWS = 50
const MOST_CATEGORIES = 12
const ENOUGH_BASELINE_TRIALS = 5

export type Examination = {
  suite: string
  suiteVersion: string
  plan: Plan
  history: History
  baselineFile: string | null
  seed: number
  /** Simulated changes that change nothing; null: 2,000, or fewer where the policy makes each of them slow. */
  draws: number | null
  now: Date
  /** Called with the share of the work that is done, in [0, 1]. */
  progress?: ((share: number) => void) | undefined
}

/**
 * How many changes to simulate: 2,000, and fewer where the gates on ratios (pairs of cases) or raw thresholds would make
 * that last long. It hangs on the sizes alone, never on a clock, so that the same seed gives the same bytes.
 */
export function drawsFor({ cases, policy }: Plan): number {
  const n = cases.length
  const ratios = [
    policy.latency_p95?.max_increase,
    policy.time_to_first_token_p95?.max_increase,
    policy.cost_per_case?.max_increase,
    policy.mean_score?.max_drop,
  ]
  const slow = ratios.filter((limit) => limit !== undefined).length
  const units = 1 + n / 300 + (slow * n * n) / 6000
  return Math.min(2000, Math.max(200, 100 * Math.floor(50 / units)))
}

/**
 * Examines a policy on what is stored of its suite. Pure; the same seed gives the same bytes.
 * @returns null when not one case was ever measured
 */
export function examine(input: Examination): DoctorSuite | null {
  const { plan, history, seed } = input
  const world = worldOf(history.histories)
  if (!world || plan.cases.length === 0) return null
  const name = `${seed}/${input.suite}`
  const { nothing, drops } = simulations(input, world, name)
  const gates = abilities(plan)
  const found = (drop: number) =>
    drops.find((one) => one.category === null && one.kind === 'diffuse' && one.drop === drop)?.rates.block
  const advice = adviceOf({ plan, world, nothing, found, name: `${name}/advice` })
  const faults = faultsOf(plan, nothing, gates)
  return {
    suite: input.suite,
    suite_version: input.suiteVersion,
    outcome: faults.length > 0 ? 'fail' : 'pass',
    reasons: faults.length > 0 ? faults : ['The policy can do its job on this suite.'],
    warnings: warningsOf(input, world, { nothing, gates }),
    evidence: {
      baseline: history.standsIn ? null : input.baselineFile,
      runs: history.standsIn ? [...history.baseline.runs.map(({ id }) => id), ...history.runs] : history.runs,
      replayed: history.replayed,
      cases: plan.cases.length,
      trials: total(history, ({ trials }) => trials),
      errors: total(history, ({ errors }) => errors),
    },
    trials: plan.trials,
    alpha: plan.policy.alpha,
    margin: plan.policy.naive || plan.policy.max_regression === false ? null : plan.policy.max_regression,
    cases: caseNotes(history),
    variance: {
      pass_rate: world.mean,
      within: world.variance?.within ?? null,
      between: world.variance?.between ?? null,
      icc: world.variance?.icc ?? null,
      icc_used: world.icc,
    },
    nothing_changed: nothing,
    drops,
    gates,
    advice,
  }
}

const total = ({ histories }: History, of: (tally: History['histories'][number]['tally']) => number): number =>
  histories.reduce((sum, { tally }) => sum + of(tally), 0)

const blocksSentence = ({ estimate, low, high, draws }: Rate): string =>
  `it blocks ${percent(estimate)} of the changes that change nothing (95 % interval ${percent(low)} to ${percent(high)}, ${draws} simulated changes).`

function simulations(input: Examination, world: World, name: string): { nothing: Rates; drops: Drop[] } {
  const { plan } = input
  const draws = input.draws ?? drawsFor(plan)
  const some = (share: number) => Math.min(draws, Math.max(FEWEST_DRAWS, Math.round(draws * share)))
  const wanted = scenarios(plan).map((one) => ({ ...one, draws: some(one.category === null ? DROP_SHARE : CATEGORY_SHARE) })) // biome-ignore format: one line reads better
  const all = wanted.reduce((sum, one) => sum + one.draws, draws)
  let done = 0
  const tick = () => input.progress?.((done += 1) / all)
  // Latency and cost do not move with the pass rate, and their gates are by far the slowest.
  const { latency_p95: _, cost_per_case: __, time_to_first_token_p95: ___, valid_output: ____, ...policy } = plan.policy
  const run = (change: Change, label: string, size: number) =>
    simulate({ plan: change ? { ...plan, policy } : plan, world, change }, { draws: size, name: `${name}/${label}`, tick }) // biome-ignore format: one line reads better
  const nothing = run(null, 'nothing', draws)
  const drops = wanted.map(({ drop, kind, category, places, draws: size }) => {
    const rates = run({ drop, kind, places }, `${kind}/${drop}/${category ?? ''}`, size)
    return { drop, kind, category, rates }
  })
  return { nothing, drops }
}

type Scenario = Omit<Drop, 'rates'> & { places: number[] }

function scenarios({ cases, policy }: Plan): Scenario[] {
  const everywhere = cases.map((_, i) => i)
  const margin = policy.max_regression === false ? 0 : policy.max_regression
  const drops = [...new Set([...DROPS, dropToFind(margin)])].sort((a, b) => a - b)
  const suite = drops.flatMap((drop) =>
    (['diffuse', 'concentrated'] as const).map((kind) => ({ drop, kind, category: null, places: everywhere })),
  )
  const sizes = categorySizes({ cases })
  // What is too small to decide is said by its gate; a category that holds every case is the suite.
  const own = [...sizes].filter(([, places]) => places.length >= SMALLEST_CATEGORY && places.length < cases.length)
  const categories = own
    .sort(([a], [b]) => byText(a, b))
    .slice(0, MOST_CATEGORIES)
    .flatMap(([category, places]) =>
      CATEGORY_DROPS.map((drop) => ({ drop, kind: 'diffuse' as const, category, places })),
    )
  return [...suite, ...categories]
}

/** Places of the cases of each category. */
export function categorySizes({ cases }: Pick<Plan, 'cases'>): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const [i, { category }] of cases.entries()) {
    if (category !== undefined) found.set(category, [...(found.get(category) ?? []), i])
  }
  return found
}

/** Why the policy cannot do its job; empty when it can. */
function faultsOf({ policy }: Plan, nothing: Rates, gates: readonly GateAbility[]): string[] {
  const floor = policy.naive ? rawFloor(policy.naive) : policy.min_pass_rate
  const limitless = (gate: GateAbility) => gate.kind === 'floor' && gate.category === null && floor === 0
  const dead = gates.filter((gate) => gate.decides && !gate.can_fire && !limitless(gate))
  const stuck = gates.filter((gate) => gate.id === 'regression' && gate.can_fire && !gate.can_pass)
  const wrong = nothing.block.low > 2 * policy.alpha
  return [
    ...(wrong ? [`The policy blocks too much: ${blocksSentence(nothing.block)} You accept ${percent(policy.alpha)}.`] : []), // biome-ignore format: one line reads better
    ...[...dead, ...(policy.on_inconclusive === 'pass' ? [] : stuck)].flatMap(({ problem }) => problem ?? []),
  ]
}

function warningsOf(
  { plan, history, now }: Examination,
  world: World,
  { nothing, gates }: { nothing: Rates; gates: readonly GateAbility[] },
): string[] {
  const { policy, cases, baseline } = plan
  const faults = new Set(faultsOf(plan, nothing, gates))
  const problems = gates.flatMap(({ problem }) => (problem === null || faults.has(problem) ? [] : [problem]))
  const pairing =
    baseline && pairCases({ cases, tallies: history.histories.map(({ tally }) => tally), baseline, partial: false })
  const fewest = pairing ? Math.min(...pairing.pairs.map((pair) => pair.baseline.trials)) : Infinity
  return [
    ...(pairing?.stale ? ['The baseline is stale: fewer than 80 % of its cases are still in the suite as they were.'] : []), // biome-ignore format: one line reads better
    ...problems,
    ...seldomConcludes(plan, nothing),
    ...nearFloor(plan, world),
    ...(fewest < ENOUGH_BASELINE_TRIALS ? [`The baseline has cases with only ${counted(fewest, 'trial')}: \`aigate baseline record\` asks ${ENOUGH_BASELINE_TRIALS}.`] : []), // biome-ignore format: one line reads better
    ...(pairing ? pairingWarnings(pairing) : []),
    ...judgeNotes(history),
    ...(world.variance?.icc == null ? ['Nothing varied in the stored trials: that an equal share of the noise lies between and within the cases is assumed.'] : []), // biome-ignore format: one line reads better
    ...reviewNotes(policy, now),
  ]
}

/** Verdicts are simulated as the judge says them. */
function judgeNotes({ judge }: History): string[] {
  if (!judge || judge.shown >= 0.995) return []
  return [`The judge ${judge.name} shows ${percent(judge.shown)} of a difference. Drops are simulated as it shows them: for people they are ${(1 / judge.shown).toFixed(1)} times as large. Real runs are corrected for that, and pass less often than is simulated here.`] // biome-ignore format: one line reads better
}

/** A margin that is too small for the suite: most changes that change nothing end undecided. Raw thresholds know no margin. */
function seldomConcludes({ policy, trials }: Plan, { hold, pass }: Rates): string[] {
  if (policy.naive || policy.max_regression === false || pass.estimate >= 0.5) return []
  const margin = `${points(policy.max_regression)} points`
  return [`A margin of ${margin} is too small for this suite: ${percent(hold.estimate)} of the changes that change nothing stay undecided after ${counted(trials.max, 'trial')} a case.`] // biome-ignore format: one line reads better
}

/** A floor within two standard errors of the pass rate can most often be proven neither reached nor missed. A raw one needs no proof. */
function nearFloor({ policy, cases, trials }: Plan, world: World): string[] {
  const floor = policy.min_pass_rate
  if (policy.naive || floor <= 0 || floor >= 1) return []
  const within = world.mean * (1 - world.mean) * (policy.scope === 'population' ? 1 : 1 - world.icc)
  const error = Math.sqrt(within / (cases.length * trials.max))
  const distance = Math.abs(world.mean - floor)
  const z = normalQuantile(lookAt(trials.max, trials, policy.alpha).passLevel)
  if (distance >= z * error) return []
  return [`The floor of ${percent(floor)} lies too near to the pass rate of ${percent(world.mean)} (standard error ${points(error)} points): most runs prove neither that it is reached nor that it is missed.`] // biome-ignore format: one line reads better
}

function caseNotes({ histories }: History): DoctorSuite['cases'] {
  const tallies = histories.map(({ tally: { id, passes, trials } }) => ({ id, passes, trials }))
  const ids = (of: (tally: (typeof tallies)[number]) => boolean) => tallies.filter(of).map(({ id }) => id)
  const undecided = ({ passes, trials }: (typeof tallies)[number]) => Math.abs(passes / trials - 0.5)
  return {
    flaky: tallies
      .filter(({ passes, trials }) => passes > 0 && passes < trials)
      .sort((a, b) => undecided(a) - undecided(b) || byText(a.id, b.id)),
    never_fail: ids(({ passes, trials }) => trials > 0 && passes === trials),
    always_fail: ids(({ passes, trials }) => trials > 0 && passes === 0),
    untried: ids(({ trials }) => trials === 0),
  }
}

type Nothing = Extract<DoctorReport['suites'][number], { outcome: 'invalid' }> & { outcome: 'invalid' }

/** What is said of a suite of which nothing is stored, with the ways to get data. */
export const nothingStored = ({ suite, suiteVersion }: { suite: string; suiteVersion: string }): Nothing => ({
  suite,
  suite_version: suiteVersion,
  outcome: 'invalid',
  reasons: [
    'Nothing is stored of this suite: no baseline, and no whole run of it as it stands.',
    'Record a baseline with `aigate baseline record`, or ask the suite twice with `aigate doctor --ask`.',
  ],
  warnings: [],
})

/** All suites together; the outcome is the worst of theirs. */
export function doctorReport(
  suites: DoctorReport['suites'],
  { toolVersion, seed }: { toolVersion: string; seed: number },
): DoctorReport {
  const outcome = worst(suites.map((suite) => suite.outcome))
  return { aigate: 'doctor', version: 1, tool_version: toolVersion, outcome, seed, suites }
}
