// A simulated world: suites whose true case rates are known, changes to them, and what the shipped decision says of each.
import { type Judgement, judgeTallies } from '../src/decide/gate/judge.ts'
import { type NaiveCount, naiveBlocks } from '../src/decide/gate/naive.ts'
import type { Baseline, CaseTally } from '../src/schema/baseline.ts'
import { defaultPolicy, type GatePolicy } from '../src/schema/gate.ts'
import type { CaseInfo } from '../src/schema/run.ts'
import { betaDraw, normalDraw, type Random, randomFrom } from '../src/statistics/draws.ts'
import { tCdf } from '../src/statistics/student-t.ts'

/** What happened to the suite. `points` are added to its expected pass rate (negative: a drop), in shares of 1. */
export type Change = {
  points: number
  /** diffuse: every call; concentrated: some cases break wholly; category: only the first category, diffuse. */
  kind: 'diffuse' | 'concentrated' | 'category'
  /** Standard deviation by which the logit of every case moves, its mean kept: provider noise, nobody's regression. */
  drift?: number
}

export type World = {
  cases: number
  categories: number
  /** Expected pass rate of the suite, and the share of the variance that lies between the cases. */
  mean: number
  icc: number
  baseTrials: number
  change: Change
}

/** So often each case is asked: always `max` times, or from `min` up to `max` while the verdict is open. */
export type Ladder = { min: number; max: number }

export type Seen = { outcome: 'pass' | 'fail' | 'inconclusive' | 'invalid'; passes: number }

/** One pull request: what the baseline saw, and what each pass over the candidate would see. */
export type Draw = {
  cases: CaseInfo[]
  baseline: Baseline
  /** Of the first stored run alone: 0 or 1 a case. */
  firstRun: number[]
  /** Ends of the candidate's passes: ends[pass][case]. */
  ends: boolean[][]
}

/** A stream of its own for each draw of each cell, so that the workers' number changes nothing. */
export function streamOf(seed: number, cell: number, draw: number): Random {
  const random = randomFrom(
    Math.imul(seed, 0x9e3779b1) ^ Math.imul(cell + 1, 0x85ebca6b) ^ Math.imul(draw + 1, 0xc2b2ae35),
  )
  random()
  return random
}

const meanOf = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length
const logistic = (x: number) => 1 / (1 + Math.exp(-x))

/** Moves every logit by a normal step and then all of them together, until the mean is what it was. */
function drifted(rates: readonly number[], deviation: number, random: Random): number[] {
  const wanted = meanOf(rates)
  const inside = rates.map((rate) => Math.min(1 - 1e-12, Math.max(1e-12, rate)))
  const logits = inside.map((rate) => Math.log(rate / (1 - rate)) + deviation * normalDraw(random))
  let [low, high] = [-10, 10]
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2
    if (meanOf(logits.map((logit) => logistic(logit + middle))) < wanted) low = middle
    else high = middle
  }
  return logits.map((logit) => logistic(logit + low))
}

/** The candidate's true rates: the mean of this very suite moves by `points` exactly (of its first category, for `category`). */
function changed(rates: readonly number[], { categories, change }: World, random: Random): number[] {
  const { points, kind, drift = 0 } = change
  const moved = drift > 0 ? drifted(rates, drift, random) : [...rates]
  if (points === 0) return moved
  const touched = (i: number) => kind !== 'category' || i % categories === 0
  const mean = meanOf(moved.filter((_, i) => touched(i)))
  if (points > 0) return moved.map((rate, i) => (touched(i) ? rate + ((1 - rate) * points) / (1 - mean) : rate))
  if (kind === 'concentrated') return broken(moved, -points * moved.length, random)
  return moved.map((rate, i) => (touched(i) ? Math.max(0, rate * (1 + points / mean)) : rate))
}

/** Breaks cases at random, each wholly, until `loss` expected passes are gone; the last one only as far as that takes. */
function broken(rates: readonly number[], loss: number, random: Random): number[] {
  const after = [...rates]
  const left = rates.map((_, i) => i)
  for (let gone = 0; gone < loss && left.length > 0; ) {
    const [at = 0] = left.splice(Math.floor(random() * left.length), 1)
    const taken = Math.min(rates[at] ?? 0, loss - gone)
    after[at] = (rates[at] ?? 0) - taken
    gone += taken
  }
  return after
}

/** Draws a suite, its baseline, and `passes` passes over a changed candidate. */
export function drawWorld(world: World, passes: number, random: Random): Draw {
  const { mean, icc, baseTrials } = world
  const weight = (1 - icc) / icc
  const rates = Array.from({ length: world.cases }, () => betaDraw(mean * weight, (1 - mean) * weight, random))
  const cases = rates.map((_, i): CaseInfo => {
    const id = `c${String(i).padStart(4, '0')}`
    const category = world.categories > 1 ? { category: `k${i % world.categories}` } : {}
    return { id, hash: id, tags: [], critical: false, file: 's', line: 1, ...category }
  })
  const before = rates.map((rate) => Array.from({ length: baseTrials }, () => random() < rate))
  const after = changed(rates, world, random)
  return {
    cases,
    baseline: {
      aigate: 'baseline',
      version: 1,
      suite: 's',
      suite_version: '1.0.0',
      target: { kind: 'prompt', label: 's', hash: 's' },
      response_models: [],
      accepted: { at: '2026-01-01T00:00:00.000Z', by: 'bench', reason: 'bench' },
      runs: [{ id: 'r', at: '2026-01-01T00:00:00.000Z', trials: baseTrials, git: null, tool_version: '0' }],
      cases: cases.map((info, i) => tallyOf(info, before[i]?.filter(Boolean).length ?? 0, baseTrials)),
    },
    firstRun: before.map(([first]) => Number(first ?? false)),
    ends: Array.from({ length: passes }, () => after.map((rate) => random() < rate)),
  }
}

function tallyOf({ id, hash, category }: CaseInfo, passes: number, trials: number): CaseTally {
  const named = category === undefined ? {} : { category }
  return { id, hash, ...named, passes, trials, errors: 0, scores: [], latencies_ms: [], costs_usd: [] }
}

/** The candidate's tallies after its first `passes` passes. */
export function talliesAfter({ cases, ends }: Draw, passes: number): CaseTally[] {
  return cases.map((info, i) => tallyOf(info, ends.slice(0, passes).filter((pass) => pass[i]).length, passes))
}

/** Regression alone decides: no floor, so that its error rates are not mixed with another gate's. */
export const regressionOnly: GatePolicy = { ...defaultPolicy, min_pass_rate: 0 }

/** Climbs the ladder by the shipped decision, pass by pass, until it asks for no more. */
export function climb(
  draw: Draw,
  trials: Ladder,
  policy: GatePolicy = regressionOnly,
): Seen & { judgement: Judgement } {
  const { cases, baseline } = draw
  for (let passes = trials.min; ; passes++) {
    const tallies = talliesAfter(draw, passes)
    const judgement = judgeTallies({ cases, baseline, policy, trials, partial: false, evidence: [], tallies, passes })
    if (judgement.next === null) return { outcome: judgement.verdict.outcome, passes, judgement }
  }
}

/** Rules that teams write by hand, on the same draws: true when they block. */
export const peers = {
  'any category down > 2': (counts) =>
    naiveBlocks(counts, { min_pass_rate: false, max_drop: false, max_category_drop: 0.02 }),
  'suite down > 2': (counts) => naiveBlocks(counts, { min_pass_rate: false, max_drop: 0.02, max_category_drop: false }),
  'below 85 %': (counts) => naiveBlocks(counts, { min_pass_rate: 0.85, max_drop: false, max_category_drop: false }),
  'paired t': pairedT,
} as const satisfies Record<string, (counts: readonly NaiveCount[]) => boolean>

/** What a peer's rule sees: `passes` runs of the candidate against the first stored run, or against the whole baseline. */
export function countsOf(draw: Draw, passes: number, against: 'one run' | 'baseline'): NaiveCount[] {
  return talliesAfter(draw, passes).map((tally, i) => {
    const base = draw.baseline.cases[i]
    const stored =
      against === 'one run'
        ? { basePasses: draw.firstRun[i] ?? 0, baseTrials: 1 }
        : { basePasses: base?.passes ?? 0, baseTrials: base?.trials ?? 1 }
    return { category: tally.category ?? 'all', passes: tally.passes, trials: tally.trials, ...stored }
  })
}

/** The textbook test on the differences of the case rates, one-sided. */
function pairedT(counts: readonly NaiveCount[]): boolean {
  const differences = counts.map(
    ({ passes, trials, basePasses = 0, baseTrials = 1 }) => passes / trials - basePasses / baseTrials,
  )
  const n = differences.length
  const mean = differences.reduce((a, b) => a + b, 0) / n
  const spread = Math.sqrt(differences.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1))
  return spread > 0 && tCdf((mean / spread) * Math.sqrt(n), n - 1) < 0.05
}
