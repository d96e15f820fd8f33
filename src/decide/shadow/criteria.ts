// Each promotion criterion by itself: proven, broken, still open, or without any data. They are never mixed into one number.
import type { ShadowPair, ShadowPlan } from '../../schema/shadow.ts'
import { ratioInterval, safeEvidence, startArmShare, stepArmShare } from '../../statistics/arm-share.ts'
import { aboveEvidence, belowEvidence, startRateLimit, stepRateLimit } from '../../statistics/rate-limit.ts'
import { FEWEST, pairedInterval, pairedTest } from './paired.ts'

export type CriterionName = keyof ShadowPlan['criteria']
/**
 * `proven`: within its limit; `broken`: beyond it; both hold at all looks together. `estimate`, `low`, `high` are in
 * `unit`; `limit` is what they are held against. `pairs`: those that have the value.
 */
export type CriterionFinding = {
  name: CriterionName
  state: 'proven' | 'broken' | 'open' | 'no-data'
  said: string
  unit: 'share' | 'ratio' | 'ms' | 'usd' | 'score'
  pairs: number
  estimate: number | null
  low: number | null
  high: number | null
  limit: number
  /** Wilcoxon's signed-rank test of the differences against 0; for the last look only. */
  p: number | null
  median: number | null
}
type Levels = { promote: number; fail: number }
type Bare = Omit<CriterionFinding, 'name'>

const known = <T>(values: readonly (T | undefined)[]): T[] => values.filter((one): one is T => one !== undefined)
const none = (unit: Bare['unit'], limit: number, said: string): Bare => ({
  state: 'no-data',
  said,
  unit,
  pairs: 0,
  estimate: null,
  low: null,
  high: null,
  limit,
  p: null,
  median: null,
})
const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`

function similarity(pairs: readonly ShadowPair[], asked: { below: number; max_share: number }, levels: Levels): Bare {
  const { below, max_share: limit } = asked
  const values = known(pairs.map((pair) => pair.similarity))
  if (values.length === 0) return none('share', limit, 'no pair tells how alike the answers are')
  const bad = values.filter((value) => value < below).length
  const seen = stepRateLimit(startRateLimit(limit), { n: values.length, bad })
  const within = belowEvidence(seen) >= Math.log(1 / levels.promote)
  const beyond = aboveEvidence(seen) >= Math.log(1 / levels.fail)
  const { low, high } = shareInterval(values.length, bad, levels.promote)
  const said = `${percent(bad / values.length)} of ${values.length} pairs are less alike than ${below}; at most ${percent(limit)} may be`
  const state = beyond ? 'broken' : within ? 'proven' : 'open'
  const numbers = { pairs: values.length, estimate: bad / values.length, low, high, limit }
  return { state, said, unit: 'share', ...numbers, p: null, median: null }
}

/** The shares that are neither shown to be exceeded nor undercut, each at level `alpha`, at all looks together. */
function shareInterval(n: number, bad: number, alpha: number): { low: number; high: number } {
  const bound = Math.log(1 / alpha)
  const at = (limit: number) => stepRateLimit(startRateLimit(limit), { n, bad })
  const bisect = (from: number, to: number, holds: (limit: number) => boolean) => {
    // `holds` is true at `from` and false at `to`.
    let [yes, no] = [from, to]
    for (let i = 0; i < 40; i += 1) {
      const middle = (yes + no) / 2
      if (holds(middle)) yes = middle
      else no = middle
    }
    return yes
  }
  const rate = bad / n
  const low = bisect(0, rate, (limit) => aboveEvidence(at(limit)) >= bound)
  const high = belowEvidence(at(1)) < bound ? 1 : bisect(1, rate, (limit) => belowEvidence(at(limit)) >= bound)
  return { low, high }
}

/** Over the pairs that a judge told apart, a candidate that is just as good loses exactly one half. */
function winner(pairs: readonly ShadowPair[], { risk_ratio: limit }: { risk_ratio: number }, levels: Levels): Bare {
  const values = known(pairs.map((pair) => pair.winner))
  if (values.length === 0) return none('ratio', limit, 'no pair was judged')
  const losses = values.filter((one) => one === 'baseline').length
  const wins = values.filter((one) => one === 'candidate').length
  const seen = stepArmShare(startArmShare(), { share: 0.5, candidate: losses, baseline: wins, hour: 0 })
  const { estimate, low, high } = ratioInterval(seen, levels.fail)
  const within = safeEvidence(seen, limit) >= Math.log(1 / levels.promote)
  const state = low > limit ? 'broken' : within ? 'proven' : 'open'
  const ties = values.length - losses - wins
  const said = `the candidate won ${wins}, lost ${losses}, tied ${ties}; at most ${limit} losses for each win`
  return { state, said, unit: 'ratio', pairs: values.length, estimate, low, high, limit, p: null, median: null }
}

type Difference = { delta: number; base: number | undefined }
type Limit = { amount: number } | { relative: number }
const limitOf = (written: number | string): Limit =>
  typeof written === 'number' ? { amount: written } : { relative: Number(written.slice(0, -1)) / 100 }

/**
 * Differences against a limit. A relative limit is taken pair by pair: the mean of difference - share x baseline must be
 * below 0, so that the baseline's mean is not taken as known.
 */
function difference(all: readonly Difference[], limit: Limit, unit: Bare['unit'], levels: Levels, span = 0): Bare {
  const pairs = 'amount' in limit ? all : all.filter(({ base }) => base !== undefined)
  const mean = pairs.reduce((sum, { base = 0 }) => sum + base, 0) / Math.max(1, pairs.length)
  const most = 'amount' in limit ? limit.amount : limit.relative * mean
  if (pairs.length === 0) {
    const lacks = all.length > 0 ? 'no pair tells the value of the baseline' : 'no pair tells it'
    return none(unit, most, lacks)
  }
  const deltas = pairs.map(({ delta }) => delta)
  const beyondLimit = pairs.map(({ delta, base = 0 }) =>
    'amount' in limit ? delta - limit.amount : delta - limit.relative * base,
  )
  const over = (alpha: number) => pairedInterval(beyondLimit, alpha, span)
  const [promote, fail] = [over(levels.promote), over(levels.fail)]
  const shown = pairedInterval(deltas, levels.promote, span)
  const within = promote !== null && promote.high < 0
  const state = fail !== null && fail.low > 0 ? 'broken' : within ? 'proven' : 'open'
  const estimate = deltas.reduce((sum, one) => sum + one, 0) / deltas.length
  const test = pairedTest(deltas)
  const numbers = { pairs: pairs.length, estimate, low: shown?.low ?? null, high: shown?.high ?? null, limit: most }
  const written = 'amount' in limit ? amountOf(unit, limit.amount) : `${percent(limit.relative)} of the baseline`
  const few = pairs.length < FEWEST ? `; fewer than ${FEWEST} pairs have no interval` : ''
  const said = `${amountOf(unit, estimate, true)} in the mean of ${pairs.length} pairs; at most ${written} may be${few}`
  return { state, said, unit, ...numbers, p: test?.p ?? null, median: test?.median ?? null }
}

/** A number in its unit, for people. */
export function amountOf(unit: CriterionFinding['unit'], value: number, signed = false): string {
  const sign = signed && value > 0 ? '+' : ''
  if (unit === 'ms') return `${sign}${Number(value.toFixed(1))} ms`
  if (unit === 'usd') return `${value < 0 ? '-' : sign}$${Number(Math.abs(value).toPrecision(3))}`
  if (unit === 'share') return `${sign}${Number((value * 100).toFixed(2))} %`
  return `${sign}${Number(value.toFixed(3))}`
}

const deltas = (pairs: readonly ShadowPair[], of: (pair: ShadowPair) => Difference | undefined) => known(pairs.map(of))

/** Every criterion of the plan against the pairs, in the order in which a person reads them. */
export function findings(plan: ShadowPlan, pairs: readonly ShadowPair[]): CriterionFinding[] {
  const { criteria, promote_alpha: promote, alpha } = plan
  const asked = Object.values(criteria).filter((one) => one !== undefined).length
  // A promotion needs all of them, so that each may use its level; a fail needs one, so that they share theirs.
  const levels = { promote, fail: alpha / Math.max(1, asked) }
  const found: CriterionFinding[] = []
  const add = (name: CriterionName, finding: Bare) => void found.push({ name, ...finding })
  if (criteria.errors)
    add('errors', difference(errorsOf(pairs), { amount: criteria.errors.max_increase }, 'share', levels, 2))
  if (criteria.winner) add('winner', winner(pairs, criteria.winner, levels))
  if (criteria.similarity) add('similarity', similarity(pairs, criteria.similarity, levels))
  if (criteria.latency) {
    const of = ({ delta_ms: delta, baseline_ms: base }: ShadowPair) =>
      delta === undefined ? undefined : { delta, base }
    add('latency', difference(deltas(pairs, of), limitOf(criteria.latency.max_increase), 'ms', levels))
  }
  if (criteria.cost) {
    const of = ({ delta_cost_usd: delta, baseline_cost_usd: base }: ShadowPair) =>
      delta === undefined ? undefined : { delta, base }
    add('cost', difference(deltas(pairs, of), limitOf(criteria.cost.max_increase), 'usd', levels))
  }
  if (criteria.confidence) {
    // A drop is an increase of what is missing.
    const of = ({ delta_confidence: delta }: ShadowPair) =>
      delta === undefined ? undefined : { delta: -delta, base: undefined }
    const drop = difference(deltas(pairs, of), { amount: criteria.confidence.max_drop }, 'score', levels)
    add('confidence', drop.state === 'no-data' ? drop : { ...drop, said: `drop of ${drop.said}` })
  }
  return found
}

function errorsOf(pairs: readonly ShadowPair[]): Difference[] {
  return deltas(pairs, ({ baseline_error: before, candidate_error: after }) =>
    before === undefined || after === undefined
      ? undefined
      : { delta: Number(after) - Number(before), base: undefined },
  )
}
