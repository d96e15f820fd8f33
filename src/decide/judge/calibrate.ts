// What labels of people say about a judge: the table, the agreement, its biases, and the threshold that would serve best.
import type { Gold, LengthBias, TypeCalibration } from '../../schema/calibration.ts'
import type { JudgeRecord } from '../../schema/judge.ts'
import { cohenKappa } from '../../statistics/cohen-kappa.ts'
import { mannWhitney, tiedValues } from '../../statistics/mann-whitney.ts'
import { mcnemarExact } from '../../statistics/mcnemar.ts'
import { type JudgeTable, judgeRates } from '../../statistics/rogan-gladen.ts'
import { wilson } from '../../statistics/wilson.ts'
import type * as z from 'zod'
import { chosen, randomOf } from '../doctor/random.ts'

/** One label with what the judge said; `score` null: it gave no verdict. */
export type Judged = {
  gold: Omit<Gold, 'passed'>
  label: boolean
  score: number | null
  passed: boolean | null
  votes: JudgeRecord['votes']
}

export type Calibrated = Pick<
  TypeCalibration,
  'table' | 'kappa' | 'sensitivity' | 'specificity' | 'best_threshold' | 'position' | 'length' | 'gold'
>

/** Fewer labels, or fewer of either kind, say too little to store anything. */
const FEWEST = { labels: 20, each: 5 }
const LEVEL = 0.95
const MOST_GOLD = 50
/** A threshold is not called better for less than this. */
const CLEAR = 1e-9

/** Why these labels cannot calibrate a judge; null when they can. */
export function labelsProblem(labels: readonly Judged[]): string | null {
  const judged = labels.filter(({ passed }) => passed !== null)
  if (judged.length < FEWEST.labels)
    return `only ${judged.length} of ${labels.length} labels could be judged; at least ${FEWEST.labels} are needed`
  for (const [side, name] of [[true, 'pass'] as const, [false, 'fail'] as const]) {
    const n = judged.filter(({ label }) => label === side).length
    if (n < FEWEST.each) return `people said "${name}" only ${n} times; at least ${FEWEST.each} of each are needed`
  }
  return null
}

/** All numbers of a calibration. The labels must be good enough: see `labelsProblem`. `seed` draws the gold answers. */
export function calibrate(
  labels: readonly Judged[],
  { threshold, seed }: { threshold: number; seed: number },
): Calibrated {
  const judged = labels.flatMap((one) =>
    one.passed === null || one.score === null ? [] : [{ ...one, passed: one.passed, score: one.score }],
  )
  const table = tableOf(judged)
  const agreement = agreementOf(table)
  const share = (x: number, n: number) => ({ estimate: x / n, ...wilson(x, n, LEVEL) })
  return {
    table,
    kappa: { estimate: agreement.kappa ?? 0, low: agreement.low, high: agreement.high },
    sensitivity: share(table.truePass, table.truePass + table.falseFail),
    specificity: share(table.trueFail, table.trueFail + table.falsePass),
    best_threshold: bestThreshold(judged, threshold),
    position: positionBias(judged),
    length: lengthBias(judged),
    gold: goldOf(judged, seed),
  }
}

/**
 * Kappa with its interval. A judge who made no error of one kind is not taken for infallible: then the bounds are those of
 * a table with half a label more in each cell (Agresti, Categorical Data Analysis, 2013, section 3.1.1).
 */
function agreementOf({ truePass, falseFail, falsePass, trueFail }: JudgeTable) {
  const of = (more: number) =>
    cohenKappa(
      { both: truePass + more, first: falseFail + more, second: falsePass + more, neither: trueFail + more },
      LEVEL,
    )
  const plain = of(0)
  if (falseFail > 0 && falsePass > 0) return plain
  const { low, high } = of(0.5)
  const kappa = plain.kappa ?? 0
  return { kappa, low: Math.min(low, kappa), high: Math.max(high, kappa) }
}

type Whole = Judged & { passed: boolean; score: number }

function tableOf(judged: readonly { label: boolean; passed: boolean }[]): JudgeTable {
  const of = (label: boolean, passed: boolean) =>
    judged.filter((one) => one.label === label && one.passed === passed).length
  return {
    truePass: of(true, true),
    falseFail: of(true, false),
    falsePass: of(false, true),
    trueFail: of(false, false),
  }
}

/** The threshold with the largest Youden index on these very labels; of several equally good the nearest to the one in use. */
function bestThreshold(judged: readonly Whole[], used: number): Calibrated['best_threshold'] {
  const candidates = [...new Set([...judged.map(({ score }) => score), used])]
  const rated = candidates.map((threshold) => {
    const rates = judgeRates(
      tableOf(judged.map((one) => ({ label: one.label, passed: one.score >= threshold - CLEAR }))),
    )
    return { threshold, youden: rates?.youden ?? 0 }
  })
  const [first = { threshold: used, youden: 0 }] = rated.sort((a, b) =>
    Math.abs(a.youden - b.youden) > CLEAR
      ? b.youden - a.youden
      : Math.abs(a.threshold - used) - Math.abs(b.threshold - used),
  )
  return first
}

/** Pairs in which the same place won in both orders: the first, or the second. */
function positionBias(judged: readonly Whole[]): Calibrated['position'] {
  const votes = judged.flatMap((one) => one.votes).filter(({ order }) => order !== undefined)
  let [pairs, first, second] = [0, 0, 0]
  for (let i = 0; i + 1 < votes.length; i += 2) {
    const [ours, other] = [votes[i]?.winner, votes[i + 1]?.winner]
    pairs += 1
    if (ours === 'ours' && other === 'other') first += 1
    if (ours === 'other' && other === 'ours') second += 1
  }
  return pairs === 0 ? null : { pairs, first, second, p: mcnemarExact(first, second) }
}

/** Within what people judge alike: are the answers that the judge passes longer than those that it fails? */
function lengthBias(judged: readonly Whole[]): z.infer<typeof LengthBias>[] {
  return ([true, false] as const).flatMap((label) => {
    const own = judged.filter((one) => one.label === label)
    const lengths = (passed: boolean) =>
      own.filter((one) => one.passed === passed).map(({ gold }) => gold.answer.length)
    const [passes, fails] = [lengths(true), lengths(false)]
    if (passes.length < 3 || fails.length < 3) return []
    const test = mannWhitney(tiedValues(passes, fails))
    const group = label ? ('people pass' as const) : ('people fail' as const)
    return [{ group, longer: test.u / test.pairs, n: own.length, p: test.twoSided }]
  })
}

/** Half that the judge passed and half that it failed, as far as there are any. */
function goldOf(judged: readonly Whole[], seed: number): Gold[] {
  const random = randomOf(`gold ${seed}`)
  const half = MOST_GOLD / 2
  const sides = ([true, false] as const).map((passed) => judged.filter((one) => one.passed === passed))
  const drawn = sides.flatMap((side) => chosen(side, Math.min(side.length, half), random))
  return drawn.map(({ gold, passed }) => ({ ...gold, passed })).sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}
