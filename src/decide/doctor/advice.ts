// What would make a policy able: how many cases or trials it takes, by the power formulas first and then confirmed by simulation.
import { ratePolicy } from '../gate/rate-policy.ts'
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { Advice, Rate, Rates } from '../../schema/doctor.ts'
import type { CaseInfo } from '../../schema/run.ts'
import { normalCdf, normalQuantile } from '../../statistics/normal.ts'
import { regressionPower } from '../../statistics/power.ts'
import { lookAt } from '../gate/look.ts'
import { counted, percent, points } from '../words.ts'
import { simulate } from './rates.ts'
import type { Plan } from './walk.ts'
import type { World } from './world.ts'

/** A goal is met when so many of the simulated changes end as they should. */
export const WANTED = 0.8
/** More repeats, or more times the cases, are no advice. */
const MOST_TRIALS = 10
const MOST_TIMES = 5
/** The formulas are approximations: where the simulation does not bear them out, the next larger size is tried. */
const TRIES = 4
const DRAWS = 100

type Goal = { kind: 'conclude' | 'find'; drop: number }
type Size = { cases: number; trials: number }
type Input = {
  plan: Plan
  world: World
  nothing: Rates
  found: (drop: number) => Rate | undefined
  name: string
}

/** The drop that a policy should find: its margin, and at least 5 points. */
export const dropToFind = (margin: number): number => Math.max(0.05, margin)

/** Advice on both goals: to pass what changes nothing, and to find a drop of the margin. None without a margin. */
export function adviceOf({ plan, world, nothing, found, name }: Input): Advice[] {
  const margin = plan.policy.max_regression
  if (plan.policy.naive || margin === false) return []
  const drop = dropToFind(margin)
  const goals: { goal: Goal; said: string; now: number | undefined }[] = [
    { goal: { kind: 'conclude', drop: 0 }, said: 'pass a change that changes nothing', now: nothing.pass.estimate },
    { goal: { kind: 'find', drop }, said: `find a drop of ${points(drop)} points`, now: found(drop)?.estimate },
  ]
  return goals.flatMap(({ goal, said, now }) => {
    if (now === undefined) return []
    const met = now >= WANTED
    const ways = met ? [] : waysTo({ plan, world }, { goal, name: `${name}/${goal.kind}` })
    return [{ goal: said, now, wanted: WANTED, met, ways }]
  })
}

type Setting = { plan: Plan; world: World }

function waysTo(setting: Setting, wanted: { goal: Goal; name: string }): Advice['ways'] {
  const { cases, trials } = setting.plan
  const [n, k] = [cases.length, trials.max]
  const longer = Array.from({ length: Math.max(0, MOST_TRIALS - k) }, (_, i) => ({ cases: n, trials: k + 1 + i }))
  const larger: Size[] = []
  for (let size = n + 1; size <= MOST_TIMES * n; size = Math.max(size + 1, Math.ceil(size * 1.1))) {
    larger.push({ cases: size, trials: k })
  }
  return [larger, longer].flatMap((sizes) => {
    const from = sizes.findIndex((size) => chance(setting, size, wanted.goal) >= WANTED)
    if (from === -1) return []
    for (const size of sizes.slice(from, from + TRIES)) {
      const confirmed = confirm(setting, size, wanted)
      if (confirmed.estimate >= WANTED) return [{ ...size, confirmed, sentence: sentenceOf(size, setting.plan, confirmed) }] // biome-ignore format: one line reads better
    }
    return []
  })
}

function sentenceOf(size: Size, { cases, trials }: Plan, { estimate }: Rate): string {
  const more = size.cases - cases.length
  const way =
    more > 0
      ? `${counted(more, 'more case')} like these (${size.cases} instead of ${cases.length})`
      : `up to ${counted(size.trials, 'trial')} a case instead of ${trials.max}`
  return `${way}: then ${percent(estimate)}`
}

/** The chance of the goal by normal approximation, at the last look. */
export function chance({ plan, world }: Setting, { cases, trials }: Size, goal: Goal): number {
  const { policy, baseline } = plan
  const baseTrials = harmonic(baseline?.cases.map((tally) => tally.trials).filter((t) => t > 0) ?? [])
  const ladder = { min: Math.min(plan.trials.min, trials), max: trials }
  const look = lookAt(trials, ladder, policy.alpha)
  const passRate = Math.min(0.999, Math.max(0.001, world.mean))
  if (goal.kind === 'find') {
    const drop = Math.min(goal.drop, passRate)
    return regressionPower({ cases, trials, baseTrials, passRate, icc: world.icc, alpha: look.alpha }, drop)
  }
  const within = passRate * (1 - passRate) * (1 - world.icc)
  const noise = 1 / trials + 1 / baseTrials
  const error = Math.sqrt((within * noise + noise / cases) / cases)
  const margin = policy.max_regression === false ? 0 : policy.max_regression
  return normalCdf(margin / error - normalQuantile(look.passLevel))
}

/** The variance goes with the mean of 1/m; 1 where nothing was counted. */
const harmonic = (trials: readonly number[]): number =>
  trials.length > 0 ? trials.length / trials.reduce((sum, each) => sum + 1 / each, 0) : 1

function confirm({ plan, world }: Setting, size: Size, { goal, name }: { goal: Goal; name: string }): Rate {
  const grown = enlarged(plan, world, size)
  const places = grown.plan.cases.map((_, i) => i)
  const change = goal.kind === 'find' ? { drop: goal.drop, kind: 'diffuse' as const, places } : null
  const rates = simulate({ ...grown, change }, { draws: DRAWS, name: `${name}/${size.cases}/${size.trials}` })
  return goal.kind === 'find' ? rates.block : rates.pass
}

/**
 * The suite as if it had so many cases and trials: its cases in turn under new names, each with the baseline of the one it
 * copies and a success rate of its own. Latency, cost and score gates are left out: advice is about pass rates.
 */
function enlarged(plan: Plan, world: World, { cases: size, trials }: Size): Setting {
  const policy = ratePolicy(plan.policy)
  const copies = Array.from({ length: size }, (_, i) => {
    const from = i % plan.cases.length
    return { from, id: `${plan.cases[from]?.id ?? ''}${i < plan.cases.length ? '' : `~${i}`}` }
  })
  const named = <T extends { id: string }>(list: readonly T[]) =>
    copies.flatMap(({ from, id }) => {
      const one = list[from]
      // Copies of critical cases would multiply rules that nobody wrote.
      return one ? [{ ...one, id, ...(one.id !== id && 'critical' in one && { critical: false }) }] : []
    })
  const cases: CaseInfo[] = named(plan.cases)
  const before = new Map(plan.baseline?.cases.map((tally) => [tally.id, tally]))
  const tallies: CaseTally[] = copies.flatMap(({ from, id }) => {
    const tally = before.get(plan.cases[from]?.id ?? '')
    return tally ? [{ ...tally, id }] : []
  })
  const baseline: Baseline | null = plan.baseline && { ...plan.baseline, cases: tallies }
  const histories = copies.flatMap(({ from }, i) => {
    const [one, info] = [world.histories[from], cases[i]]
    return one && info ? [{ ...one, info }] : []
  })
  const ladder = { min: Math.min(plan.trials.min, trials), max: trials }
  return { plan: { cases, baseline, policy, trials: ladder }, world: { ...world, histories } }
}
